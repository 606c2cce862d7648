//! Records of what begins and ends: tool calls and sessions.

use std::sync::Arc;

use super::Pipeline;
use crate::{
    Record,
    attribute::{Change, Told},
    enrich::Classes,
    input,
    record::{Binary, Body, Process, ProcessId, Session, SessionState},
};

impl Pipeline {
    /// Records of the tool calls and sessions that began or ended with this input.
    pub(super) fn lives(&mut self, out: &mut Vec<Record>) {
        if self.tree.has_told() {
            for Told { call, boot_ns, body } in self.tree.told() {
                let body = Body::ToolCall(Box::new(body));
                self.of(call.root, boot_ns, body, out);
            }
        }
        if self.tree.has_changes() {
            for Change { state, life } in self.tree.changes() {
                let ended = state == SessionState::Ended;
                let boot_ns = if ended { self.now_ns } else { life.started_ns };
                let duration_ns = ended.then(|| self.now_ns.saturating_sub(life.started_ns));
                let body = Body::Session(Session { state, known_by: life.known_by.clone(), duration_ns, binary: None });
                self.of(life.root, boot_ns, body, out);
                if let Some(record) = out.last_mut() {
                    // By then its first process can belong to another one.
                    record.agent = Some(Arc::clone(&life.agent));
                    record.tool_call.clone_from(&life.within);
                }
            }
        }
    }

    /// The record of a file that a process of an agent runs. Of a process that nothing is known of any more there is none.
    pub(super) fn identified(&mut self, input: &input::Binary, out: &mut Vec<Record>) {
        self.advance(input.boot_ns);
        let Some(life) = self.tree.get(input.process).and_then(|entry| entry.session.clone()) else { return };
        let input::Binary { path, digest, bytes, version, package, error, .. } = input.clone();
        let binary = Box::new(Binary { path: path.into(), version, package, digest, bytes, error });
        let (state, known_by) = (SessionState::Identified, life.known_by.clone());
        let body = Body::Session(Session { state, known_by, duration_ns: None, binary: Some(binary) });
        self.of(input.process, input.boot_ns, body, out);
        if let Some(record) = out.last_mut() {
            record.agent = Some(Arc::clone(&life.agent));
            record.tool_call.clone_from(&life.within);
        }
    }

    /// A record whose process is the first one of something.
    fn of(&mut self, root: ProcessId, boot_ns: u64, body: Body, out: &mut Vec<Record>) {
        let (id, time) = (self.id(), self.time(boot_ns));
        let entry = self.tree.get(root);
        let agent = entry.and_then(|entry| entry.session.as_ref()).map(|life| Arc::clone(&life.agent));
        let tool_call = entry.and_then(|entry| entry.call.as_ref()).map(|call| Arc::clone(&call.id));
        // A process as its leader; its user is what its last record told.
        let process = entry.map(|entry| Process { image: Arc::clone(&entry.image), tid: root.pid, uid: entry.uid });
        let (seccomp, classes) = (false, Classes::NONE);
        out.push(Record { id, time, boot_ns, process, agent, tool_call, body, seccomp, classes });
    }
}
