//! The tables of docs/kernels.md: what `doctor` found on each kernel, from the reports in docs/kernels/.

mod page;
mod report;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::product;
use crate::project::{Profile, Project, as_root, output};
use report::Report;

/// Where a run in a virtual machine leaves what `doctor --json` printed, in the kernel's folder of the cache.
pub(crate) const REPORT: &str = "doctor.json";

/// The reports that are kept, one a kernel.
const FOLDER: &str = "docs/kernels";
const PAGE: &str = "docs/kernels.md";

/// Arguments of `kernels`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// First takes over the reports of the last runs in virtual machines and of the running kernel; needs root.
    #[arg(long)]
    update: bool,
}

/// Writes the tables.
///
/// # Errors
/// Fails where a report or the page cannot be read or written.
pub(crate) fn run(project: &Project, arguments: &Args) -> Result<()> {
    if arguments.update {
        update(project)?;
    }
    let page = rendered(project)?;
    fs::write(project.root.join(PAGE), page).with_context(|| format!("cannot write {PAGE}"))
}

/// Refuses a page that does not show the reports.
///
/// # Errors
/// Fails where it does not, or where one of them cannot be read.
pub(crate) fn check(project: &Project) -> Result<()> {
    if read(&project.root.join(PAGE))? != rendered(project)? {
        bail!("{PAGE} does not show {FOLDER}: run `cargo xtask kernels`");
    }
    Ok(())
}

/// Refuses what `doctor` printed on a kernel where a hook is missing that the kept report of that kernel has.
///
/// # Errors
/// Names the hooks, each with its reason.
pub(crate) fn compare(project: &Project, name: &str, printed: &str) -> Result<()> {
    let path = kept(project, name);
    if !path.is_file() {
        eprintln!("xtask: {} is not there: `cargo xtask kernels --update` makes it", path.display());
        return Ok(());
    }
    let lost = Report::read(printed)?.lost_since(&Report::read(&read(&path)?)?);
    if !lost.is_empty() {
        bail!("hooks attach no more that {FOLDER} says do: {}", lost.join("; "));
    }
    Ok(())
}

/// The kept report of a kernel.
fn kept(project: &Project, name: &str) -> PathBuf {
    project.root.join(FOLDER).join(format!("{name}.json"))
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// The page with the tables of the kept reports.
fn rendered(project: &Project) -> Result<String> {
    let folder = project.root.join(FOLDER);
    let entries = fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let paths =
        entries.flatten().map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == "json"));
    let mut reports = paths.map(|path| Report::read(&read(&path)?)).collect::<Result<Vec<_>>>()?;
    reports.sort_by_key(Report::numbers);
    page::with_tables(&read(&project.root.join(PAGE))?, &reports).with_context(|| format!("cannot render {PAGE}"))
}

/// Keeps the reports of the last runs in virtual machines, and that of the running kernel.
fn update(project: &Project) -> Result<()> {
    let binary = product::build(project, Profile::Release)?;
    let own = Report::read(&output(as_root(&binary, &[]).args(["doctor", "--json"]))?)?;
    let mut reports = vec![(own.version(), own)];
    let cache = project.target.join("vm");
    for entry in fs::read_dir(&cache).into_iter().flatten().flatten() {
        let path = entry.path().join(REPORT);
        if path.is_file() {
            reports.push((entry.file_name().to_string_lossy().into_owned(), Report::read(&read(&path)?)?));
        }
    }
    fs::create_dir_all(project.root.join(FOLDER)).with_context(|| format!("cannot create {FOLDER}"))?;
    // A virtual machine's report comes after the running kernel's, and so replaces one of the same name.
    for (name, report) in reports {
        let path = kept(project, &name);
        fs::write(&path, report.text()?).with_context(|| format!("cannot write {}", path.display()))?;
        eprintln!("xtask: kept {}", path.display());
    }
    Ok(())
}
