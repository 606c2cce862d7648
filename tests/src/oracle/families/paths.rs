//! Paths of calls: what was asked for, and where it leads.

use agentsnoop_pipeline::event::path::compose;
use serde_json::Value;

use super::{Context, Known, field};
use crate::oracle::syntax::{Call, file, shown, string};

/// Where in a call a path stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct At {
    /// The argument with the descriptor of the folder, or of the file itself.
    pub(super) folder: Option<usize>,
    /// The argument with the path.
    pub(super) path: Option<usize>,
}

/// A path of a call.
#[derive(Debug, Default)]
pub(super) struct Place {
    /// What was asked for.
    pub(super) requested: Known,
    /// The absolute path that was asked for, or that of the descriptor; no link in it is followed.
    pub(super) path: Known,
    /// Whether a descriptor was asked for and no path.
    pub(super) itself: bool,
    /// Whether the folder that it starts from had been removed; `None` where there is no such folder.
    pub(super) gone: Option<bool>,
}

impl At {
    /// A path that starts from the working directory.
    pub(super) const fn path(path: usize) -> Self {
        Self { folder: None, path: Some(path) }
    }

    /// A path in the argument behind that of its folder.
    pub(super) const fn below(folder: usize) -> Self {
        Self { folder: Some(folder), path: Some(folder + 1) }
    }

    /// A descriptor and no path.
    pub(super) const fn descriptor(at: usize) -> Self {
        Self { folder: Some(at), path: None }
    }

    /// The place of the path in a call.
    pub(super) fn of(self, call: &Call, context: &Context) -> Place {
        let folder = self.folder.map_or("", |at| call.argument(at));
        let requested = self.path.and_then(|at| string(call.argument(at)));
        // readlinkat takes the file of the descriptor without being told to (readlinkat(2)).
        let empty =
            call.name == "readlinkat" || call.arguments.iter().any(|argument| argument.contains("AT_EMPTY_PATH"));
        let itself = self.path.is_none() || empty && requested.as_ref().is_some_and(Vec::is_empty);
        let (path, gone) = match &requested {
            _ if itself => file(folder).map(|file| (of_file(&file.path, context), file.deleted)),
            Some(path) if !path.is_empty() => asked(folder, path, context).map(|(path, gone)| (shown(&path), gone)),
            // An empty path names nothing, and one that cannot be read is not known.
            None | Some(_) => None,
        }
        .unzip();
        Place { requested: requested.map(|path| shown(&path)), path, itself, gone }
    }
}

/// What a file without a path is shown as on both sides.
const ANONYMOUS: &str = "(anonymous)";

/// The path of a file that a descriptor leads to.
pub(super) fn of_file(name: &[u8], context: &Context) -> String {
    if is_anonymous(name) { ANONYMOUS.to_owned() } else { shown(&context.below_root(name)) }
}

/// Whether the kernel's name of a file is no path: `pipe:[1]`, `anon_inode:…`, `/memfd:…`.
pub(super) fn is_anonymous(name: &[u8]) -> bool {
    !name.starts_with(b"/") || name.starts_with(b"/memfd:")
}

/// The path of a record; of a file without one, that it has none.
pub(super) fn path_of_record(body: &Value) -> Known {
    let anonymous = body["anonymous"].is_string().then(|| ANONYMOUS.to_owned());
    anonymous.or_else(|| field(body, "path"))
}

/// The absolute path that was asked for, and whether the folder that it starts from is gone.
fn asked(folder: &str, requested: &[u8], context: &Context) -> Option<(Vec<u8>, bool)> {
    let base = match file(folder) {
        _ if requested.starts_with(b"/") => Vec::new(),
        Some(folder) => folder.path,
        None if folder.is_empty() => context.cwd.clone()?,
        None => return None,
    };
    // Of a descriptor strace tells behind the path that it is gone, of the working directory it leaves it in the path.
    let gone = base.strip_suffix(b" (deleted)");
    let mut path = Vec::new();
    compose(&context.below_root(gone.unwrap_or(&base)), requested, &mut path);
    Some((path, gone.is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(at: At, line: &str, root: &[u8]) -> (Known, Known) {
        let context = Context { root: root.to_vec(), cwd: Some(b"/w".to_vec()), ..Context::default() };
        let place = at.of(&Call::parse(line).unwrap(), &context);
        (place.requested, place.path)
    }

    fn known(text: &str) -> Known {
        Some(text.to_owned())
    }

    #[test]
    fn a_relative_path_starts_from_its_folder() {
        let line = r#"unlinkat(3<\x2f\x61\x2f\x62>, "\x2e\x2e\x2f\x63", 0) = 0"#;
        assert_eq!(place(At::below(0), line, b""), (known("../c"), known("/a/c")));
        assert_eq!(place(At::below(0), line, b"/a"), (known("../c"), known("/c")));
    }

    #[test]
    fn a_call_without_a_folder_starts_from_the_working_directory() {
        assert_eq!(place(At::path(0), r#"unlink("\x2f\x61") = 0"#, b"/x"), (known("/a"), known("/a")));
        assert_eq!(place(At::path(0), r#"unlink("\x61") = 0"#, b""), (known("a"), known("/w/a")));
        assert_eq!(place(At::below(0), r#"unlinkat(3, "\x61", 0) = 0"#, b""), (known("a"), None));
    }

    #[test]
    fn a_descriptor_leads_to_its_file() {
        assert_eq!(place(At::descriptor(0), r"fchmod(3<\x2f\x61>, 0600) = 0", b""), (None, known("/a")));
        let line = r#"fchownat(3<\x2f\x61>, "", 0, 0, AT_EMPTY_PATH) = 0"#;
        assert_eq!(place(At::below(0), line, b""), (known(""), known("/a")));
        assert_eq!(
            place(At::descriptor(0), r"fchmod(3<\x70\x69\x70\x65>, 0600) = 0", b""),
            (None, known("(anonymous)"))
        );
    }
}
