//! Which secrets are masked: the options, and where files of rules are found.

use std::ffi::OsString;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use agentsnoop_pipeline::Scrub;
use agentsnoop_pipeline::scrub::{FILE_BYTES, RuleError, Source};
use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::error::{Exit, fail};
use crate::owner::as_owner;
use crate::run::identity::Identity;

/// The rules of all users of a machine.
const SYSTEM: &str = "/etc/agentsnoop/scrub.toml";

/// Those of one, in the folder for settings (XDG Base Directory).
const OWN: &str = "agentsnoop/scrub.toml";

/// Options about secrets.
#[derive(Debug, clap::Args)]
// `run` and `watch` have a group of that name.
#[group(skip)]
pub struct Args {
    /// Mask what the rules in FILE find as well (TOML; docs/security.md). Those in /etc/agentsnoop/scrub.toml and in
    /// agentsnoop/scrub.toml of the user's config directory always count
    #[arg(long, value_name = "FILE", conflicts_with = "no_scrub")]
    scrub_rules: Option<PathBuf>,
    /// Leave secrets as they are in everything that is shown and recorded; all of it says so
    #[arg(long)]
    no_scrub: bool,
}

/// What is masked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scrubbing {
    /// Nothing.
    pub off: bool,
    /// Files that must be there and are read with the rights of whoever asked for it: named by them, or found in their
    /// folder.
    pub files: Vec<OsString>,
    /// Whose rights these are: uid and gid; this process's own when absent.
    pub owner: Option<(u32, u32)>,
}

impl Scrubbing {
    /// What the options ask for, checked: a file that cannot be used is told before anything starts.
    ///
    /// # Errors
    ///
    /// [`Exit::Usage`]: a file of rules cannot be read or used.
    pub fn find(args: &Args, identity: &Identity) -> Result<Self> {
        let owner = identity.caller.as_ref().map(|caller| (caller.uid.as_raw(), caller.gid.as_raw()));
        let mut scrubbing = Self { off: args.no_scrub, files: Vec::new(), owner };
        if scrubbing.off {
            return Ok(scrubbing);
        }
        let own = config_folder(identity).map(|folder| folder.join(OWN));
        if let Some(own) = own.filter(|own| as_owner(owner, || Ok(own.exists())).unwrap_or(true)) {
            scrubbing.files.push(own.into());
        }
        if let Some(named) = &args.scrub_rules {
            // The monitor works in another folder.
            let named = std::path::absolute(named).map_err(|error| unreadable(named, &error.to_string()))?;
            scrubbing.files.push(named.into());
        }
        let sources = scrubbing.read()?.unwrap_or_default();
        if !sources.is_empty() {
            Scrub::with(&sources).map_err(|error| fail(Exit::Usage, refused(&error)))?;
        }
        Ok(scrubbing)
    }

    /// The files of rules, that of the system first; `None` where nothing is masked. Of a process with one thread only, since it
    /// takes other rights meanwhile.
    ///
    /// # Errors
    ///
    /// [`Exit::Usage`]: one cannot be read.
    pub fn read(&self) -> Result<Option<Vec<Source>>> {
        if self.off {
            return Ok(None);
        }
        let system = Path::new(SYSTEM);
        let mut sources = Vec::new();
        match content(system) {
            Ok(content) => sources.push(Source { name: SYSTEM.to_owned(), content }),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {}
            Err(error) => return Err(unreadable(system, &error.to_string())),
        }
        for file in &self.files {
            let path = Path::new(file);
            let content = as_owner(self.owner, || Ok(content(path)?));
            let content = content.map_err(|error| unreadable(path, &format!("{error:#}")))?;
            sources.push(Source { name: path.display().to_string(), content });
        }
        Ok(Some(sources))
    }
}

/// What to say of rules that cannot be used.
#[must_use]
pub fn refused(error: &RuleError) -> String {
    format!("cannot use the rules for secrets: {error}")
}

fn unreadable(path: &Path, error: &str) -> anyhow::Error {
    fail(Exit::Usage, format!("cannot read the rules for secrets in {}: {error}", path.display()))
}

/// A regular file as text, a little more than [`FILE_BYTES`] at most, so that a longer one is noticed. It never waits.
pub(crate) fn content(path: &Path) -> std::io::Result<String> {
    let file = File::options().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(std::io::Error::other("it is no regular file"));
    }
    let mut text = String::new();
    file.take(FILE_BYTES as u64 + 1).read_to_string(&mut text)?;
    Ok(text)
}

/// The folder for settings of whoever asked for it; sudo has replaced the variables of its caller by root's.
pub(crate) fn config_folder(identity: &Identity) -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    match &identity.caller {
        Some(caller) => Some(caller.home.join(".config")),
        None => variable("XDG_CONFIG_HOME").or_else(|| variable("HOME").map(|home| home.join(".config"))),
    }
}
