//! The name in the first bytes of a stream: who is meant, whatever address the connection goes to.
//!
//! | | |
//! |---|---|
//! | hook | tail call from `exit_send`, part [`monitor_common::programs::family::NAME`] |
//! | when | a burst of sending begins on a stream to an IP address |
//! | TLS | the server name of a ClientHello (RFC 6066, RFC 8446), in whatever order its extensions come |
//! | HTTP/1 | the `Host` field of a request, the target of CONNECT (RFC 9110, RFC 9112) |
//!
//! Since every burst that is sent is looked at, a name comes again with each request of a connection that is kept, and the
//! hello inside the tunnel of a CONNECT is seen as well. The bytes are read into scratch memory of the kernel half, where
//! the search is; nothing but the name leaves it.
//!
//! Blind spots: QUIC and HTTP/2 in the clear; a hello or a request whose name lies behind its first [`HEAD`] bytes, or
//! behind [`HTTP_BYTES`] of a request, or that is sent in several calls and lies not in the first; a hello in several
//! records of TLS; of an encrypted hello (ECH) the outer name is what is seen; what io_uring, sendfile and splice send.

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use monitor_common::{
    Header, Kind, Text, TextState,
    body::{Name, name_source, name_text},
    counters::{Cause, Fault},
    limits::{NAME_BYTES, SOCKADDR_BYTES},
};

use super::{
    stat::flush_last,
    traffic::transfer::{self, Transfer},
};
use crate::{
    emit,
    maps::NAME_BUFFERS,
    read::{kernel_bytes, opaque, user_bytes},
    socket::address::{Address, WORDS},
    task::Tracked,
};

/// Bytes of each part of a message that are looked at; a power of two. A ClientHello with the keys of post-quantum key
/// agreement has up to 2,000.
const HEAD: usize = 4096;

/// Bytes of a request in which the `Host` field is searched for: the verifier walks each of them, 110 instructions a byte.
/// Most programs send it as the first field, some behind all that their user has set.
const HTTP_BYTES: u64 = 1024;

/// Extensions of a ClientHello that are walked over; browsers send about 20.
const EXTENSIONS: u32 = 48;

/// Bytes of a record before its strings.
const FIXED: usize = size_of::<Header>() + size_of::<Name>();

/// Where names are searched for and recorded.
#[repr(C)]
pub(crate) struct NameBuffer {
    header: Header,
    body: Name,
    /// The peer, and the name behind it.
    peer: Address,
    room: [u8; NAME_BYTES],
    /// What the call has sent: its first part and what comes behind.
    head: [u8; 2 * HEAD],
    /// Bytes of `head`.
    len: u64,
    /// The place of a search: state of a loop, kept in memory so that the verifier need not tell its rounds apart.
    at: u64,
    /// What a search went by last.
    last: u64,
    /// Bytes of the name that begins at `at`.
    found: u64,
}

/// Records the name in what a call has sent, if there is one.
#[btf_tracepoint(function = "sys_exit")]
pub(crate) fn exit_name(ctx: BtfTracePointContext) -> i32 {
    if let Some((transfer, who)) = transfer::of_this_call() {
        look(transfer, who);
    }
    // A burst of sending has begun.
    flush_last(&ctx);
    0
}

/// Looks for a name in what a call has sent.
#[inline(always)]
fn look(transfer: *const Transfer, who: Tracked) {
    // SAFETY: the transfer is this CPU's, filled by the program that called this one.
    let message = unsafe { Transfer::message(transfer, 0) };
    let (first, second) = (message.first, message.second);
    if message.bytes == 0 || first.len == 0 {
        return;
    }
    let Some(buffer) = NAME_BUFFERS.get_ptr_mut(0) else {
        emit::lost(Kind::Name, Cause::NoBuffer);
        return;
    };
    // SAFETY: the buffer is this CPU's, and no program that uses it starts twice on a CPU. The bounds of what is read
    // are those of the two halves of the scratch memory.
    unsafe {
        let head = (&raw mut (*buffer).head).cast::<u8>();
        let len = bounded(first.len);
        if !user_bytes(head, len as u32, first.address) {
            return;
        }
        (*buffer).len = len;
        if second.len != 0 && first.len == len {
            let more = bounded(second.len);
            if user_bytes(head.add(len as usize), more as u32, second.address) {
                (*buffer).len = len + more;
            }
        }
        let buffer = Search(buffer);
        let source = match buffer.word(0) {
            // "CONN", and then the methods of RFC 9110 and RFC 5789 by the same four bytes.
            0x434f_4e4e => buffer.connect(),
            0x4745_5420 | 0x504f_5354 | 0x5055_5420 | 0x4845_4144 | 0x4445_4c45 | 0x4f50_5449 | 0x5041_5443 => {
                buffer.http()
            }
            // A handshake of TLS, whatever version.
            word if word >> 16 == 0x1603 => buffer.hello(),
            _ => 0,
        };
        if source != 0 {
            buffer.send(who, transfer, source);
        }
    }
}

/// At most the bytes of a half of the scratch memory, visibly for the verifier.
#[inline(always)]
fn bounded(len: u64) -> u64 {
    const MOST: u64 = HEAD as u64 - 1;
    opaque(if len > MOST { MOST } else { len }) & MOST
}

/// One where the value is not 0, else 0, without a branch: the verifier keeps a state for each branch of each round of a
/// loop, and has room for 8,192 of them.
#[inline(always)]
fn is_not_zero(value: u64) -> u64 {
    opaque(value | value.wrapping_neg()) >> 63
}

/// The scratch memory with what was sent. Every function that searches writes where the name is and gives its source, or 0.
#[derive(Clone, Copy)]
struct Search(*mut NameBuffer);

impl Search {
    /// The byte at a place, which is read within the scratch memory in any case.
    #[inline(always)]
    unsafe fn byte(self, at: u64) -> u64 {
        let at = opaque(at) as usize & (2 * HEAD - 1);
        // SAFETY: the place was masked.
        u64::from(unsafe { (&raw const (*self.0).head).cast::<u8>().add(at).read_volatile() })
    }

    /// Two bytes in the order of the network.
    #[inline(always)]
    unsafe fn pair(self, at: u64) -> u64 {
        // SAFETY: as the function read.
        unsafe { self.byte(at) << 8 | self.byte(at + 1) }
    }

    /// Four bytes in the order of the network.
    #[inline(always)]
    unsafe fn word(self, at: u64) -> u64 {
        // SAFETY: as the function read.
        unsafe { self.pair(at) << 16 | self.pair(at + 2) }
    }

    /// Bytes that were sent and read.
    #[inline(always)]
    unsafe fn len(self) -> u64 {
        // SAFETY: the buffer is this CPU's.
        unsafe { (&raw const (*self.0).len).read_volatile() }
    }

    /// The place of the search, read back from memory.
    #[inline(always)]
    unsafe fn at(self) -> u64 {
        // SAFETY: the buffer is this CPU's.
        unsafe { (&raw const (*self.0).at).read_volatile() }
    }

    #[inline(always)]
    unsafe fn go_to(self, at: u64) {
        // SAFETY: the buffer is this CPU's.
        unsafe { (&raw mut (*self.0).at).write_volatile(at) }
    }

    /// The server name of a ClientHello.
    #[inline(always)]
    unsafe fn hello(self) -> u32 {
        /// Behind the record's header of 5 bytes, the handshake's of 4, the version and the random value.
        const SESSION: u64 = 5 + 4 + 2 + 32;
        const CLIENT_HELLO: u64 = 1;
        const SERVER_NAME: u64 = 0;
        const HOST_NAME: u64 = 0;
        // SAFETY: every read is within the scratch memory; what is behind the bytes that were sent is not used, since
        // the places are compared with their number.
        unsafe {
            let len = self.len();
            if self.byte(5) != CLIENT_HELLO || len < SESSION {
                return 0;
            }
            let suites = SESSION + 1 + self.byte(SESSION);
            let compression = suites + 2 + self.pair(suites);
            self.go_to(compression + 1 + self.byte(compression) + 2);
            let mut is_there = false;
            for _ in 0..EXTENSIONS {
                let at = self.at();
                if at + 4 > len {
                    break;
                }
                if self.pair(at) == SERVER_NAME {
                    is_there = true;
                    break;
                }
                self.go_to(at + 4 + self.pair(at + 2));
            }
            if !is_there {
                return 0;
            }
            // The extension's type and length, the list's length, the name's type and length.
            let list = self.at() + 4;
            let (kind, found) = (self.byte(list + 2), self.pair(list + 3));
            if kind != HOST_NAME || list + 5 + found > len {
                return 0;
            }
            self.go_to(list + 5);
            (*self.0).found = found;
            name_source::SNI
        }
    }

    /// The target of a CONNECT.
    #[inline(always)]
    unsafe fn connect(self) -> u32 {
        const METHOD: u64 = b"CONNECT ".len() as u64;
        // SAFETY: as in `hello`.
        unsafe {
            if self.word(4) != 0x4543_5420 {
                return 0;
            }
            self.go_to(METHOD);
            self.measure();
        }
        name_source::CONNECT_HOST
    }

    /// The `Host` field of a request.
    #[inline(always)]
    unsafe fn http(self) -> u32 {
        /// `host:`, `\n\r\n` and `\n\n`; letters in lower case.
        const HOST: u64 = 0x68_6f73_743a;
        const BLANK: u64 = 0x0a_0d0a;
        const LOWER: u64 = 0x20_2020_2020;
        // SAFETY: as in `hello`; the loop stays within the scratch memory.
        unsafe {
            let (len, head) = (self.len(), (&raw const (*self.0).head).cast::<u8>());
            let mut last = 0;
            self.go_to(HTTP_BYTES);
            for at in 0..HTTP_BYTES {
                last = opaque(last << 8 | u64::from(head.add(at as usize).read_volatile()));
                // The field begins a line; a blank line ends the fields, behind which a body can say anything.
                let field = is_not_zero((last | LOWER) & 0xff_ffff_ffff ^ HOST) | is_not_zero(last >> 40 & 0xff ^ 0x0a);
                let blank = is_not_zero(last & 0xff_ffff ^ BLANK) & is_not_zero(last & 0xffff ^ 0x0a0a);
                let inside = opaque(at.wrapping_sub(len)) >> 63;
                if opaque(field & blank & inside) == 0 {
                    self.go_to(at);
                    break;
                }
            }
            (&raw mut (*self.0).last).write_volatile(last);
            let (at, last) = (self.at(), (&raw const (*self.0).last).read_volatile());
            if at >= len || at >= HTTP_BYTES || (last | LOWER) & 0xff_ffff_ffff != HOST {
                return 0;
            }
            self.go_to(at + 1);
            // Optional white space; more than this is nobody's.
            for _ in 0..4 {
                let at = self.at();
                let byte = self.byte(at);
                if byte != 0x20 && byte != 0x09 {
                    break;
                }
                self.go_to(at + 1);
            }
            self.measure();
        }
        name_source::HTTP_HOST
    }

    /// Finds where the name ends that begins here: at white space. One that runs on to the end of what was sent is none, since
    /// its rest can come with the next call.
    #[inline(always)]
    unsafe fn measure(self) {
        // SAFETY: as in `hello`.
        unsafe {
            let (start, len) = (self.at(), self.len());
            (&raw mut (*self.0).found).write_volatile(NAME_BYTES as u64 + 1);
            for count in 0..=NAME_BYTES as u64 {
                let at = start + count;
                // Space and everything below it.
                let inside = opaque(at.wrapping_sub(len)) >> 63;
                let name = opaque(0x20u64.wrapping_sub(self.byte(at))) >> 63;
                if opaque(inside & name) == 0 {
                    (&raw mut (*self.0).found).write_volatile(count);
                    break;
                }
            }
            if start + (&raw const (*self.0).found).read_volatile() >= len {
                (*self.0).found = 0;
            }
        }
    }

    /// Sends the name.
    #[inline(always)]
    unsafe fn send(self, who: Tracked, transfer: *const Transfer, source: u32) {
        // SAFETY: the verifier sees the bounds of both strings.
        unsafe {
            let buffer = self.0;
            let mut found = opaque((&raw const (*buffer).found).read_volatile());
            if found == 0 {
                return;
            }
            let mut state = TextState::Complete;
            if found > NAME_BYTES as u64 {
                found = NAME_BYTES as u64;
                state = TextState::Cut;
                emit::fault(Fault::StringCut);
            }
            let mut peer = opaque((*transfer).peer_len);
            if peer > SOCKADDR_BYTES as u64 {
                peer = 0;
            }
            for word in 0..WORDS {
                (*buffer).peer[word] = (*transfer).peer[word];
            }
            let mut texts = [Text::default(); name_text::COUNT];
            texts[name_text::PEER].len = peer as u32;
            texts[name_text::NAME] = Text { len: found as u32, state: state.number(), pad: 0 };
            (*buffer).body = Name { inode: (*transfer).inode, source, pad: 0, texts };
            let at = opaque(self.at()) as usize & (2 * HEAD - 1);
            let name = (&raw const (*buffer).head).cast::<u8>().add(at);
            let to = (&raw mut (*buffer).peer).cast::<u8>().add(peer as usize);
            kernel_bytes(to, found as u32, name as u64);
            emit::send(Kind::Name, who.tid, who.task, buffer.cast(), FIXED as u64 + peer + found);
        }
    }
}
