//! What both observers watch.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::harness::{own_program, text};

/// A command and what it needs.
pub(crate) struct Workload {
    /// What it is, as the end of a sentence.
    pub(crate) name: &'static str,
    /// Programs without which it cannot run.
    pub(crate) programs: &'static [&'static str],
    /// Makes what the command needs in an empty folder, and gives the command.
    pub(crate) prepare: fn(&Path) -> Result<Vec<String>>,
    /// Kinds with the number of events that are compared at the least: a comparison of nothing is no success.
    pub(crate) at_least: &'static [(&'static str, u64)],
    /// Whether its processes have a root of their own, at whose files this one cannot look.
    pub(crate) foreign_root: bool,
}

/// What a program that makes each call leaves behind at the least, of every kind.
const EACH_CALL: &[(&str, u64)] = &[
    ("fork", 10),
    ("exec", 10),
    ("exit", 10),
    ("identity", 9),
    ("open", 100),
    ("readlink", 20),
    ("stat", 100),
    ("rename", 9),
    ("link", 6),
    ("symlink", 8),
    ("unlink", 12),
    ("mkdir", 12),
    ("chmod", 8),
    ("chown", 12),
    ("truncate", 5),
    ("connect", 10),
    ("bind", 5),
    ("listen", 2),
    ("accept", 2),
    ("traffic", 200_000),
    ("metadata", 4),
    ("attention", 20),
];

/// All workloads.
pub(crate) const WORKLOADS: &[Workload] = &[
    Workload {
        name: "a program that makes each call",
        programs: &["sh", "true"],
        prepare: each_call,
        at_least: EACH_CALL,
        foreign_root: false,
    },
    Workload {
        name: "a git clone of a local repository",
        programs: &["git"],
        prepare: clone,
        at_least: &[
            ("fork", 3),
            ("exec", 4),
            ("exit", 4),
            ("open", 100),
            ("stat", 1000),
            ("mkdir", 20),
            ("rename", 5),
            ("unlink", 20),
        ],
        foreign_root: false,
    },
    Workload {
        name: "npm --version",
        programs: &["npm", "node"],
        prepare: |_| Ok(words(&["npm", "--version"])),
        at_least: &[("exec", 1), ("exit", 1), ("open", 20), ("stat", 50)],
        foreign_root: false,
    },
    Workload {
        name: "a cargo build of a small crate",
        programs: &["cargo", "cc"],
        prepare: build,
        at_least: &[("fork", 3), ("exec", 4), ("exit", 4), ("open", 200), ("stat", 100)],
        foreign_root: false,
    },
    Workload {
        name: "python importing 50 modules",
        programs: &["python3"],
        prepare: import,
        at_least: &[("exec", 1), ("exit", 1), ("open", 150), ("stat", 300)],
        foreign_root: false,
    },
    Workload {
        name: "a shell script with pipes, background jobs, traps and cd",
        programs: &["bash"],
        prepare: script,
        at_least: &[("fork", 15), ("exec", 10), ("exit", 15), ("open", 30)],
        foreign_root: false,
    },
    Workload {
        name: "tar of a tree",
        programs: &["tar", "gzip"],
        prepare: tar,
        at_least: &[
            ("fork", 3),
            ("exec", 4),
            ("exit", 4),
            ("open", 600),
            ("stat", 500),
            ("mkdir", 60),
            ("unlink", 200),
        ],
        foreign_root: false,
    },
    Workload {
        name: "a process in its own root, pid and mount namespace with its own libc",
        programs: &["unshare", "pivot_root", "mount", "umount", "ldd"],
        prepare: container,
        at_least: &[("fork", 3), ("exec", 6), ("exit", 4), ("open", 20)],
        foreign_root: true,
    },
    Workload {
        name: "a process in another root by chroot",
        programs: &["chroot", "ldd"],
        prepare: chroot,
        at_least: &[("fork", 5), ("exec", 6), ("exit", 6), ("open", 20)],
        foreign_root: true,
    },
];

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

/// Runs a command of the preparation, which nobody observes.
fn prepared(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot start {command:?}"))?;
    ensure!(output.status.success(), "{command:?} ended with {}: {}", output.status, text(&output.stderr));
    Ok(text(&output.stdout))
}

/// A script for a shell that stops at the first error.
fn shell(shell: &str, folder: &Path, script: &str) -> Vec<String> {
    words(&[shell, "-euc", script, &folder.display().to_string()])
}

/// Files in folders, and with them what a tree can hold: links of both kinds, an empty folder, names that are not ASCII
/// and not UTF-8.
fn tree(at: &Path) -> Result<()> {
    use std::os::unix::ffi::OsStrExt as _;
    for folder in 0..20 {
        let path = at.join(format!("folder-{folder}/deep/deeper"));
        fs::create_dir_all(&path)?;
        for file in 0..10 {
            fs::write(path.join(format!("file {file}")), format!("{folder} {file}\n"))?;
        }
    }
    fs::create_dir(at.join("empty"))?;
    symlink("folder-0/deep", at.join("link"))?;
    symlink("nowhere", at.join("dangling"))?;
    fs::hard_link(at.join("folder-0/deep/deeper/file 0"), at.join("hard"))?;
    fs::write(at.join("Grüße 世界"), "text\n")?;
    fs::write(at.join(std::ffi::OsStr::from_bytes(b"latin-\xe9")), "text\n")?;
    Ok(())
}

fn each_call(folder: &Path) -> Result<Vec<String>> {
    let own = own_program()?.display().to_string();
    Ok(words(&[&own, "trigger", "each-call", &folder.display().to_string()]))
}

fn clone(folder: &Path) -> Result<Vec<String>> {
    let source = folder.join("source");
    tree(&source)?;
    let git = |arguments: &[&str]| {
        let identity = ["-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "init.defaultBranch=main"];
        prepared(Command::new("git").arg("-C").arg(&source).args(identity).args(arguments))
    };
    git(&["init", "--quiet"])?;
    git(&["add", "."])?;
    git(&["commit", "--quiet", "--message", "first"])?;
    // The first has the objects linked, the second makes the other side pack and send them.
    Ok(shell("sh", folder, r#"cd "$0"; git clone source linked; git clone "file://$0/source" sent"#))
}

fn build(folder: &Path) -> Result<Vec<String>> {
    fs::create_dir(folder.join("src"))?;
    fs::write(folder.join("src/main.rs"), "fn main() { println!(\"built\"); }\n")?;
    fs::write(folder.join("Cargo.toml"), "[package]\nname = \"small\"\nversion = \"0.1.0\"\nedition = \"2021\"\n")?;
    // Whatever the caller has set for its own build is not meant for this one.
    let script = r#"cd "$0"; unset CARGO_TARGET_DIR RUSTFLAGS CARGO_ENCODED_RUSTFLAGS; cargo build --offline; target/debug/small"#;
    Ok(shell("sh", folder, script))
}

fn import(_: &Path) -> Result<Vec<String>> {
    const MODULES: &str = "argparse ast asyncio base64 bisect calendar cmd code collections configparser contextlib copy \
        csv ctypes dataclasses datetime decimal difflib dis email enum fileinput fractions ftplib functools getpass \
        gettext glob gzip hashlib heapq html http imaplib inspect io ipaddress json logging mimetypes multiprocessing \
        pathlib pickle platform plistlib queue random sqlite3 subprocess xml.dom.minidom";
    let modules: Vec<_> = MODULES.split_whitespace().collect();
    ensure!(modules.len() == 50, "there are {} modules", modules.len());
    Ok(words(&["python3", "-c", &format!("import {}", modules.join(", "))]))
}

fn script(folder: &Path) -> Result<Vec<String>> {
    const SCRIPT: &str = r#"
        trap 'echo ended > ended; cat < ended' EXIT
        trap 'echo asked >> signals' USR1
        cd "$0"; mkdir -p a/b; cd a/b; cd ..
        seq 100 | grep 7 | sort -r | head -3 > "../seven"
        for name in one two three; do (cd b; echo "$name" > "$name"; cat "$name") & done
        wait
        (trap 'echo told > ../told; exit 0' TERM; : > ready; while :; do read -t 1 < /dev/zero || :; done) &
        until [ -e ready ]; do :; done
        kill -TERM $!; wait $!
        kill -USR1 $$
        diff <(ls b) <(ls -r b) || true
        lines=$(cat b/* | wc -l); [ "$lines" = 3 ]
        cat no-such-file ./b/../b/nothing 2> /dev/null || true
        cat <<< "$(cd b && pwd)" > /dev/null
        bash -c 'exec true'
        bash -c 'kill -KILL $$' || true
        { sh -c 'exit 7' || [ $? = 7 ]; } 2>&1 | cat
        coproc cat; echo line >&"${COPROC[1]}"; read -r line <&"${COPROC[0]}"; eval "exec ${COPROC[1]}>&-"; wait
        setsid true
    "#;
    Ok(shell("bash", folder, SCRIPT))
}

fn tar(folder: &Path) -> Result<Vec<String>> {
    tree(&folder.join("tree"))?;
    let script = r#"cd "$0"; mkdir out; tar -cf - tree | tar -xf - -C out; tar -czf tree.tgz tree; tar -tzf tree.tgz | wc -l; rm -r out"#;
    Ok(shell("sh", folder, script))
}

/// Programs of the container.
const PROGRAMS: [&str; 7] = ["sh", "cat", "ls", "mount", "umount", "mkdir", "env"];

/// A root with copies of a few programs and of the libraries that they need.
fn root(root: &Path) -> Result<()> {
    for name in ["bin", "proc", "etc", "old"] {
        fs::create_dir_all(root.join(name))?;
    }
    fs::write(root.join("etc/passwd"), "root:x:0:0:root:/:/bin/sh\n")?;
    fs::write(root.join("script"), "#!/bin/sh\nread -r line < /etc/passwd; echo \"$line\"\n")?;
    fs::set_permissions(root.join("script"), PermissionsExt::from_mode(0o755))?;
    symlink("etc/passwd", root.join("link"))?;
    symlink("/etc/passwd", root.join("absolute"))?;
    for name in PROGRAMS {
        let program = super::find_program(name).with_context(|| format!("there is no {name}"))?.canonicalize()?;
        fs::copy(&program, root.join("bin").join(name))?;
        for line in prepared(Command::new("ldd").arg(&program))?.lines() {
            let Some(library) = line.split_whitespace().find(|word| word.starts_with('/')) else { continue };
            let copy = root.join(library.trim_start_matches('/'));
            fs::create_dir_all(copy.parent().context("a library without a folder")?)?;
            fs::copy(library, copy)?;
        }
    }
    Ok(())
}

/// What a shell does in such a root.
const INSIDE: &str = "cat link absolute /etc/passwd; cd etc; cat passwd ./../link ../nothing ../../../link || ./../script; \
    mkdir new; ls -l / /old /lib* | cat; cd new; cat < /bin/../link > copy";

/// The shell is process 1 of its own pid namespace. The mounts are made in the mount namespace of the command, and end
/// with it.
fn container(folder: &Path) -> Result<Vec<String>> {
    root(&folder.join("root"))?;
    let outside =
        r#"mount --bind "$0/root" "$0/root"; cd "$0/root"; pivot_root . old; exec env -i PATH=/bin sh -euc "$1""#;
    let inside = "mount -t proc proc /proc; umount -l /old; cat /proc/self/status; (cd /proc/self; cat comm);";
    let mut command = words(&["unshare", "--mount", "--pid", "--fork", "--ipc", "--uts"]);
    command.extend(shell("sh", folder, outside));
    command.push(format!("{inside} {INSIDE}"));
    Ok(command)
}

/// The shell has another root by chroot alone, in the namespaces of everybody.
fn chroot(folder: &Path) -> Result<Vec<String>> {
    let path = folder.canonicalize()?.join("root");
    root(&path)?;
    Ok(words(&["chroot", &path.display().to_string(), "/bin/sh", "-euc", &format!("PATH=/bin; {INSIDE}")]))
}
