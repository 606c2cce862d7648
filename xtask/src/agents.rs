//! The live tests with real agents, which are installed for the time of the tests.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::live::{BINARY_VARIABLE, Live};
use crate::project::{self, Project, as_root};

/// The user that the agents run as.
const USER: &str = "agentbench";
/// The agents whose sessions are tested.
pub(crate) const AGENTS: [&str; 4] = ["claude", "codex", "gemini", "opencode"];
/// The variable that tells the installer and the sessions where the agents are.
pub(crate) const HOME_VARIABLE: &str = "AGENTS_HOME";
/// The variable that tells the live tests the same.
const AGENTS_VARIABLE: &str = "AGENTSNOOP_AGENTS";

/// Whether a run of all tests may drive agents: it needs a user of its own, which a machine that is not CI's should get
/// only on request.
pub(crate) fn are_welcome() -> bool {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    std::env::var_os("CI").is_some() || users.lines().any(|line| line.split(':').next() == Some(USER))
}

/// A folder that its user can reach wherever the target folder lies; removed when it goes out of scope.
struct Folder(PathBuf);

impl Folder {
    fn make() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("agentsnoop-agents-{}", std::process::id()));
        fs::create_dir(&path).with_context(|| format!("cannot make {}", path.display()))?;
        let folder = Self(path);
        let open = fs::set_permissions(&folder.0, PermissionsExt::from_mode(0o755));
        open.with_context(|| format!("cannot open {} to {USER}", folder.0.display()))?;
        Ok(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("xtask: cannot remove {}: {error}", self.0.display());
        }
    }
}

/// Installs the agents from the npm registry and runs the sessions.
///
/// # Errors
/// Fails where an agent cannot be installed or a test fails.
pub(crate) fn run(project: &Project, live: &Live) -> Result<()> {
    let folder = Folder::make()?;
    let sessions = project.root.join("tests/agents");
    project::run(as_root(&sessions.join("install.sh"), &[(HOME_VARIABLE, &folder.0)]).args(AGENTS))
        .context("the agents could not be installed")?;
    let variables: [(&str, &Path); 2] = [(BINARY_VARIABLE, &live.agentsnoop), (AGENTS_VARIABLE, &folder.0)];
    let mut tests = as_root(&live.tests, &variables);
    tests.current_dir(project.root.join("tests")).arg(OsStr::new("every scripted fact"));
    project::run(&mut tests).context("live tests with real agents")
}
