//! Absolute paths of calls that failed: made from what was asked for, by what is safe to do without looking.

/// Appends the absolute path that `requested` means from `base`.
///
/// Empty components, `.`, and the `..` with which `requested` begins are resolved: `base` comes from the kernel, so no
/// component of it is a symbolic link and the parent of a directory in it is the component before. A later `..` stays,
/// because what is before it may be a symbolic link. A slash at the end is dropped.
pub fn compose(base: &[u8], requested: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    let absolute = requested.first() == Some(&b'/');
    if !absolute {
        for component in components(base) {
            push(component, out);
        }
    }
    let mut leading = true;
    for component in components(requested) {
        if component == b".." && leading {
            let parent = out[start..].iter().rposition(|byte| *byte == b'/').unwrap_or(0);
            out.truncate(start + parent);
        } else {
            leading = false;
            push(component, out);
        }
    }
    if out.len() == start {
        out.push(b'/');
    }
}

/// Whether [`compose`] would give back an absolute path unchanged.
#[must_use]
pub fn is_plain(requested: &[u8]) -> bool {
    requested.first() == Some(&b'/')
        && !requested.ends_with(b"/")
        && !requested.windows(2).any(|pair| pair == b"//" || pair == b"/.")
}

/// Whether the path that [`compose`] makes is that of the file which a call that succeeded has found: where there is
/// nothing in it that could be a symbolic link, or only its last component, which the call does not follow.
///
/// A slash at the end follows a link.
#[must_use]
pub fn is_exact(requested: &[u8], follows: bool) -> bool {
    let mut rest = components(requested).skip_while(|component| *component == b"..");
    match rest.next() {
        None => !requested.is_empty(),
        Some(_) => !follows && rest.next().is_none() && !requested.ends_with(b"/") && !requested.ends_with(b"/."),
    }
}

fn components(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|byte| *byte == b'/').filter(|component| !component.is_empty() && *component != b".")
}

fn push(component: &[u8], out: &mut Vec<u8>) {
    out.push(b'/');
    out.extend_from_slice(component);
}

/// The last component of a path.
#[must_use]
pub fn base_name(path: &[u8]) -> &[u8] {
    path.iter().rposition(|byte| *byte == b'/').map_or(path, |at| &path[at + 1..])
}
