//! Whose homes there are.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use nix::unistd::{Uid, User};

/// The users of the machine.
const PASSWD: &str = "/etc/passwd";

/// A home.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    /// The name of its user; their number where they have none.
    pub user: String,
    /// The folder.
    pub path: PathBuf,
    /// Whose rights it is read with, uid and gid; this process's own when absent.
    pub owner: Option<(u32, u32)>,
}

/// The homes that this process may look into: all for root, else the user's own.
///
/// # Errors
///
/// /etc/passwd cannot be read, or there is no home at all.
pub fn all() -> Result<Vec<Home>> {
    if Uid::effective().is_root() {
        let users = std::fs::read_to_string(PASSWD).with_context(|| format!("cannot read {PASSWD}"))?;
        return Ok(of_users(&users));
    }
    let uid = Uid::effective();
    let user = User::from_uid(uid).ok().flatten();
    let home = std::env::var_os("HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let path = home.or_else(|| user.as_ref().map(|user| user.dir.clone()));
    let path = path.context("cannot find your home: HOME is not set; name it with --home")?;
    Ok(vec![Home { user: user.map_or_else(|| uid.to_string(), |user| user.name), path, owner: None }])
}

/// A folder that is named as a home. Root reads it with the rights of whom it belongs to.
///
/// # Errors
///
/// It is no folder that can be looked into.
pub fn named(path: &Path) -> Result<Home> {
    let failed = || format!("cannot look into {}", path.display());
    let folder = std::fs::canonicalize(path).with_context(failed)?;
    let metadata = std::fs::metadata(&folder).with_context(failed)?;
    if !metadata.is_dir() {
        bail!("{}: it is no folder", failed());
    }
    let uid = Uid::from_raw(metadata.uid());
    let user = User::from_uid(uid).ok().flatten().map_or_else(|| uid.to_string(), |user| user.name);
    let owner = Uid::effective().is_root().then_some((metadata.uid(), metadata.gid())).filter(|(uid, _)| *uid != 0);
    Ok(Home { user, path: folder, owner })
}

/// The homes of passwd(5) that are one: a folder that belongs to its user. Daemons have `/usr/sbin` or `/nonexistent`.
fn of_users(users: &str) -> Vec<Home> {
    let mut homes: Vec<Home> = Vec::new();
    for line in users.lines() {
        let fields: Vec<&str> = line.split(':').collect();
        let [user, _, uid, gid, _, path, ..] = fields[..] else { continue };
        let (Ok(uid), Ok(gid)) = (uid.parse::<u32>(), gid.parse::<u32>()) else { continue };
        let path = PathBuf::from(path);
        let is_own = std::fs::metadata(&path).is_ok_and(|found| found.is_dir() && found.uid() == uid);
        if !is_own || !path.is_absolute() || path == Path::new("/") || homes.iter().any(|home| home.path == path) {
            continue;
        }
        homes.push(Home { user: user.to_owned(), path, owner: (uid != 0).then_some((uid, gid)) });
    }
    homes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_is_a_folder_that_belongs_to_its_user() {
        let folder = tempfile::tempdir().unwrap();
        let (uid, path) = (Uid::effective().as_raw(), folder.path().display().to_string());
        let other = uid + 1;
        let users = format!(
            "ada:x:{uid}:7::{path}:/bin/sh\nagain:x:{uid}:7::{path}:/bin/sh\nbob:x:{other}:7::{path}:/bin/sh\n\
             nobody:x:65534:65534::/nonexistent:/bin/false\nbroken line\nx:x:y:z::/tmp:\n"
        );
        let homes = of_users(&users);
        assert_eq!(homes.iter().map(|home| home.user.as_str()).collect::<Vec<_>>(), ["ada"]);
    }
}
