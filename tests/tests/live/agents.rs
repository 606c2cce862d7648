//! Real coding agents, driven through a scripted session against a model server on loopback (`tests/agents`).
//!
//! They need `AGENTSNOOP_AGENTS`, the folder that `tests/agents/install.sh` has filled; `cargo xtask test agents` sets
//! it. Without it these tests are listed as ignored.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::Value;

use crate::harness::{agentsnoop, own_program, query, text, trial, verify, wait_until_closed};

/// The variable that names the folder with the installed agents.
const VARIABLE: &str = "AGENTSNOOP_AGENTS";

/// Values that the bench puts into the environment of its agents; none may be in a recording.
const VALUES: [&str; 4] = ["FAKE-env-secret", "FAKE-env-token", "sk-ant-fake", "FAKE/FAKE/FAKE"];

/// Where the model server of the bench listens.
const PORT: u16 = 8399;

pub(crate) fn trials() -> Vec<Trial> {
    let absent = std::env::var_os(VARIABLE).is_none();
    vec![
        trial("Claude Code: every scripted action is seen, and nothing of a second agent and a busy loop", claude)
            .with_ignored_flag(absent),
        trial("Codex: every scripted action is seen, its own opens and the end of its 38 KB argv", codex)
            .with_ignored_flag(absent),
    ]
}

/// A session of an agent and its recording.
struct Session {
    records: Vec<Value>,
    file: PathBuf,
    out: tempfile::TempDir,
}

/// Runs the default script; `beside` is shell that starts what runs beside the observation.
fn session(agent: &str, beside: &str) -> Result<Session> {
    use std::os::unix::fs::PermissionsExt;
    let bench = Path::new(env!("CARGO_MANIFEST_DIR")).join("agents");
    let out = tempfile::tempdir()?;
    std::fs::set_permissions(out.path(), PermissionsExt::from_mode(0o755))?;
    let file = out.path().join("session.rec");
    let wrap = out.path().join("wrap.sh");
    let program = agentsnoop().get_program().to_owned();
    let script = format!(
        "#!/bin/bash\n{beside}\n{program} run --record {file} -- \"$@\"\ncode=$?\nkill $(jobs -p) 2>/dev/null\nexit $code\n",
        program = program.display(),
        file = file.display()
    );
    std::fs::write(&wrap, script)?;
    std::fs::set_permissions(&wrap, PermissionsExt::from_mode(0o755))?;
    let run = Command::new(bench.join("run.sh"))
        .arg(agent)
        .args(["--wrap".as_ref(), wrap.as_os_str(), "--out".as_ref(), out.path().as_os_str()])
        .env("AGENTS_HOME", std::env::var_os(VARIABLE).context("the folder of the agents is not named")?)
        .stdin(Stdio::null())
        .output()
        .context("cannot start tests/agents/run.sh")?;
    ensure!(run.status.success(), "run.sh ended with {}: {}", run.status, text(&run.stderr));
    let code = std::fs::read_to_string(out.path().join("rc")).unwrap_or_default();
    ensure!(
        code.trim() == "0",
        "{agent} ended with {code}: {}",
        std::fs::read_to_string(out.path().join("agent.err")).unwrap_or_default()
    );
    wait_until_closed(&file)?;
    Ok(Session { records: query(&file, &[])?, file, out })
}

impl Session {
    fn of(&self, kind: &'static str) -> impl Iterator<Item = &Value> {
        self.records.iter().filter(move |record| record["kind"] == kind)
    }

    /// The exec of a program whose arguments begin with these words.
    fn exec(&self, words: &[&str]) -> Result<&Value> {
        let begins = |exec: &&Value| {
            let argv: Vec<&str> =
                exec["exec"]["argv"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            argv.len() >= words.len() && words.iter().zip(&argv).all(|(word, argument)| argument.ends_with(word))
        };
        self.of("exec").find(begins).with_context(|| format!("no exec of {words:?}"))
    }

    /// The open of a path that ends so, by the process of another record.
    fn open_by(&self, process: &Value, end: &str) -> Result<&Value> {
        let found = self.of("open").find(|open| {
            open["process"]["id"] == process["process"]["id"]
                && open["open"]["path"].as_str().is_some_and(|path| path.ends_with(end))
        });
        found.with_context(|| format!("process {} did not open {end}", process["process"]["pid"]))
    }

    /// What every session shows, whichever agent it is.
    fn shows_the_script(&self) -> Result<()> {
        let cat = self.exec(&["cat", "/.aws/credentials"])?;
        let open = self.open_by(cat, "/.aws/credentials")?;
        ensure!(open["open"]["path"].as_str().is_some_and(|path| path.starts_with('/')), "{open:#}");
        ensure!(open["open"]["result"].as_i64().is_some_and(|fd| fd >= 0), "{open:#}");
        ensure!(open["open"]["access"] == "read", "{open:#}");
        self.exec(&["git", "status"])?;
        let curl = self.exec(&["curl", "-s"])?;
        let connect = self.of("connect").find(|connect| {
            connect["process"]["id"] == curl["process"]["id"]
                && connect["connect"]["address"] == "127.0.0.1"
                && connect["connect"]["port"] == PORT
        });
        connect.context("curl did not connect to the model server")?;
        let written = self.of("open").any(|open| {
            let path = open["open"]["path"].as_str().unwrap_or_default();
            path.contains("generated.txt")
                && open["open"]["access"] != "read"
                && open["open"]["result"].as_i64() >= Some(0)
        });
        ensure!(written, "generated.txt was not written");
        self.is_sound()
    }

    /// Nothing lost, nothing secret, nobody else.
    fn is_sound(&self) -> Result<()> {
        let verdict = verify(&self.file)?;
        ensure!(verdict["ok"] == true && verdict["lost"] == 0, "{verdict:#}");
        let dump = agentsnoop().args(["verify", "--dump-inputs"]).arg(&self.file).output()?;
        ensure!(dump.status.success() && dump.stdout.len() > 100_000, "cannot dump the inputs: {}", text(&dump.stderr));
        for value in VALUES {
            let found = dump.stdout.windows(value.len()).any(|window| window == value.as_bytes());
            ensure!(!found, "the value {value} is in the recording");
        }
        let root = self.of("exec").next().map(|exec| &exec["process"]["pid"]).context("no exec")?;
        let stranger =
            self.records.iter().find(|record| record["process"].is_object() && record["agent"]["root_pid"].is_null());
        ensure!(stranger.is_none(), "a process belongs to nobody: {stranger:#?}");
        let mut known = vec![root];
        for record in &self.records {
            let pid = &record["process"]["pid"];
            ensure!(
                pid.is_null() || known.contains(&pid),
                "process {pid} has no ancestor in the recording: {record:#}"
            );
            if record["kind"] == "fork" {
                known.push(&record["fork"]["child_pid"]);
            }
        }
        Ok(())
    }

    fn agents(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.records.iter().filter_map(|record| record["agent"]["name"].as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

fn claude() -> Result<()> {
    let busy_file = tempfile::NamedTempFile::new()?;
    let busy = busy_file.path().display().to_string();
    // The second agent works on a copy of everything, which a mount namespace of its own puts in the same place.
    let beside = format!(
        "unshare -m bash -c 'run=$(realpath ..); cp -a .. \"$0\" && mount --bind \"$0\" \"$run\" && cd \"$run/project\" && exec \"$@\"' \
         \"$(dirname \"$0\")/second\" \"$@\" > /dev/null 2>&1 < /dev/null &\n\
         sleep 60 2>/dev/null | {} trigger open-until-eof {busy} > /dev/null 2>&1 &",
        own_program()?.display()
    );
    let session = session("claude", &beside)?;
    session.shows_the_script()?;
    ensure!(
        session.out.path().join("second/project/generated.txt").exists(),
        "the second agent did not work beside the first"
    );
    let late =
        session.of("open").find(|open| open["open"]["path"].as_str().is_some_and(|path| path.ends_with("/late.txt")));
    let late = late.context("the child that outlives its parent did not write late.txt")?;
    ensure!(late["open"]["access"] == "write", "{late:#}");
    ensure!(session.agents().contains(&"claude-code"), "agents: {:?}", session.agents());
    let images = session
        .of("session")
        .filter(|record| record["session"]["state"] == "started" && record["agent"]["name"] == "claude-code");
    ensure!(images.count() == 1, "Claude Code is one agent");
    let others = session.records.iter().any(|record| record.to_string().contains(&busy));
    ensure!(!others, "the busy loop is in the recording");
    Ok(())
}

fn codex() -> Result<()> {
    let session = session("codex", "")?;
    session.shows_the_script()?;
    let long = session.of("exec").find(|exec| {
        exec["exec"]["argv"]
            .as_array()
            .is_some_and(|argv| argv.iter().filter_map(Value::as_str).map(str::len).sum::<usize>() > 30_000)
    });
    let long = long.context("no exec has the 38 KB of argv")?;
    ensure!(
        long["exec"].get("argv_state").is_none_or(|state| state == "masked"),
        "the long argv was cut: {}",
        long["exec"]["argv_state"]
    );
    let end = long["exec"]["argv"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .any(|argument| argument.contains("aws/credentials") || argument.contains("env-of-tool"));
    ensure!(end, "the end of the long argv is not there");
    let native = session
        .of("exec")
        .find(|exec| exec["exec"]["path"].as_str().is_some_and(|path| path.ends_with("-linux-musl/bin/codex")));
    let native = native.context("the native codex was not seen")?;
    let own = session.of("open").filter(|open| open["process"]["id"] == native["process"]["id"]).count();
    ensure!(own > 100, "Codex itself has {own} opens");
    ensure!(session.agents().contains(&"codex"), "agents: {:?}", session.agents());
    Ok(())
}
