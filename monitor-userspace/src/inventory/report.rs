//! What was found (docs/agents.md, docs/schema/agents.json).

use serde::{Deserialize, Serialize};

use super::{Scope, clean::Clean, text_of};

/// The version of the form of the report.
const SCHEMA: u32 = 1;

/// Everything.
#[derive(Clone, Debug, Serialize)]
pub struct Inventory {
    /// Counts changes of the form that break readers.
    pub schema: u32,
    /// The version of agentsnoop.
    pub agentsnoop: &'static str,
    /// Where was looked.
    pub looked: Looked,
    /// Agents that are installed, run or have left settings.
    pub agents: Vec<Agent>,
    /// What could not be read or understood, the first 1,000.
    pub problems: Vec<Problem>,
    /// Further problems.
    #[serde(skip_serializing_if = "is_zero")]
    pub more_problems: u64,
}

/// Where was looked.
#[derive(Clone, Debug, Serialize)]
pub struct Looked {
    /// The homes, with their users.
    pub homes: Vec<Folder>,
    /// Whether in what is for all users, too.
    pub system: bool,
    /// The projects whose settings were looked for.
    pub projects: Vec<String>,
    /// Processes that were looked at; absent where running agents were not looked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processes: Option<u64>,
    /// Processes whose programs cannot be seen: for a user those of others.
    #[serde(skip_serializing_if = "is_zero")]
    pub hidden_processes: u64,
}

/// A folder, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Folder {
    /// Absolute.
    pub path: String,
    /// Absent where it is for all users.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

/// An agent.
#[derive(Clone, Debug, Serialize)]
pub struct Agent {
    /// As in records.
    pub name: String,
    /// For people.
    pub title: String,
    /// Where it is installed.
    pub installations: Vec<Installation>,
    /// Its sessions under way.
    pub running: Vec<Session>,
    /// Its folders for settings and state that are there.
    pub folders: Vec<Folder>,
    /// Its files of settings that are there, with what they say.
    pub settings: Vec<Settings>,
}

/// One installation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Installation {
    /// Absent where nothing tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// How it came here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The program or the script with links resolved; of an extension its folder.
    pub path: String,
    /// The package or the extension.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// Where it is linked to as a command.
    pub commands: Vec<String>,
    /// In whose home it is; absent where it is for all users.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

/// A session under way: a launcher and its native program are one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Session {
    /// The first process.
    pub pid: u32,
    /// All processes of the agent itself, without what it has started.
    pub pids: Vec<u32>,
    /// Whose it is.
    pub user: String,
    /// When the first process began, RFC 3339 in UTC.
    pub since: String,
    /// Where it works.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// The program, or the script that it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Absent where nothing tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Options of its command line that change what it may do.
    pub options: Vec<String>,
}

/// A file of settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Settings {
    /// Absolute.
    pub file: String,
    /// For whom it counts.
    pub scope: Level,
    /// Whose it is; absent where it is for all users.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// What kinds of account it knows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub accounts: Vec<Known>,
    /// What the agent may do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub permissions: Vec<Switch>,
    /// Servers of the Model Context Protocol.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mcp_servers: Vec<Server>,
    /// Commands that the agent runs by itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hooks: Vec<Hook>,
    /// Where models are, other than usual.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<Switch>,
    /// Proxies.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub proxies: Vec<Switch>,
    /// What is told to whom about the use.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub telemetry: Vec<Switch>,
}

/// For whom settings count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// For all users, set by an administrator.
    Managed,
    /// For a user.
    #[default]
    User,
    /// For those who work in a folder.
    Project,
}

/// A kind of account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Account {
    /// A company's.
    Enterprise,
    /// A team's.
    Team,
    /// A person's subscription.
    Personal,
    /// Somebody has logged in; what kind of account it is, is not said.
    Login,
    /// A key that is paid by use.
    ApiKey,
    /// A cloud's own credentials.
    Cloud,
}

/// A kind of account, and which key tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Known {
    /// The kind.
    pub kind: Account,
    /// The key; never its value.
    pub key: String,
}

/// A setting with its value: of addresses only scheme and host, of lists each entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Switch {
    /// The key, with dots.
    pub key: String,
    /// Its value.
    pub value: Value,
}

/// A value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// `true` or `false`.
    Flag(bool),
    /// Anything else.
    Text(String),
    /// Several, the first 200.
    List(Vec<String>),
}

/// A server of the Model Context Protocol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Server {
    /// Its name.
    pub name: String,
    /// `stdio`, `http`, `sse`, or what the settings call it.
    pub transport: String,
    /// The command that is started, masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// Scheme and host of the one that is asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Names of the variables that it is given.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
    /// Names of the headers that it is sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<String>,
    /// Whether it is in use.
    pub enabled: bool,
    /// The project that it is for, where the file is not the project's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
}

/// A command that an agent runs by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hook {
    /// When.
    pub event: String,
    /// For which tools.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matcher: Option<String>,
    /// `command`, or another kind that the agent knows.
    pub kind: String,
    /// The command, masked, or scheme and host that are asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runs: Option<String>,
}

/// Something that could not be read or understood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Of which file or folder.
    pub path: String,
    /// What; nothing of its content.
    pub error: String,
    /// Where in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// Where in the line, in characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
}

impl Inventory {
    pub(super) fn new(looked: Looked, agents: Vec<Agent>, (problems, more_problems): (Vec<Problem>, u64)) -> Self {
        Self { schema: SCHEMA, agentsnoop: env!("CARGO_PKG_VERSION"), looked, agents, problems, more_problems }
    }
}

impl Looked {
    pub(super) fn new(scope: &Scope) -> Self {
        let homes = scope.homes.iter().filter(|_| scope.installed);
        Self {
            homes: homes.map(|home| Folder { path: text_of(&home.path), user: Some(home.user.clone()) }).collect(),
            system: scope.system && scope.installed,
            projects: Vec::new(),
            processes: None,
            hidden_processes: 0,
        }
    }
}

impl Agent {
    pub(super) fn new(name: &str, title: &str) -> Self {
        Self {
            name: name.to_owned(),
            title: title.to_owned(),
            installations: Vec::new(),
            running: Vec::new(),
            folders: Vec::new(),
            settings: Vec::new(),
        }
    }

    /// Whether nothing of it is there. Settings of a project may be there for others who work on it.
    pub(super) fn is_empty(&self) -> bool {
        let is_projects = |settings: &Settings| settings.scope == Level::Project;
        self.installations.is_empty()
            && self.running.is_empty()
            && self.folders.is_empty()
            && self.settings.iter().all(is_projects)
    }
}

impl Installation {
    /// With its strings masked.
    pub(super) fn cleaned(self, clean: &mut Clean) -> Self {
        Self {
            version: self.version.map(|version| clean.text(&version)),
            path: clean.text(&self.path),
            package: self.package.map(|package| clean.text(&package)),
            commands: self.commands.iter().map(|command| clean.text(command)).collect(),
            ..self
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}
