//! `agentsnoop rules`.

use std::io::Write as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use agentsnoop_pipeline::data::{self, CLASSES, JUDGING, RuleError, SCRUB, Source};
use agentsnoop_pipeline::enrich::{Classes, Endpoint, Rules, Why};
use anyhow::{Context as _, Result};
use clap::{Subcommand, ValueEnum};
use serde::Serialize;

use crate::error::{Exit, fail};
use crate::extensions::{self, Extensions, Folders};
use crate::run::identity::Identity;
use crate::scrubbing::content;
use crate::sink::standard;
use crate::source::procfs;

/// Arguments of `rules`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  agentsnoop rules explain ~/.aws/credentials .env    why these have their classes
  agentsnoop rules explain api.anthropic.com 10.0.0.7:4317 HTTPS_PROXY
  agentsnoop rules list --class credential
  agentsnoop rules check ~/.config/agentsnoop/classes.toml

The rules are the built-in ones and those of /etc/agentsnoop/{agents,classes,delegates}.toml and of the agentsnoop folder in the \
user's config directory, which add to them. docs/classes.md has the words and the format.")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Say which classes something has, by which rules, and why those are there
    Explain(Explain),
    /// List the rules about resource classes that are in force
    List(List),
    /// Say whether a data file can be used; exit code 1 and the line where it cannot
    Check(Check),
}

/// Arguments of `rules explain`.
#[derive(Debug, clap::Args)]
struct Explain {
    /// Paths, names of variables, endpoints (a name of a host or an address, with a port behind a colon), or paths of unix sockets
    #[arg(required = true, value_name = "WHAT")]
    what: Vec<String>,
    /// What it is, where that cannot be told by its look
    #[arg(long = "as", value_enum, value_name = "SORT")]
    sort: Option<Sort>,
    /// The folder of the project [default: the git repository around the working directory, else that directory]
    #[arg(long, value_name = "FOLDER")]
    project: Option<PathBuf>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

/// Arguments of `rules list`.
#[derive(Debug, clap::Args)]
struct List {
    /// Only rules of this class
    #[arg(long, value_name = "CLASS", value_parser = str::parse::<agentsnoop_pipeline::enrich::Class>)]
    class: Option<agentsnoop_pipeline::enrich::Class>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

/// Arguments of `rules check`.
#[derive(Debug, clap::Args)]
struct Check {
    /// Data files; those in force when none is named
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The set that the file adds to: agents, classes, delegates or scrub [default: by its name]
    #[arg(long, value_name = "SET", requires = "files")]
    set: Option<String>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

/// What something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
enum Sort {
    /// A path
    Path,
    /// The path of a unix socket; an abstract name begins with @
    Socket,
    /// The name of a variable
    Variable,
    /// A name of a host or an address
    Endpoint,
}

/// What is said of one thing.
#[derive(Debug, Serialize)]
struct Explained<'a> {
    what: &'a str,
    sort: Sort,
    classes: Classes,
    why: Vec<Why>,
}

/// A rule in a list.
#[derive(Debug, Serialize)]
struct Listed {
    sort: &'static str,
    #[serde(flatten)]
    rule: Why,
}

/// Whether a file can be used.
#[derive(Debug, Serialize)]
struct Checked {
    file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Does `rules`.
///
/// # Errors
///
/// A file cannot be found; standard output cannot be written.
pub fn run(args: &Args) -> Result<ExitCode> {
    match &args.verb {
        Verb::Explain(args) => explain(args),
        Verb::List(args) => list(args),
        Verb::Check(args) => check(args),
    }
}

/// The files of users that are there for whoever calls.
fn extensions() -> Result<Extensions> {
    Ok(Folders::find(&Identity::find(None)?).read(&Extensions::default()))
}

/// The rules about classes that are in force.
fn rules() -> Result<Rules> {
    let extensions = extensions()?;
    extensions::tell(&extensions);
    Rules::with(&extensions.sources(CLASSES)).context("cannot use the rules")
}

fn explain(args: &Explain) -> Result<ExitCode> {
    let rules = rules()?;
    let cwd = std::env::current_dir().context("cannot find the working directory")?;
    let project = match &args.project {
        Some(folder) => std::path::absolute(folder).with_context(|| format!("cannot find {}", folder.display()))?,
        None => cwd.to_str().and_then(|cwd| procfs::project_of(std::process::id(), cwd)).map_or(cwd, PathBuf::from),
    };
    let project = project.to_string_lossy();
    let mut text = String::new();
    for what in &args.what {
        let sort = args.sort.unwrap_or_else(|| sort_of(what));
        let why = match sort {
            Sort::Path => {
                let path = std::path::absolute(what).with_context(|| format!("cannot find {what}"))?;
                rules.explain_path(path.to_string_lossy().as_bytes(), Some(project.as_bytes()))
            }
            Sort::Socket => rules.explain_endpoint(&Endpoint { path: Some(what.as_bytes()), ..Endpoint::default() }),
            Sort::Variable => rules.explain_variable(what.as_bytes()),
            Sort::Endpoint => explain_endpoint(&rules, what),
        };
        let classes = why.iter().filter(|why| !why.yields).map(|why| why.class).collect();
        let explained = Explained { what, sort, classes, why };
        if args.json {
            text.push_str(&serde_json::to_string(&explained).context("cannot write JSON")?);
            text.push('\n');
        } else {
            explained.show(&mut text);
        }
    }
    print(&text)
}

/// An address, or a name, with a port behind it.
fn explain_endpoint(rules: &Rules, what: &str) -> Vec<Why> {
    let (host, port) = match what.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => match port.parse() {
            Ok(port) => (host, Some(port)),
            Err(_) => (what, None),
        },
        _ => (what, None),
    };
    let address: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
    let name = address.is_none().then_some(host.as_bytes());
    rules.explain_endpoint(&Endpoint { name, address, port, path: None })
}

/// What something is by its look.
fn sort_of(what: &str) -> Sort {
    let is_path = what.starts_with(['/', '.', '~']) || what.contains('/') || Path::new(what).exists();
    let is_variable = what.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') && what != "localhost";
    match () {
        () if what.starts_with('@') => Sort::Socket,
        () if is_path => Sort::Path,
        () if is_variable => Sort::Variable,
        () => Sort::Endpoint,
    }
}

impl Explained<'_> {
    fn show(&self, out: &mut String) {
        let names: Vec<String> = self.classes.iter().map(|class| class.to_string()).collect();
        let sort = match self.sort {
            Sort::Path => "a path",
            Sort::Socket => "a unix socket",
            Sort::Variable => "a variable",
            Sort::Endpoint => "an endpoint",
        };
        let names = if names.is_empty() { "no class; nothing is known of it".to_owned() } else { names.join(", ") };
        out.push_str(&format!("{} as {sort}: {names}\n", self.what));
        for why in &self.why {
            why_lines(why, out);
        }
    }
}

fn why_lines(why: &Why, out: &mut String) {
    let yields = if why.yields { " (not counted: only where nothing more is known)" } else { "" };
    out.push_str(&format!("  {:<18} {}{yields}\n", why.class, why.pattern));
    let reason = if why.reason.is_empty() { "no reason given" } else { &why.reason };
    out.push_str(&format!("  {:<18} {reason} [{}]\n", "", why.file));
    if let Some(link) = &why.link {
        out.push_str(&format!("  {:<18} {link}\n", ""));
    }
}

fn list(args: &List) -> Result<ExitCode> {
    let mut text = String::new();
    let rules = rules()?.list();
    for (sort, rule) in rules.into_iter().filter(|(_, rule)| args.class.is_none_or(|class| class == rule.class)) {
        if args.json {
            text.push_str(&serde_json::to_string(&Listed { sort, rule }).context("cannot write JSON")?);
        } else {
            let Why { class, reason, file, pattern, .. } = rule;
            text.push_str(&format!("{class:<18} {sort:<9} {reason} [{file}]\n{:<29}{pattern}", ""));
        }
        text.push('\n');
    }
    print(&text)
}

fn check(args: &Check) -> Result<ExitCode> {
    let mut all: Vec<Checked> = Vec::new();
    for path in &args.files {
        all.push(checked(path, args.set.as_deref())?);
    }
    if args.files.is_empty() {
        all.extend(extensions()?.files().iter().map(|file| Checked::new(&file.file, file.refused.clone())));
    }
    let mut text = String::new();
    for checked in &all {
        if args.json {
            text.push_str(&serde_json::to_string(checked).context("cannot write JSON")?);
        } else {
            let place = checked.line.map_or_else(|| checked.file.clone(), |line| format!("{}:{line}", checked.file));
            text.push_str(&format!("{place}: {}", checked.error.as_deref().unwrap_or("can be used")));
        }
        text.push('\n');
    }
    if all.is_empty() && !args.json {
        text.push_str("there is no file of a user; only what is built in is in force\n");
    }
    print(&text)?;
    Ok(if all.iter().any(|checked| checked.error.is_some()) { Exit::No.into() } else { ExitCode::SUCCESS })
}

/// Tries a file.
fn checked(path: &Path, set: Option<&str>) -> Result<Checked> {
    let name = path.display().to_string();
    let sets = || JUDGING.into_iter().chain([SCRUB]);
    let named = path.file_stem().and_then(|stem| stem.to_str()).filter(|stem| sets().any(|set| set == *stem));
    let Some(set) = set.or(named) else {
        let sets = sets().collect::<Vec<_>>().join(", ");
        let message = format!("cannot tell what {name} adds to: its name is none of {sets}; say it with --set");
        return Err(fail(Exit::Usage, message));
    };
    if !sets().any(|known| known == set) {
        let sets = sets().collect::<Vec<_>>().join(", ");
        return Err(fail(Exit::Usage, format!("there is no data set `{set}`; expected one of {sets}")));
    }
    let content = content(path).map_err(|error| fail(Exit::Unreadable, format!("cannot read {name}: {error}")))?;
    let source = Source { name: name.clone(), content };
    Ok(Checked::new(&name, data::check(set, &source).err()))
}

impl Checked {
    fn new(file: &str, error: Option<RuleError>) -> Self {
        let line = error.as_ref().map(|error| error.line).filter(|line| *line > 0);
        Self { file: file.to_owned(), line, error: error.map(|error| error.message) }
    }
}

fn print(text: &str) -> Result<ExitCode> {
    standard::output().and_then(|mut out| out.write_all(text.as_bytes())).context(standard::FAILED)?;
    Ok(ExitCode::SUCCESS)
}
