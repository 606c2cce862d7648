//! Which records a query wants.

use std::fmt;

use globset::{GlobBuilder, GlobMatcher};

use crate::record::{Body, Kind, Record, Text};

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
        (self.kinds.is_empty() || self.kinds.contains(&record.kind()))
            && self
                .path
                .as_ref()
                .is_none_or(|glob| paths(&record.body).iter().flatten().any(|path| is_match(glob, path)))
    }
}

fn is_match(glob: &GlobMatcher, path: &Text) -> bool {
    use std::os::unix::ffi::OsStrExt as _;
    glob.is_match(std::path::Path::new(std::ffi::OsStr::from_bytes(path.as_bytes())))
}

/// The paths that a record is about: of a file or a unix socket, or of a program.
fn paths(body: &Body) -> [Option<&Text>; 2] {
    match body {
        Body::Open(open) => [open.path.as_ref().or(open.requested.as_ref()), None],
        Body::Exec(exec) => [exec.path.as_ref(), exec.filename.as_ref()],
        Body::Connect(connect) => [connect.path.as_ref(), None],
        Body::Readlink(link) => [link.path.as_ref(), link.target.as_ref()],
        Body::Stat(stat) => [stat.path.as_ref(), None],
        Body::Rename(pair) | Body::Link(pair) | Body::Symlink(pair) => [pair.from.as_ref(), pair.to.as_ref()],
        Body::Unlink(change)
        | Body::Mkdir(change)
        | Body::Chmod(change)
        | Body::Chown(change)
        | Body::Truncate(change) => [change.path.as_ref(), None],
        Body::Bind(socket) | Body::Listen(socket) | Body::Accept(socket) => [socket.path.as_ref(), None],
        Body::Traffic(traffic) => [traffic.path.as_ref(), None],
        Body::Identity(call) | Body::Metadata(call) | Body::Attention(call) => {
            [call.path.as_ref().or(call.requested.as_ref()), None]
        }
        Body::Fork(_)
        | Body::Exit(_)
        | Body::Dns(_)
        | Body::Name(_)
        | Body::Getenv(_)
        | Body::Session(_)
        | Body::Loss(_)
        | Body::Coverage(_)
        | Body::Gap(_) => [None, None],
    }
}
