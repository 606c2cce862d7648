//! Inputs made without a kernel, for tests and benches.

pub mod any;
mod family;
pub mod session;

use bytes::Bytes;
use monitor_common::{
    Header, Kind, TextState,
    body::{self, call_text, exec_text, open_text},
    decode::{Body, Str},
};

pub use family::Family;

use crate::{event::encode, input::Input};

/// A process that does things, each of which is one raw input with the next sequence number of its CPU.
#[derive(Clone, Debug)]
pub struct Actor {
    /// The header of the next record; its fields may be set freely.
    pub header: Header,
}

/// A string that came whole.
#[must_use]
pub const fn whole(text: &str) -> Str<'_> {
    Str { bytes: text.as_bytes(), state: TextState::Complete }
}

/// A string in a state, without bytes.
#[must_use]
pub const fn absent(state: TextState) -> Str<'static> {
    Str { bytes: &[], state }
}

/// What an exec carries, as text.
#[derive(Clone, Copy, Debug, Default)]
pub struct Program<'a> {
    /// The absolute path of the executed file.
    pub exe: &'a str,
    /// The arguments.
    pub argv: &'a [&'a str],
    /// The names of the environment.
    pub env: &'a [&'a str],
    /// The working directory.
    pub cwd: &'a str,
    /// Bits of [`body::exec_flag`].
    pub flags: u32,
    /// The terminal that is its standard input; empty for none.
    pub terminal: &'a str,
}

impl Actor {
    /// A process on CPU 0 whose tracking root is itself; a second after the boot.
    #[must_use]
    pub fn new(pid: u32) -> Self {
        let header = Header {
            pid,
            tid: pid,
            root: pid,
            start: 1_000_000_000 + u64::from(pid),
            time: 1_000_000_000,
            uid: 1000,
            ..Header::default()
        };
        Self { header }
    }

    /// The next raw input with this body; a millionth of a second passes.
    pub fn raw(&mut self, body: &Body<'_>) -> Input {
        self.header.time += 1000;
        let bytes = encode::record(&self.header, body);
        self.header.seq += 1;
        Input::Raw(Bytes::from(bytes))
    }

    /// A record is lost: only its sequence number is used.
    pub fn lose(&mut self, count: u64) {
        self.header.seq += count;
    }

    /// The process makes a child, which goes on with the sequence numbers of the same CPU through [`Self::follow`].
    pub fn fork(&mut self, child_pid: u32) -> (Input, Self) {
        let child_start = self.header.time + 500;
        let input = self.raw(&Body::Fork(body::Fork { child_start, clone_flags: 17, child_pid, pad: 0 }));
        let header = Header { pid: child_pid, tid: child_pid, start: child_start, exec_seq: 0, ..self.header };
        (input, Self { header })
    }

    /// Takes over the sequence number and the time of another process of the same CPU.
    pub const fn follow(&mut self, other: &Self) -> &mut Self {
        self.header.seq = other.header.seq;
        self.header.time = other.header.time;
        self
    }

    /// The process executes a program.
    pub fn exec(&mut self, program: Program<'_>) -> Input {
        self.header.exec_seq += 1;
        let list = |items: &[&str]| items.iter().flat_map(|item| item.bytes().chain([0])).collect::<Vec<u8>>();
        let (argv, env) = (list(program.argv), list(program.env));
        let mut comm = [0; 16];
        let name = program.exe.rsplit('/').next().unwrap_or_default().as_bytes();
        for (to, from) in comm.iter_mut().take(15).zip(name) {
            *to = *from;
        }
        let mut texts = [whole(""); exec_text::COUNT];
        texts[exec_text::FILENAME] = whole(program.exe);
        texts[exec_text::EXE] = whole(program.exe);
        texts[exec_text::CWD] = whole(program.cwd);
        texts[exec_text::STDIN] = whole(program.terminal);
        texts[exec_text::ARGV] = Str { bytes: &argv, state: TextState::Complete };
        texts[exec_text::ENV] = Str { bytes: &env, state: TextState::Complete };
        let fixed = body::Exec {
            comm,
            old_tid: self.header.tid,
            parent: 1,
            argv_bytes: u32::try_from(argv.len()).unwrap_or(u32::MAX),
            env_count: u32::try_from(program.env.len()).unwrap_or(u32::MAX),
            gid: self.header.uid,
            euid: self.header.uid,
            egid: self.header.uid,
            sid: body::Exec::NO_ID,
            pgid: body::Exec::NO_ID,
            flags: program.flags,
            ..body::Exec::default()
        };
        self.raw(&Body::Exec(fixed, texts))
    }

    /// The process ends with this status, as `wait(2)` encodes it.
    pub fn exit(&mut self, status: u32) -> Input {
        self.raw(&Body::Exit(body::Exit { status, pad: 0 }))
    }

    /// The process opens a file for reading, which is `path` as the kernel resolved it.
    pub fn open(&mut self, path: &str) -> Input {
        self.open_with(path, path, 0o2_000_000, 3)
    }

    /// The process calls openat: what it asked for, what the kernel half gives as the path, flags and result.
    pub fn open_with(&mut self, requested: &str, path: &str, open_flags: u64, result: i64) -> Input {
        let base = result < 0 && !requested.starts_with('/');
        let fixed = body::Open {
            result,
            open_flags,
            dfd: -100,
            syscall: 257,
            flags: if base { body::path_flag::BASE } else { 0 },
            ..body::Open::default()
        };
        let mut texts = [whole(requested); open_text::COUNT];
        texts[open_text::PATH] = if result < 0 && !base { absent(TextState::NotAsked) } else { whole(path) };
        self.raw(&Body::Open(fixed, texts))
    }

    /// The process connects a TCP socket to an address given as the bytes of a `struct sockaddr`.
    pub fn connect(&mut self, sockaddr: &[u8], result: i64) -> Input {
        let fixed = body::Connect {
            result,
            fd: 3,
            address_len: u32::try_from(sockaddr.len()).unwrap_or(u32::MAX),
            socket_type: 1,
            protocol: 6,
            ..body::Connect::default()
        };
        self.raw(&Body::Connect(fixed, Str { bytes: sockaddr, state: TextState::Complete }))
    }

    /// The process listens on a socket of this address.
    pub fn listen(&mut self, sockaddr: &[u8]) -> Input {
        let mut texts = [absent(TextState::NotAsked); call_text::COUNT];
        texts[call_text::SECOND_REQUESTED] = Str { bytes: sockaddr, state: TextState::Complete };
        self.raw(&Body::Call(Kind::Listen, body::Call { socket_type: 1, ..body::Call::default() }, texts))
    }

    /// A DNS message that the process sent, or received, with the socket address of the server.
    pub fn dns(&mut self, received: bool, server: &[u8], message: &[u8]) -> Input {
        self.dns_in(received, server, message, TextState::Complete)
    }

    /// The same, with how the message came.
    pub fn dns_in(&mut self, received: bool, server: &[u8], message: &[u8], state: TextState) -> Input {
        let fixed = body::Dns {
            inode: 4242,
            bytes: u32::try_from(message.len()).unwrap_or(u32::MAX),
            flags: if received { body::traffic_flag::RECEIVED } else { 0 },
            ..body::Dns::default()
        };
        let server = Str { bytes: server, state: TextState::Complete };
        self.raw(&Body::Dns(fixed, [server, Str { bytes: message, state }]))
    }

    /// The process calls getenv.
    pub fn getenv(&mut self, name: &str) -> Input {
        self.raw(&Body::Getenv(body::Getenv::default(), whole(name)))
    }
}

/// The address of a unix socket as the kernel has it (`struct sockaddr_un`); a name that begins with `@` is abstract.
#[must_use]
pub fn unix(path: &str) -> Vec<u8> {
    let name = match path.strip_prefix('@') {
        Some(name) => [b"\0", name.as_bytes()].concat(),
        None => path.as_bytes().to_vec(),
    };
    [&1u16.to_ne_bytes()[..], &name].concat()
}

/// The bytes of a `struct sockaddr_in` or `struct sockaddr_in6`.
#[must_use]
pub fn sockaddr(address: std::net::SocketAddr) -> Vec<u8> {
    let mut bytes = Vec::new();
    match address {
        std::net::SocketAddr::V4(address) => {
            bytes.extend(2u16.to_ne_bytes());
            bytes.extend(address.port().to_be_bytes());
            bytes.extend(address.ip().octets());
            bytes.extend([0; 8]);
        }
        std::net::SocketAddr::V6(address) => {
            bytes.extend(10u16.to_ne_bytes());
            bytes.extend(address.port().to_be_bytes());
            bytes.extend(address.flowinfo().to_be_bytes());
            bytes.extend(address.ip().octets());
            bytes.extend(address.scope_id().to_ne_bytes());
        }
    }
    bytes
}
