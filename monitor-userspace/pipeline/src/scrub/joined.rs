//! Where a value ends that goes on behind its first part: with what a shell joins to it, up to where a list, an object or a
//! call would go on.

use std::ops::Range;

/// A secret with what belongs to it behind its end; with its quotes where it goes on behind them.
pub(super) fn whole(bytes: &[u8], secret: Range<usize>) -> Range<usize> {
    let before = |back: usize| secret.start.checked_sub(back).and_then(|at| bytes.get(at));
    match before(1) {
        Some(quote @ (b'\'' | b'"')) => {
            let behind = secret.end + 1;
            // An escaped quote is one of a text in quotes, which no shell joins.
            if before(2) == Some(&b'\\') || bytes.get(secret.end) != Some(quote) {
                return secret;
            }
            match end(bytes, behind, true) {
                end if end > behind => secret.start - 1..end,
                _ => secret,
            }
        }
        _ => {
            let escapes = bytes[secret.clone()].iter().rev().take_while(|byte| **byte == b'\\').count();
            secret.start..end(bytes, secret.end - escapes % 2, false).max(secret.end)
        }
    }
}

/// Where the word ends that goes on here, or right behind a quote that was closed.
fn end(bytes: &[u8], from: usize, is_behind_quote: bool) -> usize {
    let mut at = from;
    while let Some(byte) = bytes.get(at) {
        let next = bytes.get(at + 1).copied();
        match byte {
            0 | b';' | b'&' | b'|' => return at,
            byte if byte.is_ascii_whitespace() => return at,
            b'\\' => match next {
                None | Some(0 | b'\n' | b'\r') => return at,
                Some(b'\'' | b'"') if !goes_on(bytes.get(at + 2).copied()) => return at,
                Some(_) => at += 2,
            },
            quote @ (b'\'' | b'"') => {
                if !goes_on(next) && next != Some(*quote) {
                    return at;
                }
                at += 1 + closing(&bytes[at + 1..], *quote).map_or(0, |length| length + 1);
            }
            b',' if !goes_on(next) || is_named(&bytes[at + 1..]) => return at,
            b')' | b'}' | b']' if (is_behind_quote && at == from) || !goes_on(next) => return at,
            _ => at += 1,
        }
    }
    at
}

/// Whether a byte belongs to the value before the quote, comma or bracket that it follows.
fn goes_on(byte: Option<u8>) -> bool {
    byte.is_some_and(|byte| {
        !matches!(byte, 0 | b')' | b']' | b'}' | b',' | b';' | b'&' | b'|' | b':' | b'.' | b'\\' | b'>')
            && !byte.is_ascii_whitespace()
    })
}

/// How many bytes are before a quote, in the same line of the same argument.
fn closing(bytes: &[u8], quote: u8) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            0 | b'\n' => return None,
            byte if *byte == quote && !escaped => return Some(at),
            byte => escaped = quote == b'"' && *byte == b'\\' && !escaped,
        }
    }
    None
}

/// Bytes of a name that is looked for behind a comma.
const NAME_BYTES: usize = 64;

/// Whether the next item of a list has a name of its own (`a=b,c=d`, `{a:b,c:d}`), or a quote before it.
fn is_named(rest: &[u8]) -> bool {
    if matches!(rest.first(), Some(b'\'' | b'"')) {
        return true;
    }
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let length = rest.iter().take(NAME_BYTES).take_while(|byte| is_part(byte)).count();
    length > 0 && matches!(rest.get(length), Some(b'=' | b':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_ends_where_a_shell_or_a_list_ends_it() {
        for (text, first, expected) in [
            ("P=abc,DEF x", "abc", "abc,DEF"),
            ("P=abc}DEF x", "abc", "abc}DEF"),
            ("P=ab\"c d\"e x", "ab", "ab\"c d\"e"),
            ("P=my\\ pass x", "my\\", "my\\ pass"),
            ("P='it'\\''s so' x", "it", "'it'\\''s so'"),
            ("P='ab'REST x", "ab", "'ab'REST"),
            ("P=a;x", "a", "a"),
            ("P=a\\;x y", "a\\", "a\\;x"),
            ("set a=b,P=x1,c=d", "x1", "x1"),
            ("f(P='x1',c=2)", "x1", "x1"),
            ("f(P='x1').json()", "x1", "x1"),
            ("{\"P\":\"x1\",\"c\":\"d\"}", "x1", "x1"),
            ("{\\\"P\\\":\\\"x1\\\",\\\"c\\\":1}", "x1", "x1"),
            ("echo 'P=x1' >> f 'y'", "x1", "x1"),
            ("P=p'ss", "p", "p'ss"),
        ] {
            let start = text.find(first).unwrap();
            let found = whole(text.as_bytes(), start..start + first.len());
            assert_eq!(&text[found], expected, "{text}");
        }
    }
}
