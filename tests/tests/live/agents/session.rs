//! One session of an agent under observation, and how its recording is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::harness::{agentsnoop, own_program, query, text, verify, wait_until_closed};

/// The variable that names the folder with the installed agents.
pub(super) const VARIABLE: &str = "AGENTSNOOP_AGENTS";

/// Values that the bench puts into the environment of its agents; none may be in a recording.
const VALUES: [&str; 4] = ["FAKE-env-secret", "FAKE-env-token", "sk-ant-fake", "FAKE/FAKE/FAKE"];

/// What to run.
#[derive(Default)]
pub(super) struct Script {
    agent: &'static str,
    options: Vec<&'static str>,
    variables: Vec<(&'static str, &'static str)>,
    beside: String,
}

impl Script {
    /// The agent's headless mode with a script of `tests/agents/scripts`, and a busy loop that nobody observes beside.
    pub(super) fn new(agent: &'static str, script: &'static str) -> Result<(Self, tempfile::NamedTempFile)> {
        let busy = tempfile::NamedTempFile::new()?;
        let beside = format!(
            "sleep 120 2>/dev/null | {} trigger open-until-eof {} > /dev/null 2>&1 &",
            own_program()?.display(),
            busy.path().display()
        );
        Ok((Self { agent, options: vec!["--script", script], beside, ..Self::default() }, busy))
    }

    /// More options of `run.sh`.
    pub(super) fn options(mut self, options: &[&'static str]) -> Self {
        self.options.extend(options);
        self
    }

    /// A variable for `run.sh` itself.
    pub(super) fn variable(mut self, name: &'static str, value: &'static str) -> Self {
        self.variables.push((name, value));
        self
    }

    /// Shell that starts something more beside the observation; `$@` is the agent's command line.
    pub(super) fn beside(mut self, shell: &str) -> Self {
        self.beside = format!("{shell}\n{}", self.beside);
        self
    }

    /// Runs it to its end.
    pub(super) fn run(self) -> Result<Session> {
        use std::os::unix::fs::PermissionsExt;
        let bench = Path::new(env!("CARGO_MANIFEST_DIR")).join("agents");
        let out = tempfile::tempdir()?;
        std::fs::set_permissions(out.path(), PermissionsExt::from_mode(0o755))?;
        let file = out.path().join("session.rec");
        let wrap = out.path().join("wrap.sh");
        let program = agentsnoop().get_program().to_owned();
        let script = format!(
            "#!/bin/bash\n{beside}\n{program} run --record {file} -- \"$@\"\ncode=$?\nkill $(jobs -p) 2>/dev/null\nexit $code\n",
            beside = self.beside,
            program = program.display(),
            file = file.display()
        );
        std::fs::write(&wrap, script)?;
        std::fs::set_permissions(&wrap, PermissionsExt::from_mode(0o755))?;
        let run = Command::new(bench.join("run.sh"))
            .arg(self.agent)
            .args(&self.options)
            .args(["--wrap".as_ref(), wrap.as_os_str(), "--out".as_ref(), out.path().as_os_str()])
            .current_dir(&bench)
            .envs(self.variables)
            .env("AGENTS_HOME", std::env::var_os(VARIABLE).context("the folder of the agents is not named")?)
            .stdin(Stdio::null())
            .output()
            .context("cannot start tests/agents/run.sh")?;
        ensure!(run.status.success(), "run.sh ended with {}: {}", run.status, text(&run.stderr));
        let code = std::fs::read_to_string(out.path().join("rc")).unwrap_or_default();
        ensure!(
            code.trim() == "0",
            "{} ended with {code}: {}",
            self.agent,
            std::fs::read_to_string(out.path().join("agent.err")).unwrap_or_default()
        );
        wait_until_closed(&file)?;
        Ok(Session::of_recording(query(&file, &[])?, file, out))
    }
}

/// A session of an agent and its recording.
pub(super) struct Session {
    pub(super) records: Vec<Value>,
    file: PathBuf,
    pub(super) out: tempfile::TempDir,
    /// The parent of each process, as its fork told.
    parents: BTreeMap<String, String>,
}

impl Session {
    fn of_recording(records: Vec<Value>, file: PathBuf, out: tempfile::TempDir) -> Self {
        let forks = records.iter().filter(|record| record["kind"] == "fork");
        let parents = forks.map(|fork| (id(&fork["fork"]["child"]), id(&fork["process"]["id"]))).collect();
        Self { records, file, out, parents }
    }

    /// The records of a kind.
    pub(super) fn of(&self, kind: &'static str) -> impl Iterator<Item = &Value> {
        self.records.iter().filter(move |record| record["kind"] == kind)
    }

    /// The records of a kind by the process of another record.
    pub(super) fn by<'a>(&'a self, process: &'a Value, kind: &'static str) -> impl Iterator<Item = &'a Value> {
        self.of(kind).filter(|record| record["process"]["id"] == process["process"]["id"])
    }

    /// The execs whose arguments begin with words that end so.
    pub(super) fn execs<'a>(&'a self, words: &'a [&'a str]) -> impl Iterator<Item = &'a Value> {
        self.of("exec").filter(|exec| {
            let argv = argv(exec);
            argv.len() >= words.len() && words.iter().zip(&argv).all(|(word, argument)| argument.ends_with(word))
        })
    }

    /// The first of them.
    pub(super) fn exec(&self, words: &[&str]) -> Result<&Value> {
        let found = self.of("exec").find(|exec| {
            let argv = argv(exec);
            argv.len() >= words.len() && words.iter().zip(&argv).all(|(word, argument)| argument.ends_with(word))
        });
        found.with_context(|| format!("no exec of {words:?}"))
    }

    /// The successful opens of paths that end so, by whomever.
    pub(super) fn opens<'a>(&'a self, end: &'a str) -> impl Iterator<Item = &'a Value> {
        self.of("open").filter(move |open| {
            open["open"]["path"].as_str().is_some_and(|path| path.ends_with(end))
                && open["open"]["result"].as_i64() >= Some(0)
        })
    }

    /// The successful open of a path that ends so, by the process of another record.
    pub(super) fn open_by<'a>(&'a self, process: &Value, end: &str, access: &str) -> Result<&'a Value> {
        let found = self.of("open").find(|open| {
            open["process"]["id"] == process["process"]["id"]
                && open["open"]["access"] == access
                && open["open"]["result"].as_i64() >= Some(0)
                && open["open"]["path"].as_str().is_some_and(|path| path.ends_with(end))
        });
        let found =
            found.with_context(|| format!("process {} did not open {end} for {access}", process["process"]["pid"]))?;
        ensure!(found["open"]["path"].as_str().is_some_and(|path| path.starts_with('/')), "{found:#}");
        Ok(found)
    }

    /// Whether a process descends from another, by the forks of the recording.
    pub(super) fn descends(&self, process: &Value, from: &Value) -> bool {
        let from = id(&from["process"]["id"]);
        let mut at = id(&process["process"]["id"]);
        while at != from {
            match self.parents.get(&at) {
                Some(parent) => at.clone_from(parent),
                None => return false,
            }
        }
        true
    }

    /// Nothing lost, nothing secret, nobody else; and one session of the agent, by its name.
    pub(super) fn is_sound(&self, agent: &str, busy: &Path) -> Result<()> {
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
        let mut known = BTreeSet::from([root.to_string()]);
        for record in &self.records {
            let pid = &record["process"]["pid"];
            ensure!(
                pid.is_null() || known.contains(&pid.to_string()),
                "process {pid} has no ancestor in the recording: {record:#}"
            );
            if record["kind"] == "fork" {
                known.insert(record["fork"]["child_pid"].to_string());
            }
        }
        let started = self
            .of("session")
            .filter(|record| record["session"]["state"] == "started" && record["agent"]["name"] == agent)
            .count();
        ensure!(started == 1, "{started} sessions of {agent} have begun");
        let others: BTreeSet<&str> =
            self.records.iter().filter_map(|record| record["agent"]["name"].as_str()).collect();
        ensure!(others.is_subset(&BTreeSet::from([agent, "command"])), "agents: {others:?}");
        self.is_classified()?;
        let busy = busy.display().to_string();
        let others = self.records.iter().any(|record| record.to_string().contains(&busy));
        ensure!(!others, "the busy loop is in the recording");
        Ok(())
    }

    /// Of all paths and endpoints that were touched, by what they are and by how often, less than one in a hundred is something
    /// of which nothing is known. No ordinary file of the project is among the credentials.
    fn is_classified(&self) -> Result<()> {
        let (mut seen, mut events, mut unknown) = (BTreeSet::new(), 0u64, Vec::new());
        for record in &self.records {
            let Some(thing) = touched(record) else { continue };
            let classes: Vec<&str> =
                record["classes"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let count = record["stat"]["count"].as_u64().unwrap_or(1);
            events += count;
            if classes.is_empty() || classes == ["other_endpoint"] {
                unknown.push((thing.clone(), count));
            }
            if classes.starts_with(&["credential", "project_file"]) {
                ensure!(
                    thing.ends_with("/.env") || thing.ends_with("/.npmrc"),
                    "{thing} of the project is a credential: {record:#}"
                );
            }
            seen.insert(thing);
        }
        let unknown_events: u64 = unknown.iter().map(|(_, count)| count).sum();
        let different: BTreeSet<&String> = unknown.iter().map(|(thing, _)| thing).collect();
        let is_rare = different.len() * 100 < seen.len() && unknown_events * 100 < events;
        ensure!(
            is_rare,
            "of {} things and {events} events nothing is known of {unknown_events}: {different:#?}",
            seen.len()
        );
        Ok(())
    }

    /// The names that the bench's name server was asked for, and that its TLS listener was greeted with, are those that
    /// the recording has; the bench saw them on the other side.
    pub(super) fn has_the_names_of_the_sinkhole(&self) -> Result<()> {
        let log = std::fs::read_to_string(self.out.path().join("sinkhole.jsonl")).unwrap_or_default();
        let seen: Vec<Value> = log.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
        let names = |field: &str| -> BTreeSet<String> {
            seen.iter().filter_map(|line| line[field].as_str()).map(str::to_owned).collect()
        };
        let asked: BTreeSet<String> =
            self.of("dns").filter_map(|dns| dns["dns"]["question"].as_str()).map(str::to_owned).collect();
        ensure!(asked == names("dns"), "asked for {asked:?}, and the name server saw {:?}", names("dns"));
        let greeted: BTreeSet<String> = self
            .of("name")
            .filter(|name| name["name"]["name_source"] == "sni")
            .filter_map(|name| name["name"]["name"].as_str())
            .map(str::to_owned)
            .collect();
        ensure!(greeted == names("sni"), "greeted as {greeted:?}, and the listener saw {:?}", names("sni"));
        Ok(())
    }

    /// The folder of this run, with home and project of the agent.
    pub(super) fn folder(&self) -> Option<String> {
        let project = self.of("exec").find_map(|exec| exec["exec"]["cwd"].as_str()?.strip_suffix("/project"))?;
        Some(project.to_owned())
    }

    /// The agent read where a link leads that names the time zone.
    pub(super) fn reads_the_zone(&self) -> Result<()> {
        let found = self.of("readlink").any(|link| {
            link["readlink"]["path"] == "/etc/localtime"
                && link["readlink"]["target"].as_str().is_some_and(|target| target.contains("zoneinfo/"))
        });
        ensure!(found, "nobody read where /etc/localtime leads");
        Ok(())
    }
}

/// The path or the endpoint that a record is about.
fn touched(record: &Value) -> Option<String> {
    let body = &record[record["kind"].as_str()?];
    let text = |field: &str| body[field].as_str().map(str::to_owned);
    match record["kind"].as_str()? {
        "open" | "stat" | "readlink" | "unlink" | "mkdir" | "chmod" | "chown" | "truncate" => text("path"),
        "rename" | "link" | "symlink" => text("to"),
        "connect" | "traffic" | "accept" | "bind" | "listen" => {
            let address = || text("address").map(|address| format!("{address}:{}", body["port"]));
            text("path").or_else(|| text("name")).or_else(address)
        }
        "name" => text("name"),
        "dns" => text("question"),
        _ => None,
    }
}

/// The identity of a process, as text.
fn id(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The arguments of an exec.
pub(super) fn argv(exec: &Value) -> Vec<&str> {
    exec["exec"]["argv"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}
