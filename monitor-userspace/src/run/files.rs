//! The files that a run writes, made with the rights of whoever asked for them, so that root follows no link that they
//! have laid.

use std::fs::{DirBuilder, File, OpenOptions};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::{
    link::{Lines, Order},
    onlookers,
};
use crate::live::Outputs;
use crate::owner::as_owner;
use crate::sink::recording::{Recording, Rotation};
use crate::sink::unblocked::Unblocked;
use crate::sink::{self, Sink};
use agentsnoop_store::writer;

/// Device and inode of the recording that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Made(u64, u64);

/// Everything that an order names, open.
pub struct Opened {
    /// Where the observation goes.
    pub outputs: Outputs,
    /// The recording.
    pub made: Made,
    /// Where those are expected who look at it; where the system gives no socket they see it a little later, and mark nothing.
    pub door: Option<OwnedFd>,
}

/// Opens everything that an order names; lines go to `stderr` when no file is named.
///
/// # Errors
///
/// A file cannot be created.
pub fn open(order: &Order, stderr: File) -> Result<Opened> {
    as_owner(order.owner, || {
        let path = Path::new(&order.record);
        make_folder(path)?;
        let options = writer::Options { overwrite: order.overwrite, owner: None };
        let recording = Recording::create(path, options)?;
        let door = onlookers::expect(&recording.id()).ok();
        // Whoever bounds the recording has all its files made by root, in the folder that is opened here, and owns them.
        let recording = match order.rotation == Rotation::default() {
            true => recording,
            false => recording.in_segments(order.rotation, order.owner)?,
        };
        let outputs = Outputs::default().with_summary().with_recording(recording, path.to_owned());
        let made = std::fs::symlink_metadata(path).with_context(|| format!("cannot find {} again", path.display()))?;
        let made = Made(made.dev(), made.ino());
        let Some(lines) = &order.lines else { return Ok(Opened { outputs, made, door }) };
        match show(outputs, lines, order.overwrite, stderr) {
            Ok(outputs) => Ok(Opened { outputs, made, door }),
            Err(error) => {
                // Nothing is in it yet, and it would be in the way of the next attempt.
                let _ = std::fs::remove_file(path);
                Err(error)
            }
        }
    })
}

/// Removes the recording of a command that was never executed, if it is still the file that was made.
pub fn remove(order: &Order, made: Made) {
    let path = Path::new(&order.record);
    // A recording of nothing that cannot be removed does no harm, and there is nobody left to tell.
    let _ = as_owner(order.owner, || {
        let found = std::fs::symlink_metadata(path)?;
        if Made(found.dev(), found.ino()) == made {
            std::fs::remove_file(path)?;
        }
        Ok(())
    });
}

fn show(outputs: Outputs, lines: &Lines, overwrite: bool, stderr: File) -> Result<Outputs> {
    let Some(path) = &lines.file else {
        let paint = sink::paint(&stderr);
        let out = Unblocked::new(stderr).context("cannot start the thread that writes lines")?;
        let fate = out.fate();
        return Ok(outputs.with_shown(sink::to(out, lines.json, paint), Some(fate)).that_end_with_the_command());
    };
    let path = Path::new(path);
    let what = || format!("cannot write events to {}", path.display());
    if !overwrite && std::fs::metadata(path).is_ok_and(|found| found.is_file()) {
        bail!("{}: it exists already; name another file, or replace it with --overwrite", what());
    }
    // Without O_NONBLOCK a FIFO would hold up everything until somebody reads it.
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600).custom_flags(libc::O_NONBLOCK);
    let file = file.open(path).with_context(what)?;
    let is_file = file.metadata().with_context(what)?.is_file();
    let paint = sink::paint(&file);
    let (sink, fate): (Box<dyn Sink>, _) = if is_file {
        (sink::to(file, lines.json, paint), None)
    } else {
        let flags = nix::fcntl::OFlag::empty();
        nix::fcntl::fcntl(&file, nix::fcntl::FcntlArg::F_SETFL(flags)).with_context(what)?;
        let out = Unblocked::new(file).context("cannot start the thread that writes lines")?;
        let fate = out.fate();
        (sink::to(out, lines.json, paint), Some(fate))
    };
    Ok(outputs.with_shown(sink, fate))
}

/// Makes the folder of a default recording; the folder of a recording that was named must be there.
fn make_folder(record: &Path) -> Result<()> {
    let Some(folder) = record.parent().filter(|folder| folder.ends_with("agentsnoop") && !folder.exists()) else {
        return Ok(());
    };
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.with_context(|| format!("cannot make the folder {}; name a recording with --record FILE", folder.display()))
}
