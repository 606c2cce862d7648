//! The live tests on other kernels: a kernel of Debian's, an initial file system with the test programs, QEMU.

mod boot;
mod image;
mod kernel;
mod newc;
mod verdict;

use anyhow::{Context as _, Result};

use crate::live::Live;
use crate::project::Project;
use kernel::KERNELS;

/// Runs the live tests on each kernel of the table.
///
/// # Errors
/// Fails where a kernel is not to be had, does not boot, panics, runs into the deadline, or where a test fails.
pub(crate) fn run(project: &Project, live: &Live) -> Result<()> {
    let cache = project.target.join("vm");
    let image = cache.join("initramfs.cpio");
    std::fs::create_dir_all(&cache).with_context(|| format!("cannot create {}", cache.display()))?;
    image::write(&image, live)?;
    for kernel in &KERNELS {
        let vmlinuz = kernel::fetch(kernel, &cache).with_context(|| format!("no kernel {} to test on", kernel.name))?;
        boot::run(&vmlinuz, &image).with_context(|| format!("live tests on kernel {}", kernel.name))?;
    }
    Ok(())
}
