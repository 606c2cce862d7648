//! The tool calls of a run.

use super::{layout::Layout, shown};
use crate::{
    lines::duration,
    record::{ToolCall, ToolCallState},
};

/// Rows of tool calls, the first ones; of more, how many there are.
const SHOWN: usize = 7;

/// The same where there is little room.
const BRIEF: usize = 2;

/// What was seen of tool calls.
#[derive(Debug, Default)]
pub(super) struct Calls {
    count: u64,
    failed: u64,
    /// Those that left something running when they ended.
    leaving: u64,
    shown: Vec<Shown>,
}

#[derive(Debug)]
struct Shown {
    command: String,
    end: String,
}

impl Calls {
    pub(super) fn add(&mut self, call: &ToolCall) {
        // What is left behind ends later, and was counted.
        if !matches!(call.state, ToolCallState::Ended | ToolCallState::Unfinished) {
            return;
        }
        let is_over = call.code.is_some() || call.signal.is_some();
        if call.state == ToolCallState::Unfinished && is_over {
            return;
        }
        self.count += 1;
        self.failed += u64::from(call.signal.is_some() || call.code.is_some_and(|code| code != 0));
        self.leaving += u64::from(is_over && !call.background.is_empty());
        if self.shown.len() < SHOWN {
            let command = call.command.as_ref().map_or_else(|| "(command not seen)".to_owned(), shown);
            let mut end = match (&call.signal, call.code) {
                (Some(signal), _) => format!("  {signal} after "),
                (None, Some(code)) => format!("  exit {code} after "),
                (None, None) => "  running for ".to_owned(),
            };
            duration(call.duration_ns.unwrap_or(0), &mut end);
            self.shown.push(Shown { command, end });
        }
    }

    pub(super) fn lines(&self, layout: &mut Layout) {
        if self.count == 0 {
            return;
        }
        let mut text = self.count.to_string();
        for (count, what) in [(self.failed, "failed"), (self.leaving, "left something running")] {
            if count > 0 {
                text.push_str(&format!(", {count} {what}"));
            }
        }
        layout.row("tool calls", &text);
        // The last row says how many there are more, where there are.
        let room = layout.limit(SHOWN, BRIEF);
        let lines = if self.count > room as u64 { room - 1 } else { room };
        for Shown { command, end } in self.shown.iter().take(lines) {
            layout.subrow_with("", command, end);
        }
        let more = self.count.saturating_sub(lines as u64);
        if more > 0 && self.count > room as u64 {
            layout.subrow("", &format!("and {more} more"));
        }
    }
}
