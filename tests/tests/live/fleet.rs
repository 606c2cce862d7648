//! Several agents at once, developers beside them, and what only looks like an agent. The agents are fixtures: trees built
//! from the public layout of each, in which a shell stands for the agent's program and does what a script says.

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, mkfifo};
use serde_json::Value;

use crate::harness::{Killed, agentsnoop, copy_program, once, text, wait_for};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        once("every agent of the catalogue that has a program of its own is known from its public layout", layouts),
        once("three agents at once, one in another's tool call, and a developer beside are told apart", apart),
        once("what only looks like an agent is none", look_alikes),
        once("a tool call that had begun before the observation is known by what its shell was called with", begun),
    ]
}

/// Where the program of an agent lies in its public layout, below any folder.
const PROGRAMS: [(&str, &str); 8] = [
    ("claude-code", "node_modules/@anthropic-ai/claude-code/bin/claude.exe"),
    ("codex", "node_modules/@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex"),
    ("opencode", "node_modules/opencode-ai/bin/opencode.exe"),
    ("copilot-cli", "node_modules/@github/copilot-linux-x64/copilot"),
    ("cursor", "usr/share/cursor/cursor"),
    ("crush", "go/bin/crush"),
    ("goose", ".local/bin/goose"),
    ("amp", ".amp/bin/amp"),
];

/// Those whose program is called by a script beside it: the script, and the program.
const SCRIPTS: [(&str, &str, &str); 4] = [
    (
        "cursor-agent",
        ".local/share/cursor-agent/versions/2026.10.01-abc/cursor-agent",
        ".local/share/cursor-agent/versions/2026.10.01-abc/node",
    ),
    ("cursor", ".cursor-server/bin/abc/bin/cursor-server", ".cursor-server/bin/abc/node"),
    ("qoder", ".qoder-server/bin/abc/bin/qoder-server", ".qoder-server/bin/abc/node"),
    ("qwen-code", ".local/lib/qwen-code/bin/qwen", ".local/lib/qwen-code/node/bin/node"),
];

/// How the name of the folder begins into which an image of Cursor is mounted, by which it is known.
const IMAGE: &str = ".mount_Cursor";

/// A folder with agents in it, and `watch` that looks on.
struct Fleet {
    folder: tempfile::TempDir,
    watch: Option<Killed>,
    shown: PathBuf,
}

impl Fleet {
    /// In a folder whose name begins so, from the beginning.
    fn new(prefix: &str) -> Result<Self> {
        let mut fleet = Self::unobserved(prefix)?;
        fleet.observe()?;
        Ok(fleet)
    }

    /// The same, but that nobody looks on yet.
    fn unobserved(prefix: &str) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix(prefix).tempdir_in("/tmp")?;
        let shown = folder.path().join("shown");
        Ok(Self { folder, watch: None, shown })
    }

    fn observe(&mut self) -> Result<()> {
        let said = self.path("said");
        let watch = agentsnoop()
            .args(["watch", "--json"])
            .stdin(Stdio::null())
            .stdout(File::create(&self.shown)?)
            .stderr(File::create(&said)?)
            .spawn()
            .context("cannot start agentsnoop")?;
        self.watch = Some(Killed(watch));
        wait_for("watch to be ready", || Ok(fs::read_to_string(&said)?.contains("watching for agents")))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A file, with the folders above it.
    fn write(&self, name: &str, content: &str) -> Result<PathBuf> {
        let path = self.path(name);
        fs::create_dir_all(path.parent().context("no folder")?)?;
        fs::write(&path, content)?;
        fs::set_permissions(&path, Permissions::from_mode(0o755))?;
        Ok(path)
    }

    /// A script that can be executed at once.
    fn script(&self, name: &str, content: &str) -> Result<PathBuf> {
        let text = self.write(&format!("{name}.text"), content)?;
        copy_program(&text, &self.path(name))?;
        Ok(self.path(name))
    }

    /// A shell under another name.
    fn program(&self, name: &str) -> Result<PathBuf> {
        let path = self.path(name);
        fs::create_dir_all(path.parent().context("no folder")?)?;
        copy_program(Path::new("/bin/bash"), &path)?;
        Ok(path)
    }

    /// Runs a program with a script to its end.
    fn run(&self, program: &Path, script: &str) -> Result<()> {
        let output = Command::new(program).args(["-c", script]).current_dir(self.folder.path()).output()?;
        ensure!(
            output.status.success(),
            "{} ended with {}: {}",
            program.display(),
            output.status,
            text(&output.stderr)
        );
        Ok(())
    }

    /// Ends the observation; its records.
    fn records(mut self) -> Result<Vec<Value>> {
        let mut watch = self.watch.take().context("nobody looked on")?;
        kill(Pid::from_raw(watch.0.id().cast_signed()), Signal::SIGINT)?;
        wait_for("watch to end", || Ok(watch.0.try_wait()?.is_some()))?;
        let shown = fs::read_to_string(&self.shown)?;
        shown.lines().map(|line| serde_json::from_str(line).with_context(|| format!("no JSON: {line}"))).collect()
    }
}

/// The records that open a file of this name.
fn opens<'a>(records: &'a [Value], name: &'a str) -> impl Iterator<Item = &'a Value> {
    records.iter().filter(move |record| record["open"]["path"].as_str().is_some_and(|path| path.ends_with(name)))
}

/// The agent and the command of the tool call of whoever opened a file.
fn whose(records: &[Value], name: &str) -> Result<(String, Option<String>)> {
    let open = opens(records, name).next().with_context(|| format!("nobody opened {name}"))?;
    let agent = open["agent"]["name"].as_str().unwrap_or("nobody").to_owned();
    let Some(id) = open["tool_call"].as_str() else { return Ok((agent, None)) };
    let told = records.iter().find(|record| record["tool"]["state"] == "started" && record["tool_call"] == id);
    let told = told.with_context(|| format!("the tool call {id} of {name} was not told"))?;
    Ok((agent, told["tool"]["command"].as_str().map(str::to_owned)))
}

/// How many sessions of each agent have begun.
fn sessions(records: &[Value]) -> BTreeMap<String, usize> {
    let mut sessions = BTreeMap::new();
    for record in records.iter().filter(|record| record["session"]["state"] == "started") {
        *sessions.entry(record["agent"]["name"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
    }
    sessions
}

fn layouts() -> Result<()> {
    let fleet = Fleet::new(IMAGE)?;
    let (mut expected, mut files) = (BTreeMap::new(), Vec::new());
    let scripts = SCRIPTS.map(|(agent, script, program)| (agent, Some(script), program));
    let all = PROGRAMS.map(|(agent, program)| (agent, None, program)).into_iter().chain(scripts);
    for (number, (agent, script, program)) in all.enumerate() {
        let exe = fleet.program(program)?;
        let start = match script {
            Some(name) => fleet.script(name, &format!("#!/bin/bash\nexec {} \"$@\"\n", exe.display()))?,
            None => exe,
        };
        let file = fleet.write(&format!("file-{number}"), "")?;
        // A program of its own keeps the shell from executing the last command in its place.
        fleet.run(&start, &format!("read line < {}; true", file.display()))?;
        *expected.entry(agent.to_owned()).or_default() += 1;
        files.push((agent, format!("/file-{number}")));
    }
    let records = fleet.records()?;
    ensure!(sessions(&records) == expected, "{:?} began, and not {expected:?}", sessions(&records));
    for (agent, file) in files {
        let found = whose(&records, &file)?;
        ensure!(found == (agent.to_owned(), None), "{file} is of {found:?}, and not of {agent}");
    }
    Ok(())
}

fn apart() -> Result<()> {
    let fleet = Fleet::new(IMAGE)?;
    let [claude, codex, opencode, cursor] = [0, 1, 2, 4].map(|at: usize| fleet.program(PROGRAMS[at].1));
    let (claude, codex, opencode, cursor) = (claude?, codex?, opencode?, cursor?);
    for name in [
        "claude-own",
        "claude-tool",
        "codex-own",
        "codex-tool",
        "opencode-own",
        "opencode-tool",
        "person",
        "cursor-tool",
        "developer",
    ] {
        fleet.write(name, "")?;
    }
    let terminal = nix::pty::openpty(None, None)?;
    let terminal = nix::unistd::ttyname(&terminal.slave).map(|name| (name, terminal))?;
    // The codex works in a tool call of the claude; the others beside both.
    let inner = fleet.write("inner.sh", "read line < codex-own; CODEX_CI=1 /bin/bash -c 'cat codex-tool'; true\n")?;
    let command = format!("cat claude-tool; {} {}; true", codex.display(), inner.display());
    let tool = format!(
        "source /h/.claude/shell-snapshots/s.sh 2>/dev/null || true && eval '{command}' < /dev/null && pwd -P >| /tmp/claude-0-cwd"
    );
    let outer = fleet.write(
        "outer.sh",
        &format!("read line < claude-own; CLAUDECODE=1 CLAUDE_CODE_SESSION_ID=1 /bin/bash -c \"{tool}\"; true\n"),
    )?;
    let beside =
        fleet.write("beside.sh", "read line < opencode-own; OPENCODE=1 /bin/bash -c 'cat opencode-tool'; true\n")?;
    let editor = fleet.write(
        "editor.sh",
        &format!(
            "TERM_PROGRAM=vscode /bin/bash -c 'cat person; true' < {0}\nTERM_PROGRAM=vscode CURSOR_AGENT=1 /bin/bash -c 'cat cursor-tool' < {0}\ntrue\n",
            terminal.0.display()
        ),
    )?;
    let mut started = Vec::new();
    for (program, script) in [(&claude, &outer), (&opencode, &beside), (&cursor, &editor)] {
        let child = Command::new(program).arg(script).current_dir(fleet.folder.path()).stdin(Stdio::null()).spawn()?;
        started.push(Killed(child));
    }
    // The developer's own shell, with what developers run.
    fleet.run(Path::new("/bin/bash"), "cat developer; grep claude developer; ls; true")?;
    for child in &mut started {
        wait_for("the agents to end", || Ok(child.0.try_wait()?.is_some()))?;
    }
    let records = fleet.records()?;
    let expected = ["claude-code", "codex", "cursor", "opencode"].map(|name| (name.to_owned(), 1));
    ensure!(sessions(&records) == BTreeMap::from(expected), "{:?} have begun", sessions(&records));
    for (file, agent, tool) in [
        ("/claude-own", "claude-code", None),
        ("/claude-tool", "claude-code", Some(command.as_str())),
        ("/codex-own", "codex", Some(command.as_str())),
        ("/codex-tool", "codex", Some("cat codex-tool")),
        ("/opencode-own", "opencode", None),
        ("/opencode-tool", "opencode", Some("cat opencode-tool")),
        ("/person", "nobody", None),
        ("/cursor-tool", "cursor", Some("cat cursor-tool")),
    ] {
        let found = whose(&records, file)?;
        ensure!(found == (agent.to_owned(), tool.map(str::to_owned)), "{file} is of {found:?}");
    }
    ensure!(opens(&records, "/developer").next().is_none(), "the developer's own shell was recorded");
    let within =
        records.iter().find(|record| record["tool"]["command"] == "cat codex-tool").context("no inner call")?;
    ensure!(within["tool"]["within"].is_string(), "the inner call is within none: {within:#}");
    Ok(())
}

fn look_alikes() -> Result<()> {
    let fleet = Fleet::new("project")?;
    fleet.write("marker", "")?;
    fleet.write("codex.md", "claude\n")?;
    // Each has the name of an agent, and lies where no installer puts one.
    for name in ["bin/claude", "project/codex", "cursor", "amp", "pressly/goose"] {
        let program = fleet.program(name)?;
        fleet.run(&program, "read line < marker; true")?;
    }
    // A package that copies the name, below a folder that no package manager made.
    let node = fleet.program("bin/node")?;
    fleet.write("copied/package.json", r#"{"name": "@google/gemini-cli"}"#)?;
    fleet.script("copied/gemini", &format!("#!{}\nread line < marker; true\n", node.display()))?;
    fleet.script("copied/claude", "#!/bin/bash\nread line < marker; true\n")?;
    fleet.run(Path::new("/bin/bash"), "copied/gemini; copied/claude; grep claude codex.md; true")?;
    let records = fleet.records()?;
    ensure!(sessions(&records).is_empty(), "{:?} have begun", sessions(&records));
    ensure!(opens(&records, "/marker").next().is_none(), "a look-alike was recorded");
    // None of them is missed in silence.
    let told = records.iter().filter(|record| record["coverage"]["feature"] == "process").count();
    ensure!(told >= 6, "{told} look-alikes were told of");
    Ok(())
}

fn begun() -> Result<()> {
    let mut fleet = Fleet::unobserved("fleet")?;
    let claude = fleet.program(PROGRAMS[0].1)?;
    fleet.write("begun-tool", "")?;
    mkfifo(&fleet.path("go"), Mode::S_IRWXU)?;
    let command = ": > ready; read line < go; cat begun-tool; : > written; false";
    let tool =
        format!("source /h/s.sh 2>/dev/null || true && eval '{command}' < /dev/null && pwd -P >| /tmp/claude-0-cwd");
    let script =
        fleet.write("outer.sh", &format!("CLAUDECODE=1 CLAUDE_CODE_SESSION_ID=1 /bin/bash -c \"{tool}\"; true\n"))?;
    let child = Command::new(&claude).arg(&script).current_dir(fleet.folder.path()).stdin(Stdio::null()).spawn()?;
    let mut child = Killed(child);
    wait_for("the tool to run", || Ok(fleet.path("ready").exists()))?;
    fleet.observe()?;
    fs::write(fleet.path("go"), "\n")?;
    wait_for("the agent to end", || Ok(child.0.try_wait()?.is_some()))?;
    let records = fleet.records()?;
    let found = whose(&records, "/begun-tool")?;
    ensure!(found == ("claude-code".to_owned(), Some(command.to_owned())), "the file is of {found:?}");
    let ended = records.iter().find(|record| record["tool"]["state"] == "ended").context("it did not end")?;
    let tool = &ended["tool"];
    ensure!(tool["begun_before"] == true && tool["code"] == 1, "{ended:#}");
    let written: Vec<&str> = tool["written"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    ensure!(written.len() == 1 && written[0].ends_with("/written"), "it wrote {written:?}");
    Ok(())
}
