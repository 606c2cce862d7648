//! Bytes to records. Total: every input gives a record or a [`Malformed`], none panics.

use crate::{
    Header, Kind, Pod, Text, TextState, WIRE_VERSION,
    body::{
        Call, Connect, Dns, Exec, Exit, Fork, Getenv, Name, Open, Stat, Traffic, call_text, dns_text, exec_text,
        name_text, open_text,
    },
    limits::RECORD_BYTES,
};

/// Why bytes are no record of this wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// Fewer bytes than the part named needs.
    Short {
        /// The part that did not fit: `header`, `body` or `string`.
        part: &'static str,
        /// Bytes that it needs.
        need: usize,
        /// Bytes that there were.
        have: usize,
    },
    /// The header's length is not the length of the bytes.
    Length {
        /// What the header says.
        said: u32,
        /// What there was.
        have: usize,
    },
    /// More bytes than a record can have.
    TooLong {
        /// What there was.
        have: usize,
    },
    /// Bytes left over behind the last string.
    Trailing {
        /// How many.
        bytes: usize,
    },
    /// A kind that this version does not know; the header is sound, so that its sequence number can be accounted for.
    UnknownKind {
        /// The header.
        header: Header,
    },
    /// A string state that this version does not know.
    UnknownState {
        /// The number.
        state: u16,
    },
}

impl core::fmt::Display for Malformed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Short { part, need, have } => {
                write!(f, "record is short: its {part} needs {need} bytes, {have} are left")
            }
            Self::Length { said, have } => write!(f, "record says it has {said} bytes, but {have} came"),
            Self::TooLong { have } => write!(f, "record of {have} bytes is longer than the bound of {RECORD_BYTES}"),
            Self::Trailing { bytes } => write!(f, "record has {bytes} bytes behind its last string"),
            Self::UnknownKind { header } => {
                write!(f, "record kind {:#06x} is not known to wire version {WIRE_VERSION}", header.kind)
            }
            Self::UnknownState { state } => {
                write!(f, "string state {state} is not known to wire version {WIRE_VERSION}")
            }
        }
    }
}

impl core::error::Error for Malformed {}

/// A string of a record, borrowed from its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Str<'a> {
    /// The bytes, without a NUL at the end.
    pub bytes: &'a [u8],
    /// How they came.
    pub state: TextState,
}

/// A decoded record, borrowed from its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// The header.
    pub header: Header,
    /// What follows it.
    pub body: Body<'a>,
}

/// The body of a record with its strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "a record lives on the stack of the one loop that handles it")]
pub enum Body<'a> {
    /// See [`Fork`].
    Fork(Fork),
    /// See [`Exec`]; the strings are indexed by [`exec_text`].
    Exec(Exec, [Str<'a>; exec_text::COUNT]),
    /// See [`Exit`].
    Exit(Exit),
    /// See [`Open`]; the strings are indexed by [`open_text`].
    Open(Open, [Str<'a>; open_text::COUNT]),
    /// See [`Connect`]; the string is the socket address.
    Connect(Connect, Str<'a>),
    /// See [`Getenv`]; the string is the name.
    Getenv(Getenv, Str<'a>),
    /// See [`Stat`]; the strings are indexed by [`open_text`].
    Stat(Stat, [Str<'a>; open_text::COUNT]),
    /// See [`Traffic`]; the string is the peer.
    Traffic(Traffic, Str<'a>),
    /// See [`Dns`]; the strings are indexed by [`dns_text`].
    Dns(Dns, [Str<'a>; dns_text::COUNT]),
    /// See [`Name`]; the strings are indexed by [`name_text`].
    Name(Name, [Str<'a>; name_text::COUNT]),
    /// See [`Call`]: every kind that has no body of its own; the strings are indexed by [`call_text`].
    Call(Kind, Call, [Str<'a>; call_text::COUNT]),
}

impl Body<'_> {
    /// The kind of the record.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Fork(_) => Kind::Fork,
            Self::Exec(..) => Kind::Exec,
            Self::Exit(_) => Kind::Exit,
            Self::Open(..) => Kind::Open,
            Self::Connect(..) => Kind::Connect,
            Self::Getenv(..) => Kind::Getenv,
            Self::Stat(..) => Kind::Stat,
            Self::Traffic(..) => Kind::Traffic,
            Self::Dns(..) => Kind::Dns,
            Self::Name(..) => Kind::Name,
            Self::Call(kind, ..) => *kind,
        }
    }
}

/// Decodes one record.
///
/// # Errors
///
/// [`Malformed`] says what is wrong; nothing is read beyond `bytes`.
pub fn record(bytes: &[u8]) -> Result<Record<'_>, Malformed> {
    if bytes.len() > RECORD_BYTES {
        return Err(Malformed::TooLong { have: bytes.len() });
    }
    let mut reader = Reader { rest: bytes };
    let header: Header = reader.pod("header")?;
    if usize::try_from(header.len) != Ok(bytes.len()) {
        return Err(Malformed::Length { said: header.len, have: bytes.len() });
    }
    let Some(kind) = Kind::from_number(header.kind) else {
        return Err(Malformed::UnknownKind { header });
    };
    let body = match kind {
        Kind::Fork => Body::Fork(reader.pod("body")?),
        Kind::Exec => {
            let body: Exec = reader.pod("body")?;
            Body::Exec(body, reader.texts(&body.texts)?)
        }
        Kind::Exit => Body::Exit(reader.pod("body")?),
        Kind::Open => {
            let body: Open = reader.pod("body")?;
            Body::Open(body, reader.texts(&body.texts)?)
        }
        Kind::Connect => {
            let body: Connect = reader.pod("body")?;
            let [address] = reader.texts(&body.texts)?;
            Body::Connect(body, address)
        }
        Kind::Getenv => {
            let body: Getenv = reader.pod("body")?;
            let [name] = reader.texts(&body.texts)?;
            Body::Getenv(body, name)
        }
        Kind::Stat => {
            let body: Stat = reader.pod("body")?;
            Body::Stat(body, reader.texts(&body.texts)?)
        }
        Kind::Traffic => {
            let body: Traffic = reader.pod("body")?;
            let [peer] = reader.texts(&body.texts)?;
            Body::Traffic(body, peer)
        }
        Kind::Dns => {
            let body: Dns = reader.pod("body")?;
            Body::Dns(body, reader.texts(&body.texts)?)
        }
        Kind::Name => {
            let body: Name = reader.pod("body")?;
            Body::Name(body, reader.texts(&body.texts)?)
        }
        Kind::Identity
        | Kind::Readlink
        | Kind::Rename
        | Kind::Link
        | Kind::Symlink
        | Kind::Unlink
        | Kind::Mkdir
        | Kind::Chmod
        | Kind::Chown
        | Kind::Truncate
        | Kind::Bind
        | Kind::Listen
        | Kind::Accept
        | Kind::Metadata
        | Kind::Attention
        | Kind::IoUring => {
            let body: Call = reader.pod("body")?;
            Body::Call(kind, body, reader.texts(&body.texts)?)
        }
    };
    if reader.rest.is_empty() {
        Ok(Record { header, body })
    } else {
        Err(Malformed::Trailing { bytes: reader.rest.len() })
    }
}

/// Takes parts from the front of bytes, never beyond their end.
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, part: &'static str, need: usize) -> Result<&'a [u8], Malformed> {
        match self.rest.split_at_checked(need) {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(taken)
            }
            None => Err(Malformed::Short { part, need, have: self.rest.len() }),
        }
    }

    fn pod<T: Pod>(&mut self, part: &'static str) -> Result<T, Malformed> {
        let bytes = self.take(part, size_of::<T>())?;
        // SAFETY: `take` returned exactly `size_of::<T>()` bytes, and any bytes are a valid `Pod`.
        Ok(unsafe { bytes.as_ptr().cast::<T>().read_unaligned() })
    }

    fn texts<const N: usize>(&mut self, texts: &[Text; N]) -> Result<[Str<'a>; N], Malformed> {
        let mut strings = [Str { bytes: &[], state: TextState::Complete }; N];
        for (string, text) in strings.iter_mut().zip(texts) {
            let state = TextState::from_number(text.state).ok_or(Malformed::UnknownState { state: text.state })?;
            // A length that does not fit `usize` is longer than any record, so the saturated one is refused too.
            let len = usize::try_from(text.len).unwrap_or(usize::MAX);
            *string = Str { bytes: self.take("string", len)?, state };
        }
        Ok(strings)
    }
}
