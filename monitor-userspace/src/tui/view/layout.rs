//! Where each pane is. The state asks too: how far a page is, and what is under the mouse.

use ratatui::layout::Rect;

use crate::tui::state::{Focus, State, Tab};

/// Columns from which the tree stands beside the view, not above it.
const WIDE: u16 = 100;

/// Columns from which the details stand beside the view as well.
const WIDEST: u16 = 200;

/// Rows from which there is room for a time line and for the keys.
const HIGH: u16 = 20;

/// Rows of the body from which panes are shown above each other.
const BOTH: u16 = 16;

/// Where everything is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Areas {
    /// The first rows.
    pub header: Rect,
    /// The time line.
    pub line: Option<Rect>,
    /// The tree, with its border, as of the next two.
    pub tree: Option<Rect>,
    /// The view.
    pub main: Option<Rect>,
    /// The details.
    pub details: Option<Rect>,
    /// All three.
    pub body: Rect,
    /// The line for what is typed and said.
    pub footer: Rect,
    /// The keys that are most useful here.
    pub hints: Option<Rect>,
}

/// What is under the mouse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A row of the tree.
    Tree(usize),
    /// A row of the view.
    Main(usize),
    /// The details.
    Details,
    /// The name of a view.
    Tab(usize),
    /// So much of the time line, of so much.
    Line(u16, u16),
}

impl Areas {
    /// The areas of a state.
    #[must_use]
    pub fn of(state: &State) -> Self {
        let (width, height) = state.size;
        let rows = |y: u16, rows: u16| Rect::new(0, y.min(height), width, rows.min(height.saturating_sub(y)));
        let high = height >= HIGH;
        let (top, bottom) = if high { (3, 2) } else { (2, 1) };
        let body = rows(top, height.saturating_sub(top + bottom));
        let mut areas = Self {
            header: rows(0, 2),
            line: high.then(|| rows(2, 1)),
            body,
            footer: rows(height.saturating_sub(bottom), 1),
            hints: high.then(|| rows(height.saturating_sub(1), 1)),
            ..Self::default()
        };
        if body.height < BOTH && width >= WIDE {
            areas.low(state.focus);
        } else if body.height < BOTH {
            areas.alone(state.focus);
        } else if width < WIDE {
            areas.above(state.focus);
        } else {
            areas.beside(state.details, width >= WIDEST);
        }
        areas
    }

    /// One pane at a time.
    const fn alone(&mut self, focus: Focus) {
        match focus {
            Focus::Tree => self.tree = Some(self.body),
            Focus::Main => self.main = Some(self.body),
            Focus::Details => self.details = Some(self.body),
        }
    }

    /// The tree on the left; the details in the place of the view.
    fn low(&mut self, focus: Focus) {
        let (tree, rest) = split_columns(self.body, (self.body.width * 3 / 10).clamp(40, 80));
        self.tree = Some(tree);
        match focus {
            Focus::Details => self.details = Some(rest),
            Focus::Tree | Focus::Main => self.main = Some(rest),
        }
    }

    /// The tree above; the details in the place of the view.
    fn above(&mut self, focus: Focus) {
        let (tree, rest) = split_rows(self.body, (self.body.height / 3).max(6));
        self.tree = Some(tree);
        match focus {
            Focus::Details => self.details = Some(rest),
            Focus::Tree | Focus::Main => self.main = Some(rest),
        }
    }

    /// The tree on the left; the details below the view or to its right.
    fn beside(&mut self, details: bool, widest: bool) {
        let share = if widest { self.body.width / 4 } else { self.body.width * 3 / 10 };
        let (tree, rest) = split_columns(self.body, share.clamp(40, 80));
        self.tree = Some(tree);
        let (main, below) = match (details, widest) {
            (false, _) => (rest, None),
            (true, true) => {
                let (main, right) = split_columns(rest, rest.width * 3 / 5);
                (main, Some(right))
            }
            (true, false) => {
                let (main, below) = split_rows(rest, rest.height - (rest.height / 3).clamp(7, 16));
                (main, Some(below))
            }
        };
        self.main = Some(main);
        self.details = below;
    }

    /// Rows of the tree.
    #[must_use]
    pub fn tree_rows(&self) -> usize {
        self.tree.map_or(1, |area| usize::from(inner(area).height))
    }

    /// Rows of the view, without its heads.
    #[must_use]
    pub fn main_rows(&self) -> usize {
        self.main.map_or(1, |area| usize::from(inner(area).height.saturating_sub(1)))
    }

    /// Rows of the details.
    #[must_use]
    pub fn details_rows(&self) -> usize {
        self.details.map_or(1, |area| usize::from(inner(area).height))
    }

    /// Rows of the help.
    #[must_use]
    pub fn help_rows(&self) -> usize {
        usize::from(inner(self.body).height)
    }

    /// What is at a column and a row.
    #[must_use]
    pub fn at(&self, x: u16, y: u16) -> Option<Place> {
        let within = |area: Rect| {
            let inner = inner(area);
            let is_in = x >= inner.x && x < inner.right() && y >= inner.y && y < inner.bottom();
            is_in.then(|| usize::from(y - inner.y))
        };
        if let Some(line) = self.line.filter(|line| line.y == y) {
            let (from, width) = time_line(line);
            return (x >= from && x < from + width).then(|| Place::Line(x - from, width.saturating_sub(1)));
        }
        if let Some(row) = self.tree.and_then(within) {
            return Some(Place::Tree(row));
        }
        if let Some(main) = self.main {
            if y == main.y {
                return tabs(main)
                    .find(|(_, from, width)| x >= *from && x < from + width)
                    .map(|(at, ..)| Place::Tab(at));
            }
            if let Some(row) = within(main) {
                return row.checked_sub(1).map(Place::Main);
            }
        }
        self.details.and_then(within).map(|_| Place::Details)
    }
}

/// The inside of a border.
#[must_use]
pub const fn inner(area: Rect) -> Rect {
    let (width, height) = (area.width.saturating_sub(2), area.height.saturating_sub(2));
    Rect { x: area.x + 1, y: area.y + 1, width, height }
}

/// Columns of the clock times at both ends of the time line.
const CLOCK: u16 = 10;

/// Where the line itself begins, and how long it is.
#[must_use]
pub const fn time_line(area: Rect) -> (u16, u16) {
    (area.x + CLOCK, area.width.saturating_sub(2 * CLOCK))
}

/// The names of the views in the border: which, from which column, how wide. Short where there is little room.
pub fn tabs(main: Rect) -> impl Iterator<Item = (usize, u16, u16)> {
    let short = is_short(main);
    let mut x = main.x + 1;
    Tab::ALL.iter().enumerate().map(move |(at, tab)| {
        let width = u16::try_from(label(*tab, short).len()).unwrap_or(u16::MAX);
        let from = x;
        x = x.saturating_add(width);
        (at, from, width)
    })
}

/// Whether the names of the views must be short.
#[must_use]
pub fn is_short(main: Rect) -> bool {
    let whole: usize = Tab::ALL.iter().map(|tab| label(*tab, false).len()).sum();
    whole + 2 > usize::from(main.width)
}

/// The name of a view with its key.
#[must_use]
pub fn label(tab: Tab, short: bool) -> String {
    let name = if short { &tab.name()[..3] } else { tab.name() };
    format!(" {} {name} ", tab.place() + 1)
}

const fn split_rows(area: Rect, first: u16) -> (Rect, Rect) {
    let first = if first < area.height { first } else { area.height };
    let rest = Rect { y: area.y + first, height: area.height - first, ..area };
    (Rect { height: first, ..area }, rest)
}

const fn split_columns(area: Rect, first: u16) -> (Rect, Rect) {
    let first = if first < area.width { first } else { area.width };
    let rest = Rect { x: area.x + first, width: area.width - first, ..area };
    (Rect { width: first, ..area }, rest)
}
