//! A home, or a machine, that is made for a test.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
};

use tempfile::TempDir;

/// What every program of this machine begins with; nothing of it is ever executed.
pub(super) const NATIVE: &[u8] = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0";

/// A folder that is removed with the value.
pub(super) struct Fixture {
    folder: TempDir,
    /// With links resolved, as a report has it.
    path: PathBuf,
}

impl Fixture {
    pub(super) fn new() -> Self {
        let folder = crate::tools::folder();
        let path = fs::canonicalize(folder.path()).expect("the same folder");
        // Whoever owns the home must get into it.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("its mode");
        Self { folder, path }
    }

    pub(super) fn path(&self) -> &Path {
        debug_assert!(self.folder.path().exists());
        &self.path
    }

    pub(super) fn folder(&self, path: &str) -> PathBuf {
        let path = self.path.join(path);
        fs::create_dir_all(&path).expect("a folder");
        path
    }

    pub(super) fn file(&self, path: &str, content: &str) -> PathBuf {
        self.write(path, content.as_bytes(), 0o644)
    }

    pub(super) fn script(&self, path: &str, content: &str) -> PathBuf {
        self.write(path, content.as_bytes(), 0o755)
    }

    /// A program, as far as its beginning tells.
    pub(super) fn native(&self, path: &str) -> PathBuf {
        self.write(path, NATIVE, 0o755)
    }

    /// A package for Node with one command.
    pub(super) fn package(&self, folder: &str, name: &str, version: &str, (command, script): (&str, &str)) {
        let package = serde_json::json!({ "name": name, "version": version, "bin": { command: script } });
        self.file(&format!("{folder}/package.json"), &package.to_string());
        self.script(&format!("{folder}/{script}"), "#!/usr/bin/env node\nthrow new Error('nothing of it is run');\n");
    }

    pub(super) fn link(&self, path: &str, target: &str) {
        let path = self.path.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        symlink(target, path).expect("a link");
    }

    fn write(&self, path: &str, content: &[u8], mode: u32) -> PathBuf {
        let path = self.path.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, content).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("its mode");
        path
    }
}
