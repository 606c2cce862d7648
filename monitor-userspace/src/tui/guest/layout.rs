//! Which part of the window the command has, and which the screen.

use ratatui::layout::Rect;

/// Columns from which both stand side by side; each has what is usual for a terminal then.
const BESIDE: u16 = 170;

/// Rows of the screen below the command at least, where there are so many.
const LEAST: u16 = 12;

/// What is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Zoom {
    /// Both.
    #[default]
    Both,
    /// The command alone.
    Guest,
    /// The screen alone.
    Screen,
}

/// Where everything is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The command's title, over the whole width.
    pub title: Rect,
    /// The command.
    pub guest: Option<Rect>,
    /// The line between both, where they stand side by side.
    pub line: Option<Rect>,
    /// The screen.
    pub screen: Option<Rect>,
}

impl Layout {
    /// The parts of a window of so many columns and rows.
    #[must_use]
    pub fn of((width, height): (u16, u16), zoom: Zoom) -> Self {
        let title = Rect::new(0, 0, width, height.min(1));
        let rest = Rect::new(0, title.height, width, height - title.height);
        let (guest, line, screen) = match zoom {
            Zoom::Guest => (Some(rest), None, None),
            Zoom::Screen => (None, None, Some(rest)),
            Zoom::Both if width >= BESIDE => {
                let left = Rect { width: width / 2, ..rest };
                let line = Rect { x: left.width, width: 1, ..rest };
                let right = Rect { x: left.width + 1, width: width - left.width - 1, ..rest };
                (Some(left), Some(line), Some(right))
            }
            Zoom::Both => {
                let below = (rest.height / 2).max(LEAST).min(rest.height);
                let above = Rect { height: rest.height - below, ..rest };
                let guest = (above.height > 0).then_some(above);
                (guest, None, Some(Rect { y: above.bottom(), height: below, ..rest }))
            }
        };
        Self { title, guest, line, screen }
    }

    /// Columns and rows of the screen; those of nothing where it is not shown.
    #[must_use]
    pub fn screen_size(&self) -> (u16, u16) {
        self.screen.map_or((0, 0), |area| (area.width, area.height))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_fill_the_window_and_do_not_overlap() {
        for width in [1, 20, 60, 80, 169, 170, 171, 300] {
            for height in [1, 2, 6, 13, 16, 24, 50, 100] {
                for zoom in [Zoom::Both, Zoom::Guest, Zoom::Screen] {
                    let Layout { title, guest, line, screen } = Layout::of((width, height), zoom);
                    let parts: Vec<Rect> = [Some(title), guest, line, screen].into_iter().flatten().collect();
                    let cells: u32 = parts.iter().map(|part| part.area()).sum();
                    assert_eq!(cells, u32::from(width) * u32::from(height), "{width}x{height} {zoom:?} {parts:?}");
                    for (at, one) in parts.iter().enumerate() {
                        assert!(one.right() <= width && one.bottom() <= height);
                        assert!(parts.iter().skip(at + 1).all(|other| one.intersection(*other).is_empty()));
                    }
                }
            }
        }
    }
}
