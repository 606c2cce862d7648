//! A ring record of every kind out of any numbers and texts, for tests that want to see what becomes of whatever arrives.

use bytes::Bytes;
use monitor_common::{
    Header, Kind, TextState,
    body::{self, FileId, exec_text},
    decode::{self, Body, Str},
};

use crate::{event::encode, input::Input};

/// What the records are made of.
#[derive(Clone, Debug)]
pub struct Any {
    /// Numbers of the header: time, start, pid, root, and the count of executions.
    pub header: (u64, u64, u32, u32, u32),
    /// Numbers of the body.
    pub numbers: (i64, u64, u32, u32),
    /// Texts of the body, and how they came.
    pub texts: [(Vec<u8>, TextState); exec_text::COUNT],
}

impl Any {
    /// The header of all records.
    #[must_use]
    pub fn header(&self) -> Header {
        let (time, start, pid, root, exec_seq) = self.header;
        Header { time, start, pid, root, exec_seq, ..Header::default() }
    }

    /// A body of each kind.
    #[must_use]
    pub fn bodies(&self) -> Vec<Body<'_>> {
        let (result, long, one, other) = self.numbers;
        let text = |at: usize| Str { bytes: &self.texts[at].0, state: self.texts[at].1 };
        let [low, small] = [one, other].map(|number| u16::try_from(number & 0xffff).unwrap_or_default());
        let byte = low.to_le_bytes()[0];
        let file = FileId { inode: long, mode: one, ..FileId::default() };
        let call = body::Call { result, args: [long; 6], syscall: other, flags: one, ..body::Call::default() };
        let calls = Kind::ALL.into_iter().map(|kind| Body::Call(kind, call, std::array::from_fn(text)));
        // Of the kinds that are calls only, which the decoder knows.
        let calls = calls.filter(|body| {
            let bytes = encode::record(&self.header(), body);
            matches!(decode::record(&bytes), Ok(decode::Record { body: Body::Call(..), .. }))
        });
        let mut bodies = vec![
            Body::Stat(
                body::Stat { result, hash: long, count: one, syscall: other, flags: one, ..body::Stat::default() },
                std::array::from_fn(text),
            ),
            Body::Traffic(
                body::Traffic { inode: long, bytes: long, flags: one, protocol: small, ..body::Traffic::default() },
                text(2),
            ),
            Body::Dns(body::Dns { inode: long, flags: one, ..body::Dns::default() }, std::array::from_fn(text)),
            Body::Name(body::Name { inode: long, source: one % 5, ..body::Name::default() }, std::array::from_fn(text)),
            Body::Fork(body::Fork { child_start: long, clone_flags: long, child_pid: one, pad: 0 }),
            Body::Exec(
                body::Exec {
                    exe: file,
                    stdio: [file; 3],
                    comm: [byte; 16],
                    argv_bytes: other,
                    ..body::Exec::default()
                },
                std::array::from_fn(text),
            ),
            Body::Open(
                body::Open { result, open_flags: long, flags: one & 15, syscall: other, ..body::Open::default() },
                std::array::from_fn(text),
            ),
            Body::Connect(
                body::Connect { result, protocol: low, socket_type: small, ..body::Connect::default() },
                text(0),
            ),
            Body::Getenv(body::Getenv { flags: one, ..body::Getenv::default() }, text(1)),
            Body::Exit(body::Exit { status: one, pad: 0 }),
        ];
        bodies.extend(calls);
        bodies
    }

    /// A raw input of each kind.
    #[must_use]
    pub fn inputs(&self) -> Vec<Input> {
        let raw = |body| Input::Raw(Bytes::from(encode::record(&self.header(), body)));
        self.bodies().iter().map(raw).collect()
    }
}
