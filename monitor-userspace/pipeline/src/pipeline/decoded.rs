//! Raw records: decoded, attributed, classified.

use std::{borrow::Cow, sync::Arc};

use bytes::Bytes;
use monitor_common::{
    Header, Kind,
    body::{self as wire, call_text, exec_flag, open_text, stat_flag},
    decode::{self, Body as Wire, Str},
    header::flag,
    repeats,
};

use super::{Pipeline, touched::Touched};
use crate::{
    Record,
    enrich::{Class, Member},
    event::{Repeats, bodies},
    input::{Hook, HookState},
    record::{Body, Connect, HostCall, Process, ProcessId, Text},
};

/// The feature of a coverage record about work that another process does on request.
pub(crate) const DELEGATED: &str = "delegated";

impl Pipeline {
    /// Takes a raw record.
    pub(super) fn raw(&mut self, bytes: &Bytes, out: &mut Vec<Record>) {
        let record = match decode::record(bytes) {
            Ok(record) => record,
            Err(malformed) => return self.ledger.malformed(bytes, &malformed, self.next),
        };
        self.ledger.decoded(&record.header, &record.body, self.next);
        let header = &record.header;
        self.come(header.time);
        let mut raised = None;
        let (process, body) = match &record.body {
            Wire::Exec(fixed, texts) => {
                let mut body = bodies::exec(fixed, texts, header, bytes);
                let end = fixed.comm.iter().position(|byte| *byte == 0).unwrap_or(fixed.comm.len());
                let comm = Text::from(fixed.comm[..end].to_vec());
                if fixed.flags & exec_flag::CANDIDATE != 0 {
                    self.names.begin(header.root);
                }
                let process = self.tree.exec(header, fixed.parent, comm, &body);
                raised = bodies::raised(&body, header.uid);
                body.apart = self.tree.apart(process, body.namespaces).map(Cow::Borrowed).collect();
                (process, Body::Exec(Box::new(body)))
            }
            Wire::Fork(fixed) => {
                let parent = self.tree.see(header);
                let child = self.tree.fork(parent, fixed);
                (parent, Body::Fork(bodies::fork(fixed, child)))
            }
            Wire::Exit(fixed) => {
                let process = self.tree.see(header);
                let exit = bodies::exit(fixed, header);
                self.tree.exit(process, &exit, header.time);
                self.repeats.forget(process);
                (process, Body::Exit(exit))
            }
            Wire::Open(fixed, texts) => {
                let body = bodies::open(fixed, texts, bytes, &mut self.scratch);
                (self.tree.see(header), Body::Open(body))
            }
            Wire::Connect(fixed, text) => (self.tree.see(header), Body::Connect(bodies::connect(fixed, *text, bytes))),
            Wire::Getenv(fixed, text) => (self.tree.see(header), Body::Getenv(bodies::getenv(fixed, *text, bytes))),
            Wire::Stat(fixed, texts) if fixed.flags & stat_flag::REPEATS != 0 => {
                return self.repeats(header, fixed, texts[open_text::REQUESTED].bytes, out);
            }
            Wire::Stat(fixed, texts) => {
                let process = self.tree.see(header);
                let body = bodies::stat(fixed, texts, bytes, &mut self.scratch);
                self.repeats.remember(process, fixed.hash, &body);
                (process, Body::Stat(body))
            }
            Wire::Traffic(fixed, text) => {
                (self.tree.see(header), Body::Traffic(Box::new(bodies::traffic(fixed, *text, bytes))))
            }
            Wire::Dns(fixed, texts) => {
                let process = self.tree.see(header);
                let (body, addresses) = bodies::dns(fixed, texts, bytes);
                if let Some(question) = &body.question {
                    self.names.learn_addresses(Member { process, root: header.root }, question, &addresses);
                }
                (process, Body::Dns(Box::new(body)))
            }
            Wire::Name(fixed, texts) => {
                let body = bodies::name(fixed, texts, bytes);
                if let (Some(name), Some(source)) = (&body.name, body.name_source) {
                    self.names.learn_stream(fixed.inode, name, source);
                }
                (self.tree.see(header), Body::Name(Box::new(body)))
            }
            Wire::Call(kind, fixed, texts) => (self.tree.see(header), self.call(*kind, fixed, texts, bytes)),
        };
        let body = self.named(Member { process, root: header.root }, body);
        let delegated = self.delegated(process, &body);
        self.record(header, process, body, out);
        for body in delegated.into_iter().flatten() {
            self.record(header, process, body, out);
        }
        if let Some(call) = raised {
            self.record(header, process, Body::Attention(Box::new(call)), out);
        }
    }

    /// Names the endpoint of a connection, where its name is known.
    fn named(&mut self, by: Member, mut body: Body) -> Body {
        match &mut body {
            Body::Connect(connect) => {
                let named = self.names.connected(by, connect.connection.unwrap_or(0), connect.address);
                (connect.name, connect.name_source) = named.unzip();
            }
            Body::Traffic(traffic) => {
                let named = self.names.of(by, traffic.connection, traffic.address);
                (traffic.name, traffic.name_source) = named.unzip();
            }
            _ => {}
        }
        body
    }

    /// The records of calls that repeat earlier ones, one for each kind of them.
    fn repeats(&mut self, header: &Header, fixed: &wire::Stat, words: &[u8], out: &mut Vec<Record>) {
        let process = self.tree.see(header);
        let mut rest = u64::from(fixed.count);
        for (slot, word) in repeats::told(fixed.hash, words) {
            let stat = self.repeats.told(process, slot, word);
            rest = rest.saturating_sub(stat.count);
            self.record(header, process, Body::Stat(stat), out);
        }
        if rest > 0 {
            self.record(header, process, Body::Stat(Repeats::unknown(rest)), out);
        }
    }

    /// The body of a call of one shape, by its kind.
    fn call(&mut self, kind: Kind, call: &wire::Call, texts: &[Str<'_>; call_text::COUNT], bytes: &Bytes) -> Body {
        let scratch = &mut self.scratch;
        match kind {
            Kind::Readlink => Body::Readlink(bodies::readlink(call, texts, bytes, scratch)),
            Kind::Rename => Body::Rename(Box::new(bodies::pair(call, texts, bytes, scratch))),
            Kind::Link => Body::Link(Box::new(bodies::pair(call, texts, bytes, scratch))),
            Kind::Symlink => Body::Symlink(Box::new(bodies::pair(call, texts, bytes, scratch))),
            Kind::Unlink => Body::Unlink(bodies::change(call, texts, bytes, scratch)),
            Kind::Mkdir => Body::Mkdir(bodies::change(call, texts, bytes, scratch)),
            Kind::Chmod => Body::Chmod(bodies::change(call, texts, bytes, scratch)),
            Kind::Chown => Body::Chown(bodies::change(call, texts, bytes, scratch)),
            Kind::Truncate => Body::Truncate(bodies::change(call, texts, bytes, scratch)),
            Kind::Bind => Body::Bind(bodies::socket(kind, call, texts, bytes)),
            Kind::Listen => Body::Listen(bodies::socket(kind, call, texts, bytes)),
            Kind::Accept => Body::Accept(bodies::socket(kind, call, texts, bytes)),
            Kind::Identity => Body::Identity(Box::new(bodies::host_call(call, texts, bytes, scratch))),
            Kind::Metadata => Body::Metadata(Box::new(bodies::host_call(call, texts, bytes, scratch))),
            Kind::IoUring => Body::Attention(Box::new(bodies::io_uring(call, texts, bytes, scratch))),
            // The decoder gives this shape to no kind but these and the ones above.
            _ => Body::Attention(Box::new(bodies::host_call(call, texts, bytes, scratch))),
        }
    }

    /// What a connection to somebody who works on request means, once for each session and socket: it deserves attention,
    /// and the observation ends there.
    fn delegated(&mut self, process: ProcessId, body: &Body) -> Option<[Body; 2]> {
        let Body::Connect(Connect { path: Some(path), result: 0, .. }) = body else { return None };
        let life = self.tree.get(process)?.session.as_ref()?;
        let delegate = self.delegates.first(life.root, path.as_bytes())?;
        let call = HostCall {
            call: Cow::Borrowed("connect"),
            detail: Some(Cow::Owned(format!("{}: {}", delegate.name, delegate.reason))),
            path: Some(path.clone()),
            ..HostCall::default()
        };
        let mut name = format!("{} ", delegate.name);
        path.escape_into(&mut name);
        let hook = Hook {
            name,
            feature: DELEGATED.to_owned(),
            state: HookState::Unavailable { reason: "what its owner does on request is not attributed".to_owned() },
        };
        Some([Body::Attention(Box::new(call)), Body::Coverage(Box::new(hook))])
    }

    fn record(&mut self, header: &Header, process: ProcessId, body: Body, out: &mut Vec<Record>) {
        let (id, time) = (self.id(), self.time(header.time));
        let seccomp = header.flags & flag::NOT_ENTERED != 0;
        let entry = self.tree.get(process);
        let life = entry.and_then(|entry| entry.session.as_ref());
        let project = life.and_then(|life| life.project.as_ref()).map(|cwd| self.tree.projects.of(cwd));
        let classes =
            Touched { rules: &mut self.rules, project, pid: header.pid, scratch: &mut self.scratch }.by(&body);
        let agent = life.map(|life| Arc::clone(&life.agent));
        let tool_call = entry.and_then(|entry| entry.call.as_ref()).map(|call| Arc::clone(&call.id));
        let by = entry.map(|entry| Process { image: Arc::clone(&entry.image), tid: header.tid, uid: header.uid });
        self.tree.did(process, &body, classes == Class::Noise.into());
        out.push(Record { id, time, boot_ns: header.time, process: by, agent, tool_call, body, seccomp, classes });
    }
}
