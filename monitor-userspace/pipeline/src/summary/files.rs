//! Files by class: what was opened, what failed, what was written.

use super::{
    layout::{Layout, number},
    tally::Tally,
};
use crate::{
    enrich::Class,
    hash::{self, Map, Set},
    lines::file,
    record::{Open, Record},
};

/// Different files that are counted as such for one class, by the hash of their path; of more it is said that there are
/// at least so many.
const FILES: usize = 64 * 1024;

/// Classes whose files are named.
const NAMED: [Class; 6] =
    [Class::Credential, Class::Persistence, Class::Environment, Class::HostIdentity, Class::VcsIdentity, Class::Locale];

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
    /// Files of the project that were written.
    written: Tally,
    written_elsewhere: Tally,
}

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
            let is_project = record.classes.contains(Class::ProjectFile);
            let written = if is_project { &mut self.written } else { &mut self.written_elsewhere };
            written.count(&name, 1);
        }
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
            let limit = if class == Some(Class::Credential) { layout.limit(6, 3) } else { layout.limit(1, 0) };
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
        let written: Vec<String> = self.written.top(usize::MAX).into_iter().map(relative).collect();
        layout.list("written", &written, 3);
        layout.list("elsewhere", &self.written_elsewhere.top(usize::MAX), 2);
    }
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
