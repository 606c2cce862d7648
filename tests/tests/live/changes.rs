//! Calls that read links, and that make, remove, rename or change files.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::Value;

use crate::harness::{Observation, Seen, expect, observe, own_program, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("each call that changes a file is seen with its absolute path and what it sets", every_change),
        trial("each call on two files is seen with both absolute paths", every_pair),
        trial("a change that fails says why, with the absolute path that was asked for", failed),
        trial("a link that is read shows what it says", links),
        trial("the zone that /etc/localtime names is seen, and is of the locale", zone),
        trial("a change of a descriptor shows the file that it leads to", descriptors),
        trial("a path that may lead through a link is told apart from one that cannot", exactness),
        trial("a file that is renamed into place counts as written there", into_place),
        trial("a change below a bind mount and in another root has the path that its process sees", other_roots),
        trial("paths of 4,000 bytes at both ends of a rename arrive whole", long_paths),
    ]
}

/// The records of calls on files, of one trigger that makes them all, which are separated by `;`.
fn calls(calls: &str) -> Result<Seen> {
    let words: Vec<&str> = ["calls"].into_iter().chain(calls.split_whitespace()).collect();
    let seen = observe(&words)?;
    ensure!(seen.output.status.success(), "the trigger said: {}", seen.stderr());
    seen.is_whole()?;
    Ok(seen)
}

/// The body of the only record of a call of this name.
fn body<'a>(seen: &'a Seen, kind: &str, call: &str) -> Result<&'a Value> {
    Ok(&seen.only(kind, &format!("/{kind}/call"), call)?[kind])
}

/// The kind, the call, the file, and fields of the body.
type Expected = (&'static str, &'static str, &'static str, Vec<(&'static str, Value)>);

fn every_change() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let at = folder.path().display().to_string();
    fs::write(folder.path().join("file"), "text")?;
    let seen = calls(&format!(
        "mkdir ={at}/a 488 ; mkdirat ^{at} =b 448 ; mknod ={at}/c 4480 0 ; mknodat ^{at} =d 33188 0 ; \
         chmod ={at}/file 384 ; fchmod @{at}/file 416 ; fchmodat ^{at} =file 420 ; fchmodat2 ^{at} =file 511 0 ; \
         chown ={at}/file 0 65534 ; fchown @{at}/file 65534 -1 ; lchown ={at}/file -1 0 ; fchownat ^{at} =file 0 0 256 ; \
         truncate ={at}/file 3 ; ftruncate @{at}/file 4294967297 ; \
         rmdir ={at}/a ; unlinkat ^{at} =b 512 ; unlink ={at}/c"
    ))?;
    let expected: [Expected; 17] = [
        ("mkdir", "mkdir", "a", vec![("mode", 0o750.into())]),
        ("mkdir", "mkdirat", "b", vec![("mode", 0o700.into()), ("requested", "b".into())]),
        ("mkdir", "mknod", "c", vec![("mode", 0o10_600.into())]),
        ("mkdir", "mknodat", "d", vec![("mode", 0o100_644.into())]),
        ("chmod", "chmod", "file", vec![("mode", 0o600.into())]),
        ("chmod", "fchmod", "file", vec![("mode", 0o640.into()), ("requested", Value::Null)]),
        ("chmod", "fchmodat", "file", vec![("mode", 0o644.into())]),
        ("chmod", "fchmodat2", "file", vec![("mode", 0o777.into())]),
        ("chown", "chown", "file", vec![("owner", 0.into()), ("group", 65534.into())]),
        ("chown", "fchown", "file", vec![("owner", 65534.into()), ("group", Value::Null)]),
        ("chown", "lchown", "file", vec![("owner", Value::Null), ("group", 0.into())]),
        ("chown", "fchownat", "file", vec![("flags", vec!["AT_SYMLINK_NOFOLLOW"].into())]),
        ("truncate", "truncate", "file", vec![("length", 3.into())]),
        ("truncate", "ftruncate", "file", vec![("length", 4_294_967_297_i64.into())]),
        ("unlink", "rmdir", "a", vec![]),
        ("unlink", "unlinkat", "b", vec![("flags", vec!["AT_REMOVEDIR"].into())]),
        ("unlink", "unlink", "c", vec![("requested", format!("{at}/c").into())]),
    ];
    for (kind, call, file, fields) in expected {
        let body = body(&seen, kind, call)?;
        expect(body, "/path", format!("{at}/{file}")).context(call)?;
        for (field, value) in fields {
            ensure!(body[field] == value, "{call}: {field} is {}, not {value}", body[field]);
        }
        // Kernels before 6.6 have no fchmodat2.
        let is_new = call == "fchmodat2" && body["error"] == "ENOSYS";
        ensure!(is_new || body["result"] == 0 && body.get("error").is_none(), "{call}: {body:#}");
    }
    Ok(())
}

fn every_pair() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let at = folder.path().display().to_string();
    for name in ["a", "b", "c", "d", "e"] {
        fs::write(folder.path().join(name), "text")?;
    }
    let seen = calls(&format!(
        "rename ={at}/a ={at}/a2 ; renameat ^{at} =b ^{at} =b2 ; renameat2 ^{at} =c -100 ={at}/d 2 ; \
         link ={at}/d ={at}/d2 ; linkat -100 ={at}/e ^{at} =e2 1024 ; linkat @{at}/e = ^{at} =e3 4096 ; \
         symlink =../x ={at}/s ; symlinkat =/etc/passwd ^{at} =t"
    ))?;
    for (kind, call, from, to) in [
        ("rename", "rename", "a", "a2"),
        ("rename", "renameat", "b", "b2"),
        ("rename", "renameat2", "c", "d"),
        ("link", "link", "d", "d2"),
    ] {
        let body = body(&seen, kind, call)?;
        expect(body, "/from", format!("{at}/{from}")).context(call)?;
        expect(body, "/to", format!("{at}/{to}")).context(call)?;
        expect(body, "/result", 0).context(call)?;
    }
    expect(body(&seen, "rename", "renameat2")?, "/flags", vec!["RENAME_EXCHANGE"])?;
    expect(body(&seen, "rename", "renameat")?, "/requested_from", "b")?;
    let linked = &seen.only("link", "/link/to", &format!("{at}/e2"))?["link"];
    expect(linked, "/from", format!("{at}/e"))?;
    expect(linked, "/flags", vec!["AT_SYMLINK_FOLLOW"])?;
    // An empty path is the file of the descriptor.
    expect(seen.only("link", "/link/to", &format!("{at}/e3"))?, "/link/from", format!("{at}/e"))?;
    for (call, says, at) in [("symlink", "../x", format!("{at}/s")), ("symlinkat", "/etc/passwd", format!("{at}/t"))] {
        let body = body(&seen, "symlink", call)?;
        expect(body, "/from", says)?;
        expect(body, "/to", at)?;
        ensure!(body.get("from_state").is_none(), "what a link says is known: {body:#}");
    }
    Ok(())
}

fn failed() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let at = folder.path().display().to_string();
    let seen = calls(&format!(
        "unlink ={at}/none ; rmdir =/ ; mkdir ={at} 511 ; rename ={at}/none ={at}/never ; renameat 1000 =x ^{at} =y ; \
         readlink ={at}/none room 100 ; truncate ={at} 0 ; chmod 0 0 ; fchmod 1000 0 ; link ={at} ={at}/link"
    ))?;
    for (kind, call, field, path, error) in [
        ("unlink", "unlink", "/path", format!("{at}/none"), "ENOENT"),
        ("unlink", "rmdir", "/path", "/".to_owned(), "EBUSY"),
        ("mkdir", "mkdir", "/path", at.clone(), "EEXIST"),
        ("rename", "rename", "/from", format!("{at}/none"), "ENOENT"),
        ("rename", "rename", "/to", format!("{at}/never"), "ENOENT"),
        ("rename", "renameat", "/to", format!("{at}/y"), "EBADF"),
        ("truncate", "truncate", "/path", at.clone(), "EISDIR"),
        ("link", "link", "/from", at.clone(), "EPERM"),
    ] {
        let body = body(&seen, kind, call)?;
        expect(body, field, path).context(call)?;
        expect(body, "/error", error).context(call)?;
        expect(body, &format!("{field}_state"), "unresolved").context(call)?;
    }
    let link = &seen.only("readlink", "/readlink/path", &format!("{at}/none"))?["readlink"];
    expect(link, "/error", "ENOENT")?;
    ensure!(link.get("target").is_none() && link.get("target_state").is_none(), "{link:#}");
    // No address, no descriptor: there is no path, and it is said why.
    expect(body(&seen, "chmod", "chmod")?, "/path_state", "unreadable")?;
    expect(body(&seen, "chmod", "chmod")?, "/error", "EFAULT")?;
    expect(body(&seen, "chmod", "fchmod")?, "/path_state", "unreadable")?;
    expect(body(&seen, "chmod", "fchmod")?, "/error", "EBADF")
}

fn links() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let at = folder.path().display().to_string();
    symlink("../what it\nsays", folder.path().join("link"))?;
    let deep = "d/".repeat(2000);
    symlink(&deep, folder.path().join("deep"))?;
    let seen = Observation::trigger(&[
        "calls",
        "readlink",
        &format!("={at}/link"),
        "room",
        "100",
        ";",
        "readlinkat",
        &format!("^{at}"),
        "=deep",
        "room",
        "4096",
        ";",
        "readlinkat",
        &format!("^{at}"),
        "=link",
        "room",
        "4",
        ";",
        "readlinkat",
        &format!("^{at}/link"),
        "=",
        "room",
        "50",
    ])?
    .run()?;
    let links: Vec<&Value> = seen.kind("readlink").into_iter().map(|record| &record["readlink"]).collect();
    let of =
        |file: &str| links.iter().filter(|link| link["path"] == format!("{at}/{file}").as_str()).collect::<Vec<_>>();
    let targets: Vec<_> = of("link").iter().filter_map(|link| link["target"].as_str()).collect();
    // What the caller learned: a short buffer takes the head. An empty path is the link that the descriptor leads to.
    ensure!(targets == ["../what it\nsays", "../w", "../what it\nsays"], "{links:#?}");
    ensure!(of("deep").len() == 1 && of("deep")[0]["target"] == deep.as_str(), "{:#?}", of("deep"));
    ensure!(links.iter().all(|link| link.get("target_state").is_none()), "{links:#?}");
    seen.is_whole()
}

fn zone() -> Result<()> {
    let target = fs::read_link("/etc/localtime").ok().map(|target| target.display().to_string());
    let seen = calls("readlink =/etc/localtime room 4096")?;
    let link = seen.only("readlink", "/readlink/path", "/etc/localtime")?;
    ensure!(link["readlink"]["target"].as_str() == target.as_deref(), "{link:#}, but the link says {target:?}");
    expect(link, "/classes", vec!["locale"])
}

fn descriptors() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let at = folder.path().display().to_string();
    fs::write(folder.path().join("file"), "text")?;
    symlink("file", folder.path().join("link"))?;
    fs::create_dir(folder.path().join("sub"))?;
    let seen = calls(&format!(
        "fchmod @{at}/link 384 ; fchown @{at}/sub/../file 0 0 ; fchownat @{at}/link = 0 0 4096 ; ftruncate @{at}/link 1"
    ))?;
    for (kind, call) in [("chmod", "fchmod"), ("chown", "fchown"), ("chown", "fchownat"), ("truncate", "ftruncate")] {
        let body = body(&seen, kind, call)?;
        expect(body, "/path", format!("{at}/file")).context(call)?;
        ensure!(body.get("path_state").is_none(), "{call}: {body:#}");
    }
    Ok(())
}

/// In a working directory that is known without a link, a name alone says where the file is.
fn exactness() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let at = folder.path();
    fs::create_dir(at.join("real"))?;
    symlink("real", at.join("folder"))?;
    fs::write(at.join("real/file"), "text")?;
    symlink("real/file", at.join("link"))?;
    let own = own_program()?.display().to_string();
    let script = format!(
        "cd {at}/folder && exec {own} trigger calls mkdir =made 511 \\; mkdir =../folder/too 511 \\; chmod =file 384 \\; \
         unlink =../link \\; rename =made =moved \\; mkdir ={at}/folder/third 511",
        at = at.display()
    );
    let seen = Observation::command(&["sh", "-c", &script]).run()?;
    let state = |kind: &str, field: &str, path: &str| -> Result<Value> {
        let found = seen.only(kind, &format!("/{kind}/{field}"), &at.join(path).display().to_string())?;
        Ok(found[kind].get(format!("{field}_state")).cloned().unwrap_or_default())
    };
    // The working directory is what the kernel says, not what `cd` was told.
    ensure!(state("mkdir", "path", "real/made")?.is_null(), "a name alone is exact");
    ensure!(state("unlink", "path", "link")?.is_null(), "unlink follows no link at the end");
    ensure!(state("rename", "from", "real/made")?.is_null() && state("rename", "to", "real/moved")?.is_null());
    for (kind, path) in [("mkdir", "folder/too"), ("mkdir", "folder/third"), ("chmod", "real/file")] {
        let state = state(kind, "path", path)?;
        ensure!(state == "unresolved", "{kind} of {path}, where a link may be followed, has the state {state}");
    }
    ensure!(Path::new(&at.join("real/third")).exists(), "the trigger has not made the folder");
    Ok(())
}

fn into_place() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let at = folder.path().display().to_string();
    let script = format!(
        "cd {at} && mkdir src && echo x > src/notes.txt.tmp.1.ab && mv src/notes.txt.tmp.1.ab src/notes.txt && \
         echo y > gone && rm gone"
    );
    let seen = Observation::command(&["sh", "-c", &script]).run()?;
    let rename = seen.only("rename", "/rename/to", &format!("{at}/src/notes.txt"))?;
    expect(rename, "/rename/from", format!("{at}/src/notes.txt.tmp.1.ab"))?;
    // Only what the shell did after its cd is in the folder; the session began elsewhere.
    let told = seen.told("elsewhere").or_else(|| seen.told("written")).context("nothing is told as written")?;
    ensure!(told.contains("src/notes.txt") && !seen.stderr().contains(".tmp."), "{}", seen.stderr());
    Ok(())
}

/// Runs in a mount namespace of its own, so that nothing of the machine's mounts is touched.
fn other_roots() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let busybox = ["/bin/busybox", "/usr/bin/busybox"].into_iter().find(|path| fs::exists(path).unwrap_or(false));
    let busybox = busybox.context("busybox is not installed; the set-up installs busybox-static")?;
    let root = folder.path().display().to_string();
    for name in ["etc", "below", "bind"] {
        fs::create_dir(folder.path().join(name))?;
    }
    fs::copy(busybox, folder.path().join("busybox"))?;
    let script = format!(
        "set -e; mount --make-rprivate /; mount --bind {root}/below {root}/bind; cd {root}/bind; mkdir seen; cd /; \
         chroot {root} /busybox sh -c 'cd /etc; /busybox mkdir inside; /busybox mv inside ../moved'; umount {root}/bind"
    );
    let seen = Observation::command(&["unshare", "-m", "sh", "-c", &script]).run()?;
    ensure!(seen.output.status.success(), "the script ended with {}: {}", seen.output.status, seen.stderr());
    ensure!(folder.path().join("below/seen").exists(), "the bind mount was not there");
    seen.only("mkdir", "/mkdir/path", &format!("{root}/bind/seen"))?;
    let rename = seen.only("rename", "/rename/to", "/moved")?;
    expect(rename, "/rename/from", "/etc/inside")?;
    ensure!(rename["rename"].get("outside_root").is_none(), "{rename:#}");
    seen.only("mkdir", "/mkdir/path", "/etc/inside").map(drop)
}

fn long_paths() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut deep = folder.path().to_path_buf();
    while deep.as_os_str().len() < 3800 {
        deep.push("d".repeat(100));
    }
    fs::create_dir_all(&deep)?;
    let name = |letter: &str| deep.join(letter.repeat(3999 - deep.as_os_str().len())).display().to_string();
    let (from, to) = (name("f"), name("t"));
    fs::write(&from, "x")?;
    let seen = calls(&format!("rename ={from} ={to}"))?;
    let rename = seen.only("rename", "/rename/from", &from)?;
    expect(rename, "/rename/to", to)?;
    // From its own folder the walk gives nearly all of it, at both ends.
    let seen = calls(&format!("renameat ^{deep} =none ^{deep} =never", deep = deep.display()))?;
    let rename = seen.only("rename", "/rename/from", &deep.join("none").display().to_string())?;
    expect(rename, "/rename/to", deep.join("never").display().to_string())
}
