//! Tool calls: which processes are one, what was meant, and what came of it.

use agentsnoop_pipeline::{
    Record,
    input::{Closed, Control, Input, Why},
    record::{Body, State, ToolCall, ToolCallState},
    synthetic::{Actor, Family, Program, sockaddr, unix},
};

use crate::common::{judge, run};

pub(crate) const CLAUDE: &str = "/n/node_modules/@anthropic-ai/claude-code/bin/claude.exe";
pub(crate) const CODEX: &str = "/n/node_modules/@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex";
pub(crate) const OPENCODE: &str = "/n/node_modules/opencode-ai/bin/opencode.exe";
pub(crate) const BASH: &str = "/usr/bin/bash";

/// The environment in which Claude Code starts its tools, and for comparison its own chores.
pub(crate) const TOOL: &[&str] = &["HOME", "CLAUDECODE", "CLAUDE_CODE_SESSION_ID"];
const CHORE: &[&str] = &["HOME", "CLAUDECODE"];

/// What Claude Code 2.1.197 hands to its shell.
pub(crate) fn claude(command: &str) -> String {
    format!(
        "source /h/.claude/shell-snapshots/s.sh 2>/dev/null || true && shopt -u extglob 2>/dev/null || true && eval \
         {command} < /dev/null && pwd -P >| /tmp/claude-af69-cwd"
    )
}

pub(crate) fn program<'a>(exe: &'a str, argv: &'a [&'a str], env: &'a [&'a str]) -> Program<'a> {
    Program { exe, argv, env, cwd: "/p", ..Program::default() }
}

/// An agent under `run`, with what comes to it.
pub(crate) fn an_agent(exe: &str, argv: &[&str]) -> (Family, Actor) {
    let mut actor = Actor::new(10);
    let inputs = vec![run(10), actor.exec(program(exe, argv, &["HOME"]))];
    (Family { inputs, next: 11, pause_ns: 0 }, actor)
}

pub(crate) fn calls(records: &[Record]) -> Vec<(&Record, &ToolCall)> {
    let mut calls = Vec::new();
    for record in records {
        if let Body::ToolCall(call) = &record.body {
            calls.push((record, call.as_ref()));
        }
    }
    calls
}

/// `state command` of each record of a tool call.
pub(crate) fn told(records: &[Record]) -> Vec<String> {
    let told = |(_, call): (_, &ToolCall)| {
        let command = call.command.as_ref().map_or("-".into(), |command| command.to_str().into_owned());
        format!("{} {command}", call.state.name())
    };
    calls(records).into_iter().map(told).collect()
}

/// The tool call of the records with a path.
pub(crate) fn call_of<'a>(records: &'a [Record], path: &str) -> Option<&'a str> {
    let is = |record: &&Record| matches!(&record.body, Body::Open(open) if open.path.as_ref().is_some_and(|own| own.to_str() == path));
    records.iter().find(is).unwrap().tool_call.as_deref()
}

#[test]
fn a_tool_call_has_the_command_that_was_meant_its_effects_and_its_end() {
    let (mut family, mut agent) = an_agent(CLAUDE, &["claude"]);
    family.inputs.push(agent.open("/p/own"));
    let script = claude("'cat notes.txt; echo '\"'\"'it'\"'\"''");
    let mut shell = family.starts(&mut agent, program(BASH, &["/bin/bash", "-c", &script], TOOL));
    let mut cat = family.starts(&mut shell, program("/usr/bin/cat", &["cat", "notes.txt"], TOOL));
    family.inputs.push(cat.open("/p/notes.txt"));
    family.inputs.push(cat.open_with("/p/out", "/p/out", 0o1101, 3));
    family.inputs.push(cat.open_with("/p/denied", "/p/denied", 0o1101, -13));
    family.inputs.push(cat.open_with("/dev/null", "/dev/null", 0o1, 4));
    family.inputs.push(cat.connect(&sockaddr("127.0.0.1:8399".parse().unwrap()), 0));
    shell.follow(&cat);
    family.ends(cat, 0, &mut shell);
    family.inputs.push(shell.open_with("/tmp/claude-af69-cwd", "/tmp/claude-af69-cwd", 0o1101, 3));
    agent.follow(&shell);
    family.ends(shell, 3, &mut agent);
    family.inputs.push(agent.open("/p/after"));
    let records = judge(&family.inputs);
    assert_eq!(told(&records), ["started cat notes.txt; echo 'it'", "ended cat notes.txt; echo 'it'"]);
    let (record, ended) = calls(&records)[1];
    let list = |texts: &[agentsnoop_pipeline::record::Text]| -> Vec<String> {
        texts.iter().map(|text| text.to_str().into_owned()).collect()
    };
    assert_eq!((ended.code, ended.processes, ended.background.len()), (Some(3), 2, 0));
    assert_eq!(list(&ended.programs), ["bash", "cat"]);
    assert_eq!(list(&ended.written), ["/p/out"]);
    assert_eq!(list(&ended.endpoints), ["127.0.0.1:8399"]);
    assert!(ended.duration_ns.is_some_and(|duration| duration > 0));
    assert_eq!(record.process.as_ref().map(|process| process.image.id.pid), Some(11));
    assert_eq!(record.agent.as_ref().map(|agent| agent.name.as_str()), Some("claude-code"));
    assert_eq!(call_of(&records, "/p/notes.txt"), record.tool_call.as_deref());
    assert!(record.tool_call.is_some());
    assert_eq!(call_of(&records, "/p/own"), None, "the agent's own file");
    assert_eq!(call_of(&records, "/p/after"), None, "likewise");
}

#[test]
fn what_an_agent_starts_for_its_own_ends_is_no_tool_call() {
    let (mut family, mut agent) = an_agent(CLAUDE, &["claude"]);
    for what in [
        program("/usr/bin/git", &["git", "status"], CHORE),
        program(BASH, &["/bin/bash", "-c", "env"], CHORE),
        program(BASH, &["/bin/bash", "-c", "-l", "SNAPSHOT_FILE=/h/s.sh\necho"], CHORE),
        program(CLAUDE, &["rg", "--files"], CHORE),
        program("/usr/bin/dash", &["/bin/sh", "-c", "ps aux | grep -v grep"], TOOL),
    ] {
        let chore = family.starts(&mut agent, what);
        family.ends(chore, 0, &mut agent);
    }
    let records = judge(&family.inputs);
    assert_eq!(told(&records), [""; 0]);
    assert!(records.iter().all(|record| record.tool_call.is_none()));
}

#[test]
fn calls_at_the_same_time_are_apart() {
    let (mut family, mut agent) = an_agent(OPENCODE, &["opencode"]);
    let env = &["HOME", "OPENCODE"];
    let mut one = family.starts(&mut agent, program(BASH, &["/bin/bash", "-c", "make one"], env));
    one.follow(&agent);
    let mut two = family.starts(&mut agent, program(BASH, &["/bin/bash", "-c", "make two"], env));
    one.follow(&two);
    family.inputs.push(one.open("/p/one"));
    two.follow(&one);
    family.inputs.push(two.open("/p/two"));
    agent.follow(&two);
    family.ends(one, 0, &mut agent);
    family.ends(two, 0, &mut agent);
    let records = judge(&family.inputs);
    assert_eq!(told(&records), ["started make one", "started make two", "ended make one", "ended make two"]);
    let ids: Vec<_> = calls(&records).into_iter().map(|(record, _)| record.tool_call.as_deref()).collect();
    assert_eq!(ids, [call_of(&records, "/p/one"), call_of(&records, "/p/two"), ids[0], ids[1]]);
    assert_ne!(ids[0], ids[1]);
}

#[test]
fn the_command_of_codex_comes_with_the_second_program_of_the_process() {
    let (mut family, mut agent) = an_agent(CODEX, &["codex", "exec"]);
    let env = &["HOME", "CODEX_CI", "CODEX_THREAD_ID"];
    let script = "__CODEX_SNAPSHOT_OVERRIDE_SET_0=\"${X+x}\"\nif . '/h/.codex/s'; then :; fi\n\nexec '/bin/bash' -c 'cat > '\"'\"'/p/g.txt'\"'\"' <<'\"'\"'E'\"'\"'\nx\nE'";
    let setup = ["/proc/self/exe", "--codex-run-as-process-setup", "45", "10", "pipe"];
    let mut tool = family.starts(&mut agent, program(CODEX, &setup, &[]));
    family.inputs.push(tool.open("/p/setting-up"));
    family.inputs.push(tool.exec(program(BASH, &["/bin/bash", "-c", script], env)));
    let command = "cat > '/p/g.txt' <<'E'\nx\nE";
    family.inputs.push(tool.exec(program(BASH, &["/bin/bash", "-c", command], env)));
    family.inputs.push(tool.open_with("/p/g.txt", "/p/g.txt", 0o1101, 3));
    agent.follow(&tool);
    family.ends(tool, 0, &mut agent);
    let records = judge(&family.inputs);
    assert_eq!(told(&records), [format!("started {command}"), format!("ended {command}")]);
    let sessions = records.iter().filter(|record| matches!(record.body, Body::Session(_))).count();
    assert_eq!(sessions, 1, "what sets the tool up is no agent of its own");
    assert_eq!(call_of(&records, "/p/setting-up"), call_of(&records, "/p/g.txt"));
}

#[test]
fn the_command_in_a_sandbox_is_found_below_the_process_that_makes_it() {
    let (mut family, mut agent) = an_agent(CODEX, &["codex", "exec"]);
    let env = &["HOME", "CODEX_CI", "CODEX_THREAD_ID"];
    let mut helper = family.starts(&mut agent, program(CODEX, &["codex-linux-sandbox", "--", "bash"], &[]));
    let mut bwrap = family.starts(&mut helper, program("/usr/bin/bwrap", &["bwrap"], &[]));
    family.inputs.push(bwrap.open_with("/newroot/tmp", "/newroot/tmp", 0o1101, 3));
    let inner = ["codex-linux-sandbox", "--apply-seccomp-then-exec"];
    let mut inside = family.starts(&mut bwrap, program(CODEX, &inner, &[]));
    family.inputs.push(inside.exec(program(BASH, &["/bin/bash", "-c", "ls"], env)));
    helper.follow(&inside);
    family.ends(inside, 0, &mut helper);
    family.ends(bwrap, 0, &mut helper);
    agent.follow(&helper);
    family.ends(helper, 7, &mut agent);
    let records = judge(&family.inputs);
    assert_eq!(told(&records), ["started ls", "ended ls"]);
    let (_, ended) = calls(&records)[1];
    assert_eq!(ended.code, Some(7));
    assert!(ended.written.is_empty() && ended.programs.len() == 1, "what makes the sandbox is no effect: {ended:?}");
}

#[test]
fn gemini_and_an_agent_without_rules_are_unwrapped_too() {
    let (mut family, mut agent) =
        an_agent("/usr/bin/node", &["node", "/n/node_modules/@google/gemini-cli/bundle/gemini.js"]);
    let script = "shopt -u promptvars nullglob; _bgpids_file=/tmp/gemini-shell-x/bgpids.tmp\n(\n  trap 'jobs -p > \"$_bgpids_file\"' EXIT\nls; date\n)\n__code=$?\nexit $__code";
    let tool = family.starts(&mut agent, program(BASH, &["/usr/bin/bash", "-c", script], &["GEMINI_CLI"]));
    family.ends(tool, 0, &mut agent);
    assert_eq!(told(&judge(&family.inputs)), ["started ls; date", "ended ls; date"]);

    let (mut family, mut agent) = an_agent("/usr/bin/node", &["node", "/n/node_modules/@github/copilot/npm-loader.js"]);
    let chore = family.starts(&mut agent, program(BASH, &["bash", "-c", "uname"], &["HOME"]));
    family.ends(chore, 0, &mut agent);
    let tool = family.starts(&mut agent, program(BASH, &["bash", "-c", "ls"], &["HOME", "COPILOT_CLI"]));
    family.ends(tool, 0, &mut agent);
    assert_eq!(
        told(&judge(&family.inputs)),
        ["started ls", "ended ls"],
        "by a marker that the agent itself was not given"
    );
}

#[test]
fn what_outlives_a_call_is_told_and_still_belongs_to_it() {
    let (mut family, mut agent) = an_agent(OPENCODE, &["opencode"]);
    let mut shell = family.starts(&mut agent, program(BASH, &["/bin/bash", "-c", "serve &"], &["OPENCODE"]));
    let mut server = family.starts(&mut shell, program("/usr/bin/serve", &["serve"], &["OPENCODE"]));
    agent.follow(&shell);
    family.ends(shell, 0, &mut agent);
    server.follow(&agent);
    family.inputs.push(server.open_with("/p/late", "/p/late", 0o1101, 3));
    agent.follow(&server);
    family.ends(server, 0, &mut agent);
    let records = judge(&family.inputs);
    assert_eq!(told(&records), ["started serve &", "ended serve &", "left serve &"]);
    let told = calls(&records);
    assert_eq!(told[1].1.background.iter().map(|process| process.pid).collect::<Vec<_>>(), [12]);
    assert!(told[1].1.written.is_empty());
    assert_eq!(told[2].1.written.len(), 1, "what came later is told with the last record");
    assert_eq!(call_of(&records, "/p/late"), told[0].0.tool_call.as_deref());
}

#[test]
fn an_agent_in_another_ones_tool_call_is_a_session_of_its_own_and_its_calls_are_within() {
    let (mut family, mut agent) = an_agent(CLAUDE, &["claude"]);
    let outer = claude("'opencode run; claude -p x'");
    let mut shell = family.starts(&mut agent, program(BASH, &["/bin/bash", "-c", &outer], TOOL));
    let env = &["HOME", "CLAUDECODE", "CLAUDE_CODE_SESSION_ID"];
    let mut inner = family.starts(&mut shell, program(OPENCODE, &["opencode", "run"], env));
    family.inputs.push(inner.open("/p/inner"));
    let tool = family.starts(&mut inner, program(BASH, &["/bin/bash", "-c", "ls"], &["OPENCODE", "CLAUDECODE"]));
    family.ends(tool, 0, &mut inner);
    shell.follow(&inner);
    family.ends(inner, 0, &mut shell);
    // The same agent once more is another session as well.
    let mut same = family.starts(&mut shell, program(CLAUDE, &["claude", "-p", "x"], env));
    family.inputs.push(same.open("/p/same"));
    shell.follow(&same);
    family.ends(same, 0, &mut shell);
    agent.follow(&shell);
    family.ends(shell, 0, &mut agent);
    let records = judge(&family.inputs);
    let outer = calls(&records)[0].0.tool_call.clone().unwrap();
    assert_eq!(call_of(&records, "/p/inner"), Some(&*outer));
    let (record, within) = calls(&records)[1];
    assert_eq!(within.within.as_deref(), Some(&*outer));
    assert_ne!(record.tool_call.as_ref(), Some(&outer));
    assert_eq!(record.agent.as_ref().map(|agent| agent.name.as_str()), Some("opencode"));
    let (_, last) = calls(&records).pop().unwrap();
    assert_eq!((last.state, last.processes), (ToolCallState::Ended, 4), "those of inner calls are counted");
    assert!(last.background.is_empty(), "and have ended: {last:?}");
    let sessions = |record: &Record| match &record.body {
        Body::Session(_) => record.agent.as_ref().map(|agent| agent.session.clone()),
        _ => None,
    };
    let mut sessions: Vec<String> = records.iter().filter_map(sessions).collect();
    sessions.sort_unstable();
    sessions.dedup();
    assert_eq!(sessions.len(), 3, "{sessions:?}");
}

#[test]
fn a_call_that_still_runs_at_the_end_is_unfinished() {
    let (mut family, mut agent) = an_agent(OPENCODE, &["opencode"]);
    let shell = family.starts(&mut agent, program(BASH, &["/bin/bash", "-c", "sleep 9"], &["OPENCODE"]));
    family.inputs.push(Input::Closed(Box::new(Closed { boot_ns: shell.header.time + 5, ..Closed::default() })));
    let records = judge(&family.inputs);
    let (_, call) = calls(&records)[1];
    assert_eq!((call.state, call.code, call.duration_ns), (ToolCallState::Unfinished, None, Some(5)));
}

#[test]
fn more_calls_than_can_be_followed_are_told_as_they_are() {
    let (mut family, mut agent) = an_agent(OPENCODE, &["opencode"]);
    for _ in 0..1030 {
        family.starts(&mut agent, program(BASH, &["/bin/bash", "-c", "sleep 9"], &["OPENCODE"]));
    }
    let records = judge(&family.inputs);
    let unfinished = told(&records).into_iter().filter(|told| told.starts_with("unfinished")).count();
    assert_eq!(unfinished, 6);
}

#[test]
fn the_effects_of_a_call_are_bounded_and_the_rest_is_counted() {
    let (mut family, mut agent) = an_agent(OPENCODE, &["opencode"]);
    let mut shell = family.starts(&mut agent, program(BASH, &["/bin/bash", "-c", "make"], &["OPENCODE"]));
    for number in 0..70 {
        let path = format!("/p/{number}");
        family.inputs.push(shell.open_with(&path, &path, 0o1101, 3));
        family.inputs.push(shell.open_with(&path, &path, 0o1101, 3));
    }
    agent.follow(&shell);
    family.ends(shell, 0, &mut agent);
    let records = judge(&family.inputs);
    let (_, call) = calls(&records)[1];
    assert_eq!((call.written.len(), call.further, call.command_state), (64, 12, State::Complete));
}

/// A daemon of the first of so many terminals of Codex, to which all of them are connected and which starts a tool; the first
/// one may have ended before.
fn daemon(terminals: u32, first_ends: bool) -> Vec<Record> {
    let (mut family, mut first) = an_agent(CODEX, &["codex"]);
    let socket = unix("/tmp/codex-daemon-1000/8a78");
    let mut daemon = family.starts(&mut first, program(CODEX, &["codex", "app-server", "--managed-daemon"], &["HOME"]));
    family.inputs.push(daemon.listen(&socket));
    first.follow(&daemon);
    family.inputs.push(first.connect(&socket, 0));
    let mut last = first.clone();
    for number in 1..terminals {
        let mut other = Actor::new(1000 + number);
        other.follow(&last);
        family.inputs.push(Input::Control(Control::Track { pid: 1000 + number, why: Why::Agent }));
        family.inputs.push(other.exec(program(CODEX, &["codex"], &["HOME"])));
        family.inputs.push(other.connect(&socket, 0));
        last = other;
    }
    if first_ends {
        first.follow(&last);
        family.inputs.push(first.exit(0));
        last = first;
    }
    daemon.follow(&last);
    let setup = ["/proc/self/exe", "--codex-run-as-process-setup", "45"];
    let mut tool = family.starts(&mut daemon, program(CODEX, &setup, &[]));
    family.inputs.push(tool.exec(program(BASH, &["/bin/bash", "-c", "ls"], &["CODEX_CI"])));
    daemon.follow(&tool);
    family.ends(tool, 0, &mut daemon);
    judge(&family.inputs)
}

#[test]
fn a_daemons_tool_call_is_of_the_session_that_is_connected_to_it() {
    let whose = |records: &[Record]| {
        let (record, call) = calls(records)[0];
        (record.agent.as_ref().map(|agent| agent.root_pid), call.clients.len())
    };
    assert_eq!(whose(&daemon(1, false)), (Some(10), 0), "its own");
    assert_eq!(whose(&daemon(2, true)), (Some(1001), 1), "of the only one that is left");
    assert_eq!(whose(&daemon(2, false)), (Some(10), 2), "cannot be told, so it stays and both are named");
}

#[test]
fn the_terminal_of_a_person_in_an_editor_is_not_the_agents() {
    let cursor = "/usr/share/cursor/cursor";
    let (mut family, mut editor) = an_agent(cursor, &["cursor"]);
    let mut host = family.starts(&mut editor, program(cursor, &["cursor", "--type=utility"], &["HOME"]));
    let person =
        Program { terminal: "/dev/pts/3", ..program("/usr/bin/zsh", &["zsh", "-i"], &["TERM_PROGRAM", "HOME"]) };
    let mut shell = family.starts(&mut host, person);
    let mut git = family.starts(&mut shell, program("/usr/bin/git", &["git", "push"], &["TERM_PROGRAM"]));
    family.inputs.push(git.open("/p/of-the-person"));
    let mut claude = family.starts(&mut shell, program(CLAUDE, &["claude"], &["TERM_PROGRAM"]));
    family.inputs.push(claude.open("/p/of-claude"));
    host.follow(&claude);
    let env = &["TERM_PROGRAM", "CURSOR_AGENT"];
    let agents = Program { terminal: "/dev/pts/4", ..program("/usr/bin/zsh", &["zsh", "-c", "make"], env) };
    let mut tool = family.starts(&mut host, agents);
    family.inputs.push(tool.open("/p/of-cursor"));
    let records = judge(&family.inputs);
    let agent_of = |path: &str| {
        let is = |record: &&Record| matches!(&record.body, Body::Open(open) if open.path.as_ref().is_some_and(|own| own.to_str() == path));
        records.iter().find(is).unwrap().agent.as_ref().map(|agent| agent.name.clone())
    };
    assert_eq!(agent_of("/p/of-the-person"), None);
    assert_eq!(agent_of("/p/of-claude").as_deref(), Some("claude-code"));
    assert_eq!(agent_of("/p/of-cursor").as_deref(), Some("cursor"));
    assert_eq!(told(&records), ["started make"]);
    assert!(call_of(&records, "/p/of-cursor").is_some() && call_of(&records, "/p/of-claude").is_none());
}
