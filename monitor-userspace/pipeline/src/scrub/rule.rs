//! One pattern, and what of a match is the secret.

use std::ops::Range;

use regex::bytes::{Captures, Regex};

use super::{
    Place, joined, mask,
    ordinary::{Need, Ordinary},
    shell,
};

/// A rule.
#[derive(Debug)]
pub(super) struct Rule {
    /// Its id.
    pub(super) id: String,
    /// Where it looks.
    pub(super) places: Vec<Place>,
    /// Whether it is only tried where one of the literals of all rules was found.
    pub(super) has_literals: bool,
    /// What its secrets hold.
    pub(super) needs: Vec<Need>,
    /// Whether only a name tells that what follows is a secret.
    pub(super) is_named: bool,
    /// Whether a secret goes on with what a shell would join to it.
    pub(super) is_joined: bool,
    pattern: Regex,
    /// The groups that hold the secret, and whether a shell would expand what is there.
    groups: Vec<(usize, bool)>,
}

impl Rule {
    pub(super) fn new(id: String, places: Vec<Place>, pattern: Regex) -> Self {
        let secret = |(group, name): (usize, Option<&str>)| {
            let name = name.filter(|name| name.starts_with("secret"))?;
            Some((group, name.starts_with("secret_shell")))
        };
        let mut groups: Vec<(usize, bool)> = pattern.capture_names().enumerate().filter_map(secret).collect();
        if groups.is_empty() {
            groups.push((0, false));
        }
        Self { id, places, has_literals: false, needs: Vec::new(), is_named: false, is_joined: false, pattern, groups }
    }

    /// Where the secrets of a string are, from its beginning to its end.
    pub(super) fn find(&self, bytes: &[u8], ordinary: &Ordinary) -> Vec<Range<usize>> {
        if !self.pattern.is_match(bytes) {
            return Vec::new();
        }
        let mut found: Vec<Range<usize>> = Vec::new();
        for captures in self.pattern.captures_iter(bytes) {
            let Some(secret) = self.secret(&captures, bytes, ordinary) else { continue };
            // It may be a part of the one before that was joined to it.
            if found.last().is_none_or(|last| last.end <= secret.start) {
                found.push(if self.is_joined { joined::whole(bytes, secret) } else { secret });
            }
        }
        // What goes on behind its first part can reach over the next one.
        found.dedup_by(|next, before| {
            let is_reached = next.start < before.end;
            if is_reached {
                before.end = before.end.max(next.end);
            }
            is_reached
        });
        mask::keep_without(bytes, &mut found, |range| range);
        found
    }

    /// Where the secret of a match is, unless it is none.
    fn secret(&self, captures: &Captures<'_>, bytes: &[u8], ordinary: &Ordinary) -> Option<Range<usize>> {
        let of_group = |(group, is_shell): &(usize, bool)| captures.get(*group).map(|found| (found, *is_shell));
        let (found, is_shell) = self.groups.iter().find_map(of_group)?;
        let secret = found.as_bytes();
        let named = || &bytes[captures.get(0).map_or(found.start(), |whole| whole.start())..found.end()];
        let is_ordinary = secret.is_empty()
            || (is_shell && shell::is_reference(secret))
            || (self.is_named && ordinary.is(named(), secret));
        let is_secret = !is_ordinary && self.needs.iter().all(|need| need.is_met(secret));
        is_secret.then(|| found.range())
    }
}
