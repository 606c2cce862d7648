//! Which file makes a process an agent: asked for once in each session, and answered by an input.

use super::Tree;
use crate::{Request, record::ProcessId};

/// Files that are remembered as asked for; when there are more, all are forgotten and asked for again. A file that is
/// asked for twice is told twice.
const FILES: usize = 1024;

impl Tree {
    /// Asks for what a process of an agent runs: its program, or the script for whose package it is known. A launcher and
    /// its native program are two files of one session.
    pub(super) fn identify(&mut self, id: ProcessId, known_by: &str, script: Option<Vec<u8>>) {
        let Some(entry) = self.table.get(id) else { return };
        let Some(life) = &entry.session else { return };
        let is_program = known_by != "package";
        let path = match is_program {
            true => entry
                .image
                .exe
                .as_ref()
                .filter(|_| entry.image.exe_state.is_complete())
                .map(|exe| exe.as_bytes().to_vec()),
            false => script,
        };
        // A path that is no UTF-8 cannot be asked about; no installer makes one.
        let Some(path) = path.and_then(|path| String::from_utf8(path).ok()) else { return };
        let (process, agent) = (entry.image.id, life.agent.name.clone());
        if self.identified.len() >= FILES {
            self.identified.clear();
        }
        if self.identified.insert((life.root, path.clone())) {
            self.requests.push(Request::Binary { process, agent, path, is_program });
        }
    }
}
