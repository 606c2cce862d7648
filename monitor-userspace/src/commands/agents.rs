//! `agentsnoop agents`.

use std::{io::Write as _, path::PathBuf, process::ExitCode};

use agentsnoop_pipeline::data::{AGENTS, Source};
use anyhow::{Context as _, Result};

use crate::{
    error::{Exit, fail},
    extensions::{self, Extensions, Folders},
    inventory::{self, Scope, homes},
    run::identity::Identity,
    sink::{self, standard},
};

/// Arguments of `agents`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  agentsnoop agents
  sudo agentsnoop agents                          # of all users
  agentsnoop agents --running
  agentsnoop agents --json | jq -r '.agents[] | .name, .installations[].version'
  agentsnoop agents --home /mnt/backup/ada

Nothing of an agent is run, and no file is changed. Versions come from packages and paths, everything else from files of settings; of \
these only names, hosts, switches and command lines are shown, and secrets in those are masked. For a user their own home is looked \
at; for root all homes, each with the rights of its user. Agents of your own agents.toml (docs/classes.md) are found as well. What could not be read or understood is told at the end, with its place. \
docs/agents.md says where is looked and what everything means.")]
pub struct Args {
    /// One JSON object (docs/schema/agents.json)
    #[arg(long)]
    json: bool,
    /// Look into this folder instead of the homes of this machine, and at nothing else; may be given more than once
    #[arg(long, value_name = "DIR")]
    home: Vec<PathBuf>,
    /// Only agents that run
    #[arg(long, conflicts_with_all = ["installed", "home"])]
    running: bool,
    /// Only what is installed and set up
    #[arg(long)]
    installed: bool,
}

/// Does `agents`.
///
/// # Errors
///
/// A folder cannot be looked into, or standard output cannot be written.
pub fn run(args: &Args) -> Result<ExitCode> {
    let extensions = Folders::find(&Identity::find(None)?).read(&Extensions::default());
    extensions::tell(&extensions);
    let found = inventory::look(&scope(args, extensions.sources(AGENTS))?)?;
    let mut out = standard::output().context(standard::FAILED)?;
    let text = match args.json {
        true => serde_json::to_string_pretty(&found)? + "\n",
        false => inventory::text(&found, sink::paint(&out)),
    };
    out.write_all(text.as_bytes()).context(standard::FAILED)?;
    Ok(ExitCode::SUCCESS)
}

fn scope(args: &Args, agents: Vec<Source>) -> Result<Scope> {
    let root = PathBuf::from("/");
    if !args.home.is_empty() {
        let named = |path: &PathBuf| homes::named(path).map_err(|error| fail(Exit::Usage, format!("{error:#}")));
        let homes = args.home.iter().map(named).collect::<Result<_>>()?;
        let (commands, projects) = (Vec::new(), Vec::new());
        return Ok(Scope { root, homes, system: false, commands, projects, installed: true, running: false, agents });
    }
    Ok(Scope {
        root,
        homes: homes::all()?,
        system: true,
        commands: inventory::path_folders(),
        projects: std::env::current_dir().into_iter().collect(),
        installed: !args.running,
        running: !args.installed,
        agents,
    })
}
