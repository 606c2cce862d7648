//! What segments say of each other, and whether it agrees.

use std::{fmt, path::Path};

use agentsnoop_pipeline::input::{Input, Observed};
use serde::Serialize;

use super::Report;
use agentsnoop_store::segments::first_of;

/// What a recording says of the segments beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Segment {
    /// Its number; the first has 0.
    pub number: u32,
    /// The identity of the one before.
    pub continues: Option<String>,
    /// The identity of the next one.
    pub next: Option<String>,
    /// The heads of chains of those before it, by number, as far as they were whole while it was written.
    pub sealed: Vec<(u32, String)>,
    /// Files that were removed, to keep within the bounds that were set.
    pub removed: Vec<String>,
}

impl Segment {
    /// Learns from an input.
    pub(super) fn learn(&mut self, input: &Input) {
        match input {
            Input::Opened(opened) => {
                self.number = opened.segment;
                self.continues.clone_from(&opened.continues);
            }
            Input::Closed(closed) => self.next.clone_from(&closed.next),
            Input::Observed(Observed::Sealed { segment, head }) => self.sealed.push((*segment, head.clone())),
            Input::Observed(Observed::Removed { files, .. }) => self.removed.extend(files.iter().cloned()),
            _ => {}
        }
    }

    /// Lines for people.
    pub(super) fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, next, removed, .. } = self;
        let goes_on = if next.is_some() { ", and another one follows" } else { "" };
        let counts = if *number > 0 { "; the counts are of all up to here" } else { "" };
        writeln!(f, "  segment   number {number}{goes_on}{counts}")?;
        if !removed.is_empty() {
            writeln!(f, "  removed   {} older files, to keep within bounds", removed.len())?;
        }
        Ok(())
    }
}

/// Whether a segment and the one that it continues agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    file: String,
    what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    /// They do, and the head of the chain is the one that was noted.
    Sealed { before: String },
    /// They name each other; the head was not noted.
    Named { before: String },
    /// The one before is not among the files, and neither is an earlier one: it can have been removed to keep within bounds.
    Absent { segment: u32 },
    /// The one before is not among the files, and an earlier one is.
    Missing { segment: u32 },
    /// The one after is not among the files, which need not be all.
    NextAbsent { segment: u32 },
    /// The one after is not there.
    NextMissing { segment: u32 },
    /// The one before was not closed, so it names nothing.
    Unclosed { before: String },
    /// They do not.
    Broken { before: String, why: &'static str },
}

impl Link {
    /// Whether something was altered or taken away, or files are of different recordings.
    #[must_use]
    pub const fn is_broken(&self) -> bool {
        matches!(self.what, What::Broken { .. } | What::Missing { .. } | What::NextMissing { .. })
    }

    /// The file that says so.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = &self.file;
        match &self.what {
            What::Sealed { before } => write!(f, "{file} continues {before}, whose chain has the head that was noted"),
            What::Named { before } => write!(f, "{file} continues {before}, whose head was not noted"),
            What::Absent { segment } => write!(f, "{file} continues segment {segment}, which is not among these files"),
            What::Missing { segment } => write!(f, "{file} continues segment {segment}, which is missing"),
            What::NextAbsent { segment } => {
                write!(f, "{file} goes on in segment {segment}, which is not among these files")
            }
            What::NextMissing { segment } => write!(f, "{file} goes on in segment {segment}, which is missing"),
            What::Unclosed { before } => write!(f, "{file} continues {before}, which was not closed"),
            What::Broken { before, why } => write!(f, "{file} continues {before}, but {why}"),
        }
    }
}

impl Serialize for Link {
    /// As an object with `ok` and `what`.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;
        let mut link = serializer.serialize_struct("Link", 2)?;
        link.serialize_field("ok", &!self.is_broken())?;
        link.serialize_field("what", &self.to_string())?;
        link.end()
    }
}

/// The links between recordings. Where these are `all` that there should be, one that is named and not there is missing.
#[must_use]
pub fn links(reports: &[Report], all: bool) -> Vec<Link> {
    let mut links = Vec::new();
    for report in reports {
        let Some(segment) = &report.segment else { continue };
        let link = |what| Link { file: report.file.clone(), what };
        if let Some(id) = &segment.continues {
            links.push(link(match reports.iter().find(|before| before.id == *id) {
                Some(before) => judge(before, report, segment),
                None => {
                    let absent = segment.number.saturating_sub(1);
                    let is_between = reports.iter().any(|other| is_earlier(other, report));
                    if is_between { What::Missing { segment: absent } } else { What::Absent { segment: absent } }
                }
            }));
        }
        if let Some(id) = &segment.next
            && !reports.iter().any(|next| next.id == *id)
        {
            let next = segment.number.saturating_add(1);
            links.push(link(if all {
                What::NextMissing { segment: next }
            } else {
                What::NextAbsent { segment: next }
            }));
        }
    }
    links
}

/// Whether a file is, by its name, an earlier segment of the recording that another one is of.
fn is_earlier(one: &Report, other: &Report) -> bool {
    let number = |report: &Report| report.segment.as_ref().map_or(0, |segment| segment.number);
    let first = |report: &Report| first_of(Path::new(&report.file), number(report));
    number(one) < number(other) && first(one).is_some() && first(one) == first(other)
}

fn judge(before: &Report, report: &Report, segment: &Segment) -> What {
    let file = before.file.clone();
    let noted = segment.sealed.iter().find(|(number, _)| number.checked_add(1) == Some(segment.number));
    let names = before.segment.as_ref().and_then(|segment| segment.next.as_ref());
    match (names, noted) {
        (Some(next), _) if *next != report.id => {
            What::Broken { before: file, why: "that one names another segment as the next" }
        }
        (_, Some((_, head))) if *head != before.head => {
            What::Broken { before: file, why: "the head of that one's chain is not the one that was noted" }
        }
        (None, _) => What::Unclosed { before: file },
        (Some(_), Some(_)) => What::Sealed { before: file },
        (Some(_), None) => What::Named { before: file },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(id: &str, segment: Segment) -> Report {
        Report {
            file: format!("{id}.rec"),
            id: id.to_owned(),
            head: format!("head of {id}"),
            segment: Some(segment),
            ..Report::default()
        }
    }

    fn pair() -> [Report; 2] {
        let sealed = vec![(0, "head of a".to_owned())];
        [
            report("a", Segment { next: Some("b".to_owned()), ..Segment::default() }),
            report("b", Segment { number: 1, continues: Some("a".to_owned()), sealed, ..Segment::default() }),
        ]
    }

    fn said(reports: &[Report]) -> Vec<String> {
        links(reports, false).iter().map(|link| format!("{} {link}", link.is_broken())).collect()
    }

    #[test]
    fn segments_that_name_each_other_agree() {
        assert_eq!(said(&pair()), ["false b.rec continues a.rec, whose chain has the head that was noted"]);
    }

    #[test]
    fn a_segment_that_was_made_anew_has_another_head_than_was_noted() {
        let mut reports = pair();
        reports[0].head = "other".to_owned();
        assert_eq!(
            said(&reports),
            ["true b.rec continues a.rec, but the head of that one's chain is not the one that was noted"]
        );
        reports[0].segment = Some(Segment { next: Some("c".to_owned()), ..Segment::default() });
        assert!(said(&reports).iter().any(|said| said.contains("that one names another segment as the next")));
    }

    #[test]
    fn segments_that_are_not_there_are_named() {
        let [first, second] = pair();
        assert_eq!(said(&[second]), ["false b.rec continues segment 0, which is not among these files"]);
        assert_eq!(said(&[first]), ["false a.rec goes on in segment 1, which is not among these files"]);
    }

    #[test]
    fn segments_that_are_missing_where_all_should_be_break_the_chain() {
        let [first, second] = pair();
        let all = [first];
        let links = links(&all, true);
        assert!(links[0].is_broken() && links[0].to_string() == "a.rec goes on in segment 1, which is missing");
        // The second one of three.
        let third = Segment { number: 2, continues: Some("b".to_owned()), ..Segment::default() };
        let (mut third, mut other) = (report("c", third), second);
        let [mut first] = all;
        first.file = "x/out.rec".to_owned();
        third.file = "x/out.0002.rec".to_owned();
        other.file = "x/other.rec".to_owned();
        assert!(
            said(&[first, third]).contains(&"true x/out.0002.rec continues segment 1, which is missing".to_owned())
        );
        // An older one of another recording says nothing of this one.
        let mut third = report("c", Segment { number: 2, continues: Some("b".to_owned()), ..Segment::default() });
        third.file = "x/out.0002.rec".to_owned();
        other.id = "z".to_owned();
        let said = said(&[other, third]);
        assert!(said.iter().any(|said| said.starts_with("false x/out.0002.rec continues segment 1")), "{said:?}");
    }
}
