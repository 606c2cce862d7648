//! C libraries that the kernel maps at an exec, as the loader of a program: nobody opens them. musl's loader is its C
//! library.

use std::collections::HashSet;
use std::os::unix::fs::MetadataExt as _;

use agentsnoop_pipeline::Record;
use agentsnoop_pipeline::record::Body;

use super::Live;

/// Programs that are remembered as looked at. When there are more, all are forgotten, and looked at once more.
const PROGRAMS: usize = 4096;

/// A program in a root, from which its loader is looked up: device and inode of both.
type Program = [(u64, u64); 2];

/// The programs whose loaders were looked for.
#[derive(Debug, Default)]
pub(super) struct Loaders {
    seen: HashSet<Program>,
}

impl Loaders {
    /// The process of a record that shows an exec, where its program is a new one. What the process is by now is looked at:
    /// it may have executed another one since, or ended.
    fn executed(&mut self, record: &Record) -> Option<u32> {
        let Body::Exec(_) = &record.body else { return None };
        let pid = record.process.as_ref()?.image.id.pid;
        let identity = |name: &str| {
            let found = std::fs::metadata(format!("/proc/{pid}/{name}")).ok()?;
            Some((found.dev(), found.ino()))
        };
        let program = [identity("exe")?, identity("root")?];
        if self.seen.len() >= PROGRAMS {
            self.seen.clear();
        }
        self.seen.insert(program).then_some(pid)
    }

    /// Forgets all of them, so that their loaders are found again.
    pub(super) fn forget(&mut self) {
        self.seen.clear();
    }
}

impl Live {
    /// Probes the C library that a program was executed with.
    pub(super) fn attach_loader(&mut self, record: &Record) {
        if let Some(pid) = self.loaders.executed(record) {
            self.attach_mapped_libcs(pid);
        }
    }
}
