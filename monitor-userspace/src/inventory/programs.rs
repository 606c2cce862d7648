//! What a file would be if it were executed, and which version it is.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use agentsnoop_pipeline::attribute::agents::{Catalogue, Program};
use agentsnoop_pipeline::record::Text;

use super::{files, files::Machine, files::Problems, rules::AgentRules, rules::Rules, text_of};
use crate::recognition::agent_of;
use crate::source::procfs::{Package, package_at, package_of};

/// Bytes of a file that tell what it is; the kernel reads as many of a `#!` line (`BINPRM_BUF_SIZE`).
const HEAD: u64 = 256;

/// The first bytes of a program of this machine (elf(5)).
const ELF: &[u8] = b"\x7fELF";

/// The agent that a program is, by the catalogue, as if it were executed. `path` has its links resolved.
pub(super) fn agent_in<'a>(
    catalogue: &'a Catalogue,
    machine: &Machine,
    path: &Path,
) -> std::io::Result<Option<&'a str>> {
    let mut head = Vec::new();
    files::open(path)?.take(HEAD).read_to_end(&mut head)?;
    let shown = text_of(&machine.shown(path));
    let (exe, mut argv) = if head.starts_with(ELF) {
        (shown.clone(), Vec::new())
    } else {
        let Some((exe, words)) = interpreter(&head) else { return Ok(None) };
        (exe, words)
    };
    argv.push(shown);
    let argv: Vec<Text> = argv.iter().map(|argument| Text::from(argument.as_str())).collect();
    let program = Program { exe: Some(exe.as_bytes()), argv: &argv, cwd: None };
    let package = |script: &Path| package_of(&machine.real(script));
    Ok(agent_of(catalogue, program, package))
}

/// The program that a `#!` line names, behind env(1), and the arguments before the script.
fn interpreter(head: &[u8]) -> Option<(String, Vec<String>)> {
    let line = head.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let line = std::str::from_utf8(line).ok()?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let mut exe = words.next()?;
    if exe.rsplit('/').next() == Some("env") {
        // `-S` and variables stand before the program (env(1)).
        let name = words.by_ref().find(|word| !word.starts_with('-') && !word.contains('='))?;
        exe = if name.contains('/') { name } else { format!("/usr/bin/{name}") };
    }
    let argv = std::iter::once(exe.clone()).chain(words).collect();
    Some((exe, argv))
}

/// The package that a program belongs to, where it is one of the agent's.
pub(super) fn package(catalogue: &Catalogue, agent: &str, path: &Path) -> Option<Package> {
    let package = package_at(path)?;
    // A package of the platform has the name of the main one before its own end.
    let is_of =
        |name: &str| package.name.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
    catalogue.packages_of(agent).any(is_of).then_some(package)
}

/// How a program came to a place, and the version that the place tells.
pub(super) fn method<'a>(rules: &'a Rules, shown: &str) -> (Option<&'a str>, Option<String>) {
    let found = rules.method.iter().find_map(|method| Some((method, method.path.captures(shown)?)));
    found.map_or((None, None), |(method, captures)| {
        (Some(method.name.as_str()), captures.name("version").map(|version| version.as_str().to_owned()))
    })
}

/// The version that files beside a program tell: a JSON file with `version`, or the metadata of a distribution for Python.
pub(super) fn told_version(rules: &AgentRules, path: &Path, problems: &mut Problems) -> Option<String> {
    let folder = path.parent()?;
    for file in &rules.version_files {
        let Some(content) = files::read(&folder.join(file), problems) else { continue };
        let version = serde_json::from_slice::<serde_json::Value>(&content).ok();
        if let Some(version) =
            version.as_ref().and_then(|file| file.get("version")).and_then(|version| version.as_str())
        {
            return Some(version.to_owned());
        }
    }
    let distribution = rules.distribution.as_deref()?;
    // Metadata of a distribution: NAME-VERSION.dist-info (PEP 376).
    let pattern = format!("lib/python*/site-packages/{distribution}-*.dist-info");
    let found: Vec<PathBuf> = files::expand(folder.parent()?.to_owned(), &pattern, problems);
    let name = found.last()?.file_name()?.to_str()?;
    Some(name.strip_prefix(distribution)?.strip_prefix('-')?.strip_suffix(".dist-info")?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_line_names_the_program_behind_env() {
        let table = [
            ("#!/usr/bin/env node\nx", Some(("/usr/bin/node", 1))),
            ("#!/usr/bin/env -S node --no-warnings\n", Some(("/usr/bin/node", 2))),
            ("#! /usr/bin/python3.11 -sE", Some(("/usr/bin/python3.11", 2))),
            ("#!\n", None),
            ("#!/usr/bin/env\n", None),
            ("plain", None),
        ];
        for (head, expected) in table {
            let found = interpreter(head.as_bytes());
            assert_eq!(found.as_ref().map(|(exe, argv)| (exe.as_str(), argv.len())), expected, "{head}");
        }
    }
}
