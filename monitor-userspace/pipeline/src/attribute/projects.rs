//! The folders of projects.

use std::collections::BTreeMap;

use crate::{Request, input::Known, record::Text};

/// Working directories whose project is remembered; of more, the project is the working directory.
const PROJECTS: usize = 4096;

/// What is known of the projects that lie around working directories. There is one session as a rule, and its directory is
/// looked up for each record, so the map is one of few comparisons.
#[derive(Clone, Debug, Default)]
pub(crate) struct Projects {
    roots: BTreeMap<Text, Text>,
}

impl Projects {
    /// What is to be asked when a session begins in a working directory. A path that is no UTF-8 cannot be asked about.
    pub(crate) fn ask(&self, pid: u32, cwd: Option<&Text>) -> Option<Request> {
        let cwd = std::str::from_utf8(cwd?.as_bytes()).ok().filter(|cwd| cwd.starts_with('/'))?;
        Some(Request::Project { pid, cwd: cwd.to_owned() })
    }

    /// Takes an answer. One that is not around the working directory would make files of others the project's.
    pub(crate) fn answer(&mut self, cwd: &str, root: Option<&str>) {
        let is_around = |root: &&str| {
            cwd.strip_prefix(*root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) && root.len() > 1
        };
        let root = root.filter(is_around).filter(|root| *root != cwd);
        match root {
            Some(root) if self.roots.len() < PROJECTS => {
                self.roots.insert(Text::from(cwd), Text::from(root));
            }
            // What the directory was in before may be gone.
            _ => drop(self.roots.remove(&Text::from(cwd))),
        }
    }

    /// The project of a session that began in a working directory.
    pub(crate) fn of<'a>(&'a self, cwd: &'a Text) -> &'a [u8] {
        self.roots.get(cwd).unwrap_or(cwd).as_bytes()
    }

    /// Appends every answer.
    pub(crate) fn restate(&self, out: &mut Vec<Known>) {
        out.extend(
            self.roots
                .iter()
                .map(|(cwd, root)| Known::Project { cwd: cwd.to_str().into_owned(), root: root.to_str().into_owned() }),
        );
    }
}
