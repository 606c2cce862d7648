//! What takes the place of a secret: `[masked:ID]`.

use std::ops::Range;

/// How a mask begins; the id of the rule and `]` follow.
const OPEN: &[u8] = b"[masked:";

/// Bytes of the id of a rule, so that a mask stays readable in a line.
pub(super) const ID_BYTES: usize = 40;

/// The mask of a rule.
pub(super) fn of(id: &str) -> Vec<u8> {
    format!("[masked:{id}]").into_bytes()
}

/// Whether a text can be the id of a rule: lower-case letters, digits and `-`, at most [`ID_BYTES`].
pub(super) fn is_id(id: &[u8]) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-';
    !id.is_empty() && id.len() <= ID_BYTES && id.iter().all(is_part)
}

/// Leaves out the parts of a string that are masks, or within one.
pub(super) fn keep_without<T>(bytes: &[u8], parts: &mut Vec<T>, range: impl Fn(&T) -> &Range<usize>) {
    if parts.is_empty() {
        return;
    }
    // Found once: a line can hold thousands of parts, and of masks.
    let masks: Vec<Range<usize>> = masks(bytes).map(|(mask, _)| mask).collect();
    parts.retain(|part| {
        let part = range(part);
        let before = masks.partition_point(|mask| mask.start <= part.start);
        before.checked_sub(1).and_then(|last| masks.get(last)).is_none_or(|mask| part.end > mask.end)
    });
}

/// The masks in a string: where each is, and the id of its rule. Text that looks like one is taken for one.
pub(crate) fn masks(bytes: &[u8]) -> impl Iterator<Item = (Range<usize>, &str)> {
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let start = from + bytes.get(from..)?.windows(OPEN.len()).position(|window| window == OPEN)?;
            let inner = start + OPEN.len();
            let length = bytes[inner..].iter().take(ID_BYTES + 1).position(|byte| *byte == b']');
            from = inner;
            let Some(id) = length.map(|length| &bytes[inner..inner + length]).filter(|id| is_id(id)) else { continue };
            from = inner + id.len() + 1;
            if let Ok(id) = std::str::from_utf8(id) {
                return Some((start..from, id));
            }
        }
    })
}
