//! Tool calls.

use std::fmt::Write as _;

use super::{duration, mark, space};
use crate::{
    lines::shorten,
    record::{ToolCall, ToolCallState, escape_into},
};

/// Appends the command, on one line.
pub(super) fn subject(call: &ToolCall, out: &mut String) {
    let Some(command) = &call.command else {
        out.push_str("(command not seen)");
        return;
    };
    let mut line = String::new();
    escape_into(command.as_bytes(), &mut line);
    shorten(&line, out);
    mark(call.command_state, out);
}

/// Appends how it went; `true` says that it went wrong.
pub(super) fn outcome(call: &ToolCall, out: &mut String) -> bool {
    match (call.state, &call.signal, call.code) {
        (ToolCallState::Started, ..) => {
            out.push_str("started");
            return false;
        }
        (ToolCallState::Left, ..) => out.push_str("all of it ended after"),
        (ToolCallState::Unfinished, ..) => out.push_str("unfinished after"),
        (ToolCallState::Ended, Some(signal), _) => out.push_str(signal),
        (ToolCallState::Ended, None, code) => {
            let _ = write!(out, "exit {}", code.unwrap_or(0));
        }
    }
    if let Some(nanoseconds) = call.duration_ns {
        space(out);
        duration(nanoseconds, out);
    }
    let counts = [
        (call.processes, "process", "es"),
        (call.written.len() as u64, "file", "s"),
        (call.endpoints.len() as u64, "endpoint", "s"),
    ];
    for (count, thing, plural) in counts.into_iter().filter(|(count, ..)| *count > 0) {
        let _ = write!(out, ", {count} {thing}{}", if count == 1 { "" } else { plural });
    }
    let running = call.background.len() as u64 + call.further_background;
    if running > 0 {
        let what = if call.state == ToolCallState::Ended { "left running" } else { "still running" };
        let _ = write!(out, ", {running} {what}");
    }
    call.state == ToolCallState::Ended && (call.signal.is_some() || call.code.is_some_and(|code| code != 0))
}
