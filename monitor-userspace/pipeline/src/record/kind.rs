//! The kinds of records by name.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The kind of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A process was made.
    Fork,
    /// A process executed a program.
    Exec,
    /// A process ended.
    Exit,
    /// A file was opened, or its opening failed.
    Open,
    /// A socket was connected, or its connecting failed.
    Connect,
    /// A variable of the environment was looked up through libc.
    Getenv,
    /// A session of an agent began or ended.
    Session,
    /// Events were lost.
    Loss,
    /// A hook is attached, or not.
    Coverage,
    /// A span in which something was not observed.
    Gap,
}

impl Kind {
    /// Every kind that this version makes.
    pub const ALL: [Self; 10] = [
        Self::Fork,
        Self::Exec,
        Self::Exit,
        Self::Open,
        Self::Connect,
        Self::Getenv,
        Self::Session,
        Self::Loss,
        Self::Coverage,
        Self::Gap,
    ];

    /// The name, which is also the key of the body.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fork => "fork",
            Self::Exec => "exec",
            Self::Exit => "exit",
            Self::Open => "open",
            Self::Connect => "connect",
            Self::Getenv => "getenv",
            Self::Session => "session",
            Self::Loss => "loss",
            Self::Coverage => "coverage",
            Self::Gap => "gap",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that is no kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownKind {
    /// The name.
    pub name: String,
}

impl fmt::Display for UnknownKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no kind of record; known are", self.name)?;
        for (at, kind) in Kind::ALL.into_iter().enumerate() {
            write!(f, "{} {kind}", if at == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl std::error::Error for UnknownKind {}

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(name: &str) -> Result<Self, UnknownKind> {
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| UnknownKind { name: name.to_owned() })
    }
}
