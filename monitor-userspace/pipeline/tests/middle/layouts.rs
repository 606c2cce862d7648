//! Where agents are installed besides npm's folders, and what lies there and is none.

use agentsnoop_pipeline::attribute::agents::{Catalogue, Program, Verdict};

fn agent<'a>(catalogue: &'a Catalogue, exe: &'a str) -> &'a str {
    match catalogue.recognise(Program { exe: Some(exe.as_bytes()), argv: &[], cwd: None }) {
        Verdict::Agent { name, known_by: "exe" } => name,
        _ => "-",
    }
}

#[test]
fn native_agents_are_known_wherever_an_installer_puts_them() {
    let catalogue = Catalogue::new().unwrap();
    for (exe, expected) in [
        ("/usr/bin/claude", "claude-code"),
        ("/usr/local/bin/claude", "claude-code"),
        ("/home/u/.local/bin/claude", "claude-code"),
        ("/root/.local/share/claude/versions/2.1.197", "claude-code"),
        ("/opt/claude-code/bin/claude", "claude-code"),
        ("/opt/claude/claude", "claude-code"),
        ("/home/linuxbrew/.linuxbrew/Caskroom/claude-code/2.1.197/claude", "claude-code"),
        ("/nix/store/0c0f5j6v8xk1q7v3-claude-code-2.1.197/bin/.claude-wrapped", "claude-code"),
        (
            "/home/u/.vscode-server/extensions/anthropic.claude-code-2.1.0-linux-x64/resources/native-binary/claude",
            "claude-code",
        ),
        ("/home/u/.claude/local/node_modules/@anthropic-ai/claude-code-linux-x64/claude", "claude-code"),
        ("/usr/bin/codex", "codex"),
        ("/usr/local/bin/codex", "codex"),
        ("/home/u/.local/bin/codex", "codex"),
        ("/home/u/.cargo/bin/codex", "codex"),
        ("/opt/codex/bin/codex", "codex"),
        ("/usr/lib/openai-codex/codex", "codex"),
        ("/home/linuxbrew/.linuxbrew/Cellar/codex/0.169.0/bin/codex", "codex"),
        ("/nix/store/0c0f5j6v8xk1q7v3-codex-0.169.0/bin/codex", "codex"),
        ("/home/u/Downloads/codex-x86_64-unknown-linux-musl", "codex"),
        ("/home/u/.codex/packages/standalone/releases/0.169.0-x86_64-unknown-linux-musl/codex", "codex"),
        ("/home/u/.vscode/extensions/openai.chatgpt-0.5.1-linux-x64/bin/linux-x86_64/codex", "codex"),
        ("/home/u/.local/share/mise/installs/codex/0.169.0/codex", "codex"),
        (
            "/home/u/.bun/install/global/node_modules/@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/codex/codex",
            "codex",
        ),
        (
            "/home/u/.local/share/pnpm/global/5/.pnpm/@openai+codex@0.169.0/node_modules/@openai/codex/vendor/x86_64-unknown-linux-musl/codex/codex",
            "codex",
        ),
        ("/usr/bin/opencode", "opencode"),
        ("/usr/local/bin/opencode", "opencode"),
        ("/home/u/bin/opencode", "opencode"),
        ("/home/u/.opencode/bin/opencode", "opencode"),
        ("/home/linuxbrew/.linuxbrew/Cellar/opencode/1.18.33/libexec/bin/opencode", "opencode"),
        ("/home/u/.bun/install/global/node_modules/opencode-ai/bin/opencode", "opencode"),
        ("/usr/bin/crush", "crush"),
        ("/usr/local/bin/crush", "crush"),
        ("/home/u/go/bin/crush", "crush"),
        ("/home/linuxbrew/.linuxbrew/Cellar/crush/0.12.0/bin/crush", "crush"),
        ("/home/u/.local/bin/goose", "goose"),
        ("/home/u/.cargo/bin/goose", "goose"),
        ("/home/linuxbrew/.linuxbrew/Cellar/block-goose-cli/1.9.0/bin/goose", "goose"),
        ("/usr/lib/goose/resources/bin/goosed", "goose"),
        ("/home/u/.amp/bin/amp", "amp"),
        ("/home/u/.local/bin/amp", "amp"),
        ("/usr/local/bin/cursor-agent", "cursor-agent"),
        ("/opt/cursor-agent/node", "cursor-agent"),
        ("/home/u/.local/bin/copilot", "copilot-cli"),
    ] {
        assert_eq!(agent(&catalogue, exe), expected, "{exe}");
    }
}

#[test]
fn a_name_alone_makes_no_agent() {
    let catalogue = Catalogue::new().unwrap();
    for exe in [
        // A copy of any program under an agent's name.
        "/home/u/bin/claude",
        "/home/u/project/codex",
        "/tmp/codex",
        "/srv/tools/bin/codex",
        "/home/u/project/target/release/opencode",
        // Others that have the name: a database's migrations, an editor, the AWS Copilot CLI.
        "/usr/local/bin/goose",
        "/home/u/go/bin/goose",
        "/home/linuxbrew/.linuxbrew/Cellar/goose/3.24.1/bin/goose",
        "/usr/bin/amp",
        "/home/u/.cargo/bin/amp",
        "/usr/local/bin/copilot",
        // Interpreters, and what only has a similar name.
        "/bin/sh",
        "/usr/bin/codex-notes",
        "/usr/bin/claude.txt",
        "/usr/local/bin/node",
        "/opt/claude/bin/node",
        "/home/u/.local/share/mise/installs/node/24/bin/node",
    ] {
        assert_eq!(agent(&catalogue, exe), "-", "{exe}");
    }
}
