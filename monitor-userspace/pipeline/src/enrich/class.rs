//! The resource classes, and sets of them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::meant::meant;

/// What a touched thing is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Class {
    /// What the user has put off limits.
    OffLimits,
    /// Secrets: keys, tokens, passwords, and the files that hold them.
    Credential,
    /// The environment as a whole, or a variable that is none of the others.
    Environment,
    /// Proxy settings.
    Proxy,
    /// Locale and time zone.
    Locale,
    /// What tells one machine from another.
    HostIdentity,
    /// Who commits, and where to.
    VcsIdentity,
    /// A file of the project that is worked on.
    ProjectFile,
    /// What the agent keeps for itself.
    AgentState,
    /// What is run later without being asked: shell start-up files, units, hooks, crontabs.
    Persistence,
    /// A file of a person that is none of the others: settings, history, caches, documents.
    UserFile,
    /// A temporary file that is none of the others.
    TemporaryFile,
    /// A model's interface.
    ModelEndpoint,
    /// A place that usage is reported to.
    TelemetryEndpoint,
    /// Where programs and libraries are installed from.
    PackageRegistry,
    /// An endpoint that the user expects.
    AllowedEndpoint,
    /// An address of this machine.
    LocalEndpoint,
    /// Any other address.
    OtherEndpoint,
    /// What every program touches: libraries, CA stores, locale archives.
    Noise,
}

impl Class {
    /// Every class, in the order in which they are shown: what matters most comes first.
    pub const ALL: [Self; 19] = [
        Self::OffLimits,
        Self::Credential,
        Self::Environment,
        Self::Proxy,
        Self::Locale,
        Self::HostIdentity,
        Self::VcsIdentity,
        Self::ProjectFile,
        Self::AgentState,
        Self::Persistence,
        Self::UserFile,
        Self::TemporaryFile,
        Self::ModelEndpoint,
        Self::TelemetryEndpoint,
        Self::PackageRegistry,
        Self::AllowedEndpoint,
        Self::LocalEndpoint,
        Self::OtherEndpoint,
        Self::Noise,
    ];

    /// The name in records, queries and data files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OffLimits => "off_limits",
            Self::Credential => "credential",
            Self::Environment => "environment",
            Self::Proxy => "proxy",
            Self::Locale => "locale",
            Self::HostIdentity => "host_identity",
            Self::VcsIdentity => "vcs_identity",
            Self::ProjectFile => "project_file",
            Self::AgentState => "agent_state",
            Self::Persistence => "persistence",
            Self::UserFile => "user_file",
            Self::TemporaryFile => "temporary_file",
            Self::ModelEndpoint => "model_endpoint",
            Self::TelemetryEndpoint => "telemetry_endpoint",
            Self::PackageRegistry => "package_registry",
            Self::AllowedEndpoint => "allowed_endpoint",
            Self::LocalEndpoint => "local_endpoint",
            Self::OtherEndpoint => "other_endpoint",
            Self::Noise => "noise",
        }
    }

    const fn bit(self) -> u32 {
        1 << self as u8
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Class {
    type Err = String;

    /// # Errors
    ///
    /// A sentence with the classes that there are.
    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|class| class.name() == name).ok_or_else(|| {
            let names = Self::ALL.map(Self::name);
            match meant(name, names.into_iter()) {
                Some(near) => format!("`{name}` is no resource class; did you mean `{near}`?"),
                None => format!("`{name}` is no resource class; expected one of {}", names.join(", ")),
            }
        })
    }
}

impl Serialize for Class {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Class {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// A set of classes; serialized as the list of their names in the order of [`Class::ALL`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Classes(u32);

impl Classes {
    /// None.
    pub const NONE: Self = Self(0);

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Adds one.
    pub const fn insert(&mut self, class: Class) {
        self.0 |= class.bit();
    }

    /// Takes one away.
    pub const fn remove(&mut self, class: Class) {
        self.0 &= !class.bit();
    }

    /// Whether it is in the set.
    #[must_use]
    pub const fn contains(self, class: Class) -> bool {
        self.0 & class.bit() != 0
    }

    /// Both sets together.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Without what only holds where nothing else does. That a file is a person's, or a temporary one, says something of
    /// it only where nothing more is known; and what is noise and something else is not noise.
    #[must_use]
    pub const fn settled(self) -> Self {
        let last = Class::UserFile.bit() | Class::TemporaryFile.bit();
        let known = self.0 & !last;
        match (known, known & !Class::Noise.bit()) {
            (0, _) => self,
            (_, 0) => Self(known),
            (_, rest) => Self(rest),
        }
    }

    /// The classes, in the order of [`Class::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Class> {
        Class::ALL.into_iter().filter(move |class| self.contains(*class))
    }

    /// The first in the order of [`Class::ALL`]: what the thing is counted as where only one can be named.
    #[must_use]
    pub fn first(self) -> Option<Class> {
        self.iter().next()
    }
}

impl From<Class> for Classes {
    fn from(class: Class) -> Self {
        Self(class.bit())
    }
}

impl FromIterator<Class> for Classes {
    fn from_iter<I: IntoIterator<Item = Class>>(classes: I) -> Self {
        classes.into_iter().fold(Self::NONE, |set, class| set.union(class.into()))
    }
}

impl Serialize for Classes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(Class::name))
    }
}

impl<'de> Deserialize<'de> for Classes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Vec::<Class>::deserialize(deserializer)?.into_iter().collect())
    }
}
