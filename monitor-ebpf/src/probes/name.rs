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
    traffic::transfer::{self, Message, Transfer},
};
use crate::{
    emit,
    maps::NAME_BUFFERS,
    read::{kernel_bytes, opaque, user_bytes},
    socket::address::{Address, WORDS},
    task::Tracked,
    words::{before_mark, each, less_than, word_at, zeroes},
};

/// Bytes of each part of a message that are looked at; a power of two. A ClientHello with the keys of post-quantum key
/// agreement has up to 2,000.
const HEAD: usize = 4096;

/// Bytes of a request in which the `Host` field is searched for: the verifier walks them eight at a time, 60 instructions
/// each. Most programs send it as the first field, some behind all that their user has set.
const HTTP_BYTES: u64 = 1024;

/// Extensions of a ClientHello that are walked over; browsers send about 20.
const EXTENSIONS: u32 = 48;

/// Bytes of a word.
const WORD: u64 = 8;

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
    /// So that a word can be read from each place of `head`.
    behind: [u8; WORD as usize],
    /// Where what was sent lies. What is known of it goes through memory, so that the verifier follows what comes then once,
    /// and not once for each call that sends.
    message: Message,
    /// Bytes of `head`.
    len: u64,
    /// The place of a search: state of a loop, kept in memory so that the verifier need not tell its rounds apart.
    at: u64,
    /// The bytes of a word that a search was for, as `words` marks them.
    marks: u64,
    /// Bytes of the name that begins at `at`.
    found: u64,
    /// A number of [`name_source`].
    source: u32,
    pad: u32,
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
    let Some(buffer) = NAME_BUFFERS.get_ptr_mut(0) else {
        emit::lost(Kind::Name, Cause::NoBuffer);
        return;
    };
    // SAFETY: both buffers are this CPU's, and no program that uses them starts twice on a CPU; the transfer was filled by the
    // program that called this one.
    unsafe {
        (*buffer).message = Transfer::message(transfer, 0);
        let search = Search(buffer);
        if !search.fill() {
            return;
        }
        let source = match search.word(0) {
            // "CONN", and then the methods of RFC 9110 and RFC 5789 by the same four bytes.
            0x434f_4e4e => name_source::CONNECT_HOST,
            0x4745_5420 | 0x504f_5354 | 0x5055_5420 | 0x4845_4144 | 0x4445_4c45 | 0x4f50_5449 | 0x5041_5443 => {
                name_source::HTTP_HOST
            }
            // A handshake of TLS, whatever version.
            word if word >> 16 == 0x1603 => name_source::SNI,
            _ => return,
        };
        (&raw mut (*buffer).source).write_volatile(source);
        (&raw mut (*buffer).found).write_volatile(0);
        match (&raw const (*buffer).source).read_volatile() {
            name_source::SNI => search.hello(),
            name_source::HTTP_HOST => search.http(),
            _ => search.connect(),
        }
        if (&raw const (*buffer).found).read_volatile() != 0 {
            search.send(who, transfer);
        }
    }
}

/// The scratch memory with what was sent. Every function that searches writes where the name is, and its bytes.
#[derive(Clone, Copy)]
struct Search(*mut NameBuffer);

impl Search {
    /// Reads what was sent, as far as it has room; whether there is any.
    #[inline(always)]
    unsafe fn fill(self) -> bool {
        const MOST: u64 = HEAD as u64 - 1;
        let buffer = self.0;
        // SAFETY: each of the two parts is read into its half of the scratch memory. The masks stand where the lengths are used:
        // after a comparison the compiler takes one number for another whose bound the verifier does not know.
        unsafe {
            let Message { bytes, first, second } = (&raw const (*buffer).message).read_volatile();
            if bytes == 0 || first.len == 0 {
                return false;
            }
            let head = (&raw mut (*buffer).head).cast::<u8>();
            let len = if first.len > MOST { MOST } else { first.len };
            if !user_bytes(head, (opaque(len) & MOST) as u32, first.address) {
                return false;
            }
            (&raw mut (*buffer).len).write_volatile(len);
            if second.len != 0 && first.len <= MOST {
                let more = if second.len > MOST { MOST } else { second.len };
                let place = head.add((opaque(len) & MOST) as usize);
                if user_bytes(place, (opaque(more) & MOST) as u32, second.address) {
                    (&raw mut (*buffer).len).write_volatile(len + more);
                }
            }
        }
        true
    }

    /// The address of a place, which is within the scratch memory in any case, as are the [`WORD`] bytes there.
    #[inline(always)]
    unsafe fn place(self, at: u64) -> *const u8 {
        let at = opaque(at) as usize & (2 * HEAD - 1);
        // SAFETY: the place was masked.
        unsafe { (&raw const (*self.0).head).cast::<u8>().add(at) }
    }

    /// The byte at a place.
    #[inline(always)]
    unsafe fn byte(self, at: u64) -> u64 {
        // SAFETY: as the function read.
        unsafe { u64::from(self.place(at).read_volatile()) }
    }

    /// Two bytes in the order of the network.
    #[inline(always)]
    unsafe fn pair(self, at: u64) -> u64 {
        // SAFETY: as the function read.
        unsafe { word_at::<0>(self.place(at)).swap_bytes() >> 48 }
    }

    /// Four bytes in the order of the network.
    #[inline(always)]
    unsafe fn word(self, at: u64) -> u64 {
        // SAFETY: as the function read.
        unsafe { word_at::<0>(self.place(at)).swap_bytes() >> 32 }
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
    unsafe fn hello(self) {
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
                return;
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
                // Its type and its length.
                let extension = self.word(at);
                if extension >> 16 == SERVER_NAME {
                    is_there = true;
                    break;
                }
                self.go_to(at + 4 + (extension & 0xffff));
            }
            if !is_there {
                return;
            }
            // The extension's type and length, the list's length, the name's type and length.
            let list = self.at() + 4;
            let (kind, found) = (self.byte(list + 2), self.pair(list + 3));
            if kind != HOST_NAME || list + 5 + found > len {
                return;
            }
            self.go_to(list + 5);
            (*self.0).found = found;
        }
    }

    /// The target of a CONNECT.
    #[inline(always)]
    unsafe fn connect(self) {
        const METHOD: u64 = b"CONNECT ".len() as u64;
        // SAFETY: as in `hello`.
        unsafe {
            if self.word(4) != 0x4543_5420 {
                return;
            }
            self.go_to(METHOD);
            self.measure();
        }
    }

    /// The `Host` field of a request.
    #[inline(always)]
    unsafe fn http(self) {
        const FIELD: u64 = b"\nHost:".len() as u64;
        /// What makes letters lower case.
        const CASE: u64 = each(0x20);
        // SAFETY: as in `hello`; the loop stays within the scratch memory.
        unsafe {
            let head = (&raw const (*self.0).head).cast::<u8>();
            (&raw mut (*self.0).marks).write_volatile(0);
            for word in 0..HTTP_BYTES / WORD {
                // The words that begin at a byte and at those behind it: so each of eight places is compared at once.
                let from = head.add((word * WORD) as usize);
                let (first, second, third) = (word_at::<0>(from), word_at::<1>(from), word_at::<2>(from));
                let line = first ^ each(b'\n');
                // The field begins a line; a blank line ends the fields, behind which a body can say anything.
                let field = line
                    | (second | CASE) ^ each(b'h')
                    | (third | CASE) ^ each(b'o')
                    | (word_at::<3>(from) | CASE) ^ each(b's')
                    | (word_at::<4>(from) | CASE) ^ each(b't')
                    | word_at::<5>(from) ^ each(b':');
                let blank = line | second ^ each(b'\n');
                let blank_with_return = line | second ^ each(b'\r') | third ^ each(b'\n');
                let marks = zeroes(field) | zeroes(blank) | zeroes(blank_with_return);
                if marks != 0 {
                    self.go_to(word * WORD);
                    (&raw mut (*self.0).marks).write_volatile(marks);
                    break;
                }
            }
            let marks = (&raw const (*self.0).marks).read_volatile();
            let at = self.at() + before_mark(marks);
            // What is behind the bytes that were sent is from another call.
            if marks == 0 || at + FIELD > self.len() || self.byte(at + 1) | 0x20 != u64::from(b'h') {
                return;
            }
            self.go_to(at + FIELD);
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
    }

    /// Finds where the name ends that begins here: at white space. One that runs on to the end of what was sent is none, since
    /// its rest can come with the next call.
    #[inline(always)]
    unsafe fn measure(self) {
        // SAFETY: as in `hello`.
        unsafe {
            let start = self.at();
            (&raw mut (*self.0).marks).write_volatile(0);
            (&raw mut (*self.0).found).write_volatile(NAME_BYTES as u64);
            for word in 0..=NAME_BYTES as u64 / WORD {
                // Space and everything below it.
                let marks = less_than::<0x21>(word_at::<0>(self.place(start + word * WORD)));
                if marks != 0 {
                    (&raw mut (*self.0).marks).write_volatile(marks);
                    (&raw mut (*self.0).found).write_volatile(word * WORD);
                    break;
                }
            }
            let marks = (&raw const (*self.0).marks).read_volatile();
            let found = (&raw const (*self.0).found).read_volatile() + before_mark(marks);
            (*self.0).found = if start + found < self.len() { found } else { 0 };
        }
    }

    /// Sends the name.
    #[inline(always)]
    unsafe fn send(self, who: Tracked, transfer: *const Transfer) {
        /// Masks that leave the bytes of the peer, and of both strings, as they are, for the verifiers of 5.10 and 6.1: they do
        /// not follow the bounds to where they are used.
        const PEER: u64 = (2 * SOCKADDR_BYTES - 1) as u64;
        const STRINGS: u64 = (2 * NAME_BYTES - 1) as u64;
        const _: () = assert!(SOCKADDR_BYTES + NAME_BYTES <= STRINGS as usize);
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
            (*buffer).body = Name { inode: (*transfer).file.inode, source: (*buffer).source, pad: 0, texts };
            let to = (&raw mut (*buffer).peer).cast::<u8>().add((opaque(peer) & PEER) as usize);
            kernel_bytes(to, (opaque(found) & STRINGS) as u32, self.place(self.at()) as u64);
            emit::send(Kind::Name, who.tid, who.task, buffer.cast(), FIXED as u64 + (opaque(peer + found) & STRINGS));
        }
    }
}
