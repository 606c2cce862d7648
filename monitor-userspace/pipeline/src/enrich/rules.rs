//! The resource classes of paths, variables and addresses.

use std::{net::IpAddr, sync::Arc};

use serde::Deserialize;

use super::{Class, Classes, network::Network, paths::Paths, wildcard};
use crate::{DataError, data, hash::Map, record::Connect};

/// Names of variables whose classes are remembered; when there are more, all are forgotten.
const NAMES: usize = 4096;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[expect(dead_code, reason = "it tells people which revision they read; the digest tells the program")]
    version: u32,
    #[serde(default)]
    path: Vec<PathRule>,
    #[serde(default)]
    socket: Vec<PathRule>,
    #[serde(default)]
    variable: Vec<NameRule>,
    #[serde(default)]
    address: Vec<AddressRule>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PathRule {
    class: Class,
    #[expect(dead_code, reason = "every entry says why it is there")]
    reason: String,
    patterns: Vec<String>,
    #[serde(default)]
    except: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NameRule {
    class: Class,
    #[expect(dead_code, reason = "every entry says why it is there")]
    reason: String,
    names: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AddressRule {
    class: Class,
    #[expect(dead_code, reason = "every entry says why it is there")]
    reason: String,
    networks: Vec<Network>,
}

/// The rules in force.
#[derive(Clone, Debug)]
pub struct Rules {
    paths: Arc<Paths>,
    sockets: Arc<Paths>,
    variables: Arc<[NameRule]>,
    addresses: Arc<[AddressRule]>,
    remembered: Map<Box<[u8]>, Classes>,
}

impl Rules {
    /// The built-in ones.
    ///
    /// # Errors
    ///
    /// When they cannot be read, which a test excludes.
    pub fn new() -> Result<Self, DataError> {
        Self::parse(data::built_in(data::CLASSES))
    }

    /// Reads rules (TOML).
    ///
    /// # Errors
    ///
    /// What is wrong, and in which line or pattern.
    pub fn parse(content: &str) -> Result<Self, DataError> {
        let file: File = data::parse(data::CLASSES, content)?;
        let paths = |rules: &[PathRule]| {
            let mut paths = Paths::default();
            for rule in rules {
                let added = paths.add(rule.class, &rule.patterns, &rule.except);
                added.map_err(|error| DataError::new(data::CLASSES, format!("class `{}`: {error}", rule.class)))?;
            }
            Ok(Arc::new(paths))
        };
        Ok(Self {
            paths: paths(&file.path)?,
            sockets: paths(&file.socket)?,
            variables: file.variable.into(),
            addresses: file.address.into(),
            remembered: Map::default(),
        })
    }

    /// The classes of an absolute path, of which what lies below `project` is a project file. What is noise and
    /// something else is not noise.
    #[must_use]
    pub fn path(&self, path: &[u8], project: Option<&[u8]>) -> Classes {
        let mut classes = self.paths.classes(path);
        let below = |project: &[u8]| path.strip_prefix(project).is_some_and(|rest| rest.is_empty() || rest[0] == b'/');
        if project.is_some_and(|project| project.len() > 1 && below(project)) {
            classes.insert(Class::ProjectFile);
        }
        without_noise(classes)
    }

    /// The classes of a variable's name; one of which nothing is known is part of the environment.
    pub fn variable(&mut self, name: &[u8]) -> Classes {
        if let Some(classes) = self.remembered.get(name) {
            return *classes;
        }
        let matches = |rule: &&NameRule| rule.names.iter().any(|pattern| wildcard::matches(pattern.as_bytes(), name));
        let mut classes: Classes = self.variables.iter().filter(matches).map(|rule| rule.class).collect();
        if classes.is_empty() {
            classes.insert(Class::Environment);
        }
        let classes = without_noise(classes);
        if self.remembered.len() >= NAMES {
            self.remembered.clear();
        }
        self.remembered.insert(name.into(), classes);
        classes
    }

    /// The classes of what a socket was connected to.
    #[must_use]
    pub fn endpoint(&self, connect: &Connect) -> Classes {
        if let Some(path) = &connect.path {
            let classes = self.sockets.classes(path.as_bytes());
            return if classes.is_empty() { Class::LocalEndpoint.into() } else { without_noise(classes) };
        }
        // connect(2) on a datagram socket sends nothing: with port 0 it only asks which source address would be used.
        if connect.port == Some(0) && connect.protocol.as_deref() == Some("udp") {
            return Class::Noise.into();
        }
        connect.address.map_or(Classes::NONE, |address| self.address(address))
    }

    fn address(&self, address: IpAddr) -> Classes {
        let matches = |rule: &&AddressRule| rule.networks.iter().any(|network| network.contains(address));
        let classes: Classes = self.addresses.iter().filter(matches).map(|rule| rule.class).collect();
        if classes.is_empty() { Class::OtherEndpoint.into() } else { classes }
    }
}

fn without_noise(mut classes: Classes) -> Classes {
    if classes != Class::Noise.into() {
        classes.remove(Class::Noise);
    }
    classes
}
