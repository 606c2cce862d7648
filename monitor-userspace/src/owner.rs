//! The rights over files of whoever asked for something.

use anyhow::{Context, Result, ensure};
use nix::unistd::{Gid, Uid, getgroups, setfsgid, setfsuid};

/// Acts with the rights of the owner over files: user, group, and no other group, so that root follows no link that they have laid.
/// Only this thread has them (setfsuid(2)), so whatever else runs keeps its own; a thread that `act` starts begins with the
/// owner's.
///
/// # Errors
///
/// The rights cannot be taken, or given back; and those of `act`.
pub(crate) fn as_owner<T>(owner: Option<(u32, u32)>, act: impl FnOnce() -> Result<T>) -> Result<T> {
    let Some((uid, gid)) = owner else { return act() };
    let (own, groups) = (rights(), getgroups().context("cannot list the own groups")?);
    let took = take(Uid::from_raw(uid), Gid::from_raw(gid), &[Gid::from_raw(gid)]);
    let result = took.context("cannot take the rights of the user who asked for the run").and_then(|()| act());
    take(own.0, own.1, &groups).context("cannot take root's rights back")?;
    result
}

/// The user and the group whose files this thread may use.
fn rights() -> (Uid, Gid) {
    // What is no user and no group changes nothing, and what was is returned (setfsuid(2)).
    (setfsuid(Uid::from_raw(u32::MAX)), setfsgid(Gid::from_raw(u32::MAX)))
}

/// With another user than root go the capabilities over files, and with root they come back (capabilities(7)).
fn take(uid: Uid, gid: Gid, groups: &[Gid]) -> Result<()> {
    set_groups(groups).context("cannot set the groups")?;
    setfsgid(gid);
    setfsuid(uid);
    // Neither call tells whether it did anything.
    ensure!(rights() == (uid, gid), "the kernel refuses user {uid} and group {gid}");
    Ok(())
}

/// Sets the supplementary groups of this thread; that of the C library sets those of all threads.
fn set_groups(groups: &[Gid]) -> nix::Result<()> {
    if getgroups()? == groups {
        return Ok(());
    }
    let groups: Vec<libc::gid_t> = groups.iter().map(|group| group.as_raw()).collect();
    // SAFETY: the kernel reads as many groups as there are, from a list that lives until it returns (setgroups(2)).
    nix::errno::Errno::result(unsafe { libc::syscall(libc::SYS_setgroups, groups.len(), groups.as_ptr()) }).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_an_owner_it_is_as_who_runs() {
        let own = rights();
        assert_eq!(as_owner(None, || Ok(rights())).expect("nothing to take"), own);
    }

    #[test]
    fn root_has_the_rights_of_the_owner_on_this_thread_alone_and_nobody_else_has_them_at_all() {
        let own = rights();
        let nobody = (Uid::from_raw(65_534), Gid::from_raw(65_534));
        let acted = as_owner(Some((65_534, 65_534)), || {
            let inside = rights();
            assert_eq!(getgroups().expect("own groups"), [nobody.1]);
            Ok((inside, std::fs::read("/etc/shadow").is_err()))
        });
        match acted {
            Ok(acted) => assert_eq!((own.0.is_root(), acted), (true, (nobody, true))),
            Err(error) => {
                assert!(!own.0.is_root() && format!("{error:#}").contains("cannot take the rights"), "{error:#}");
            }
        }
        assert_eq!(rights(), own);
    }

    #[test]
    fn other_threads_keep_their_rights_meanwhile() {
        let own = rights();
        if !own.0.is_root() {
            eprintln!("skipped: only root has rights to give away");
            return;
        }
        let (asked, ask) = std::sync::mpsc::channel();
        let (told, tell) = std::sync::mpsc::channel();
        let other = std::thread::spawn(move || {
            let () = ask.recv().expect("a question");
            told.send(rights()).expect("somebody who asked");
        });
        let meanwhile = as_owner(Some((65_534, 65_534)), || {
            asked.send(())?;
            Ok(tell.recv()?)
        });
        assert_eq!(meanwhile.expect("root may"), own);
        other.join().expect("the other thread ends");
    }
}
