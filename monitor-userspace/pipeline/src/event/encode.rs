//! Records to bytes: the reverse of [`monitor_common::decode`].

use monitor_common::{
    Header, Pod, Text,
    body::{Call, Connect, Dns, Exec, Getenv, Name, Open, Stat, Traffic},
    bytes_of,
    decode::{Body, Str},
};

/// Encodes a record. Length and kind of the header, and length and state of each string, are set from what is given.
#[must_use]
pub fn record(header: &Header, body: &Body<'_>) -> Vec<u8> {
    match body {
        Body::Fork(fixed) => assemble(header, body, fixed, &[]),
        Body::Exit(fixed) => assemble(header, body, fixed, &[]),
        Body::Exec(fixed, strings) => assemble(header, body, &Exec { texts: texts(strings), ..*fixed }, strings),
        Body::Open(fixed, strings) => assemble(header, body, &Open { texts: texts(strings), ..*fixed }, strings),
        Body::Connect(fixed, string) => {
            let strings = [*string];
            assemble(header, body, &Connect { texts: texts(&strings), ..*fixed }, &strings)
        }
        Body::Getenv(fixed, string) => {
            let strings = [*string];
            assemble(header, body, &Getenv { texts: texts(&strings), ..*fixed }, &strings)
        }
        Body::Stat(fixed, strings) => assemble(header, body, &Stat { texts: texts(strings), ..*fixed }, strings),
        Body::Traffic(fixed, string) => {
            let strings = [*string];
            assemble(header, body, &Traffic { texts: texts(&strings), ..*fixed }, &strings)
        }
        Body::Dns(fixed, strings) => assemble(header, body, &Dns { texts: texts(strings), ..*fixed }, strings),
        Body::Name(fixed, strings) => assemble(header, body, &Name { texts: texts(strings), ..*fixed }, strings),
        Body::Call(_, fixed, strings) => assemble(header, body, &Call { texts: texts(strings), ..*fixed }, strings),
    }
}

fn texts<const N: usize>(strings: &[Str<'_>; N]) -> [Text; N] {
    strings.map(|string| Text { len: clamp(string.bytes.len()), state: string.state.number(), pad: 0 })
}

/// A length that does not fit saturates, so that the decoder refuses the record instead of misreading it.
fn clamp(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

fn assemble<T: Pod>(header: &Header, body: &Body<'_>, fixed: &T, strings: &[Str<'_>]) -> Vec<u8> {
    let len = size_of::<Header>() + size_of::<T>() + strings.iter().map(|string| string.bytes.len()).sum::<usize>();
    let header = Header { len: clamp(len), kind: body.kind().number(), ..*header };
    let mut bytes = Vec::with_capacity(len);
    bytes.extend_from_slice(bytes_of(&header));
    bytes.extend_from_slice(bytes_of(fixed));
    for string in strings {
        bytes.extend_from_slice(string.bytes);
    }
    bytes
}
