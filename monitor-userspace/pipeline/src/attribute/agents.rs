//! The catalogue of agents: which executed programs are one.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use serde::Deserialize;
use toml::Spanned;

use super::tools::{Shape, Started, Terminal, Tool, Tools};
use crate::{
    DataError,
    data::{self, RuleError, Source},
    event::path::{base_name, compose},
    record::Text,
};

/// Bytes of a comm with its NUL (`TASK_COMM_LEN`).
const COMM: usize = 16;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[expect(dead_code, reason = "it tells people which revision they read; the digest tells the program")]
    version: u32,
    #[serde(default)]
    host: Vec<Host>,
    wrappers: Names,
    #[serde(default)]
    shells: Names,
    agent: Vec<Entry>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Names {
    names: Vec<String>,
}

/// What users may add: agents, and more of those that are known.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Added {
    /// It tells people which revision they read; the digest tells the program.
    #[serde(default, rename = "version")]
    _version: u32,
    agent: Vec<Spanned<Entry>>,
}

/// A program that runs a script.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Host {
    names: Vec<String>,
    /// Options whose value is the next argument.
    #[serde(default)]
    value_options: Vec<String>,
    /// Options behind which there is code instead of a script.
    #[serde(default)]
    code_options: Vec<String>,
    /// The option whose value is a module.
    module_option: Option<String>,
    /// Words before the script that are none.
    #[serde(default)]
    subcommands: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    #[expect(dead_code, reason = "it tells people where the facts are from")]
    link: String,
    #[serde(default)]
    exe: Vec<String>,
    #[serde(default)]
    packages: Vec<String>,
    #[serde(default)]
    scripts: Vec<String>,
    #[serde(default)]
    script_paths: Vec<String>,
    #[serde(default)]
    modules: Vec<String>,
    #[serde(default)]
    helpers: Vec<String>,
    #[serde(default)]
    helper_args: Vec<String>,
    #[serde(default)]
    comms: Vec<String>,
    #[serde(default)]
    markers: Vec<String>,
    #[serde(default)]
    scratch: Vec<String>,
    #[serde(default)]
    tool: Vec<Tool>,
    #[serde(default)]
    terminal: Vec<Terminal>,
}

/// The catalogue.
#[derive(Debug)]
pub struct Catalogue {
    file: File,
    exe: Globs,
    script_paths: Globs,
    scratch: Globs,
    /// By entry.
    tools: Vec<Tools>,
}

/// What was executed.
#[derive(Clone, Copy, Debug)]
pub struct Program<'a> {
    /// The absolute path of the executed file, links resolved.
    pub exe: Option<&'a [u8]>,
    /// The arguments at the exec.
    pub argv: &'a [Text],
    /// The working directory.
    pub cwd: Option<&'a [u8]>,
}

/// What the catalogue says about a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// It is an agent.
    Agent {
        /// Its name.
        name: &'a str,
        /// How it is known: `exe` or `package`.
        known_by: &'static str,
    },
    /// It is an agent's own file that does a chore under another name.
    Helper {
        /// The name of the agent.
        name: &'a str,
    },
    /// It depends on the package of this script; see [`Catalogue::package`].
    Ask {
        /// The absolute path of the script, as far as that can be said without looking.
        script: String,
    },
    /// It is none, but it may execute one.
    Wrapper,
    /// It is none.
    None,
}

impl Catalogue {
    /// The built-in one.
    ///
    /// # Errors
    ///
    /// When it cannot be read, which a test excludes.
    pub fn new() -> Result<Self, DataError> {
        Self::with(&[]).map_err(|error| DataError::new(data::AGENTS, error))
    }

    /// The built-in one, with the agents that these files add to it, and what they add to its own.
    ///
    /// # Errors
    ///
    /// What is wrong, in which file and line, and what was expected.
    pub fn with(added: &[Source]) -> Result<Self, RuleError> {
        Self::read(&Source::built_in(data::AGENTS), added)
    }

    /// A catalogue (TOML) with what files add to it.
    ///
    /// # Errors
    ///
    /// What is wrong, in which file and line, and what was expected.
    pub fn read(set: &Source, added: &[Source]) -> Result<Self, RuleError> {
        let mut file: File = set.parse()?;
        for source in added {
            let entries: Added = source.parse_bounded()?;
            // Each is tried alone, so that what is wrong is told with its place.
            for entry in source.parse_bounded::<Added>()?.agent {
                let at = entry.span().start;
                let alone = File { agent: vec![entry.into_inner()], ..File::default() };
                Self::of(alone).map_err(|error| source.error(at, error.message))?;
            }
            for entry in entries.agent {
                file.add(entry.into_inner());
            }
        }
        Self::of(file).map_err(|error| set.whole(error.message))
    }

    fn of(file: File) -> Result<Self, DataError> {
        for entry in &file.agent {
            let long = entry.comms.iter().find(|comm| comm.len() >= COMM || comm.is_empty());
            if let Some(comm) = long {
                let message = format!("agent `{}`: comm `{comm}` must have 1 to 15 bytes", entry.name);
                return Err(DataError::new(data::AGENTS, message));
            }
        }
        let exe = Globs::new(&file.agent, |entry| &entry.exe)?;
        let script_paths = Globs::new(&file.agent, |entry| &entry.script_paths)?;
        let scratch = Globs::new(&file.agent, |entry| &entry.scratch)?;
        let tools = file.agent.iter().map(|entry| Tools::new(&entry.name, &entry.tool, &entry.terminal));
        let tools = tools.collect::<Result<_, _>>()?;
        Ok(Self { file, exe, script_paths, scratch, tools })
    }

    /// What a program is.
    #[must_use]
    pub fn recognise(&self, program: Program<'_>) -> Verdict<'_> {
        let Some(exe) = program.exe else { return Verdict::None };
        if let Some(entry) = self.exe.find(exe).and_then(|at| self.file.agent.get(at)) {
            let name = entry.name.as_str();
            let is_helper = entry.is_helper(program.argv);
            return if is_helper { Verdict::Helper { name } } else { Verdict::Agent { name, known_by: "exe" } };
        }
        let base = base_name(exe);
        if let Some(host) = self.file.host.iter().find(|host| host.is(base)) {
            return self.script(host, program);
        }
        if is_named(&self.file.wrappers.names, base) { Verdict::Wrapper } else { Verdict::None }
    }

    /// What the script is that a host runs.
    fn script(&self, host: &Host, program: Program<'_>) -> Verdict<'_> {
        match host.target(program.argv) {
            Target::None => Verdict::None,
            Target::Module(module) => {
                let entry = self.file.agent.iter().find(|entry| is_named(&entry.modules, module));
                entry.map_or(Verdict::None, |entry| Verdict::Agent { name: &entry.name, known_by: "package" })
            }
            Target::Script(script) => {
                let mut path = Vec::new();
                compose(program.cwd.unwrap_or_default(), script, &mut path);
                if let Some(entry) = self.script_paths.find(&path).and_then(|at| self.file.agent.get(at)) {
                    return Verdict::Agent { name: &entry.name, known_by: "package" };
                }
                let base = base_name(&path);
                let mut asked = self.file.agent.iter().filter(|entry| is_named(&entry.scripts, base)).peekable();
                if asked.peek().is_none() {
                    return Verdict::None;
                }
                if let Some(entry) = asked.find(|entry| entry.is_installed_at(&path)) {
                    return Verdict::Agent { name: &entry.name, known_by: "package" };
                }
                // A path that is no UTF-8 cannot be asked about; no installer makes one.
                String::from_utf8(path).map_or(Verdict::None, |script| Verdict::Ask { script })
            }
        }
    }

    /// The agent of a script whose package has this name.
    #[must_use]
    pub fn package(&self, name: &str) -> Option<&str> {
        let entry = self.file.agent.iter().find(|entry| entry.packages.iter().any(|package| package == name))?;
        Some(&entry.name)
    }

    /// The names of the agents.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.file.agent.iter().map(|entry| entry.name.as_str())
    }

    /// The names of the packages of an agent.
    pub fn packages_of(&self, name: &str) -> impl Iterator<Item = &str> {
        let of = self.file.agent.iter().filter(move |entry| entry.name == name);
        of.flat_map(|entry| &entry.packages).map(String::as_str)
    }

    /// The names that programs of an agent have after an exec, at most 15 bytes each.
    pub fn comms_of(&self, name: &str) -> impl Iterator<Item = &str> {
        let of = self.file.agent.iter().filter(move |entry| entry.name == name);
        of.flat_map(|entry| &entry.comms).map(String::as_str)
    }

    /// The globs on the programs of an agent, as they were written.
    pub fn programs_of(&self, name: &str) -> impl Iterator<Item = &str> {
        let of = self.file.agent.iter().filter(move |entry| entry.name == name);
        of.flat_map(|entry| &entry.exe).map(String::as_str)
    }

    /// The absolute path of the script that a host runs, as far as that can be said without looking.
    #[must_use]
    pub fn script_of(&self, program: Program<'_>) -> Option<Vec<u8>> {
        let base = base_name(program.exe?);
        let host = self.file.host.iter().find(|host| host.is(base))?;
        let Target::Script(script) = host.target(program.argv) else { return None };
        let mut path = Vec::new();
        compose(program.cwd.unwrap_or_default(), script, &mut path);
        Some(path)
    }

    /// The title of an agent, for people; its name where it has none.
    #[must_use]
    pub fn title<'a>(&'a self, name: &'a str) -> &'a str {
        let entry = self.file.agent.iter().find(|entry| entry.name == name && !entry.title.is_empty());
        entry.map_or(name, |entry| &entry.title)
    }

    /// What a program is to the agent that started it; `is_own` tells which names are in the environment of the agent itself.
    ///
    /// An agent without rules of its own has one for all: a shell with a script whose environment has a marker that the
    /// agent's own has not.
    pub(crate) fn shape(&self, agent: &str, started: Started<'_>, is_own: impl Fn(&[u8]) -> bool) -> Option<Shape> {
        let at = self.file.agent.iter().position(|entry| entry.name == agent)?;
        let (entry, tools) = (self.file.agent.get(at)?, self.tools.get(at)?);
        let is_shell = is_named(&self.file.shells.names, base_name(started.exe));
        let found = tools.find(started, is_shell, &is_own);
        if found.is_some() || !tools.is_empty() || !is_shell {
            return found;
        }
        let given = started.env_names.unwrap_or_default();
        let is_set =
            |name: &String| given.iter().any(|given| given.as_bytes() == name.as_bytes()) && !is_own(name.as_bytes());
        let script = super::shell::script(started.argv).filter(|_| entry.markers.iter().any(is_set))?;
        Some(Shape::Command(Text::from(script.to_vec()), started.argv_state))
    }

    /// Whether an agent writes such a file for its own ends whenever it starts a tool.
    pub(crate) fn is_scratch(&self, path: &[u8]) -> bool {
        self.scratch.find(path).is_some()
    }

    /// The comms that make a process a candidate in the kernel half, NUL-padded, sorted.
    #[must_use]
    pub fn candidates(&self) -> Vec<[u8; COMM]> {
        let mut comms = Vec::new();
        for comm in self.file.agent.iter().flat_map(|entry| &entry.comms) {
            let mut padded = [0; COMM];
            for (to, from) in padded.iter_mut().zip(comm.bytes()) {
                *to = from;
            }
            comms.push(padded);
        }
        comms.sort_unstable();
        comms.dedup();
        comms
    }
}

impl File {
    /// Adds an entry, to that of its name where there is one.
    fn add(&mut self, entry: Entry) {
        match self.agent.iter_mut().find(|known| known.name == entry.name) {
            Some(known) => known.extend(entry),
            None => self.agent.push(entry),
        }
    }
}

impl Entry {
    /// Takes what another entry of its name says.
    fn extend(&mut self, more: Self) {
        self.exe.extend(more.exe);
        self.packages.extend(more.packages);
        self.scripts.extend(more.scripts);
        self.script_paths.extend(more.script_paths);
        self.modules.extend(more.modules);
        self.helpers.extend(more.helpers);
        self.helper_args.extend(more.helper_args);
        self.comms.extend(more.comms);
        self.markers.extend(more.markers);
        self.scratch.extend(more.scratch);
        self.tool.extend(more.tool);
        self.terminal.extend(more.terminal);
    }

    fn is_helper(&self, argv: &[Text]) -> bool {
        let named = argv.first().is_some_and(|name| is_named(&self.helpers, base_name(name.as_bytes())));
        named || argv.iter().skip(1).any(|argument| is_named(&self.helper_args, argument.as_bytes()))
    }

    /// Whether a script is of a package of the agent, in a folder into which a package manager puts it, and not of one that
    /// came with it.
    fn is_installed_at(&self, script: &[u8]) -> bool {
        const FOLDER: &[u8] = b"/node_modules/";
        let last = script.windows(FOLDER.len()).rposition(|window| window == FOLDER);
        let Some(inside) = last.and_then(|at| script.get(at + FOLDER.len()..)) else { return false };
        let is_of = |package: &String| {
            inside.strip_prefix(package.as_bytes()).is_some_and(|rest| rest.first().is_some_and(|byte| *byte == b'/'))
        };
        self.packages.iter().any(is_of)
    }
}

/// What a host runs.
enum Target<'a> {
    Script(&'a [u8]),
    Module(&'a [u8]),
    None,
}

impl Host {
    fn is(&self, base: &[u8]) -> bool {
        let digits = base.iter().rev().take_while(|byte| byte.is_ascii_digit() || **byte == b'.').count();
        is_named(&self.names, &base[..base.len() - digits])
    }

    fn target<'a>(&self, argv: &'a [Text]) -> Target<'a> {
        let mut arguments = argv.iter().skip(1).map(Text::as_bytes);
        while let Some(argument) = arguments.next() {
            if self.module_option.as_deref().map(str::as_bytes) == Some(argument) {
                return arguments.next().map_or(Target::None, Target::Module);
            }
            if is_named(&self.code_options, argument) {
                return Target::None;
            }
            if is_named(&self.value_options, argument) {
                arguments.next();
            } else if !argument.starts_with(b"-") && !is_named(&self.subcommands, argument) {
                return Target::Script(argument);
            }
        }
        Target::None
    }
}

fn is_named(names: &[String], name: &[u8]) -> bool {
    names.iter().any(|known| known.as_bytes() == name)
}

/// Globs on absolute paths, each of one entry.
#[derive(Debug)]
struct Globs {
    set: GlobSet,
    entries: Vec<usize>,
}

impl Globs {
    fn new(agents: &[Entry], globs: impl Fn(&Entry) -> &Vec<String>) -> Result<Self, DataError> {
        let (mut set, mut entries) = (GlobSetBuilder::new(), Vec::new());
        for (at, entry) in agents.iter().enumerate() {
            for glob in globs(entry) {
                let built = GlobBuilder::new(glob).literal_separator(true).empty_alternates(true).build();
                set.add(
                    built.map_err(|error| DataError::new(data::AGENTS, format!("agent `{}`: {error}", entry.name)))?,
                );
                entries.push(at);
            }
        }
        let set = set.build().map_err(|error| DataError::new(data::AGENTS, error))?;
        Ok(Self { set, entries })
    }

    /// The entry of the first glob that matches.
    fn find(&self, path: &[u8]) -> Option<usize> {
        use std::os::unix::ffi::OsStrExt as _;
        let path = std::path::Path::new(std::ffi::OsStr::from_bytes(path));
        self.set.matches(path).first().and_then(|at| self.entries.get(*at)).copied()
    }
}
