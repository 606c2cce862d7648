//! Masks what is plainly a secret in the names of a DNS message, in place: no byte may be added, since names point to each
//! other by where they are (RFC 1035, 4.1.4).

use super::{Place, rules::Rules};

/// Bytes of the header of a message.
const HEADER: usize = 12;

/// The two bits that make a byte a pointer instead of the length of a label.
const POINTER: u8 = 0xc0;

/// The message with its secrets masked, or `None` when it holds none.
pub(super) fn mask(rules: &mut Rules, message: &[u8]) -> Option<Vec<u8>> {
    let mut text = message.to_vec();
    let lengths = dotted(&mut text);
    let found = rules.find(Place::Host, &text);
    if found.is_empty() {
        return None;
    }
    let mut masked = message.to_vec();
    for (range, mask) in found {
        // The mask goes where it fits between two lengths; the rest is filled up.
        let label = range.clone().take_while(|at| lengths.binary_search(at).is_err()).count();
        let mut filler = if mask.len() <= label { mask.into_iter() } else { Vec::new().into_iter() };
        for at in range.filter(|at| lengths.binary_search(at).is_err()) {
            masked[at] = filler.next().unwrap_or(b'*');
        }
    }
    Some(masked)
}

/// Puts a dot in the place of each length of a label, as the name is written; returns where, in ascending order. As far
/// as the message can be read: of a cut one, the head.
fn dotted(message: &mut [u8]) -> Vec<usize> {
    let mut lengths = Vec::new();
    let count = |at: usize| message.get(at..at + 2).map_or(0, |bytes| u16::from_be_bytes([bytes[0], bytes[1]]));
    let questions = count(4);
    let records = [6, 8, 10].map(count).into_iter().map(u32::from).sum::<u32>();
    let mut at = HEADER;
    for _ in 0..questions {
        let Some(end) = name(message, at, &mut lengths) else { return lengths };
        at = end + 4;
    }
    for _ in 0..records {
        let Some(end) = name(message, at, &mut lengths) else { return lengths };
        let Some(fixed) = message.get(end..end + 10) else { return lengths };
        let (kind, length) = (u16::from_be_bytes([fixed[0], fixed[1]]), u16::from_be_bytes([fixed[8], fixed[9]]));
        let data = end + 10;
        // Types whose data is a name, or has one behind numbers (RFC 1035, 3.3; RFC 2782; RFC 6672).
        let begin = match kind {
            2 | 5 | 12 | 39 => Some(data),
            15 => Some(data + 2),
            33 => Some(data + 6),
            _ => None,
        };
        if let Some(begin) = begin {
            // What cannot be read as a name is looked at as the bytes that it is.
            let _ = name(message, begin, &mut lengths);
        }
        at = data + usize::from(length);
    }
    lengths
}

/// Reads a name; where it ends. Labels only go forward, so that this ends.
fn name(message: &mut [u8], mut at: usize, lengths: &mut Vec<usize>) -> Option<usize> {
    loop {
        let length = *message.get(at)?;
        match length {
            0 => return Some(at + 1),
            _ if length & POINTER == POINTER => return Some(at + 2),
            1..=63 => {
                if lengths.last().is_none_or(|last| *last < at) {
                    lengths.push(at);
                }
                message[at] = b'.';
                at += 1 + usize::from(length);
            }
            _ => return None,
        }
    }
}
