//! Which agent a program is, where the catalogue may have to ask for a package: one answer for what runs already and for
//! what is only installed.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use agentsnoop_pipeline::attribute::agents::{Catalogue, Program, Verdict};
use agentsnoop_pipeline::input::Existing;
use agentsnoop_pipeline::record::Text;

use crate::source::procfs;

/// What /proc appends to the path of a program whose file was replaced or removed (proc(5)).
const DELETED: &str = " (deleted)";

/// The agent that a program is; `package` tells the name of the package of a script.
pub fn agent_of<'a>(
    catalogue: &'a Catalogue,
    program: Program<'_>,
    package: impl FnOnce(&Path) -> Option<String>,
) -> Option<&'a str> {
    match catalogue.recognise(program) {
        Verdict::Agent { name, .. } => Some(name),
        Verdict::Ask { script } => catalogue.package(&package(Path::new(&script))?),
        Verdict::Helper { .. } | Verdict::Wrapper | Verdict::None => None,
    }
}

/// The agent that a process is, by its program and, for a script, by its package. An agent that was updated while it runs
/// stays one.
#[must_use]
pub fn agent_in<'a>(catalogue: &'a Catalogue, process: &Existing) -> Option<&'a str> {
    with_program(process, |program| agent_of(catalogue, program, procfs::package_of))
}

/// The script that a process runs, where its program is a host of scripts.
#[must_use]
pub fn script_of(catalogue: &Catalogue, process: &Existing) -> Option<PathBuf> {
    let script = with_program(process, |program| catalogue.script_of(program))?;
    Some(PathBuf::from(OsString::from_vec(script)))
}

fn with_program<T>(process: &Existing, act: impl FnOnce(Program<'_>) -> T) -> T {
    let argv: Vec<Text> = process.argv.iter().map(|argument| Text::from(argument.as_str())).collect();
    let exe = process.exe.as_deref().map(|exe| exe.strip_suffix(DELETED).unwrap_or(exe));
    act(Program { exe: exe.map(str::as_bytes), argv: &argv, cwd: process.cwd.as_deref().map(str::as_bytes) })
}
