//! Which programs are agents: the layouts that real agents were seen with, and what only looks like one.

use agentsnoop_pipeline::{
    attribute::agents::{Catalogue, Program, Verdict},
    data::Source,
    record::Text,
};

/// What the catalogue says: `name`, `name helper`, `ask script`, `wrapper` or `-`.
fn verdict(catalogue: &Catalogue, exe: &str, argv: &[&str], cwd: &str) -> String {
    let argv: Vec<Text> = argv.iter().map(|argument| Text::from(*argument)).collect();
    let program = Program { exe: Some(exe.as_bytes()), argv: &argv, cwd: Some(cwd.as_bytes()) };
    match catalogue.recognise(program) {
        Verdict::Agent { name, known_by } => format!("{name} by {known_by}"),
        Verdict::Helper { name } => format!("{name} helper"),
        Verdict::Ask { script } => format!("ask {script}"),
        Verdict::Wrapper => "wrapper".to_owned(),
        Verdict::None => "-".to_owned(),
    }
}

#[test]
fn agents_are_known_by_what_was_executed() {
    let catalogue = Catalogue::new().unwrap();
    let cases: [(&str, &[&str], &str); 36] = [
        (
            "/opt/b/claude/node_modules/@anthropic-ai/claude-code/bin/claude.exe",
            &["claude", "-p", "x"],
            "claude-code by exe",
        ),
        ("/usr/lib/node_modules/@anthropic-ai/claude-code-linux-x64/bin/claude", &["claude"], "claude-code by exe"),
        ("/home/u/.local/share/claude/versions/2.1.197", &["claude"], "claude-code by exe"),
        (
            "/opt/b/claude/node_modules/@anthropic-ai/claude-code/bin/claude.exe",
            &["rg", "--files"],
            "claude-code helper",
        ),
        ("/home/u/.local/share/claude/versions/2.1.197", &["/usr/bin/ugrep", "x"], "claude-code helper"),
        (
            "/opt/b/codex/node_modules/@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex",
            &["codex", "exec", "x"],
            "codex by exe",
        ),
        (
            "/opt/b/codex/node_modules/@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex",
            &["/proc/self/exe", "--codex-run-as-process-setup", "3"],
            "codex helper",
        ),
        (
            "/opt/b/codex/node_modules/@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex",
            &["codex-linux-sandbox", "--apply-seccomp-then-exec"],
            "codex helper",
        ),
        (
            "/home/u/.codex/packages/app-server-daemon/releases/0.169.0-x86_64/bin/codex",
            &["codex", "app-server", "--listen", "unix://x"],
            "codex by exe",
        ),
        (
            "/usr/bin/node",
            &["node", "/opt/b/codex/node_modules/@openai/codex/bin/codex.js", "exec"],
            "codex by package",
        ),
        (
            "/usr/bin/node",
            &["node", "/opt/b/codex/node_modules/.bin/codex", "exec"],
            "ask /opt/b/codex/node_modules/.bin/codex",
        ),
        ("/usr/bin/node", &["node", "--no-warnings=DEP0040", "/usr/bin/gemini", "-p", "x"], "ask /usr/bin/gemini"),
        (
            "/usr/bin/node",
            &[
                "/usr/bin/node",
                "--max-old-space-size=8192",
                "/usr/lib/node_modules/@google/gemini-cli/bundle/gemini.js",
            ],
            "gemini-cli by package",
        ),
        ("/usr/bin/node", &["node", "../bin/qwen"], "ask /home/u/bin/qwen"),
        ("/home/u/.nvm/versions/node/v20.11.1/bin/node", &["node", "-r", "./hook.js", "pi"], "ask /home/u/project/pi"),
        ("/opt/b/opencode/node_modules/opencode-ai/bin/opencode.exe", &["opencode", "run", "x"], "opencode by exe"),
        ("/opt/b/opencode/node_modules/opencode-linux-x64/bin/opencode", &["opencode"], "opencode by exe"),
        ("/usr/lib/node_modules/@github/copilot-linux-x64/copilot", &["copilot"], "copilot-cli by exe"),
        (
            "/home/u/.local/share/cursor-agent/versions/2025.01.01-abc/node",
            &["cursor-agent", "index.js"],
            "cursor-agent by exe",
        ),
        ("/usr/share/cursor/cursor", &["cursor", "."], "cursor by exe"),
        ("/tmp/.mount_Cursor1a2b3c/usr/share/cursor/cursor", &["cursor"], "cursor by exe"),
        ("/home/u/.cursor-server/bin/linux-x64/abcdef/node", &["node", "server-main.js"], "cursor by exe"),
        ("/usr/bin/python3.11", &["/usr/bin/python3.11", "/home/u/.local/bin/aider", "--yes"], "aider by package"),
        ("/usr/bin/python3.11", &["python3", "-m", "aider", "--yes"], "aider by package"),
        ("/usr/bin/node", &["node", "/usr/bin/qoder"], "ask /usr/bin/qoder"),
        ("/usr/bin/node", &["node", "/usr/lib/node_modules/@qwen-code/qwen-code/cli-entry.js"], "qwen-code by package"),
        ("/home/u/.local/lib/qwen-code/node/bin/node", &["node", "cli-entry.js"], "qwen-code by exe"),
        // What came with an agent's package, and a folder that only begins with its name.
        (
            "/usr/bin/node",
            &["node", "/usr/lib/node_modules/@qwen-code/qwen-code/node_modules/other/cli.js"],
            "ask /usr/lib/node_modules/@qwen-code/qwen-code/node_modules/other/cli.js",
        ),
        ("/usr/bin/node", &["node", "/p/node_modules/cline-more/cli.js"], "ask /p/node_modules/cline-more/cli.js"),
        // What looks like an agent and is none.
        ("/home/u/bin/claude", &["claude"], "-"),
        ("/usr/bin/grep", &["grep", "claude"], "-"),
        ("/usr/bin/vim", &["vim", "codex.md"], "-"),
        ("/usr/bin/node", &["node", "-e", "claude"], "-"),
        ("/usr/bin/node", &["node", "server.js", "/usr/bin/gemini"], "-"),
        ("/usr/bin/python3.11", &["python3", "-c", "import aider", "/x/bin/aider"], "-"),
        ("/home/u/@anthropic-ai/notes/readme", &["x"], "-"),
    ];
    for (exe, argv, expected) in cases {
        assert_eq!(verdict(&catalogue, exe, argv, "/home/u/project"), expected, "{exe} {argv:?}");
    }
    for wrapper in ["/usr/bin/env", "/bin/sh", "/usr/bin/bash", "/usr/bin/timeout"] {
        assert_eq!(verdict(&catalogue, wrapper, &["x"], "/"), "wrapper");
    }
}

#[test]
fn a_package_name_says_which_agent_a_script_is() {
    let catalogue = Catalogue::new().unwrap();
    assert_eq!(catalogue.package("@google/gemini-cli"), Some("gemini-cli"));
    assert_eq!(catalogue.package("@mariozechner/pi-coding-agent"), Some("pi"));
    assert_eq!(catalogue.package("gemini-cli"), None);
    assert_eq!((catalogue.title("codex"), catalogue.title("command")), ("OpenAI Codex", "command"));
}

#[test]
fn candidates_are_names_as_the_kernel_has_them() {
    let candidates = Catalogue::new().unwrap().candidates();
    let names: Vec<String> =
        candidates.iter().map(|comm| String::from_utf8_lossy(comm).trim_end_matches('\0').to_owned()).collect();
    for name in ["claude", "claude.exe", "codex", "gemini", "opencode", "pi", "aider"] {
        assert!(names.iter().any(|known| known == name), "{name}");
    }
    assert!(candidates.is_sorted() && candidates.len() <= monitor_common::limits::CANDIDATES as usize);
}

/// The catalogue with a file of a user.
fn with(content: &str) -> Result<Catalogue, String> {
    let source = Source { name: "mine.toml".to_owned(), content: content.to_owned() };
    Catalogue::with(&[source]).map_err(|error| error.to_string())
}

#[test]
fn a_file_of_agents_with_an_error_says_where() {
    assert!(
        with("[[agent]]\nname = 1\n")
            .unwrap_err()
            .starts_with("mine.toml:2: invalid type: integer `1`, expected a string")
    );
    let error = |field: &str| with(&format!("\n[[agent]]\nname = 'x'\n{field}\n")).unwrap_err();
    let long = error("comms = ['sixteen-bytes-xx']");
    assert_eq!(long, "mine.toml:2: agent `x`: comm `sixteen-bytes-xx` must have 1 to 15 bytes");
    let glob = error("exe = ['[']");
    assert!(glob.starts_with("mine.toml:2: agent `x`: ") && glob.contains("unclosed"), "{glob}");
    let any = error("tool = [{ any_program = true }]");
    assert_eq!(any, "mine.toml:2: agent `x`, tool: expected one of `names`, `arguments`, `env`, `script`");
    let any = error("tool = [{ any_program = true, names = ['x'] }]");
    assert!(any.starts_with("mine.toml:2: agent `x`, tool: `any_program`") && any.contains("expected `env`"), "{any}");
    let misspelt = error("exes = []");
    assert!(
        misspelt.starts_with("mine.toml:4: unknown field `exes`") && misspelt.ends_with("did you mean `exe`?"),
        "{misspelt}"
    );
}

#[test]
fn users_add_agents_and_more_of_those_that_are_known() {
    let catalogue = with(
        "[[agent]]\nname = 'ours'\ntitle = 'Ours'\nexe = ['/opt/ours/bin/ours']\ncomms = ['ours']\n\
         [[agent]]\nname = 'codex'\nexe = ['/srv/tools/codex-nightly']\ncomms = ['codex-nightly']\n",
    )
    .unwrap();
    let of = |exe: &str| match catalogue.recognise(Program { exe: Some(exe.as_bytes()), argv: &[], cwd: None }) {
        Verdict::Agent { name, .. } => name.to_owned(),
        other => format!("{other:?}"),
    };
    assert_eq!((of("/opt/ours/bin/ours"), of("/srv/tools/codex-nightly")), ("ours".to_owned(), "codex".to_owned()));
    assert_eq!((of("/home/u/.local/bin/codex"), catalogue.title("codex")), ("codex".to_owned(), "OpenAI Codex"));
    let comms = catalogue.candidates();
    assert!(comms.contains(b"ours\0\0\0\0\0\0\0\0\0\0\0\0") && comms.contains(b"codex-nightly\0\0\0"));
}
