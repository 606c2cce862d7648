//! A C library that is the loader of its programs, so that nobody opens it: musl.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use libtest_mimic::Trial;

use crate::harness::{Killed, agentsnoop, query, trial, wait_for, wait_until_closed};
use crate::oracle::find_program;

pub(crate) fn trials() -> Vec<Trial> {
    const NAME: &str = "a look-up in the musl of another root is seen, once a program was executed with it";
    let missing = find_program("musl-gcc").is_none();
    let reason = if missing { " (skipped: there is no musl-gcc)" } else { "" };
    let skipped = missing && std::env::var_os("CI").is_none();
    vec![trial(&format!("{NAME}{reason}"), another_root).with_ignored_flag(skipped)]
}

/// Says that it is there, waits for a line, and then looks a name up.
const PROGRAM: &str = r#"
#include <stdio.h>
#include <stdlib.h>
int main(void) {
    puts("ready");
    fflush(stdout);
    getchar();
    return getenv("AGENTSNOOP_OF_MUSL") != NULL;
}
"#;

/// The loader that programs for musl ask for, below their root.
const LOADER: &str = "lib/ld-musl-x86_64.so.1";

/// Makes a root with the program and a musl of its own, and gives the path of that musl.
fn root(folder: &Path) -> Result<PathBuf> {
    let source = folder.join("program.c");
    fs::write(&source, PROGRAM)?;
    let built = Command::new("musl-gcc").arg("-o").arg(folder.join("program")).arg(source).status()?;
    ensure!(built.success(), "musl-gcc ended with {built}");
    let loader = folder.join(LOADER);
    fs::create_dir(folder.join("lib"))?;
    // A copy, which is another file than the one that was found at the start.
    fs::copy(Path::new("/").join(LOADER), &loader).context("cannot copy musl")?;
    fs::set_permissions(&loader, PermissionsExt::from_mode(0o755))?;
    Ok(loader)
}

fn another_root() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let inside = folder.path().join("root");
    fs::create_dir(&inside)?;
    let loader = root(&inside)?.display().to_string();
    let file = folder.path().join("test.rec");
    let mut child = agentsnoop()
        .args(["run", "--quiet", "--record"])
        .arg(&file)
        .args(["--", "chroot"])
        .arg(&inside)
        .arg("/program")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()?;
    let mut input = child.stdin.take().context("no input")?;
    let _run = Killed(child);
    wait_for("the library to be probed", || {
        let hooks = query(&file, &["--kind", "coverage"]).unwrap_or_default();
        let is_loader = |name: &str| name.starts_with("getenv ") && name.ends_with(&loader);
        Ok(hooks.iter().any(|hook| {
            hook["coverage"]["name"].as_str().is_some_and(is_loader) && hook["coverage"]["state"] == "attached"
        }))
    })?;
    input.write_all(b"\n")?;
    drop(input);
    wait_until_closed(&file)?;
    let names: Vec<_> = query(&file, &["--kind", "getenv"])?;
    ensure!(names.iter().any(|record| record["getenv"]["name"] == "AGENTSNOOP_OF_MUSL"), "it was not seen: {names:#?}");
    Ok(())
}
