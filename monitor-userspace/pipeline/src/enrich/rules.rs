//! The resource classes of paths, variables and endpoints.

mod explain;
mod file;

use std::sync::Arc;

pub use explain::Why;
use file::Parts;

use super::{Class, Classes, Endpoint};
use crate::{
    DataError,
    data::{self, RuleError, Source},
    hash::Map,
};

/// Names of variables whose classes are remembered; when there are more, all are forgotten.
const NAMES: usize = 4096;

/// The rules in force.
#[derive(Clone, Debug)]
pub struct Rules {
    parts: Arc<Parts>,
    remembered: Map<Box<[u8]>, Classes>,
}

impl Rules {
    /// The built-in ones.
    ///
    /// # Errors
    ///
    /// When they cannot be read, which a test excludes.
    pub fn new() -> Result<Self, DataError> {
        Self::with(&[]).map_err(|error| DataError::new(data::CLASSES, error))
    }

    /// The built-in ones and those of these files, which add to them.
    ///
    /// # Errors
    ///
    /// What is wrong, in which file and line, and what was expected.
    pub fn with(added: &[Source]) -> Result<Self, RuleError> {
        Self::read(&Source::built_in(data::CLASSES), added)
    }

    /// Those of a set, and those of files that add to it.
    pub(crate) fn read(set: &Source, added: &[Source]) -> Result<Self, RuleError> {
        let mut parts = Parts::default();
        parts.add(set, true)?;
        added.iter().try_for_each(|source| parts.add(source, false))?;
        Ok(Self { parts: Arc::new(parts), remembered: Map::default() })
    }

    /// The classes of an absolute path, of which what lies below `project` is a project file.
    #[must_use]
    pub fn path(&self, path: &[u8], project: Option<&[u8]>) -> Classes {
        let mut classes = self.parts.paths.rules.classes(path);
        if project.is_some_and(|project| is_below(path, project)) {
            classes.insert(Class::ProjectFile);
        }
        classes.settled()
    }

    /// The classes of a variable's name; one of which nothing is known is part of the environment.
    pub fn variable(&mut self, name: &[u8]) -> Classes {
        if let Some(classes) = self.remembered.get(name) {
            return *classes;
        }
        let matching = self.parts.variables.rules.iter().filter(|rule| rule.find(name).is_some());
        let mut classes: Classes = matching.map(|rule| rule.class).collect();
        if classes.is_empty() {
            classes.insert(Class::Environment);
        }
        let classes = classes.settled();
        if self.remembered.len() >= NAMES {
            self.remembered.clear();
        }
        self.remembered.insert(name.into(), classes);
        classes
    }

    /// The classes of whom a socket is connected to, or meant to be.
    #[must_use]
    pub fn endpoint(&self, endpoint: &Endpoint<'_>) -> Classes {
        if let Some(path) = endpoint.path {
            let classes = self.parts.sockets.rules.classes(path);
            return if classes.is_empty() { Class::LocalEndpoint.into() } else { classes.settled() };
        }
        if endpoint.name.is_none() && endpoint.address.is_none() {
            return Classes::NONE;
        }
        let classes = self.parts.endpoints.rules.classes(endpoint);
        if classes.is_empty() { Class::OtherEndpoint.into() } else { classes.settled() }
    }
}

/// Whether a path is a folder or lies in it. The root of all folders is no project.
fn is_below(path: &[u8], folder: &[u8]) -> bool {
    let rest = path.strip_prefix(folder).filter(|_| folder.len() > 1);
    rest.is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
}
