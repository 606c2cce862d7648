//! Variables that tell tools, and those that an agent has inherited itself.

use agentsnoop_pipeline::synthetic::{Actor, Family};

use crate::{
    common::{judge, run},
    tools::{BASH, CODEX, an_agent, call_of, program, told},
};

const CRUSH: &str = "/home/u/go/bin/crush";

/// An agent that was given these variables itself.
fn within(exe: &str, argv: &[&str], env: &[&str]) -> (Family, Actor) {
    let mut actor = Actor::new(10);
    let inputs = vec![run(10), actor.exec(program(exe, argv, env))];
    (Family { inputs, next: 11, pause_ns: 0 }, actor)
}

#[test]
fn each_program_that_crush_starts_for_a_script_is_a_call_with_what_it_was_called_with() {
    let (mut family, mut agent) = an_agent(CRUSH, &["crush"]);
    let tool = &["HOME", "CRUSH", "AGENT", "AI_AGENT"];
    let server = family.starts(&mut agent, program("/usr/bin/gopls", &["gopls"], &["HOME"]));
    let mut grep = family.starts(&mut agent, program("/usr/bin/grep", &["grep", "-r", "two words", "src"], tool));
    family.inputs.push(grep.open("/p/src/x"));
    agent.follow(&grep);
    family.ends(grep, 1, &mut agent);
    // A session that a person may type into.
    let shell = family.starts(&mut agent, program(BASH, &["/bin/bash", "-c", "vim x; ls"], tool));
    family.ends(shell, 0, &mut agent);
    let hook = family.starts(&mut agent, program("/usr/bin/jq", &["jq", "."], &["CRUSH", "CRUSH_EVENT"]));
    family.ends(hook, 0, &mut agent);
    family.ends(server, 0, &mut agent);
    let records = judge(&family.inputs);
    let command = "grep -r 'two words' src";
    assert_eq!(
        told(&records),
        [
            format!("started {command}"),
            format!("ended {command}"),
            "started vim x; ls".into(),
            "ended vim x; ls".into()
        ]
    );
    assert!(call_of(&records, "/p/src/x").is_some());
}

#[test]
fn in_a_tool_call_of_its_own_kind_an_agents_chores_are_no_tool_calls() {
    let env = &["HOME", "CODEX_CI", "CODEX_THREAD_ID"];
    let (mut family, mut agent) = within(CODEX, &["codex", "exec"], env);
    let chore = family.starts(&mut agent, program(BASH, &["bash", "-lc", "declare -p"], env));
    family.ends(chore, 0, &mut agent);
    let setup = ["/proc/self/exe", "--codex-run-as-process-setup", "45", "10", "pipe"];
    let mut tool = family.starts(&mut agent, program(CODEX, &setup, &[]));
    family.inputs.push(tool.exec(program(BASH, &["/bin/bash", "-c", "ls"], env)));
    agent.follow(&tool);
    family.ends(tool, 0, &mut agent);
    assert_eq!(told(&judge(&family.inputs)), ["started ls", "ended ls"]);

    let (mut family, mut agent) = within(CRUSH, &["crush", "run"], &["HOME", "CRUSH"]);
    let server = family.starts(&mut agent, program("/usr/bin/gopls", &["gopls"], &["HOME", "CRUSH"]));
    family.ends(server, 0, &mut agent);
    assert_eq!(told(&judge(&family.inputs)), [""; 0]);
}
