//! Wildcards in a single name.

/// Whether a name matches a pattern in which `*` stands for any bytes.
pub(super) fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let Some(star) = pattern.iter().position(|byte| *byte == b'*') else { return pattern == name };
    let (head, rest) = (&pattern[..star], &pattern[star + 1..]);
    let Some(mut name) = name.strip_prefix(head) else { return false };
    let mut parts = rest.split(|byte| *byte == b'*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return name.ends_with(part);
        }
        let found = if part.is_empty() { Some(0) } else { name.windows(part.len()).position(|window| window == part) };
        let Some(at) = found else { return false };
        name = &name[at + part.len()..];
    }
    true
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn stars_stand_for_any_bytes() {
        let is = |pattern: &str, name: &str| matches(pattern.as_bytes(), name.as_bytes());
        assert!(is("LC_*", "LC_ALL") && is("LC_*", "LC_") && !is("LC_*", "LANG"));
        assert!(is("*.pem", "key.pem") && is("*.pem", ".pem") && !is("*.pem", "pem"));
        assert!(is("a*b*c", "abc") && is("a*b*c", "aXXbYYc") && !is("a*b*c", "acb"));
        assert!(is("*", "") && is("a", "a") && !is("a", "ab") && !is("a*a", "a"));
        assert!(is("*KEY*", "MY_KEY_2") && is("**", "x"));
    }
}
