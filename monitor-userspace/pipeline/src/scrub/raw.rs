//! Masks secrets in ring records: decodes, masks, encodes again.

use bytes::Bytes;
use monitor_common::{
    Header, Kind, TextState,
    body::{self, Open, dns_text, exec_text, name_text, stat_flag},
    decode::{self, Body, Str},
    limits::RECORD_BYTES,
};

use super::{Place, domain, programs::Carried, rules::Rules};
use crate::event::{encode, peek};

/// Bytes before the strings of an open.
const OPEN_STRINGS: usize = size_of::<Header>() + size_of::<Open>();

/// See [`super::CUT`].
const CUT: &[u8] = super::CUT.as_bytes();

/// Times that a part of an argv is gone over at most; one that is not settled by then is masked as a whole.
const ROUNDS: usize = 4;

/// The name of a process whose program has a secret in its path: the kernel takes the name from there.
const MASKED_COMM: [u8; 16] = *b"[masked]\0\0\0\0\0\0\0\0";

/// Masks what a record holds; `true` when it was changed. What cannot be decoded is left alone: the pipeline counts it
/// as malformed and shows nothing of it.
pub(super) fn mask(rules: &mut Rules, bytes: &mut Bytes) -> bool {
    // Opens are nearly all records, and nearly none holds a secret: one look over both paths settles them.
    match peek::kind(bytes) {
        Some(Kind::Open) if !is_suspect(rules, bytes) => return false,
        Some(Kind::Fork | Kind::Exit) | None => return false,
        _ => {}
    }
    let Ok(record) = decode::record(bytes) else { return false };
    let masked = match record.body {
        Body::Open(fixed, texts) => {
            let masked = texts.map(|text| string(rules, Place::Path, text));
            changed(&masked).then(|| encode::record(&record.header, &Body::Open(fixed, replaced(&texts, &masked))))
        }
        Body::Exec(fixed, texts) => {
            let masked = exec(rules, &texts);
            changed(&masked).then(|| encode::record(&record.header, &named_exec(fixed, &texts, &masked)))
        }
        Body::Connect(fixed, text) => {
            let masked = [string(rules, Place::Path, text)];
            let [text] = replaced(&[text], &masked);
            changed(&masked).then(|| encode::record(&record.header, &Body::Connect(fixed, text)))
        }
        Body::Getenv(fixed, text) => {
            let masked = [string(rules, Place::Name, text)];
            let [text] = replaced(&[text], &masked);
            changed(&masked).then(|| encode::record(&record.header, &Body::Getenv(fixed, text)))
        }
        // Numbers, in the place of a string.
        Body::Stat(fixed, _) if fixed.flags & stat_flag::REPEATS != 0 => None,
        Body::Stat(fixed, texts) => {
            let masked = texts.map(|text| string(rules, Place::Path, text));
            changed(&masked).then(|| encode::record(&record.header, &Body::Stat(fixed, replaced(&texts, &masked))))
        }
        Body::Call(kind, fixed, texts) => {
            let masked = texts.map(|text| string(rules, Place::Path, text));
            let body = |texts| Body::Call(kind, fixed, texts);
            changed(&masked).then(|| encode::record(&record.header, &body(replaced(&texts, &masked))))
        }
        Body::Traffic(fixed, text) => {
            let masked = [string(rules, Place::Path, text)];
            let [text] = replaced(&[text], &masked);
            changed(&masked).then(|| encode::record(&record.header, &Body::Traffic(fixed, text)))
        }
        Body::Dns(fixed, texts) => domain::mask(rules, texts[dns_text::MESSAGE].bytes).map(|message| {
            let mut texts = texts;
            texts[dns_text::MESSAGE] = Str { bytes: &message, state: TextState::Masked };
            encode::record(&record.header, &Body::Dns(fixed, texts))
        }),
        Body::Name(fixed, texts) => string(rules, Place::Host, texts[name_text::NAME]).map(|name| {
            let mut texts = texts;
            texts[name_text::NAME] = Str { bytes: &name, state: TextState::Masked };
            encode::record(&record.header, &Body::Name(fixed, texts))
        }),
        // Numbers.
        Body::Fork(_) | Body::Exit(_) => None,
    };
    match masked {
        Some(masked) => {
            *bytes = Bytes::from(masked);
            true
        }
        None => false,
    }
}

/// Whether the paths of an open may hold a secret.
fn is_suspect(rules: &Rules, bytes: &[u8]) -> bool {
    let Some(strings) = bytes.get(OPEN_STRINGS..) else { return false };
    let (asked, resolved) = strings.split_at(strings.len() / 2);
    // Most paths are asked for as the kernel resolves them, so that the record holds the same twice.
    rules.is_suspect(if asked == resolved { asked } else { strings })
}

type Masked<const N: usize> = [Option<Vec<u8>>; N];

fn changed<const N: usize>(masked: &Masked<N>) -> bool {
    masked.iter().any(Option::is_some)
}

/// The strings with the masked ones in their place.
fn replaced<'a, const N: usize>(texts: &[Str<'a>; N], masked: &'a Masked<N>) -> [Str<'a>; N] {
    let mut all = *texts;
    for (text, masked) in all.iter_mut().zip(masked) {
        if let Some(masked) = masked {
            *text = Str { bytes: masked, state: TextState::Masked };
        }
    }
    all
}

fn string(rules: &mut Rules, place: Place, text: Str<'_>) -> Option<Vec<u8>> {
    if text.bytes.is_empty() {
        return None;
    }
    let masked = rules.mask(place, text.bytes);
    if text.state != TextState::Cut || place == Place::Argv {
        return masked;
    }
    let bytes = masked.as_deref().unwrap_or(text.bytes);
    half(rules, bytes).or(masked)
}

/// A string that was cut at its end without the last word, where that could be the half of a secret.
fn half(rules: &Rules, bytes: &[u8]) -> Option<Vec<u8>> {
    let start = bytes.iter().rposition(|byte| matches!(byte, b'/' | 0)).map_or(0, |at| at + 1);
    let (before, word) = bytes.split_at(start);
    (rules.has_literal(word) && !word.ends_with(CUT)).then(|| [before, CUT].concat())
}

fn exec(rules: &mut Rules, texts: &[Str<'_>; exec_text::COUNT]) -> Masked<{ exec_text::COUNT }> {
    let mut masked: Masked<{ exec_text::COUNT }> = Default::default();
    let is_cut = !texts[exec_text::ARGV_TAIL].bytes.is_empty();
    if is_cut {
        let [head, tail] = [exec_text::ARGV, exec_text::ARGV_TAIL].map(|at| texts[at].bytes);
        masked[exec_text::ARGV] = part(rules, head, None);
        // The program of an option in the tail is named in the head; as it is masked, so that masking twice finds no more.
        let carried = rules.carried(masked[exec_text::ARGV].as_deref().unwrap_or(head));
        masked[exec_text::ARGV_TAIL] = part(rules, tail, Some(&carried));
    }
    for (at, text) in texts.iter().enumerate() {
        masked[at] = match at {
            exec_text::ARGV | exec_text::ARGV_TAIL if is_cut => continue,
            exec_text::ARGV | exec_text::ARGV_TAIL => string(rules, Place::Argv, *text),
            exec_text::ENV => string(rules, Place::Env, *text),
            _ => string(rules, Place::Path, *text),
        };
    }
    masked
}

/// A part of an argv that was cut, the tail with the programs that run on from the head, masked until nothing more is found: without the word at the cut, which goes last, another
/// word can be one that a rule looks for, since a quote may have gone with it.
fn part(rules: &mut Rules, bytes: &[u8], tail_of: Option<&Carried>) -> Option<Vec<u8>> {
    let none = Carried::default();
    let mut masked: Option<Vec<u8>> = None;
    for _ in 0..ROUNDS {
        let before = masked.as_deref().unwrap_or(bytes);
        let found = rules.mask_behind(Place::Argv, before, tail_of.unwrap_or(&none));
        let found = at_the_cut(found.as_deref().unwrap_or(before), tail_of.is_some()).or(found);
        if found.is_none() {
            return masked;
        }
        masked = found;
    }
    Some(CUT.to_vec())
}

/// An exec with what is masked in its place.
fn named_exec<'a>(
    mut fixed: body::Exec,
    texts: &[Str<'a>; exec_text::COUNT],
    masked: &'a Masked<{ exec_text::COUNT }>,
) -> Body<'a> {
    if [exec_text::FILENAME, exec_text::EXE].iter().any(|at| masked[*at].is_some()) {
        fixed.comm = MASKED_COMM;
    }
    Body::Exec(fixed, bounded(replaced(texts, masked)))
}

/// The part of a cut argv without the word that the cut went through.
fn at_the_cut(part: &[u8], is_tail: bool) -> Option<Vec<u8>> {
    let is_end = |byte: &u8| *byte == 0 || byte.is_ascii_whitespace();
    let (before, word, after) = if is_tail {
        let end = part.iter().position(is_end).unwrap_or(part.len());
        (&part[..0], &part[..end], &part[end..])
    } else {
        let start = part.iter().rposition(is_end).map_or(0, |at| at + 1);
        (&part[..start], &part[start..], &part[part.len()..])
    };
    (!word.is_empty() && word != CUT).then(|| [before, CUT, after].concat())
}

/// Strings that together fit a record: a mask may be longer than what it hides, and the command line gives way.
fn bounded(mut texts: [Str<'_>; exec_text::COUNT]) -> [Str<'_>; exec_text::COUNT] {
    let fixed = size_of::<Header>() + size_of::<body::Exec>();
    for at in [exec_text::ARGV_TAIL, exec_text::ARGV] {
        let length = fixed + texts.iter().map(|text| text.bytes.len()).sum::<usize>();
        let excess = length.saturating_sub(RECORD_BYTES);
        let kept = texts[at].bytes.len().saturating_sub(excess);
        texts[at].bytes = &texts[at].bytes[..kept];
    }
    texts
}
