//! The workspace, its target folder, and how commands are run in it.

use std::ffi::OsString;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// How cargo optimises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Fast to build.
    Dev,
    /// What is shipped.
    Release,
}

/// The workspace that xtask works on.
pub(crate) struct Project {
    /// Root of the workspace.
    pub(crate) root: PathBuf,
    /// Cargo's target folder; nothing is cached outside of it.
    pub(crate) target: PathBuf,
    /// Names of the integration tests of all packages.
    pub(crate) integration_tests: Vec<String>,
    cargo: OsString,
}

impl Project {
    /// Asks cargo about the workspace that xtask was built from.
    ///
    /// # Errors
    /// Fails where cargo does not answer.
    pub(crate) fn find() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in no workspace")?.to_owned();
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(&cargo);
        let text = output(command.current_dir(&root).args(["metadata", "--format-version=1", "--no-deps"]))?;
        let metadata: Value = serde_json::from_str(&text).context("cargo metadata printed no JSON")?;
        let target = metadata["target_directory"].as_str().context("cargo metadata names no target folder")?;
        Ok(Self { target: target.into(), integration_tests: integration_tests(&metadata), root, cargo })
    }

    /// A cargo command in the workspace that changes nothing in Cargo.lock.
    pub(crate) fn cargo(&self, task: &str) -> Command {
        let mut command = Command::new(&self.cargo);
        command.current_dir(&self.root).arg(task);
        if task != "fmt" && task != "install" {
            command.arg("--locked");
        }
        command
    }

    /// Runs a cargo command that builds the target `name`, and returns its executable.
    ///
    /// # Errors
    /// Fails where the build fails or cargo tells of no such executable.
    pub(crate) fn executable(&self, command: &mut Command, name: &str) -> Result<PathBuf> {
        let messages = output(command.arg("--message-format=json-render-diagnostics"))?;
        let path = messages.lines().find_map(|line| {
            let message: Value = serde_json::from_str(line).ok()?;
            let named = message["reason"] == "compiler-artifact" && message["target"]["name"] == name;
            message["executable"].as_str().filter(|_| named).map(PathBuf::from)
        });
        path.with_context(|| format!("cargo built no executable `{name}`: is there such a target?"))
    }
}

/// The names of the integration tests in cargo's metadata, each once.
fn integration_tests(metadata: &Value) -> Vec<String> {
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let targets = packages.flat_map(|package| package["targets"].as_array().into_iter().flatten());
    let tests = targets.filter(|target| target["kind"].as_array().is_some_and(|kind| kind.contains(&"test".into())));
    let mut names: Vec<_> = tests.filter_map(|target| target["name"].as_str()).map(str::to_owned).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Shows the command, runs it, and waits for its end.
///
/// # Errors
/// Fails where it does not start or does not succeed.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let line = show(command);
    eprintln!("xtask: {line}");
    let status = command.status().with_context(|| format!("cannot start `{line}`"))?;
    if !status.success() {
        bail!("`{line}` failed with {status}");
    }
    Ok(())
}

/// Runs the command and gives its standard output; standard error goes to the terminal.
///
/// # Errors
/// Fails where it does not start, does not succeed, or prints no UTF-8.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let line = show(command);
    let output = command.stderr(Stdio::inherit()).output().with_context(|| format!("cannot start `{line}`"))?;
    if !output.status.success() {
        bail!("`{line}` failed with {}", output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{line}` printed no UTF-8"))
}

/// The command as a person would type it, the folder of the program left out.
pub(crate) fn show(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str());
    let words = std::iter::once(name).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// Whether this process has the rights of root.
pub(crate) fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// A command for the program, under sudo where this process is not root. The variables reach the program either way,
/// which sudo's own cleaning of the environment would prevent.
pub(crate) fn as_root(program: &Path, variables: &[(&str, &Path)]) -> Command {
    if is_root() {
        let mut command = Command::new(program);
        command.envs(variables.iter().copied());
        return command;
    }
    let mut command = Command::new("sudo");
    if !variables.is_empty() {
        command.arg("env");
        for (name, value) in variables {
            let mut assignment = OsString::from(format!("{name}="));
            assignment.push(value);
            command.arg(assignment);
        }
    }
    command.arg(program);
    command
}

/// The first file of that name in the folders of `PATH`, or in those that only root's `PATH` has.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    folders.map(|folder| folder.join(name)).find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integration_tests_are_taken_from_metadata_once() {
        let metadata = serde_json::json!({"packages": [
            {"targets": [{"kind": ["lib"], "name": "a"}, {"kind": ["test"], "name": "offline"}]},
            {"targets": [{"kind": ["test"], "name": "live"}, {"kind": ["test"], "name": "offline"}]},
        ]});
        assert_eq!(integration_tests(&metadata), ["live", "offline"]);
    }

    #[test]
    fn a_command_is_shown_without_the_folder_of_its_program() {
        let mut command = Command::new("/usr/bin/apt-get");
        assert_eq!(show(command.args(["install", "qemu"])), "apt-get install qemu");
    }
}
