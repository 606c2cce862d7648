//! What was found, for people.

use std::fmt::Display;

use agentsnoop_pipeline::lines::Paint;
use agentsnoop_pipeline::record::escape_into;

use super::report::{Account, Agent, Folder, Inventory, Level, Problem, Server, Settings, Switch, Value};

/// Columns before the text of a row.
const LABEL: usize = 13;

/// Entries of a list that are shown; `--json` has all.
const ENTRIES: usize = 5;

/// The whole report.
#[must_use]
pub fn text(inventory: &Inventory, paint: Paint) -> String {
    let mut page = Page { text: String::new(), paint, label: None };
    for agent in &inventory.agents {
        page.agent(agent);
    }
    if inventory.agents.is_empty() {
        page.line("no agent was found");
    }
    page.line(&looked(inventory));
    for Problem { path, error, line, column } in &inventory.problems {
        let place = match (line, column) {
            (Some(line), Some(column)) => format!(", line {line}, column {column}"),
            _ => String::new(),
        };
        page.line(&format!("not read: {path}{place}: {error}"));
    }
    if inventory.more_problems > 0 {
        page.line(&format!("not read: {} more", inventory.more_problems));
    }
    page.text
}

/// Where was looked, in one sentence.
fn looked(inventory: &Inventory) -> String {
    let looked = &inventory.looked;
    let mut places = Vec::new();
    if looked.homes.len() <= 1 || looked.homes.iter().map(|home| home.path.len()).sum::<usize>() < 60 {
        places.extend(looked.homes.iter().map(|home| home.path.clone()));
    } else {
        places.push(format!("{} homes", looked.homes.len()));
    }
    if looked.system {
        places.push("what is for all users".to_owned());
    }
    match looked.projects.len() {
        0 => {}
        1 => places.push("1 project".to_owned()),
        projects => places.push(format!("{projects} projects")),
    }
    if let Some(processes) = looked.processes {
        let hidden = match looked.hidden_processes {
            0 => String::new(),
            hidden => format!(", of which {hidden} cannot be seen (root sees most)"),
        };
        places.push(format!("{processes} processes{hidden}"));
    }
    format!("looked at {}", places.join(", "))
}

/// Lines under construction.
struct Page {
    text: String,
    paint: Paint,
    /// The label of the next row.
    label: Option<&'static str>,
}

impl Page {
    /// A line, escaped.
    fn line(&mut self, line: &str) {
        escape_into(line.as_bytes(), &mut self.text);
        self.text.push('\n');
    }

    /// Rows that follow have this label, the first shows it.
    fn label(&mut self, label: &'static str) {
        self.label = Some(label);
    }

    fn row(&mut self, text: &str) {
        let label = self.label.take().unwrap_or_default();
        self.line(&format!("  {label:<LABEL$}{text}"));
    }

    fn agent(&mut self, agent: &Agent) {
        match self.paint {
            Paint::Ansi => self.text.push_str(&format!("\u{1b}[1m{}\u{1b}[0m  {}\n", agent.title, agent.name)),
            Paint::Plain => self.line(&format!("{}  {}", agent.title, agent.name)),
        }
        self.installations(agent);
        self.running(agent);
        self.accounts(agent);
        self.switches("permissions", agent, |settings| &settings.permissions);
        self.servers(agent);
        self.hooks(agent);
        self.switches("endpoints", agent, |settings| &settings.endpoints);
        self.switches("proxies", agent, |settings| &settings.proxies);
        self.switches("telemetry", agent, |settings| &settings.telemetry);
        self.label("folders");
        for Folder { path, user } in &agent.folders {
            self.row(&format!("{path}{}", of(user.as_deref())));
        }
        self.label("settings");
        for settings in &agent.settings {
            self.row(&format!("{}{}", settings.file, of_settings(settings)));
        }
        self.text.push('\n');
    }

    fn installations(&mut self, agent: &Agent) {
        self.label("installed");
        for found in &agent.installations {
            let version = found.version.as_deref().unwrap_or("version unknown");
            let method = found.method.as_ref().map(|method| format!("  {method}")).unwrap_or_default();
            self.row(&format!("{version}{method}  {}{}", found.path, of(found.user.as_deref())));
            if !found.commands.is_empty() {
                self.row(&format!("  as {}", found.commands.join(", ")));
            }
        }
    }

    fn running(&mut self, agent: &Agent) {
        self.label("running");
        for session in &agent.running {
            let version = session.version.as_ref().map(|version| format!("{version}  ")).unwrap_or_default();
            let cwd = session.cwd.as_ref().map(|cwd| format!(" in {cwd}")).unwrap_or_default();
            let more = match session.pids.len() {
                0 | 1 => String::new(),
                pids => format!(", {pids} processes"),
            };
            self.row(&format!("{version}pid {} of {} since {}{cwd}{more}", session.pid, session.user, session.since));
            if !session.options.is_empty() {
                self.row(&format!("  {}", session.options.join(" ")));
            }
        }
    }

    fn accounts(&mut self, agent: &Agent) {
        self.label("account");
        for settings in &agent.settings {
            for known in &settings.accounts {
                let kind = match known.kind {
                    Account::Enterprise => "enterprise",
                    Account::Team => "team",
                    Account::Personal => "personal",
                    Account::Login => "logged in",
                    Account::ApiKey => "API key",
                    Account::Cloud => "cloud credentials",
                };
                self.row(&format!("{kind}  {} in {}{}", known.key, settings.file, of_settings(settings)));
            }
        }
    }

    fn servers(&mut self, agent: &Agent) {
        self.label("MCP servers");
        for settings in &agent.settings {
            for server in &settings.mcp_servers {
                let Server { name, transport, command, host, enabled, project, .. } = server;
                let what = command.as_ref().or(host.as_ref()).map(|what| format!("  {what}")).unwrap_or_default();
                let off = if *enabled { "" } else { "  (off)" };
                let project = project.as_ref().map(|project| format!(" for {project}")).unwrap_or_default();
                self.row(&format!(
                    "{name}  {transport}{what}{off}  {}{project}{}",
                    settings.file,
                    of_settings(settings)
                ));
            }
        }
    }

    fn hooks(&mut self, agent: &Agent) {
        self.label("hooks");
        for settings in &agent.settings {
            for hook in &settings.hooks {
                let matcher = hook.matcher.as_ref().map(|matcher| format!(" {matcher}")).unwrap_or_default();
                let runs = hook.runs.as_deref().unwrap_or(&hook.kind);
                self.row(&format!("{}{matcher}  {runs}  {}{}", hook.event, settings.file, of_settings(settings)));
            }
        }
    }

    fn switches(&mut self, label: &'static str, agent: &Agent, of: fn(&Settings) -> &Vec<Switch>) {
        self.label(label);
        for settings in &agent.settings {
            for Switch { key, value } in of(settings) {
                self.row(&format!("{key} = {}  {}{}", shown(value), settings.file, of_settings(settings)));
            }
        }
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Flag(flag) => flag.to_string(),
        Value::Text(text) => text.clone(),
        Value::List(list) => {
            let shown = list.iter().take(ENTRIES).map(String::as_str).collect::<Vec<_>>().join(", ");
            match list.len().saturating_sub(ENTRIES) {
                0 => format!("[{shown}]"),
                more => format!("[{shown}, and {more} more]"),
            }
        }
    }
}

fn of(user: Option<&str>) -> String {
    let whose: &dyn Display = match &user {
        Some(user) => user,
        None => &"all users",
    };
    format!("  ({whose})")
}

fn of_settings(settings: &Settings) -> String {
    match (settings.scope, &settings.user) {
        (Level::Managed, _) => "  (all users)".to_owned(),
        (Level::User, user) => of(user.as_deref()),
        (Level::Project, _) => "  (project)".to_owned(),
    }
}
