//! The decoder is total: what is no record is refused with a reason, and what is one comes back as it was.

use monitor_common::{
    Header, Kind, Pod, Text, TextState,
    body::{
        Call, Connect, Dns, Exec, Exit, Fork, Getenv, Name, Open, Stat, Traffic, call_text, dns_text, exec_text,
        name_text, open_text,
    },
    bytes_of,
    decode::{self, Body, Malformed},
    limits::RECORD_BYTES,
};
use proptest::prelude::*;

/// A record of a kind with a body and what follows it.
fn record<B: Pod>(kind: u16, body: &B, strings: &[u8]) -> Vec<u8> {
    let len = size_of::<Header>() + size_of::<B>() + strings.len();
    let header = Header { len: len as u32, kind, seq: 7, ..Header::default() };
    [bytes_of(&header), bytes_of(body), strings].concat()
}

fn text(len: u32, state: u16) -> Text {
    Text { len, state, pad: 0 }
}

fn getenv(name: &[u8], state: u16) -> Vec<u8> {
    let body = Getenv { texts: [text(name.len() as u32, state)], ..Getenv::default() };
    record(Kind::Getenv.number(), &body, name)
}

#[test]
fn every_malformed_input_is_refused_with_its_reason() {
    let whole = getenv(b"HOME", 0);
    let fixed = size_of::<Header>() + size_of::<Getenv>();
    let grown = |by: usize| {
        let mut bytes = whole.clone();
        bytes.resize(whole.len() + by, 0);
        let len = u32::try_from(bytes.len()).unwrap();
        bytes[..4].copy_from_slice(&len.to_le_bytes());
        bytes
    };
    let claiming = |len: u32| {
        let body = Getenv { texts: [text(len, 0)], ..Getenv::default() };
        record(Kind::Getenv.number(), &body, b"HOME")
    };
    let short = |part, need, have| Malformed::Short { part, need, have };
    let cases: Vec<(&str, Vec<u8>, Malformed)> = vec![
        ("nothing", Vec::new(), short("header", 56, 0)),
        ("a byte less than a header", whole[..55].to_vec(), short("header", 56, 55)),
        ("a header that says more than came", whole[..60].to_vec(), Malformed::Length { said: 76, have: 60 }),
        ("a header that says less than came", [&whole[..], b"x"].concat(), Malformed::Length { said: 76, have: 77 }),
        ("a body cut off", record(Kind::Open.number(), &Getenv::default(), &[]), short("body", 48, 16)),
        ("half a body", record(Kind::Exit.number(), &FourBytes([0; 4]), &[]), short("body", 8, 4)),
        ("a string that ends behind the record", claiming(5), short("string", 5, 4)),
        ("a string as long as a u32 can say", claiming(u32::MAX), short("string", u32::MAX as usize, 4)),
        ("bytes behind the last string", grown(3), Malformed::Trailing { bytes: 3 }),
        ("a state of a later version", getenv(b"HOME", 6), Malformed::UnknownState { state: 6 }),
        ("more than any record has", vec![0; RECORD_BYTES + 1], Malformed::TooLong { have: RECORD_BYTES + 1 }),
    ];
    for (name, bytes, expected) in cases {
        assert_eq!(decode::record(&bytes), Err(expected), "{name}");
    }
    assert_eq!(fixed + 4, whole.len());
    assert!(decode::record(&whole).is_ok());
}

/// Fewer bytes than any body has.
#[repr(C)]
#[derive(Clone, Copy)]
struct FourBytes([u8; 4]);
// SAFETY: an array of bytes has no padding, and any bytes are one.
unsafe impl Pod for FourBytes {}

#[test]
fn an_unknown_kind_keeps_its_header_so_that_its_number_is_accounted_for() {
    let bytes = record(0x7777, &Exit::default(), &[]);
    let Err(Malformed::UnknownKind { header }) = decode::record(&bytes) else { panic!("kind 0x7777 was taken") };
    assert_eq!((header.kind, header.seq), (0x7777, 7));
}

#[test]
fn every_refusal_says_what_is_wrong_in_lower_case() {
    for refused in [&[][..], &getenv(b"HOME", 9), &record(0x7777, &Exit::default(), &[])] {
        let text = decode::record(refused).unwrap_err().to_string();
        assert!(text.starts_with(|c: char| c.is_ascii_lowercase()) && !text.ends_with('.'), "{text}");
    }
}

#[test]
fn a_path_asked_for_at_its_bound_is_whole() {
    let path = [b'a'; 4095];
    let mut body = Open::default();
    body.texts[open_text::REQUESTED] = text(4095, 0);
    body.texts[open_text::PATH] = text(0, TextState::NotAsked.number());
    let bytes = record(Kind::Open.number(), &body, &path);
    let Body::Open(open, [requested, path]) = decode::record(&bytes).unwrap().body else { panic!("no open") };
    assert_eq!((open, requested.bytes.len(), path.state), (body, 4095, TextState::NotAsked));
}

/// Strings with a state for each, and the descriptions of them.
fn strings<const N: usize>() -> impl Strategy<Value = ([Text; N], Vec<u8>)> {
    proptest::collection::vec((proptest::collection::vec(any::<u8>(), 0..64), 0u16..6), N).prop_map(|list| {
        let mut texts = [Text::default(); N];
        let mut bytes = Vec::new();
        for (place, (string, state)) in texts.iter_mut().zip(list) {
            *place = text(string.len() as u32, state);
            bytes.extend(string);
        }
        (texts, bytes)
    })
}

/// The kinds that share one shape.
const CALLS: [Kind; 16] = [
    Kind::Identity,
    Kind::Readlink,
    Kind::Rename,
    Kind::Link,
    Kind::Symlink,
    Kind::Unlink,
    Kind::Mkdir,
    Kind::Chmod,
    Kind::Chown,
    Kind::Truncate,
    Kind::Bind,
    Kind::Listen,
    Kind::Accept,
    Kind::Metadata,
    Kind::Attention,
    Kind::IoUring,
];

/// Well-formed records of every kind.
fn well_formed() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        any::<(u64, u32)>().prop_map(|(child_start, child_pid)| {
            record(Kind::Fork.number(), &Fork { child_start, clone_flags: child_start, child_pid, pad: 0 }, &[])
        }),
        any::<u32>().prop_map(|status| record(Kind::Exit.number(), &Exit { status, pad: 0 }, &[])),
        (any::<u32>(), strings::<{ exec_text::COUNT }>()).prop_map(|(parent, (texts, bytes))| {
            record(Kind::Exec.number(), &Exec { parent, texts, ..Exec::default() }, &bytes)
        }),
        (any::<i64>(), strings::<{ open_text::COUNT }>()).prop_map(|(result, (texts, bytes))| {
            record(Kind::Open.number(), &Open { result, texts, ..Open::default() }, &bytes)
        }),
        (any::<i64>(), strings::<1>()).prop_map(|(result, (texts, bytes))| {
            record(Kind::Connect.number(), &Connect { result, texts, ..Connect::default() }, &bytes)
        }),
        strings::<1>().prop_map(|(texts, bytes)| {
            record(Kind::Getenv.number(), &Getenv { texts, ..Getenv::default() }, &bytes)
        }),
        (any::<u32>(), strings::<{ open_text::COUNT }>()).prop_map(|(count, (texts, bytes))| {
            record(Kind::Stat.number(), &Stat { count, texts, ..Stat::default() }, &bytes)
        }),
        (any::<u64>(), strings::<1>()).prop_map(|(sent, (texts, bytes))| {
            record(Kind::Traffic.number(), &Traffic { bytes: sent, texts, ..Traffic::default() }, &bytes)
        }),
        (any::<u64>(), strings::<{ dns_text::COUNT }>()).prop_map(|(inode, (texts, bytes))| {
            record(Kind::Dns.number(), &Dns { inode, texts, ..Dns::default() }, &bytes)
        }),
        (any::<u32>(), strings::<{ name_text::COUNT }>()).prop_map(|(source, (texts, bytes))| {
            record(Kind::Name.number(), &Name { source, texts, ..Name::default() }, &bytes)
        }),
        (proptest::sample::select(CALLS.to_vec()), any::<i64>(), strings::<{ call_text::COUNT }>()).prop_map(
            |(kind, result, (texts, bytes))| record(kind.number(), &Call { result, texts, ..Call::default() }, &bytes)
        ),
    ]
}

/// The bytes of a decoded record, built from what the decoder gave.
fn encode(bytes: &[u8]) -> Result<Vec<u8>, Malformed> {
    let decoded = decode::record(bytes)?;
    let kind = decoded.body.kind().number();
    let join =
        |strings: &[decode::Str<'_>]| strings.iter().flat_map(|string| string.bytes.to_vec()).collect::<Vec<_>>();
    let mut out = match decoded.body {
        Body::Fork(body) => record(kind, &body, &[]),
        Body::Exec(body, strings) => record(kind, &body, &join(&strings)),
        Body::Exit(body) => record(kind, &body, &[]),
        Body::Open(body, strings) => record(kind, &body, &join(&strings)),
        Body::Connect(body, string) => record(kind, &body, string.bytes),
        Body::Getenv(body, string) => record(kind, &body, string.bytes),
        Body::Stat(body, strings) => record(kind, &body, &join(&strings)),
        Body::Traffic(body, string) => record(kind, &body, string.bytes),
        Body::Dns(body, strings) => record(kind, &body, &join(&strings)),
        Body::Name(body, strings) => record(kind, &body, &join(&strings)),
        Body::Call(_, body, strings) => record(kind, &body, &join(&strings)),
    };
    out[..size_of::<Header>()].copy_from_slice(bytes_of(&decoded.header));
    Ok(out)
}

proptest! {
    #[test]
    fn no_bytes_make_the_decoder_panic(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        // Whether it is a record does not matter here.
        let _answer = decode::record(&bytes);
    }

    #[test]
    fn no_change_of_a_byte_makes_the_decoder_panic(bytes in well_formed(), at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let mut bytes = bytes;
        let at = at.index(bytes.len());
        bytes[at] = to;
        let _answer = decode::record(&bytes);
    }

    #[test]
    fn a_cut_record_is_refused(bytes in well_formed(), at in any::<prop::sample::Index>()) {
        prop_assert!(decode::record(&bytes[..at.index(bytes.len())]).is_err());
    }

    #[test]
    fn a_well_formed_record_comes_back_as_it_was(bytes in well_formed()) {
        prop_assert_eq!(encode(&bytes), Ok(bytes));
    }
}
