//! The live tests on other kernels: kernels of Debian's, an initial file system with the test programs, QEMU.

pub(crate) mod boot;
pub(crate) mod image;
pub(crate) mod kernel;
mod newc;
mod verdict;

use std::collections::VecDeque;
use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Context as _, Result, bail};

use crate::kernels;
use crate::live::Live;
use crate::project::Project;
use boot::{Machine, Tests};
use kernel::{Fetched, KERNELS, Kernel};

/// A machine is emulated on one processor, since QEMU's emulation on several is not exact, and its disk is memory: more
/// machines at once than this would need more memory than the machine of a contributor may have.
const MACHINES: usize = 2;

/// Runs live tests on each kernel of the table, or on the one of that name, and keeps what `doctor` says there.
///
/// # Errors
/// Fails where there is no such kernel, one cannot be fetched or does not boot, panics, runs into the deadline, where a
/// test fails, or where a hook is gone that docs/kernels/ says attaches. A kernel that its suite no longer offers is
/// skipped by name.
pub(crate) fn run(project: &Project, live: &Live, only: Option<&str>, tests: Tests<'_>) -> Result<()> {
    let chosen: Vec<_> = KERNELS.iter().filter(|kernel| only.is_none_or(|name| name == kernel.name)).collect();
    if chosen.is_empty() {
        let names: Vec<_> = KERNELS.iter().map(|kernel| kernel.name).collect();
        bail!("no kernel of that name: there are {}", names.join(", "));
    }
    let cache = project.target.join("vm");
    let image = cache.join("initramfs.cpio");
    fs::create_dir_all(&cache).with_context(|| format!("cannot create {}", cache.display()))?;
    image::write(&image, live)?;
    let mut machines = VecDeque::new();
    let mut skipped = Vec::new();
    for kernel in chosen {
        match kernel::fetch(kernel, &cache).with_context(|| format!("no kernel {} to test on", kernel.name))? {
            Fetched::Image(vmlinuz) => machines.push_back((kernel, vmlinuz)),
            Fetched::NotOffered(why) => skipped.push(format!("kernel {}, since {why}", kernel.name)),
        }
    }
    let tested = machines.len();
    let width = thread::available_parallelism().map_or(1, usize::from).min(MACHINES).min(tested);
    let (machines, failures) = (Mutex::new(machines), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..width {
            scope.spawn(|| {
                loop {
                    // A binding of its own, so that the lock is not held while the machine runs.
                    let next = locked(&machines).pop_front();
                    let Some((kernel, vmlinuz)) = next else { break };
                    let machine = Machine { kernel: &vmlinuz, image: &image, tests };
                    if let Err(error) = test(project, &cache, kernel, &machine) {
                        locked(&failures).push(format!("kernel {}: {error:#}", kernel.name));
                    }
                }
            });
        }
    });
    for reason in &skipped {
        eprintln!("xtask: skipped: {reason}");
    }
    let failures = locked(&failures);
    if !failures.is_empty() {
        bail!("live tests in virtual machines: {}", failures.join("; "));
    }
    if tested == 0 {
        bail!("no kernel was tested");
    }
    Ok(())
}

/// The value behind a lock; a thread that panicked has left it whole.
fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Boots one kernel, and keeps and judges what it says.
fn test(project: &Project, cache: &Path, kernel: &Kernel, machine: &Machine<'_>) -> Result<()> {
    let verdict = boot::run(kernel.name, machine)?;
    let passed = verdict.passed();
    if let Some(doctor) = verdict.doctor() {
        let path = cache.join(kernel.name).join(kernels::REPORT);
        fs::write(&path, doctor).with_context(|| format!("cannot write {}", path.display()))?;
    }
    eprintln!("xtask: kernel {}: {} tests passed", kernel.name, passed?);
    kernels::compare(project, kernel.name, verdict.doctor().context("doctor said nothing in the machine")?)
}
