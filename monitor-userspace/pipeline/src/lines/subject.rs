//! What a record is about, and how it ended.

mod binary;
mod shapes;
mod tools;

use std::{
    fmt::Write as _,
    net::{IpAddr, SocketAddr},
};

use super::command_line;
use crate::{
    event::path::base_name,
    input::HookState,
    record::{Body, Connect, Exec, GetenvKind, Loss, Open, Session, SessionState, State, Text},
};

/// Appends what the record is about.
pub(crate) fn subject(body: &Body, out: &mut String) {
    // Writing to a String cannot fail, here and below.
    let _ = match body {
        Body::Fork(fork) => write!(out, "{}", fork.child_pid),
        Body::Exec(exec) => {
            program(exec, out);
            Ok(())
        }
        Body::Exit(exit) => match (&exit.signal, exit.code) {
            (Some(signal), _) => write!(out, "{signal}"),
            (None, code) => write!(out, "{}", code.unwrap_or(0)),
        },
        Body::Open(open) => {
            file(open, out);
            Ok(())
        }
        Body::Connect(connect) => {
            endpoint(connect, out);
            Ok(())
        }
        Body::Getenv(getenv) if getenv.kind == GetenvKind::Enumeration => {
            write!(out, "the environment, {} names", getenv.names.unwrap_or(0))
        }
        Body::Getenv(getenv) => {
            text(getenv.name.as_ref(), getenv.name_state, out);
            Ok(())
        }
        Body::ToolCall(call) => {
            tools::subject(call, out);
            Ok(())
        }
        Body::Session(session) => {
            out.push_str(match session.state {
                SessionState::Started => "started",
                SessionState::Ended => "ended",
                SessionState::Identified => "identified",
            });
            if let Some(binary) = &session.binary {
                binary::subject(binary, out);
            }
            Ok(())
        }
        Body::Loss(loss) => {
            lost(loss, out);
            Ok(())
        }
        Body::Coverage(hook) => {
            crate::record::escape_into(hook.name.as_bytes(), out);
            Ok(())
        }
        Body::Gap(gap) => {
            crate::record::escape_into(gap.cause.as_bytes(), out);
            match gap.inputs {
                Some(inputs) => write!(out, ", {inputs} inputs not recorded"),
                None => Ok(()),
            }
        }
        _ => {
            shapes::subject(body, out);
            Ok(())
        }
    };
}

/// Appends how it ended; `true` says that it went wrong.
pub(crate) fn outcome(body: &Body, out: &mut String) -> bool {
    match body {
        Body::Open(open) => opened(open, out),
        Body::Connect(connect) => {
            out.push_str(connect.protocol.as_deref().unwrap_or_default());
            let Some(error) = &connect.error else { return false };
            space(out);
            out.push_str(error);
            // A connection that does not block is begun, not refused (connect(2)).
            error != "EINPROGRESS"
        }
        Body::Exec(exec) => {
            let shown = exec.argv.first().map_or(&b""[..], |name| name.as_bytes());
            let path = exec.path.as_ref().map_or(&b""[..], |path| path.as_bytes());
            if shown != path {
                crate::record::escape_into(path, out);
            }
            standing(exec, out);
            false
        }
        Body::Exit(exit) => {
            if let Some(nanoseconds) = exit.duration_ns {
                duration(nanoseconds, out);
            }
            exit.signal.is_some() || exit.code != Some(0)
        }
        Body::Getenv(getenv) => {
            if getenv.kind == GetenvKind::Enumeration {
                let _ = write!(out, "{} calls", getenv.count);
            }
            false
        }
        Body::ToolCall(call) => tools::outcome(call, out),
        Body::Session(Session { binary: Some(binary), .. }) => binary::outcome(binary, out),
        Body::Session(session) => {
            let _ = write!(out, "by {}", session.known_by);
            false
        }
        Body::Loss(loss) => {
            out.push_str(&loss.causes.join(","));
            true
        }
        Body::Coverage(hook) => match &hook.state {
            HookState::Attached => {
                out.push_str("attached");
                false
            }
            HookState::Degraded { reason } => {
                out.push_str("attached, ");
                crate::record::escape_into(reason.as_bytes(), out);
                true
            }
            HookState::Unavailable { reason } => {
                // The name of a process and the reason are one sentence.
                let sentence = [crate::admit::PROCESS, crate::pipeline::DELEGATED].contains(&hook.feature.as_str());
                out.push_str(if sentence { "" } else { "unavailable: " });
                crate::record::escape_into(reason.as_bytes(), out);
                true
            }
        },
        Body::Gap(gap) => {
            duration(gap.to_ns.saturating_sub(gap.from_ns), out);
            true
        }
        Body::Fork(fork) => {
            let _ = write!(out, "{}", fork.flags);
            false
        }
        _ => shapes::outcome(body, out),
    }
}

fn opened(open: &Open, out: &mut String) -> bool {
    let created = match open.flags {
        flags if flags.creates() => "+create",
        flags if flags.truncates() => "+truncate",
        _ => "",
    };
    match &open.error {
        Some(error) if !open.access.writes() && created.is_empty() => out.push_str(error),
        Some(error) => {
            let _ = write!(out, "{}{created} {error}", open.access.name());
        }
        None => {
            let _ = write!(out, "{}{created}", open.access.name());
        }
    }
    open.error.is_some()
}

/// The command line, after the name of the file where argv[0] is another one.
fn program(exec: &Exec, out: &mut String) {
    if exec.argv.is_empty() {
        text(exec.path.as_ref(), exec.argv_state, out);
        return;
    }
    command_line(&exec.argv, out);
    mark(exec.argv_state, out);
    let name = exec.argv.first().map_or(&b""[..], |name| base_name(name.as_bytes()));
    if name.is_empty() {
        text(exec.path.as_ref(), exec.path_state, out);
    }
}

/// What sets a process apart: whose rights it has, and the namespaces that are not those of the session.
fn standing(exec: &Exec, out: &mut String) {
    for privilege in &exec.privileges {
        space(out);
        out.push_str(privilege);
    }
    if !exec.apart.is_empty() {
        space(out);
        let _ = write!(out, "own {} namespace", exec.apart.join(", "));
    }
}

fn endpoint(connect: &Connect, out: &mut String) {
    let port = connect.port.unwrap_or(0);
    shapes::named(connect.name.as_ref(), connect.name_source, out);
    let _ = match (connect.address, &connect.path) {
        (Some(IpAddr::V6(ip)), _) if connect.scope.is_some() => {
            write!(out, "[{ip}%{}]:{port}", connect.scope.unwrap_or(0))
        }
        (Some(ip), _) => write!(out, "{}", SocketAddr::new(ip, port)),
        (None, Some(path)) => {
            path.escape_into(out);
            Ok(())
        }
        (None, None) => match connect.family.as_deref() {
            Some(family) => write!(out, "({family})"),
            // Without a family nothing of the address came; there is no more to say about how it came.
            None => return out.push_str("(address unreadable)"),
        },
    };
    mark(connect.address_state, out);
}

fn lost(loss: &Loss, out: &mut String) {
    let _ = write!(out, "{} event{}", loss.count, if loss.count == 1 { "" } else { "s" });
    if let Some(cpu) = loss.cpu {
        let _ = write!(out, " on CPU {cpu}");
    }
    match (loss.after, loss.before) {
        (Some(after), Some(before)) => {
            let _ = write!(out, " between {} and {}", after.id, before.id);
        }
        (Some(after), None) => {
            let _ = write!(out, " after {}", after.id);
        }
        (None, Some(before)) => {
            let _ = write!(out, " before {}", before.id);
        }
        (None, None) => {}
    }
    if !loss.kinds.is_empty() {
        let _ = write!(out, " ({})", loss.kinds.join(", "));
    }
}

/// The file of an open. What was asked for in a folder that is not known is marked, so that it cannot be read as a path
/// below the working directory.
pub(crate) fn file(open: &Open, out: &mut String) {
    if open.path.is_some() {
        return text(open.path.as_ref(), open.path_state, out);
    }
    if open.requested.as_ref().is_some_and(|asked| !asked.as_bytes().is_empty() && !asked.as_bytes().starts_with(b"/"))
    {
        out.push_str("?/");
    }
    text(open.requested.as_ref(), open.requested_state, out);
}

/// A string with its state where it did not come whole.
fn text(shown: Option<&Text>, state: State, out: &mut String) {
    match shown {
        Some(text) => {
            if text.as_bytes().is_empty() && state.is_complete() {
                // An empty column would look like one that is missing.
                out.push_str("''");
            }
            text.escape_into(out);
            mark(state, out);
        }
        None => {
            let _ = write!(out, "({})", state_name(state));
        }
    }
}

/// Says that a string is not whole. A masked one shows its masks, and a failed call is no news.
fn mark(state: State, out: &mut String) {
    if matches!(state, State::Cut | State::Unreadable) {
        let _ = write!(out, " ({})", state_name(state));
    }
}

const fn state_name(state: State) -> &'static str {
    match state {
        State::Complete => "empty",
        State::Cut => "cut",
        State::Unreadable => "unreadable",
        State::Masked => "masked",
        State::Unresolved => "unresolved",
        State::NotAsked => "not asked",
    }
}

fn space(out: &mut String) {
    if !out.is_empty() {
        out.push(' ');
    }
}

/// A duration with three digits that matter.
pub(crate) fn duration(nanoseconds: u64, out: &mut String) {
    let _ = match nanoseconds {
        0..1_000_000 => write!(out, "{}µs", nanoseconds / 1000),
        1_000_000..10_000_000_000 => {
            write!(out, "{}.{:03}s", nanoseconds / 1_000_000_000, nanoseconds / 1_000_000 % 1000)
        }
        10_000_000_000..60_000_000_000 => {
            write!(out, "{}.{}s", nanoseconds / 1_000_000_000, nanoseconds / 100_000_000 % 10)
        }
        _ => write!(out, "{}m{:02}s", nanoseconds / 60_000_000_000, nanoseconds / 1_000_000_000 % 60),
    };
}
