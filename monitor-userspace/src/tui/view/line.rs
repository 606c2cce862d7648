//! The time line: what is kept, where in it the screen is, sensitive touches, marks.

use std::collections::BTreeSet;

use ratatui::layout::Rect;

use super::{layout::time_line, paint::Painter};
use crate::tui::{state::State, theme::Role};

pub(super) fn draw(painter: &mut Painter<'_>, state: &State, area: Rect) {
    let (first, last) = state.range();
    let now = state.now_ns();
    let clock = |boot_ns: u64| state.clock_at(boot_ns).get(..8).unwrap_or_default().to_owned();
    painter.put(area.x + 1, area.y, 8, &clock(now), Role::Strong);
    painter.put_right(area.right().saturating_sub(1), area.y, 8, &clock(last), Role::Dim);
    let (from, width) = time_line(area);
    if width < 2 {
        return;
    }
    let at = |boot_ns: u64| {
        let part = u128::from(boot_ns.saturating_sub(first)) * u128::from(width - 1);
        let place = part / u128::from(last.saturating_sub(first).max(1));
        from + u16::try_from(place).unwrap_or(width - 1).min(width - 1)
    };
    let (here, glyphs) = (at(now), painter.glyphs.line);
    for x in from..from + width {
        let past = x <= here;
        let role = if past { Role::Accent } else { Role::Border };
        painter.put(x, area.y, 1, glyphs[usize::from(!past)], role);
    }
    // There can be thousands of either, and a column shows one.
    let touched: BTreeSet<u16> = state.touched.iter().map(|(_, boot_ns)| at(*boot_ns)).collect();
    let marked: BTreeSet<u16> = state.marks.iter().map(|mark| at(mark.boot_ns)).collect();
    for (columns, glyph, role) in [(touched, "!", Role::Bad), (marked, "m", Role::Warn)] {
        for x in columns {
            painter.put(x, area.y, 1, glyph, role);
        }
    }
    painter.put(here, area.y, 1, glyphs[2], Role::Strong);
}
