//! The inventory of agents: homes that are made as installers and agents make them (public layouts), and look-alikes.

mod fixture;
mod secrets;
mod settings;

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink},
    path::Path,
    process::{Command, Stdio},
};

use agentsnoop::inventory::{self, Scope, homes};
use agentsnoop_pipeline::{data::Source, lines::Paint};
use serde_json::Value;

use crate::tools::{command, folder, stderr, stdout};
use fixture::{Fixture, NATIVE};

/// What `agents --json` tells of a home.
fn inventory_of(home: &Path) -> Value {
    let output = command(&["agents", "--json", "--home"]).arg(home).output().expect("agentsnoop runs");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let report = serde_json::from_slice(&output.stdout).expect("JSON");
    check(&report);
    report
}

/// Fails where an inventory is not as docs/schema/agents.json says.
fn check(report: &Value) {
    let schema: Value = serde_json::from_str(include_str!("../../../docs/schema/agents.json")).expect("JSON");
    let schema = jsonschema::validator_for(&schema).expect("a schema of draft 2020-12");
    let errors = schema.iter_errors(report).map(|error| format!("{}: {error}", error.instance_path()));
    assert_eq!(errors.collect::<Vec<_>>(), Vec::<String>::new(), "{report:#}");
}

/// The agent of a name.
fn agent<'a>(report: &'a Value, name: &str) -> &'a Value {
    let found = report["agents"].as_array().expect("agents").iter().find(|agent| agent["name"] == name);
    found.unwrap_or_else(|| panic!("{name} is not in {report:#}"))
}

/// Name, version and method of everything that is installed.
fn installed(report: &Value) -> Vec<String> {
    let agents = report["agents"].as_array().expect("agents");
    let mut found = Vec::new();
    for agent in agents {
        for one in agent["installations"].as_array().expect("installations") {
            let text = |field: &str| one[field].as_str().unwrap_or("-").to_owned();
            found.push(format!("{} {} {}", agent["name"].as_str().expect("a name"), text("version"), text("method")));
        }
    }
    found.sort();
    found
}

/// What is installed for all users of a machine, with these files of agents: as JSON and as text.
fn of_machine(machine: &Fixture, agents: Vec<Source>) -> (Value, String) {
    let scope = Scope {
        root: machine.path().to_owned(),
        homes: Vec::new(),
        system: true,
        commands: Vec::new(),
        projects: Vec::new(),
        installed: true,
        running: false,
        agents,
    };
    let found = inventory::look(&scope).expect("an inventory");
    (serde_json::to_value(&found).expect("JSON"), inventory::text(&found, Paint::Plain))
}

#[test]
fn each_agent_is_found_once_with_its_version_and_how_it_came() {
    let home = Fixture::new();
    home.native(".local/share/claude/versions/2.1.197");
    home.link(".local/bin/claude", "../share/claude/versions/2.1.197");
    let nvm = ".nvm/versions/node/v22.1.0/lib/node_modules";
    home.package(&format!("{nvm}/@openai/codex"), "@openai/codex", "0.169.0", ("codex", "bin/codex.js"));
    home.link(".nvm/versions/node/v22.1.0/bin/codex", "../lib/node_modules/@openai/codex/bin/codex.js");
    home.package(
        ".bun/install/global/node_modules/@google/gemini-cli",
        "@google/gemini-cli",
        "0.61.0",
        ("gemini", "bundle/gemini.js"),
    );
    home.package(
        ".local/share/pnpm/global/5/node_modules/@qwen-code/qwen-code",
        "@qwen-code/qwen-code",
        "0.15.10",
        ("qwen", "cli.js"),
    );
    home.package(
        ".npm-global/lib/node_modules/@github/copilot",
        "@github/copilot",
        "1.0.102",
        ("copilot", "npm-loader.js"),
    );
    // The command is a script that runs the `node` beside it.
    let cursor = ".local/share/cursor-agent/versions/2025.09.18-7ae6800";
    home.native(&format!("{cursor}/node"));
    home.script(&format!("{cursor}/cursor-agent"), "#!/usr/bin/env bash\nexec \"$(dirname \"$0\")/node\" index.js\n");
    home.link(".local/bin/cursor-agent", "../share/cursor-agent/versions/2025.09.18-7ae6800/cursor-agent");
    home.native(".cursor-server/bin/0123abcd/node");
    home.file(".cursor-server/bin/0123abcd/product.json", r#"{"version": "1.7.33", "commit": "0123abcd"}"#);
    home.package(
        ".volta/tools/image/packages/@qoder-ai/qodercli/lib/node_modules/@qoder-ai/qodercli",
        "@qoder-ai/qodercli",
        "1.1.52",
        ("qodercli", "bundle/qodercli.js"),
    );
    home.native(".opencode/bin/opencode");
    home.script(
        ".local/share/pipx/venvs/aider-chat/bin/aider",
        "#!/home/ada/.local/share/pipx/venvs/aider-chat/bin/python\nimport aider\n",
    );
    home.file(
        ".local/share/pipx/venvs/aider-chat/lib/python3.12/site-packages/aider_chat-0.86.1.dist-info/METADATA",
        "Name: aider-chat\n",
    );
    home.link(".local/bin/aider", "../share/pipx/venvs/aider-chat/bin/aider");
    home.package(
        ".local/share/fnm/node-versions/v22.1.0/installation/lib/node_modules/@mariozechner/pi-coding-agent",
        "@mariozechner/pi-coding-agent",
        "0.73.1",
        ("pi", "dist/cli.js"),
    );
    home.native("go/bin/crush");
    home.native(".cargo/bin/goose");
    home.native(".amp/bin/amp");
    home.link(".local/bin/amp", "../../.amp/bin/amp");
    home.file(
        ".vscode/extensions/saoudrizwan.claude-dev-3.32.7/package.json",
        r#"{"publisher": "saoudrizwan", "name": "claude-dev", "version": "3.32.7"}"#,
    );
    let report = inventory_of(home.path());
    assert_eq!(report["problems"], serde_json::json!([]), "{report:#}");
    assert_eq!(
        installed(&report),
        [
            "aider 0.86.1 pipx",
            "amp - vendor's installer",
            "claude-code 2.1.197 vendor's installer",
            "cline 3.32.7 editor extension",
            "codex 0.169.0 npm: nvm",
            "copilot-cli 1.0.102 npm",
            "crush - go install",
            "cursor 1.7.33 server of an editor",
            "cursor-agent 2025.09.18-7ae6800 vendor's installer",
            "gemini-cli 0.61.0 bun",
            "goose - cargo install",
            "opencode - vendor's installer",
            "pi 0.73.1 npm: fnm",
            "qoder 1.1.52 volta",
            "qwen-code 0.15.10 pnpm",
        ]
    );
    for (name, link) in
        [("claude-code", "claude"), ("cursor-agent", "cursor-agent"), ("aider", "aider"), ("amp", "amp")]
    {
        let expected = home.path().join(".local/bin").join(link);
        assert_eq!(agent(&report, name)["installations"][0]["commands"], serde_json::json!([expected]), "{name}");
    }
}

#[test]
fn what_is_for_all_users_is_found_with_its_managed_settings() {
    let machine = Fixture::new();
    machine.package(
        "usr/lib/node_modules/@anthropic-ai/claude-code",
        "@anthropic-ai/claude-code",
        "2.1.197",
        ("claude", "cli.js"),
    );
    machine.link("usr/bin/claude", "../lib/node_modules/@anthropic-ai/claude-code/cli.js");
    machine.native("usr/local/bin/opencode");
    machine.native("usr/share/cursor/cursor");
    machine.file("usr/share/cursor/resources/app/product.json", r#"{"version": "1.7.33"}"#);
    machine.file(
        "etc/claude-code/managed-settings.json",
        r#"{"permissions": {"disableBypassPermissionsMode": "disable"}}"#,
    );
    machine.file("etc/codex/requirements.toml", "allowed_approval_policies = [\"on-request\"]\n");
    let (report, text) = of_machine(&machine, Vec::new());
    check(&report);
    assert_eq!(
        installed(&report),
        ["claude-code 2.1.197 npm", "cursor 1.7.33 for all users", "opencode - for all users"]
    );
    let claude = agent(&report, "claude-code");
    assert_eq!(claude["installations"][0]["commands"], serde_json::json!(["/usr/bin/claude"]));
    assert_eq!(claude["installations"][0].get("user"), None);
    assert_eq!(claude["settings"][0]["scope"], "managed");
    assert_eq!(claude["settings"][0]["permissions"][0]["value"], "disable");
    assert_eq!(agent(&report, "codex")["settings"][0]["permissions"][0]["value"], serde_json::json!(["on-request"]));
    assert!(text.contains("/etc/claude-code/managed-settings.json  (all users)"), "{text}");
}

#[test]
fn look_alikes_are_no_agents() {
    let home = Fixture::new();
    // A file called claude that is something else, and others' tools of the same names.
    home.script("bin/claude", "#!/bin/sh\necho I am no agent\n");
    home.script(".local/bin/claude", "#!/bin/sh\necho nor am I\n");
    home.file(".local/bin/codex", "a text that is called codex\n");
    home.native("go/bin/goose");
    home.native(".cargo/bin/amp");
    home.native("bin/copilot");
    // A copied package name in a folder into which no package manager installs.
    home.package("work/tool", "@anthropic-ai/claude-code", "9.9.9", ("claude", "cli.js"));
    home.package("Downloads/node_modules/opencode-ai", "opencode-ai", "9.9.9", ("opencode", "cli.js"));
    // A package that only lies where the agent's would, and an extension whose folder has another's name.
    home.package(".npm-global/lib/node_modules/@openai/codex", "codex-theme", "9.9.9", ("codex", "bin/codex.js"));
    home.package(".npm-global/lib/node_modules/pi", "pi", "1.0.0", ("pi", "cli.js"));
    home.link(".npm-global/bin/pi", "../lib/node_modules/pi/cli.js");
    home.file(
        ".vscode/extensions/saoudrizwan.claude-dev-1.0.0/package.json",
        r#"{"publisher": "mallory", "name": "claude-dev"}"#,
    );
    let report = inventory_of(home.path());
    assert_eq!(installed(&report), Vec::<String>::new(), "{report:#}");
    assert_eq!(report["problems"], serde_json::json!([]));
}

#[test]
fn agents_of_a_users_own_catalogue_are_found_where_commands_are_and_where_it_names_them() {
    let home = Fixture::new();
    home.native("bin/ours");
    home.native("bin/codex-nightly");
    home.file(
        ".config/agentsnoop/agents.toml",
        "[[agent]]\nname = 'ours'\nexe = ['**/bin/ours']\ncomms = ['ours']\n\
         [[agent]]\nname = 'codex'\nexe = ['**/bin/codex-nightly']\ncomms = ['codex-nightly']\n",
    );
    let found = || {
        let mut command = command(&["agents", "--json", "--home"]);
        let command = command.arg(home.path()).env("HOME", home.path());
        command.env_remove("XDG_CONFIG_HOME").env_remove("SUDO_UID").output().expect("agentsnoop runs")
    };
    let output = found();
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    check(&report);
    let expected = ["codex - a user's own commands", "ours - a user's own commands"];
    assert_eq!(installed(&report), expected, "{report:#}");
    assert_eq!(agent(&report, "ours")["title"], "ours", "its name where it has no title");
    // A mistake in it stops nothing, and is told.
    home.native(".opencode/bin/opencode");
    home.file(".config/agentsnoop/agents.toml", "[[agent]]\nnam = 'ours'\n");
    let output = found();
    assert_eq!(output.status.code(), Some(0));
    assert!(stderr(&output).contains("agents.toml: line 2: unknown field `nam`"), "{}", stderr(&output));
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(installed(&report), ["opencode - vendor's installer"]);

    let machine = Fixture::new();
    machine.native("srv/tools/theirs");
    let content = "[[agent]]\nname = 'theirs'\ntitle = 'Theirs'\nexe = ['/srv/tools/theirs']\n".to_owned();
    let (report, _) = of_machine(&machine, vec![Source { name: "agents.toml".to_owned(), content }]);
    assert_eq!(installed(&report), ["theirs - -"]);
    assert_eq!(agent(&report, "theirs")["title"], "Theirs");
}

#[test]
fn nothing_to_find_is_a_success_that_says_where_was_looked() {
    let home = folder();
    let output = command(&["agents", "--home"]).arg(home.path()).output().expect("agentsnoop runs");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let path = fs::canonicalize(home.path()).expect("the same folder");
    assert_eq!(stdout(&output), format!("no agent was found\nlooked at {}\n", path.display()));
    let output = command(&["agents", "--home"]).arg(home.path().join("missing")).output().expect("agentsnoop runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("missing: No such file"), "{}", stderr(&output));
}

#[test]
fn a_link_that_leads_nowhere_is_told() {
    let home = Fixture::new();
    home.link(".local/bin/claude", "../share/claude/versions/1.0.0");
    let report = inventory_of(home.path());
    assert!(report["problems"][0]["error"].as_str().expect("an error").contains("cannot be followed"), "{report:#}");
}

#[test]
fn standard_output_that_takes_nothing_is_an_error_and_one_that_is_closed_early_is_none() {
    let home = Fixture::new();
    let run = |redirection: &str, json: &str| {
        let mut shell = Command::new("sh");
        let words = format!("\"$0\" agents {json} --home \"$1\" {redirection}");
        shell.args(["-c", &words]).arg(command(&[]).get_program()).arg(home.path()).output().expect("a shell")
    };
    for json in ["", "--json"] {
        let output = run(">/dev/full", json);
        assert_eq!(output.status.code(), Some(125), "{}", stderr(&output));
        assert!(stderr(&output).starts_with("agentsnoop: cannot write to standard output: No space"));
    }
    let mut child =
        command(&["agents", "--json", "--home"]).arg(home.path()).stdout(Stdio::piped()).spawn().expect("a child");
    drop(child.stdout.take());
    assert_eq!(child.wait().expect("its end").code(), Some(0));
}

#[test]
fn control_characters_are_escaped() {
    let home = Fixture::new();
    home.file(".claude/settings.json", "{\"permissions\": {\"allow\": [\"Bash(\\u001b[2Jx)\", \"a\\nb\"]}}");
    let output = command(&["agents", "--home"]).arg(home.path()).output().expect("agentsnoop runs");
    let text = stdout(&output);
    assert!(text.contains("permissions.allow = [Bash(\\e[2Jx), a\\nb]"), "{text}");
    assert!(text.chars().all(|char| char == '\n' || !char.is_control()), "{text:?}");
}

#[test]
fn a_home_of_another_user_is_read_with_the_rights_of_that_user() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("skipped: only root reads homes of others");
        return;
    }
    let home = Fixture::new();
    let secret = folder();
    let target = secret.path().join("root.json");
    fs::write(&target, r#"{"permissions": {"defaultMode": "of-root"}}"#).expect("a file");
    fs::set_permissions(&target, fs::Permissions::from_mode(0o600)).expect("its mode");
    fs::create_dir(home.path().join(".claude")).expect("a folder");
    symlink(&target, home.path().join(".claude/settings.json")).expect("a link");
    std::os::unix::fs::chown(home.path(), Some(12345), Some(12345)).expect("another owner");
    fs::set_permissions(secret.path(), fs::Permissions::from_mode(0o755)).expect("its mode");
    assert_eq!(homes::named(home.path()).expect("a home").owner, Some((12345, 12345)));
    let report = inventory_of(home.path());
    assert!(!report.to_string().contains("of-root"), "{report:#}");
    assert!(report["problems"][0]["error"].as_str().expect("an error").contains("Permission denied"), "{report:#}");
    assert_eq!(fs::metadata(&target).expect("the file").uid(), 0);
}

#[test]
fn an_agent_that_runs_is_told_with_its_processes_as_one_session() {
    let home = Fixture::new();
    home.folder(".local/share/claude/versions");
    let program = home.path().join(".local/share/claude/versions/2.1.197");
    // By another process: a child that another thread forks meanwhile would hold a descriptor of ours, and the file be busy.
    assert!(Command::new("cp").arg("/bin/sh").arg(&program).status().expect("cp runs").success());
    let project = home.folder("work");
    home.file("work/.mcp.json", r#"{"mcpServers": {"local": {"command": "serve"}}}"#);
    // The first process waits for one of the same program below a shell, which waits for its standard input.
    let script = "sh -c '\"$0\" -c \"read line; exit\" --permission-mode plan; exit' \"$0\"; exit";
    let mut child = Command::new(&program)
        .args(["-c", script])
        .arg(&program)
        .arg("--dangerously-skip-permissions")
        .current_dir(&project)
        .stdin(Stdio::piped())
        .spawn()
        .expect("a child");
    let session = wait_for_session(child.id());
    let all = command(&["agents", "--json"]).output().expect("agentsnoop runs");
    drop(child.stdin.take());
    child.wait().expect("its end");
    assert_eq!(session["version"], "2.1.197", "{session:#}");
    assert_eq!(session["pids"].as_array().expect("pids").len(), 2, "{session:#}");
    assert_eq!(session["cwd"].as_str(), project.to_str());
    assert_eq!(session["options"], serde_json::json!(["--dangerously-skip-permissions", "--permission-mode plan"]));
    // The project that it works in counts, whoever asks.
    let all: Value = serde_json::from_slice(&all.stdout).expect("JSON");
    check(&all);
    let settings = agent(&all, "claude-code")["settings"].as_array().expect("settings").clone();
    let file = project.join(".mcp.json");
    let found = settings.iter().find(|settings| settings["file"].as_str() == file.to_str()).expect("its settings");
    assert_eq!((&found["scope"], &found["mcp_servers"][0]["name"]), (&"project".into(), &"local".into()));
}

/// The session whose first process has this pid, once it has two.
fn wait_for_session(pid: u32) -> Value {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    loop {
        let output = command(&["agents", "--running", "--json"]).output().expect("agentsnoop runs");
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let agents = report["agents"].as_array().expect("agents").iter();
        let sessions: BTreeMap<u64, Value> = agents
            .flat_map(|agent| agent["running"].as_array().expect("sessions"))
            .map(|session| (session["pid"].as_u64().expect("a pid"), session.clone()))
            .collect();
        match sessions.get(&u64::from(pid)) {
            Some(session) if session["pids"].as_array().is_some_and(|pids| pids.len() > 1) => return session.clone(),
            other => assert!(std::time::Instant::now() < deadline, "no session of {pid} with two processes: {other:?}"),
        }
    }
}

#[test]
fn what_is_a_program_begins_as_one() {
    assert!(NATIVE.starts_with(b"\x7fELF"));
}
