//! open, openat, openat2 and creat.

use std::fs;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::harness::{Observation, expect, observe, own_program, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("each of open, openat, openat2 and creat is seen with its absolute path", every_call),
        trial("a relative path is resolved against the working directory", relative),
        trial(
            "a path relative to a directory descriptor is resolved against it, dots and all",
            relative_to_a_descriptor,
        ),
        trial("a symbolic link shows what was really opened and what was asked for", through_a_link),
        trial("an open that fails says why, with the absolute path that was asked for", failed),
        trial("an open that is not permitted says so", not_permitted),
        trial("an O_PATH open is told apart from reading", path_only),
        trial("a path of 4,000 bytes arrives whole", long_path),
        trial("long paths that differ only at their end are counted apart", long_stats),
        trial("a path of more components than the walk follows is cut and says so", deep_path),
        trial("a file behind a bind mount and on a tmpfs has the path that its process sees", mounts),
        trial("a process in its own root has the path below that root", own_root),
        trial("a file that was written is told apart from one that was read", access),
    ]
}

fn every_call() -> Result<()> {
    let folder = tempfile::tempdir()?;
    for call in ["open", "openat", "openat2", "creat"] {
        let file = folder.path().join(call);
        fs::write(&file, "x")?;
        let file = file.display().to_string();
        let seen = observe(&["open", call, &file])?;
        let open = seen.only("open", "/open/path", &file).context(call)?;
        expect(open, "/open/requested", file)?;
        expect(open, "/open/access", if call == "creat" { "write" } else { "read" })?;
        ensure!(
            open["open"]["result"].as_i64().is_some_and(|fd| fd > 2),
            "{call} has the result {}",
            open["open"]["result"]
        );
        let resolve = if call == "openat2" { json!(["RESOLVE_NO_MAGICLINKS"]) } else { Value::Null };
        ensure!(open["open"]["resolve"] == resolve, "{call} was to resolve {}", open["open"]["resolve"]);
        ensure!(open["open"].get("error").is_none() && open["open"].get("path_state").is_none(), "{call}: {open:#}");
        seen.is_whole()?;
    }
    Ok(())
}

fn relative() -> Result<()> {
    let seen = Observation::command(&["sh", "-c", "cd /usr/share && cat < ./../../etc/hostname"]).run()?;
    let open = seen.only("open", "/open/requested", "./../../etc/hostname")?;
    expect(open, "/open/path", "/etc/hostname")
}

fn relative_to_a_descriptor() -> Result<()> {
    let seen = observe(&["open-at", "/usr/share", "../../etc/hostname"])?;
    expect(seen.only("open", "/open/requested", "../../etc/hostname")?, "/open/path", "/etc/hostname")?;
    let seen = observe(&["open-at", "/usr/share", "no-such-file"])?;
    let open = seen.only("open", "/open/requested", "no-such-file")?;
    expect(open, "/open/path", "/usr/share/no-such-file")?;
    expect(open, "/open/error", "ENOENT")
}

fn through_a_link() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let link = folder.path().join("link");
    std::os::unix::fs::symlink("/etc/hostname", &link)?;
    let link = link.display().to_string();
    let seen = observe(&["open", "openat", &link])?;
    expect(seen.only("open", "/open/requested", &link)?, "/open/path", "/etc/hostname")
}

fn failed() -> Result<()> {
    let seen = observe(&["open", "open", "/no/such/file"])?;
    let open = seen.only("open", "/open/requested", "/no/such/file")?;
    expect(open, "/open/path", "/no/such/file")?;
    expect(open, "/open/error", "ENOENT")?;
    expect(open, "/open/result", -2)?;
    let seen = Observation::command(&["sh", "-c", "cd /usr && cat < missing"]).run()?;
    let open = seen.only("open", "/open/requested", "missing")?;
    expect(open, "/open/path", "/usr/missing")?;
    expect(open, "/open/error", "ENOENT")
}

fn not_permitted() -> Result<()> {
    let seen = Observation::command(&["cat", "/etc/shadow"]).options(&["--user", "nobody"]).run()?;
    let open = seen.only("open", "/open/requested", "/etc/shadow")?;
    expect(open, "/open/error", "EACCES")?;
    expect(open, "/process/uid", 65534)
}

fn path_only() -> Result<()> {
    let seen = observe(&["open-path", "/etc/hostname"])?;
    expect(seen.only("open", "/open/path", "/etc/hostname")?, "/open/access", "path")
}

fn long_path() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut path = folder.path().to_path_buf();
    while path.as_os_str().len() < 3800 {
        path.push("d".repeat(100));
    }
    fs::create_dir_all(&path)?;
    let file = path.join("f".repeat(3999 - path.as_os_str().len()));
    fs::write(&file, "x")?;
    let file = file.display().to_string();
    ensure!(file.len() == 4000, "the path has {} bytes", file.len());
    let seen = observe(&["open", "openat", &file])?;
    seen.only("open", "/open/path", &file).map(drop)
}

fn long_stats() -> Result<()> {
    // Around the lengths at which the hash goes on in another program, and the longest that a call takes.
    let lengths = [255, 256, 257, 511, 512, 513, 4000, 4095];
    let paths: Vec<String> = lengths
        .iter()
        .flat_map(|length| {
            ["x", "y"].map(|end| format!("/absent/{}{end}", "a/".repeat(length / 2))[..*length - 1].to_owned() + end)
        })
        .collect();
    let mut words = vec!["stats", "3"];
    words.extend(paths.iter().map(String::as_str));
    let seen = observe(&words)?;
    for path in &paths {
        let of: Vec<&Value> =
            seen.kind("stat").into_iter().filter(|it| it["stat"]["requested"] == path.as_str()).collect();
        let calls: u64 = of.iter().map(|it| it["stat"]["count"].as_u64().unwrap_or(1)).sum();
        ensure!(calls == 3, "{calls} calls for a path of {} bytes, not 3: {of:#?}", path.len());
    }
    seen.is_whole()
}

fn deep_path() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = (0..80).fold(folder.path().to_path_buf(), |path, _| path.join("d"));
    fs::create_dir_all(&path)?;
    let file = path.join("deep.txt").display().to_string();
    fs::write(&file, "x")?;
    let seen = observe(&["open", "openat", &file])?;
    let open = seen.only("open", "/open/requested", &file)?;
    expect(open, "/open/path_state", "cut")?;
    ensure!(open["open"]["path"].as_str().is_some_and(|path| path.ends_with("/d/d/deep.txt")), "{open:#}");
    Ok(())
}

/// Runs in a mount namespace of its own, so that nothing of the machine's mounts is touched.
fn mounts() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let root = folder.path().display().to_string();
    fs::create_dir(folder.path().join("bind"))?;
    fs::create_dir(folder.path().join("tmpfs"))?;
    let script = format!(
        "set -e; mount --make-rprivate /; mount --bind /usr/share {root}/bind; mount -t tmpfs none {root}/tmpfs; \
         mkdir {root}/tmpfs/d; echo x > {root}/tmpfs/d/f; {own} trigger open openat {root}/tmpfs/d/f; \
         {own} trigger open openat {root}/bind/nothing-here; : > {root}/bind/../marker; ls {root}/bind > /dev/null",
        own = own_program()?.display()
    );
    let seen = Observation::command(&["unshare", "-m", "sh", "-c", &script]).run()?;
    ensure!(seen.output.status.success(), "the script ended with {}: {}", seen.output.status, seen.stderr());
    let file = format!("{root}/tmpfs/d/f");
    let paths: Vec<_> = seen.kind("open").into_iter().filter(|open| open["open"]["path"] == file.as_str()).collect();
    ensure!(paths.len() == 2, "the file on the tmpfs was opened twice: {paths:#?}");
    seen.only("open", "/open/path", &format!("{root}/marker"))?;
    seen.only("open", "/open/path", &format!("{root}/bind/nothing-here"))?;
    ensure!(
        seen.kind("open").into_iter().any(|open| open["open"]["path"] == format!("{root}/bind").as_str()),
        "the bind mount has another path"
    );
    Ok(())
}

fn own_root() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let busybox = ["/bin/busybox", "/usr/bin/busybox"].into_iter().find(|path| fs::exists(path).unwrap_or(false));
    let busybox = busybox.context("busybox is not installed; the set-up installs busybox-static")?;
    fs::copy(busybox, folder.path().join("busybox"))?;
    fs::create_dir(folder.path().join("etc"))?;
    fs::write(folder.path().join("etc/inside"), "x")?;
    let root = folder.path().display().to_string();
    let seen = Observation::command(&["chroot", &root, "/busybox", "cat", "/etc/inside"]).run()?;
    let open = seen.only("open", "/open/requested", "/etc/inside")?;
    expect(open, "/open/path", "/etc/inside")
}

fn access() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("file").display().to_string();
    let script = format!("echo a > {file}; echo b >> {file}; cat < {file} > /dev/null; : <> {file}");
    let seen = Observation::command(&["sh", "-c", &script]).run()?;
    let opens: Vec<_> = seen.kind("open").into_iter().filter(|open| open["open"]["path"] == file.as_str()).collect();
    let access: Vec<_> = opens.iter().filter_map(|open| open["open"]["access"].as_str()).collect();
    ensure!(access == ["write", "write", "read", "read_write"], "{opens:#?}");
    let flags = opens[0]["open"]["flags"].to_string();
    ensure!(flags.contains("O_CREAT") && flags.contains("O_TRUNC"), "{flags}");
    Ok(())
}
