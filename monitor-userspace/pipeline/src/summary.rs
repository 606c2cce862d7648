//! The screenful at the end of a run: what it ran, touched, wrote, talked to and looked up, and what could not be seen.

mod calls;
mod files;
mod layout;
mod network;
mod tally;
mod unseen;

use crate::{
    enrich::Class,
    event::path::base_name,
    hash::Map,
    input::HookState,
    lines::{command_line, duration},
    record::{Body, Exec, Exit, GetenvKind, ProcessId, Record, SessionState, Text},
};
use calls::Calls;
use files::Files;
use layout::{Layout, Size, number};
use network::Network;
use tally::Tally;

/// Different programs, endpoints and names that are counted apart; what is beyond is counted together.
const DIFFERENT: usize = 1024;

/// Lines of a screen that the summary fits.
const SCREEN: usize = 40;

/// Processes whose libc is waited for; of more, it is not said that their look-ups could not be seen.
const PROCESSES: usize = 4096;

/// Hooks that are named with the reason why they are not attached; of more, how many there were.
const HOOKS: usize = 1024;

/// Gathers records; bounded, whatever their number.
#[derive(Debug, Default)]
pub struct Summary {
    title: Option<(ProcessId, String)>,
    /// Where the command was started.
    project: String,
    exit: Option<Exit>,
    begun_ns: Option<u64>,
    ended_ns: u64,
    agents: Tally,
    calls: Calls,
    processes: u64,
    execs: u64,
    programs: Tally,
    files: Files,
    network: Network,
    /// Calls that deserve attention, by name.
    attention: Tally,
    lookups: u64,
    /// Bursts of look-ups that cover the environment.
    enumerations: u64,
    names: Tally,
    notable_names: Map<Class, Tally>,
    /// Images that have not opened a libc yet.
    without_libc: Map<ProcessId, String>,
    own_environment: Tally,
    lost: u64,
    losses: u64,
    gaps: Tally,
    /// Inputs that gaps say were not recorded.
    unrecorded: u64,
    /// Gaps that do not say how many.
    uncounted: u64,
    /// Processes that were no known agents.
    rejected: Tally,
    /// Secrets were left as they are.
    is_unscrubbed: bool,
    /// Hooks that are not attached, with the reason.
    unavailable: std::collections::BTreeMap<String, String>,
    /// How often one beyond [`HOOKS`] was told.
    further_unavailable: u64,
    /// Images beyond [`PROCESSES`], of which is not known whether they opened a libc.
    further_images: u64,
}

impl Summary {
    /// Takes one record.
    pub fn add(&mut self, record: &Record) {
        if record.process.is_some() {
            self.begun_ns.get_or_insert(record.boot_ns);
            self.ended_ns = self.ended_ns.max(record.boot_ns);
        }
        match &record.body {
            Body::Exec(exec) => self.exec(record, exec),
            Body::Fork(_) => self.processes += 1,
            Body::Exit(exit) => self.exit(record, exit),
            Body::Open(open) => {
                self.files.add(record, open, &comm(record));
                if let (Some(process), Some(path)) = (&record.process, &open.path)
                    && open.result >= 0
                    && is_libc(path.as_bytes())
                {
                    self.without_libc.remove(&process.image.id);
                }
            }
            Body::Connect(connect) => self.network.connect(record, connect),
            Body::Getenv(getenv) if getenv.kind == GetenvKind::Enumeration => self.enumerations += 1,
            Body::Getenv(getenv) => {
                self.lookups = self.lookups.saturating_add(getenv.count);
                let name = getenv.name.as_ref().map(shown).unwrap_or_default();
                for class in record.classes.iter().filter(|class| is_notable_name(*class)) {
                    self.notable_names.entry(class).or_default().count(&name, getenv.count);
                }
                self.names.count(&name, getenv.count);
            }
            Body::Session(session) => {
                if let (SessionState::Started, Some(agent)) = (session.state, &record.agent)
                    && session.known_by != "run"
                {
                    self.agents.count(&format!("{} (pid {})", agent.name, agent.root_pid), 1);
                }
                self.root(record);
            }
            Body::Readlink(_)
            | Body::Rename(_)
            | Body::Link(_)
            | Body::Symlink(_)
            | Body::Unlink(_)
            | Body::Mkdir(_)
            | Body::Chmod(_)
            | Body::Chown(_)
            | Body::Truncate(_) => self.files.change(record, &self.project, &comm(record)),
            Body::ToolCall(call) => self.calls.add(call),
            Body::Attention(call) => self.attention.count(&call.call, 1),
            Body::Traffic(traffic) => self.network.traffic(traffic),
            Body::Dns(dns) => self.network.dns(record, dns),
            Body::Name(name) => self.network.known(record, name.name.as_ref()),
            Body::Identity(_)
            | Body::Stat(_)
            | Body::Bind(_)
            | Body::Listen(_)
            | Body::Accept(_)
            | Body::Metadata(_) => {}
            Body::Loss(loss) => self.loss(loss),
            Body::Gap(gap) => self.gap(gap),
            Body::Coverage(hook) if hook.feature == crate::admit::PROCESS => self.reject(&hook.name),
            Body::Coverage(hook) if hook.feature == crate::scrub::SECRETS => self.is_unscrubbed = true,
            Body::Coverage(hook) => match &hook.state {
                HookState::Attached => {
                    self.unavailable.remove(&hook.name);
                }
                HookState::Degraded { reason } | HookState::Unavailable { reason } => self.lacks(&hook.name, reason),
            },
        }
    }

    /// A session's root was there before anything was forked.
    fn root(&mut self, record: &Record) {
        let Body::Session(session) = &record.body else { return };
        let is_root = session.state == SessionState::Started && session.known_by == "run";
        self.processes += u64::from(is_root);
    }

    fn exec(&mut self, record: &Record, exec: &Exec) {
        let Some(process) = &record.process else { return };
        // The name that the lines show: `sh` is what was called, whatever shell that is.
        let program = comm(record);
        self.execs += 1;
        self.programs.count(&program, 1);
        let is_root = record.agent.as_ref().is_some_and(|agent| agent.root_pid == process.image.id.pid);
        if self.title.is_none() && is_root {
            let mut line = String::new();
            command_line(&exec.argv, &mut line);
            self.title = Some((process.image.id, line));
            self.project = exec.cwd.as_ref().map(shown).unwrap_or_default();
        }
        if let Some(before) = self.without_libc.remove(&process.image.id) {
            self.own_environment.count(&before, 1);
        }
        if self.without_libc.len() < PROCESSES {
            self.without_libc.insert(process.image.id, program);
        } else {
            self.further_images += 1;
        }
    }

    fn exit(&mut self, record: &Record, exit: &Exit) {
        let Some(process) = &record.process else { return };
        if let Some(program) = self.without_libc.remove(&process.image.id) {
            self.own_environment.count(&program, 1);
        }
        if self.title.as_ref().is_some_and(|(id, _)| *id == process.image.id) {
            self.exit = Some(exit.clone());
            self.ended_ns = record.boot_ns;
        }
    }

    /// The lines, at most `width` columns wide and at most 40 in number, without colour.
    #[must_use]
    pub fn lines(&self, width: usize) -> Vec<String> {
        let usual = self.laid_out(width, Size::Usual);
        if usual.len() <= SCREEN { usual } else { self.laid_out(width, Size::Brief) }
    }

    fn laid_out(&self, width: usize, size: Size) -> Vec<String> {
        let mut layout = Layout::new(width, size);
        self.head(&mut layout);
        layout.list("agents", &self.agents.top(usize::MAX), 2);
        self.calls.lines(&mut layout);
        let counts = format!("{}, {}", number(self.processes.max(1), "process"), number(self.execs, "exec"));
        layout.list_after("ran", &counts, &self.programs.top(usize::MAX), 3);
        self.files.lines(&self.project, &mut layout);
        self.network.lines(&mut layout);
        self.variables(&mut layout);
        layout.list("attention", &self.attention.top(usize::MAX), 2);
        if self.is_unscrubbed {
            layout.row("secrets", "not masked, since --no-scrub was asked for");
        }
        self.blind(&mut layout);
        layout.finish()
    }

    fn head(&self, layout: &mut Layout) {
        let title = self.title.as_ref().map_or("", |(_, title)| title);
        let mut end = match &self.exit {
            Some(Exit { signal: Some(signal), .. }) => format!("ended by {signal} after "),
            Some(Exit { code, .. }) => format!("exit {} after ", code.unwrap_or(0)),
            None => "running for ".to_owned(),
        };
        duration(self.ended_ns.saturating_sub(self.begun_ns.unwrap_or(self.ended_ns)), &mut end);
        layout.head(title, &end);
    }

    fn variables(&self, layout: &mut Layout) {
        if self.lookups + self.enumerations == 0 {
            return layout.row("variables", "no look-up seen");
        }
        let names = self.names.how_many("name");
        let mut text = format!("{} of {names}", number(self.lookups, "look-up"));
        if let all @ 1.. = self.enumerations {
            text.push_str(&format!(", the whole environment {all} ×"));
        }
        layout.row("variables", &text);
        for class in [Class::Credential, Class::Proxy, Class::Locale, Class::HostIdentity, Class::VcsIdentity] {
            if let Some(tally) = self.notable_names.get(&class) {
                layout.sublist(class.name(), &tally.names_folded("LC_"), 2);
            }
        }
    }
}

/// Whether look-ups of such names are named in the summary.
const fn is_notable_name(class: Class) -> bool {
    matches!(class, Class::Credential | Class::Proxy | Class::Locale | Class::HostIdentity | Class::VcsIdentity)
}

/// Whether a path is that of a C library, as the dynamic loader opens it (glibc, musl).
fn is_libc(path: &[u8]) -> bool {
    let base = base_name(path);
    [&b"libc.so"[..], b"libc-", b"libc.musl-", b"ld-musl-"].iter().any(|name| base.starts_with(name))
}

fn comm(record: &Record) -> String {
    let comm = record.process.as_ref().and_then(|process| process.image.comm.as_ref());
    comm.map_or_else(|| "?".to_owned(), shown)
}

fn shown(text: &Text) -> String {
    let mut out = String::new();
    text.escape_into(&mut out);
    out
}
