//! Who the command runs as, and with which environment.
//!
//! Under sudo the command must find what its user would have: the same user, groups and environment. sudo's own
//! environment, which /proc still shows, is that of the shell it was called from.

use std::collections::BTreeMap;
use std::ffi::{CString, OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use nix::unistd::{Gid, Uid, User, getgrouplist};

use crate::error::{Exit, fail};

/// Ancestors that are looked at for sudo; it is at most a monitor process and itself away.
const ANCESTORS: usize = 4;

/// Who the command runs as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The user to become; absent when the command runs as who agentsnoop is.
    pub switch: Option<Switch>,
    /// The environment of the command.
    pub environment: BTreeMap<OsString, OsString>,
    /// The person who asked for it: who called sudo. The recording is theirs.
    pub caller: Option<Caller>,
}

/// The person behind sudo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// User id.
    pub uid: Uid,
    /// Primary group id.
    pub gid: Gid,
    /// Their home.
    pub home: PathBuf,
}

/// The user to become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Switch {
    /// User id.
    pub uid: Uid,
    /// Primary group id.
    pub gid: Gid,
    /// Supplementary groups.
    pub groups: Vec<Gid>,
}

impl Identity {
    /// The identity that `--user`, or else sudo, asks for.
    ///
    /// # Errors
    ///
    /// The user does not exist, or agentsnoop is not root and is asked for another user than its own.
    pub fn find(user: Option<&str>) -> Result<Self> {
        let own: BTreeMap<OsString, OsString> = std::env::vars_os().collect();
        let root = Uid::effective().is_root();
        let behind_sudo = if root { behind_sudo()? } else { None };
        let caller = behind_sudo.as_ref().map(|user| Caller { uid: user.uid, gid: user.gid, home: user.dir.clone() });
        let target = match user {
            Some(name) => User::from_name(name)?.ok_or_else(|| {
                fail(
                    Exit::NotStarted,
                    format!("cannot run as {name}: there is no such user; `getent passwd` lists them"),
                )
            })?,
            None => match behind_sudo {
                Some(user) => user,
                None => return Ok(Self { switch: None, environment: own, caller }),
            },
        };
        if target.uid == Uid::effective() {
            return Ok(Self { switch: None, environment: own, caller });
        }
        if !root {
            return Err(fail(
                Exit::NotStarted,
                format!("cannot run as {}: only root may become another user", target.name),
            ));
        }
        let name = CString::new(target.name.as_str()).context("a user name holds a NUL")?;
        let groups =
            getgrouplist(&name, target.gid).with_context(|| format!("cannot list the groups of {}", target.name))?;
        let before_sudo = if user.is_none() { environment_of_sudo() } else { None };
        let environment = environment(own, before_sudo, &target);
        Ok(Self { switch: Some(Switch { uid: target.uid, gid: target.gid, groups }), environment, caller })
    }

    /// The file that `program` names, looked up in the `PATH` of the environment when it holds no slash.
    ///
    /// # Errors
    ///
    /// [`Exit::NotFound`] when there is no such file, [`Exit::NotExecutable`] when it may not be executed.
    pub fn resolve(&self, program: &OsStr) -> Result<PathBuf> {
        let shown = program.to_string_lossy();
        if program.as_bytes().contains(&b'/') {
            let path = PathBuf::from(program);
            return match fs::metadata(&path) {
                Ok(metadata) if is_program(&metadata) => Ok(path),
                Ok(_) => Err(fail(Exit::NotExecutable, format!("cannot run {shown}: it is no executable file"))),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    Err(fail(Exit::NotFound, format!("cannot run {shown}: there is no such file")))
                }
                Err(error) => Err(fail(Exit::NotExecutable, format!("cannot run {shown}: {error}"))),
            };
        }
        let path =
            self.environment.get(OsStr::new("PATH")).cloned().unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
        std::env::split_paths(&path)
            .map(|folder| folder.join(program))
            .find(|file| fs::metadata(file).is_ok_and(|metadata| is_program(&metadata)))
            .ok_or_else(|| {
                let path = path.to_string_lossy();
                fail(
                    Exit::NotFound,
                    format!("cannot run `{shown}`: no such command in PATH ({path}); name it with its path"),
                )
            })
    }
}

/// The user who called sudo; `None` when nobody did, or root itself.
fn behind_sudo() -> Result<Option<User>> {
    let Some(uid) = std::env::var("SUDO_UID").ok().filter(|uid| !uid.is_empty()) else { return Ok(None) };
    let parsed = uid.parse().with_context(|| format!("SUDO_UID is {uid}, which is no user id"))?;
    match User::from_uid(Uid::from_raw(parsed))? {
        Some(user) => Ok(Some(user).filter(|user| !user.uid.is_root())),
        None => Err(fail(
            Exit::NotStarted,
            format!("cannot run as user {uid} (SUDO_UID): there is no such user; name one with --user"),
        )),
    }
}

fn is_program(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.is_file() && metadata.permissions().mode() & 0o111 != 0
}

/// The environment of the command: what the shell had before sudo, and what was set since, less sudo's own.
fn environment(
    own: BTreeMap<OsString, OsString>,
    before_sudo: Option<BTreeMap<OsString, OsString>>,
    user: &User,
) -> BTreeMap<OsString, OsString> {
    let mut result: BTreeMap<_, _> =
        own.into_iter().filter(|(name, _)| !name.as_bytes().starts_with(b"SUDO_")).collect();
    result.insert("HOME".into(), user.dir.clone().into());
    result.insert("SHELL".into(), user.shell.clone().into());
    for name in ["USER", "LOGNAME"] {
        result.insert(name.into(), user.name.clone().into());
    }
    result.extend(before_sudo.into_iter().flatten());
    result
}

/// The environment that sudo was called with, where an ancestor is sudo and /proc shows it.
fn environment_of_sudo() -> Option<BTreeMap<OsString, OsString>> {
    let mut pid = std::os::unix::process::parent_id();
    for _ in 0..ANCESTORS {
        let folder = Path::new("/proc").join(pid.to_string());
        let stat = fs::read_to_string(folder.join("stat")).ok()?;
        // The comm in parentheses may itself hold parentheses and spaces; the last one ends it (proc(5)).
        let (head, tail) = stat.rsplit_once(')')?;
        if head.split_once('(').is_some_and(|(_, comm)| comm == "sudo") {
            return Some(parse_environment(&fs::read(folder.join("environ")).ok()?));
        }
        pid = tail.split_whitespace().nth(1)?.parse().ok()?;
    }
    None
}

fn parse_environment(block: &[u8]) -> BTreeMap<OsString, OsString> {
    let variables = block.split(|byte| *byte == 0).filter_map(|variable| {
        let at = variable.iter().position(|byte| *byte == b'=')?;
        Some((OsString::from_vec(variable[..at].to_vec()), OsString::from_vec(variable[at + 1..].to_vec())))
    });
    variables.filter(|(name, _)| !name.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<OsString, OsString> {
        pairs.iter().map(|(name, value)| (name.into(), value.into())).collect()
    }

    #[test]
    fn an_environment_block_is_split_at_the_first_equals_sign() {
        let parsed = parse_environment(b"A=1\0B=x=y\0=drop\0broken\0C=\0");
        assert_eq!(parsed, map(&[("A", "1"), ("B", "x=y"), ("C", "")]));
    }

    #[test]
    fn the_command_gets_the_environment_from_before_sudo_and_what_was_set_since() {
        let user = User {
            name: "ada".into(),
            passwd: CString::default(),
            uid: Uid::from_raw(1000),
            gid: Gid::from_raw(1000),
            gecos: CString::default(),
            dir: "/home/ada".into(),
            shell: "/bin/zsh".into(),
        };
        let own = map(&[("HOME", "/root"), ("SUDO_UID", "1000"), ("PATH", "/secure"), ("EXTRA", "1")]);
        let before = map(&[("PATH", "/home/ada/bin:/bin"), ("API_KEY", "k")]);
        let result = environment(own.clone(), Some(before), &user);
        assert_eq!(
            result,
            map(&[
                ("API_KEY", "k"),
                ("EXTRA", "1"),
                ("HOME", "/home/ada"),
                ("LOGNAME", "ada"),
                ("PATH", "/home/ada/bin:/bin"),
                ("SHELL", "/bin/zsh"),
                ("USER", "ada"),
            ])
        );
        let without = environment(own, None, &user);
        assert_eq!(without.get(OsStr::new("PATH")), Some(&OsString::from("/secure")));
    }
}
