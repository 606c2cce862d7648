//! Raw records: decoded, attributed, classified.

use std::sync::Arc;

use bytes::Bytes;
use monitor_common::{
    Header,
    decode::{self, Body as Wire},
};

use super::Pipeline;
use crate::{
    Record,
    enrich::Classes,
    event::bodies,
    record::{Body, Fork, Process, ProcessId, Text},
};

impl Pipeline {
    /// Takes a raw record.
    pub(super) fn raw(&mut self, bytes: &Bytes, out: &mut Vec<Record>) {
        let record = match decode::record(bytes) {
            Ok(record) => record,
            Err(malformed) => return self.ledger.malformed(bytes, &malformed, self.next),
        };
        self.ledger.decoded(&record.header, &record.body, self.next);
        let header = &record.header;
        self.advance(header.time);
        let (process, body) = match &record.body {
            Wire::Exec(fixed, texts) => {
                let body = bodies::exec(fixed, texts, header, bytes);
                let end = fixed.comm.iter().position(|byte| *byte == 0).unwrap_or(fixed.comm.len());
                let comm = Text::from(fixed.comm[..end].to_vec());
                (self.tree.exec(header, fixed.parent, comm, &body), Body::Exec(Box::new(body)))
            }
            Wire::Fork(fixed) => {
                let parent = self.tree.see(header);
                let child = self.tree.fork(parent, fixed);
                (parent, Body::Fork(Fork { child, child_pid: fixed.child_pid }))
            }
            Wire::Exit(fixed) => {
                let process = self.tree.see(header);
                self.tree.exit(process, header.time);
                (process, Body::Exit(bodies::exit(fixed, header)))
            }
            Wire::Open(fixed, texts) => {
                let body = bodies::open(fixed, texts, bytes, &mut self.scratch);
                (self.tree.see(header), Body::Open(body))
            }
            Wire::Connect(fixed, text) => (self.tree.see(header), Body::Connect(bodies::connect(fixed, *text, bytes))),
            Wire::Getenv(fixed, text) => (self.tree.see(header), Body::Getenv(bodies::getenv(fixed, *text, bytes))),
        };
        self.record(header, process, body, out);
    }

    fn record(&mut self, header: &Header, process: ProcessId, body: Body, out: &mut Vec<Record>) {
        let (id, time) = (self.id(), self.time(header.time));
        let entry = self.tree.get(process);
        let life = entry.and_then(|entry| entry.session.as_ref());
        let classes = match &body {
            Body::Open(open) => open.path.as_ref().map_or(Classes::NONE, |path| {
                let project = life.and_then(|life| life.project.as_ref());
                let path = own(path.as_bytes(), header.pid, &mut self.scratch);
                self.rules.path(path, project.map(Text::as_bytes))
            }),
            Body::Getenv(getenv) => {
                getenv.name.as_ref().map_or(Classes::NONE, |name| self.rules.variable(name.as_bytes()))
            }
            Body::Connect(connect) => self.rules.endpoint(connect),
            _ => Classes::NONE,
        };
        let agent = life.map(|life| Arc::clone(&life.agent));
        let process = entry.map(|entry| Process { image: Arc::clone(&entry.image), tid: header.tid, uid: header.uid });
        out.push(Record { id, time, boot_ns: header.time, process, agent, tool_call: None, body, classes });
    }
}

/// The path by which the classes know it: a process's own folder in /proc is `/proc/self`, to which the kernel resolves
/// it the other way round.
fn own<'a>(path: &'a [u8], pid: u32, scratch: &'a mut Vec<u8>) -> &'a [u8] {
    let Some(rest) = path.strip_prefix(b"/proc/") else { return path };
    let digits = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
    let number = rest[..digits]
        .iter()
        .try_fold(0u32, |number, digit| number.checked_mul(10)?.checked_add(u32::from(digit - b'0')));
    if digits == 0 || number != Some(pid) {
        return path;
    }
    scratch.clear();
    scratch.extend_from_slice(b"/proc/self");
    scratch.extend_from_slice(&rest[digits..]);
    scratch
}
