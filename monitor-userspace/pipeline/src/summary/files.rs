//! Files by class: what was opened, what failed, what was written, made and removed.

use super::{
    layout::{Layout, number},
    shown,
    tally::Tally,
};
use crate::{
    enrich::Class,
    hash::{self, Map, Set},
    lines::file,
    record::{Body, Change, Open, Pair, Record, Text},
};

/// Different files that are counted as such for one class, by the hash of their path; of more it is said that there are
/// at least so many.
const FILES: usize = 64 * 1024;

/// Classes whose files are named.
const NAMED: [Class; 7] = [
    Class::OffLimits,
    Class::Credential,
    Class::Persistence,
    Class::Environment,
    Class::HostIdentity,
    Class::VcsIdentity,
    Class::Locale,
];

#[derive(Debug, Default)]
struct OfClass {
    opens: u64,
    files: Set<u64>,
    named: Tally,
}

/// Opens.
#[derive(Debug, Default)]
pub(super) struct Files {
    opens: u64,
    failed: u64,
    errors: Tally,
    classes: Map<Option<Class>, OfClass>,
    /// Files that were written, and folders and links that were made: in the project, and elsewhere.
    written: [Tally; 2],
    /// What was removed from the project; elsewhere that is temporary files and locks, mostly.
    removed: Tally,
}

/// Places in [`Files::written`].
const PROJECT: usize = 0;
const ELSEWHERE: usize = 1;

impl Files {
    pub(super) fn add(&mut self, record: &Record, open: &Open, comm: &str) {
        self.opens += 1;
        if let Some(error) = &open.error {
            self.failed += 1;
            self.errors.count(error, 1);
        }
        let Some(path) = open.path.as_ref().or(open.requested.as_ref()) else { return };
        // A file of several classes counts for the one that matters most.
        let class = record.classes.first();
        let of_class = self.classes.entry(class).or_default();
        of_class.opens += 1;
        if of_class.files.len() < FILES {
            of_class.files.insert(hash::of(path.as_bytes()));
        }
        if class.is_some_and(|class| NAMED.contains(&class)) {
            of_class.named.count(&named(open, comm), 1);
        }
        let is_written = open.access.writes() && open.error.is_none() && class != Some(Class::Noise);
        if is_written && open.anonymous.is_none() {
            let mut name = String::new();
            file(open, &mut name);
            self.written[place(record)].count(&name, 1);
        }
    }

    /// Takes a call that read a link or changed a file; one that failed counts only for its class. `project` is where the
    /// command was started.
    pub(super) fn change(&mut self, record: &Record, project: &str, comm: &str) {
        if record.classes.first().is_some_and(|class| class == Class::Noise) {
            return;
        }
        match &record.body {
            Body::Readlink(link) => self.touched(record, link.path.as_ref(), link.error.as_deref(), "link read", comm),
            Body::Rename(pair) | Body::Link(pair) | Body::Symlink(pair) => self.pair(record, pair, project, comm),
            Body::Unlink(change) => {
                self.touched(record, change.path.as_ref(), change.error.as_deref(), "removed", comm);
                if change.error.is_none() && place(record) == PROJECT {
                    self.removed.count(&name_of(change), 1);
                }
            }
            Body::Mkdir(change) => {
                self.touched(record, change.path.as_ref(), change.error.as_deref(), "made", comm);
                if change.error.is_none() {
                    let slash = if change.call.starts_with("mkdir") { "/" } else { "" };
                    self.written[place(record)].count(&format!("{}{slash}", name_of(change)), 1);
                }
            }
            Body::Chmod(change) | Body::Chown(change) | Body::Truncate(change) => {
                self.touched(record, change.path.as_ref(), change.error.as_deref(), "changed", comm);
                if change.error.is_none() && change.length.is_some() && change.anonymous.is_none() {
                    self.written[place(record)].count(&name_of(change), 1);
                }
            }
            _ => {}
        }
    }

    /// A file that comes to its place by a rename was written there, by whatever name it was written before.
    fn pair(&mut self, record: &Record, pair: &Pair, project: &str, comm: &str) {
        let how = if matches!(record.body, Body::Rename(_)) { "renamed" } else { "linked" };
        self.touched(record, pair.to.as_ref().or(pair.from.as_ref()), pair.error.as_deref(), how, comm);
        let Some(to) = pair.to.as_ref().filter(|_| pair.error.is_none()) else { return };
        let to = shown(to);
        // Both ends together make the classes of a record, so here the path alone decides.
        let below = to.strip_prefix(project).is_some_and(|rest| !project.is_empty() && rest.starts_with('/'));
        let mut times = 1;
        if let (Body::Rename(_), Some(from), false) = (&record.body, &pair.from, pair.exchanges()) {
            let from = shown(from);
            let taken: u64 = self.written.iter_mut().map(|written| written.take(&from)).sum();
            times = taken.max(1);
        }
        self.written[if below { PROJECT } else { ELSEWHERE }].count(&to, times);
    }

    /// Names a file of a class that matters.
    fn touched(&mut self, record: &Record, path: Option<&Text>, error: Option<&str>, how: &str, comm: &str) {
        let Some(path) = path else { return };
        let Some(class) = record.classes.first().filter(|class| NAMED.contains(class)) else { return };
        let of_class = self.classes.entry(Some(class)).or_default();
        if of_class.files.len() < FILES {
            of_class.files.insert(hash::of(path.as_bytes()));
        }
        of_class.named.count(&format!("{}  {} by {comm}", shown(path), error.unwrap_or(how)), 1);
    }

    /// The rows; paths of the project are shown from `project` on.
    pub(super) fn lines(&self, project: &str, layout: &mut Layout) {
        let errors = self.errors.top(4);
        let failed = match self.failed {
            0 => String::new(),
            failed => format!(", {failed} failed: {}", errors.join(", ")),
        };
        layout.row("files", &format!("{}{failed}", number(self.opens, "open")));
        for class in Class::ALL.into_iter().map(Some).chain([None]) {
            let Some(of_class) = self.classes.get(&class) else { continue };
            let name = class.map_or("other", Class::name);
            let most = if of_class.files.len() >= FILES { "at least " } else { "" };
            let files = number(of_class.files.len() as u64, "file");
            let counts = format!("{most}{files}, {}", number(of_class.opens, "open"));
            layout.subrow(name, &counts);
            let limit = if matches!(class, Some(Class::Credential | Class::OffLimits)) {
                layout.limit(6, 3)
            } else {
                layout.limit(1, 0)
            };
            let items = of_class.named.top(usize::MAX);
            for (at, item) in items.iter().take(limit).enumerate() {
                let more = items.len() - limit.min(items.len());
                let is_last = at + 1 == limit && more > 0;
                let rest = if is_last { format!(", and {more} more") } else { String::new() };
                layout.subrow_with("", item, &rest);
            }
        }
        let relative = |path: String| match path.strip_prefix(project).and_then(|rest| rest.strip_prefix('/')) {
            Some(rest) if !project.is_empty() => rest.to_owned(),
            _ => path,
        };
        let list = |layout: &mut Layout, name, tally: &Tally, limit| {
            let names: Vec<String> = tally.top(usize::MAX).into_iter().map(relative).collect();
            layout.list(name, &names, limit);
        };
        list(layout, "written", &self.written[PROJECT], 3);
        list(layout, "removed", &self.removed, 2);
        list(layout, "elsewhere", &self.written[ELSEWHERE], 2);
    }
}

/// Whether a record is about the project.
const fn place(record: &Record) -> usize {
    if record.classes.contains(Class::ProjectFile) { PROJECT } else { ELSEWHERE }
}

/// The path of a change, or what was asked for.
fn name_of(change: &Change) -> String {
    change.path.as_ref().or(change.requested.as_ref()).map(shown).unwrap_or_default()
}

/// `path by program`, with what kept it from being read.
fn named(open: &Open, comm: &str) -> String {
    let mut name = String::new();
    file(open, &mut name);
    let how = match (&open.error, open.access.reads(), open.access.writes()) {
        (Some(error), ..) => error,
        (None, _, true) => "written",
        (None, true, false) => "read",
        (None, false, false) => "looked at",
    };
    format!("{name}  {how} by {comm}")
}
