//! The first two rows: what is observed, how much comes, what was lost and cannot be seen; agents, and the last sensitive touch.

use std::cmp::Reverse;

use ratatui::layout::Rect;

use super::paint::{Painter, columns_of};
use crate::tui::{
    escape::{self, Cut},
    model::{Ending, Node},
    state::{Motion, State},
    theme::Role,
    words,
};

/// Columns that what was touched has at least, where it needs them.
const TOUCHED: u16 = 24;

/// Seconds of the sparkline.
const SECONDS: usize = 20;

pub(super) fn draw(painter: &mut Painter<'_>, state: &State, area: Rect) {
    let bar = Rect { height: 1, ..area };
    painter.tint(bar, Role::Bar);
    let from = first(painter, state, bar);
    counts(painter, state, bar, from);
    second(painter, state, Rect { y: area.y + 1, height: 1, ..area });
}

/// The name, and how the time goes on.
fn first(painter: &mut Painter<'_>, state: &State, area: Rect) -> u16 {
    let x = painter.put(area.x, area.y, area.width, " agentsnoop ", Role::Strong);
    let behind = state.total().saturating_sub(state.head);
    let text = match (state.motion, &state.ended) {
        (Motion::Play(speed), _) => format!("playing ×{speed}"),
        (Motion::Pause, None) => format!("paused, {} new", words::number(behind)),
        (Motion::Pause, Some(_)) if behind > 0 => "paused".to_owned(),
        (_, Some(_)) => "ended".to_owned(),
        (Motion::Follow, None) if state.source.is_live => "live".to_owned(),
        (Motion::Follow, None) if state.read > 0 => format!("reading {} %", state.read),
        (Motion::Follow, None) => "reading".to_owned(),
    };
    painter.put(x, area.y, area.right().saturating_sub(x), &text, Role::Accent) + 1
}

fn counts(painter: &mut Painter<'_>, state: &State, area: Rect, from: u16) {
    let model = &state.model;
    let (lost, blind) = (model.observation.lost(), model.observation.blind());
    let unless = |bad: bool, role: Role| if bad { role } else { Role::Text };
    let mut facts = vec![(format!("lost {}", words::number(lost)), unless(lost > 0, Role::Bad))];
    if state.missed > 0 {
        facts.push((format!("not shown {}", words::short(state.missed)), Role::Bad));
    }
    facts.push((format!("{} events", words::number(model.events)), Role::Text));
    facts.push((format!("unseen {blind}"), unless(blind > 0, Role::Warn)));
    let (kept, total) = (state.store.end() - state.store.first(), state.total());
    if state.outline.is_some() && kept < total {
        facts.push((format!("in memory {} of {}", words::short(kept), words::short(total)), Role::Text));
    } else if state.store.first() > 0 {
        facts.push((format!("forgotten {}", words::short(state.store.first())), Role::Warn));
    }
    let (used, most) = (state.store.bytes() as u64, state.store.limit() as u64);
    if used > most / 10 {
        facts.push((format!("memory {}/{}", words::bytes(used), words::bytes(most)), Role::Text));
    }
    let mut right = area.right().saturating_sub(1);
    for (text, role) in facts {
        let columns = columns_of(&text);
        if right.saturating_sub(from) < columns + 1 {
            break;
        }
        right = painter.put_right(right, area.y, columns, &text, role).saturating_sub(2);
    }
    if usize::from(right.saturating_sub(from)) > SECONDS + 10 {
        rate(painter, state, area.y, right);
    }
}

/// Events a second, and how they were before.
fn rate(painter: &mut Painter<'_>, state: &State, y: u16, right: u16) {
    let mut rate = state.model.rate.clone();
    rate.pass(state.shown_ns());
    let bars: Vec<u64> = rate.last(SECONDS).collect();
    let most = bars.iter().copied().max().unwrap_or(0).max(1);
    let from = right.saturating_sub(u16::try_from(bars.len()).unwrap_or(0));
    painter.put_right(from, y, 10, &format!("{}/s ", words::short(rate.now())), Role::Text);
    for (x, count) in (from..right).zip(bars) {
        let bar = painter.glyphs.bars[usize::try_from(count * 7 / most).unwrap_or(7).min(7)];
        painter.put(x, y, 1, if count == 0 { " " } else { bar }, Role::Accent);
    }
}

/// The agents, those that run first; then the last sensitive touch.
fn second(painter: &mut Painter<'_>, state: &State, area: Rect) {
    let (tree, y) = (&state.model.tree, area.y);
    let mut right = area.right().saturating_sub(1);
    if let (touches, Some(touch)) = &state.model.touches {
        let offset = state.span().utc_offset;
        let times = if *touches > 1 { format!("{} times, last ", words::number(*touches)) } else { String::new() };
        let by = format!(" by {}", touch.by);
        let at = format!(" {}", &words::clock(touch.time, offset)[..8]);
        // What was touched matters more than when and by whom.
        let room = |rest: &str| (area.width / 2).saturating_sub(2 + columns_of(&times) + columns_of(rest));
        let least = TOUCHED.min(columns_of(&touch.what));
        let all = [format!("{by}{at}"), by, String::new()];
        let rest = all.iter().find(|rest| room(rest) >= least).map_or("", String::as_str);
        let what = escape::fit(&touch.what, usize::from(room(rest)), Cut::Middle);
        let text = format!("! {times}{what}{rest}");
        right = painter.put_right(right, y, area.width / 2, &text, Role::Bad).saturating_sub(2);
    }
    let mut sessions: Vec<&Node> = tree.sessions().collect();
    // What `run` started is an agent only where nothing more is known of it.
    sessions.sort_by_key(|node| (node.title == "command", node.ending != Ending::Running, Reverse(node.span.1)));
    let mut x = area.x + 1;
    if sessions.is_empty() {
        painter.put(x, y, right.saturating_sub(x), &format!("no agent yet: {}", state.source.name), Role::Dim);
    }
    let count = sessions.len();
    for (at, node) in sessions.into_iter().enumerate() {
        let text = agent(node, state.shown_ns());
        let room = right.saturating_sub(x);
        if at > 0 && room < columns_of(&text) + 12 {
            painter.put(x, y, room, &format!("+{} more", count - at), Role::Dim);
            break;
        }
        let runs = node.ending == Ending::Running;
        let [running, well, badly] = painter.glyphs.state;
        let (glyph, role) = match &node.ending {
            Ending::Running => (running, Role::Good),
            ending if ending.is_good() => (well, Role::Dim),
            _ => (badly, Role::Bad),
        };
        x = painter.put(x, y, room, glyph, role) + 1;
        x = painter.put(x, y, right.saturating_sub(x), &text, if runs { Role::Strong } else { Role::Dim }) + 2;
    }
}

/// `claude-code 4711 3m12s`.
fn agent(node: &Node, now_ns: u64) -> String {
    let lasted = node.ended_ns.unwrap_or(now_ns).saturating_sub(node.began_ns);
    format!("{} {} {}", node.title, node.pid, words::duration(lasted))
}
