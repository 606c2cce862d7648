//! The data files of users, which add to the built-in agents, resource classes and delegates: where they are found, and
//! which of them are in force.
//!
//! A file that cannot be used stops nothing: what it said before stays in force, or nothing of it, and it is told on
//! standard error, by `doctor`, and in a `coverage` record.

use std::ffi::OsString;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use agentsnoop_pipeline::attribute::agents::Catalogue;
use agentsnoop_pipeline::data::{self, AGENTS, JUDGING, RuleError, Source};
use agentsnoop_pipeline::input::{Data, Hook, HookState};
use monitor_common::limits::CANDIDATES;
use serde::{Deserialize, Serialize};

use crate::owner::as_owner;
use crate::run::identity::Identity;
use crate::scrubbing::{config_folder, content};

/// The files of all users of a machine.
const SYSTEM: &str = "/etc/agentsnoop";

/// The feature of a `coverage` record about a file of a user.
pub const RULES: &str = "rules";

/// Where data files are looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Folders {
    /// That of whoever asked for the observation.
    own: Option<OsString>,
    /// Whose rights it is read with: uid and gid; this process's own when absent.
    owner: Option<(u32, u32)>,
}

/// A file that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    /// The set that it adds to.
    pub set: &'static str,
    /// The file.
    pub file: String,
    /// What is wrong with it, where it cannot be used as it is now.
    pub refused: Option<RuleError>,
    /// What of it is in force.
    content: Option<String>,
}

/// The files that are there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extensions {
    files: Vec<Extension>,
}

impl Folders {
    /// Those of the machine and of whoever asked for the observation.
    #[must_use]
    pub fn find(identity: &Identity) -> Self {
        let owner = identity.caller.as_ref().map(|caller| (caller.uid.as_raw(), caller.gid.as_raw()));
        let own = config_folder(identity).map(|folder| folder.join("agentsnoop").into());
        Self { own, owner }
    }

    /// Reads the files; of one that cannot be used now, what `before` has of it stays in force. Of a process in which no other
    /// thread opens files meanwhile, since it takes other rights for a moment.
    #[must_use]
    pub fn read(&self, before: &Extensions) -> Extensions {
        let mut files = Vec::new();
        for set in JUDGING {
            files.extend(extension(set, &Path::new(SYSTEM).join(format!("{set}.toml")), None, before));
            if let Some(own) = &self.own {
                files.extend(extension(set, &Path::new(own).join(format!("{set}.toml")), self.owner, before));
            }
        }
        let mut extensions = Extensions { files };
        extensions.bound_candidates(before);
        extensions
    }
}

/// A file, if it is there.
fn extension(set: &'static str, path: &Path, owner: Option<(u32, u32)>, before: &Extensions) -> Option<Extension> {
    let file = path.display().to_string();
    let read = as_owner(owner, || Ok(content(path))).unwrap_or_else(|error| Err(std::io::Error::other(error)));
    let read = match read {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return None,
        Err(error) => Err(RuleError { file: file.clone(), line: 0, message: format!("cannot read it: {error}") }),
        Ok(content) => {
            let source = Source { name: file.clone(), content };
            data::check(set, &source).map(|()| source.content)
        }
    };
    Some(match read {
        Ok(content) => Extension { set, file, refused: None, content: Some(content) },
        Err(error) => {
            let known = before.files.iter().find(|known| known.set == set && known.file == file);
            let content = known.and_then(|known| known.content.clone());
            Extension { set, file, refused: Some(error), content }
        }
    })
}

impl Extensions {
    /// The data in force: the built-in sets, and what the files add to them.
    #[must_use]
    pub fn data(&self) -> Vec<Data> {
        let mut all = data::list();
        for set in JUDGING {
            all.extend(self.sources(set).iter().map(|source| data::added(set, source)));
        }
        all
    }

    /// What adds to a set.
    #[must_use]
    pub fn sources(&self, set: &str) -> Vec<Source> {
        let of_set = self.files.iter().filter(|file| file.set == set);
        let source = |file: &Extension| Some(Source { name: file.file.clone(), content: file.content.clone()? });
        of_set.filter_map(source).collect()
    }

    /// The files that are there.
    #[must_use]
    pub fn files(&self) -> &[Extension] {
        &self.files
    }

    /// Those that cannot be used as they are now.
    pub fn refused(&self) -> impl Iterator<Item = &Extension> {
        self.files.iter().filter(|file| file.refused.is_some())
    }

    /// What is told of files whose state is not what it was: that they cannot be used, and that they can again.
    #[must_use]
    pub fn news(&self, before: &Self) -> Vec<Hook> {
        let was = |file: &Extension| {
            before.files.iter().find(|was| was.file == file.file).and_then(|was| was.refused.as_ref())
        };
        let told = |file: &Extension| {
            let state = match &file.refused {
                Some(error) if was(file) == Some(error) => return None,
                Some(_) => HookState::Unavailable { reason: file.standing() },
                None => was(file).map(|_| HookState::Attached)?,
            };
            Some(Hook { name: file.file.clone(), feature: RULES.to_owned(), state })
        };
        self.files.iter().filter_map(told).collect()
    }

    /// Refuses files whose agents have more names than the kernel half looks for, from the last one on; of such a file too,
    /// what `before` has of it stays in force, if that fits.
    fn bound_candidates(&mut self, before: &Self) {
        loop {
            let names = Catalogue::with(&self.sources(AGENTS)).map_or(0, |catalogue| catalogue.candidates().len());
            let last = self.files.iter_mut().rev().find(|file| file.set == AGENTS && file.content.is_some());
            let Some(last) = last.filter(|_| names > CANDIDATES as usize) else { return };
            let message = format!(
                "with it there are {names} names in `comms`; expected at most {CANDIDATES} with the built-in ones"
            );
            let file = last.file.clone();
            let known = before.files.iter().find(|known| known.set == AGENTS && known.file == file);
            let content = known.and_then(|known| known.content.clone());
            last.content = content.filter(|content| last.content.as_ref() != Some(content));
            last.refused.get_or_insert(RuleError { file, line: 0, message });
        }
    }
}

/// Says on standard error which files cannot be used as they are.
pub fn tell(extensions: &Extensions) {
    for file in extensions.refused() {
        // Without a terminal nobody reads it; records tell it too.
        let _ = writeln!(std::io::stderr(), "agentsnoop: {}: {}", file.file, file.standing());
    }
}

impl Extension {
    /// What is wrong, and what is in force instead.
    #[must_use]
    pub fn standing(&self) -> String {
        let Some(error) = &self.refused else { return "in force".to_owned() };
        let rest = match self.content {
            Some(_) => "what it said before stays in force",
            None => "nothing of it is in force",
        };
        match error.line {
            0 => format!("{}; {rest}", error.message),
            line => format!("line {line}: {}; {rest}", error.message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_with_more_names_than_are_looked_for_leaves_in_force_what_it_said_before() {
        let folder = tempfile::tempdir().unwrap();
        let folders = Folders { own: Some(folder.path().into()), owner: None };
        let say = |names: u32| {
            let comms: Vec<String> = (0..names).map(|name| format!("'ours-{name}'")).collect();
            let content = format!("[[agent]]\nname = 'ours'\nexe = ['/opt/ours']\ncomms = [{}]\n", comms.join(", "));
            std::fs::write(folder.path().join("agents.toml"), content).unwrap();
        };
        let own = |extensions: &Extensions| {
            let file = extensions.files().iter().find(|file| file.file.starts_with(folder.path().to_str().unwrap()));
            file.cloned().unwrap()
        };
        say(CANDIDATES);
        let none = own(&folders.read(&Extensions::default()));
        assert!(none.standing().ends_with("with the built-in ones; nothing of it is in force"), "{none:?}");
        say(1);
        let first = folders.read(&Extensions::default());
        assert_eq!((own(&first).refused, own(&first).content.is_some()), (None, true));
        say(CANDIDATES);
        let then = folders.read(&first);
        assert!(own(&then).standing().ends_with("what it said before stays in force"), "{:?}", own(&then));
        assert_eq!(own(&then).content, own(&first).content);
        let catalogue = Catalogue::with(&then.sources(AGENTS)).unwrap();
        assert!(catalogue.names().any(|name| name == "ours"));
    }
}
