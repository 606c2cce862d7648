//! Two observers, event by event.

use std::collections::BTreeMap;
use std::fmt;

use super::Event;
use super::families::{Order, of_kind};

/// Differences that are shown; the others are counted.
const SHOWN: usize = 40;

/// What one observer saw.
#[derive(Debug, Default)]
pub struct Side {
    /// In order, by process and thread.
    sequences: BTreeMap<(u32, u32), Vec<Event>>,
    /// In no order, by process.
    counts: BTreeMap<u32, Vec<Event>>,
}

impl Side {
    /// Adds what a thread of a process did.
    pub fn add(&mut self, process: u32, thread: u32, event: Event) {
        match of_kind(event.kind).map(|family| family.order) {
            Some(Order::Count) => {
                let events = self.counts.entry(process).or_default();
                match events.iter_mut().find(|known| {
                    known.certain == event.certain && known.fields == event.fields && known.kind == event.kind
                }) {
                    Some(known) => known.count += event.count,
                    None => events.push(event),
                }
            }
            _ => self.sequences.entry((process, thread)).or_default().push(event),
        }
    }

    /// The processes that did something.
    fn processes(&self) -> impl Iterator<Item = u32> {
        self.sequences.keys().map(|(process, _)| *process).chain(self.counts.keys().copied())
    }
}

/// What the comparison of two observers came to.
#[derive(Debug, Default)]
pub struct Report {
    /// Events that both saw alike, by kind.
    pub same: BTreeMap<&'static str, u64>,
    /// Calls whose end strace has not seen, and that agentsnoop has not recorded.
    pub unseen: u64,
    /// Fields of those events that agentsnoop has masked, so that they are not compared.
    pub masked: usize,
    /// Processes that at least one of them saw.
    pub processes: usize,
    /// What differs, for people.
    pub differences: Vec<String>,
}

/// Compares what strace saw with what agentsnoop recorded.
#[must_use]
pub fn compare(strace: &Side, agentsnoop: &Side) -> Report {
    let mut report = Report::default();
    let mut processes: Vec<u32> = strace.processes().chain(agentsnoop.processes()).collect();
    processes.sort_unstable();
    processes.dedup();
    report.processes = processes.len();
    let mut threads: Vec<_> = strace.sequences.keys().chain(agentsnoop.sequences.keys()).copied().collect();
    threads.sort_unstable();
    threads.dedup();
    for key in threads {
        let of = |side: &Side| side.sequences.get(&key).cloned().unwrap_or_default();
        report.sequence(&format!("process {}, thread {}", key.0, key.1), &of(strace), &of(agentsnoop));
    }
    for process in processes {
        let of = |side: &Side| side.counts.get(&process).cloned().unwrap_or_default();
        report.count(&format!("process {process}"), &of(strace), of(agentsnoop));
    }
    report
}

/// How two sequences fit together, one step of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pair {
    Both(usize, usize),
    Strace(usize),
    Agentsnoop(usize),
}

impl Report {
    fn agree(&mut self, theirs: &Event, own: &Event, count: u64) {
        *self.same.entry(theirs.kind).or_default() += count;
        self.masked += own.fields.iter().filter(|(_, value)| value.is_none()).count();
    }

    fn sequence(&mut self, of: &str, strace: &[Event], agentsnoop: &[Event]) {
        let pairs = align(strace, agentsnoop);
        let mut at = 0;
        while let Some(&pair) = pairs.get(at) {
            at += 1;
            match (pair, pairs.get(at).copied()) {
                (Pair::Both(theirs, own), _) => self.agree(&strace[theirs], &agentsnoop[own], 1),
                // What one of them saw otherwise stands beside what the other saw.
                (Pair::Strace(theirs), Some(Pair::Agentsnoop(own))) if strace[theirs].kind == agentsnoop[own].kind => {
                    at += 1;
                    let fields = strace[theirs].different(&agentsnoop[own]).join(", ");
                    let (theirs, own) = (&strace[theirs], &agentsnoop[own]);
                    self.differences.push(format!("{of}: {fields}\n    strace:     {theirs}\n    agentsnoop: {own}"));
                }
                (Pair::Strace(theirs), _) => self.missing(of, &strace[theirs]),
                (Pair::Agentsnoop(own), _) => self.extra(of, &agentsnoop[own]),
            }
        }
    }

    fn count(&mut self, of: &str, strace: &[Event], mut agentsnoop: Vec<Event>) {
        // What is known best is matched first, so that a call of which less is known takes only what is left.
        let unknown = |event: &Event| event.fields.iter().filter(|(_, value)| value.is_none()).count();
        let mut strace: Vec<&Event> = strace.iter().collect();
        strace.sort_by_key(|event| (!event.certain, unknown(event)));
        for theirs in strace {
            let mut left = theirs.count;
            for own in agentsnoop.iter_mut().filter(|own| theirs.agrees(own)) {
                let common = left.min(own.count);
                own.count -= common;
                left -= common;
                if common > 0 {
                    self.agree(theirs, own, common);
                }
            }
            if left > 0 {
                self.missing(of, &Event { count: left, ..theirs.clone() });
            }
        }
        for own in agentsnoop.iter().filter(|own| own.count > 0) {
            self.extra(of, own);
        }
    }

    fn missing(&mut self, of: &str, event: &Event) {
        if event.certain {
            self.differences.push(format!("{of}: agentsnoop has not\n    strace:     {event}"));
        } else {
            self.unseen += event.count;
        }
    }

    fn extra(&mut self, of: &str, event: &Event) {
        self.differences.push(format!("{of}: strace has not\n    agentsnoop: {event}"));
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let same: Vec<_> = self.same.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        write!(f, "{} processes; the same: {}", self.processes, same.join(", "))?;
        if self.masked > 0 {
            write!(f, "; {} fields were masked", self.masked)?;
        }
        if self.unseen > 0 {
            write!(f, "; {} without an end that strace saw", self.unseen)?;
        }
        for difference in self.differences.iter().take(SHOWN) {
            write!(f, "\n{difference}")?;
        }
        match self.differences.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, "\nand {more} more differences"),
        }
    }
}

/// Fits two sequences together so that as many events as can be are paired.
///
/// What both have in common at the start and at the end is paired at once; for what is left between, a table of the
/// longest common subsequences is made, one `u32` for each pair of events.
fn align(strace: &[Event], agentsnoop: &[Event]) -> Vec<Pair> {
    let agree = |(theirs, own): (&Event, &Event)| theirs.agrees(own);
    let start = strace.iter().zip(agentsnoop).take_while(|&pair| agree(pair)).count();
    let (a, b) = (&strace[start..], &agentsnoop[start..]);
    let end = a.iter().rev().zip(b.iter().rev()).take_while(|&pair| agree(pair)).count();
    let (a, b) = (&a[..a.len() - end], &b[..b.len() - end]);
    let width = b.len() + 1;
    let mut longest = vec![0u32; (a.len() + 1) * width];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            longest[i * width + j] = if a[i].agrees(&b[j]) {
                longest[(i + 1) * width + j + 1] + 1
            } else {
                longest[(i + 1) * width + j].max(longest[i * width + j + 1])
            };
        }
    }
    let mut pairs: Vec<_> = (0..start).map(|at| Pair::Both(at, at)).collect();
    let (mut i, mut j) = (0, 0);
    while i < a.len() || j < b.len() {
        if i < a.len() && j < b.len() && a[i].agrees(&b[j]) {
            pairs.push(Pair::Both(start + i, start + j));
            (i, j) = (i + 1, j + 1);
        } else if j == b.len() || i < a.len() && longest[(i + 1) * width + j] >= longest[i * width + j + 1] {
            pairs.push(Pair::Strace(start + i));
            i += 1;
        } else {
            pairs.push(Pair::Agentsnoop(start + j));
            j += 1;
        }
    }
    let ends = (strace.len() - end, agentsnoop.len() - end);
    pairs.extend((0..end).map(|at| Pair::Both(ends.0 + at, ends.1 + at)));
    pairs
}

#[cfg(test)]
mod tests {
    use std::slice::from_ref;

    use super::*;

    fn open(path: &str) -> Event {
        Event::new("open", vec![("path", Some(path.to_owned()))])
    }

    fn report(strace: &[Event], agentsnoop: &[Event]) -> String {
        let side = |events: &[Event]| {
            let mut side = Side::default();
            events.iter().for_each(|event| side.add(1, 2, event.clone()));
            side
        };
        compare(&side(strace), &side(agentsnoop)).to_string()
    }

    #[test]
    fn what_both_saw_alike_is_counted() {
        assert_eq!(report(&[open("a"), open("b")], &[open("a"), open("b")]), "1 processes; the same: 2 open");
    }

    #[test]
    fn what_one_of_them_has_not_is_a_difference_in_its_place() {
        let [a, b, c] = ["a", "b", "c"].map(open);
        let said = report(&[a.clone(), b.clone(), c.clone()], &[a.clone(), c.clone()]);
        assert!(
            said.contains("same: 2 open\nprocess 1, thread 2: agentsnoop has not\n    strace:     open path=b"),
            "{said}"
        );
        let said = report(&[a.clone(), c.clone()], &[a, b, c]);
        assert!(
            said.contains("same: 2 open\nprocess 1, thread 2: strace has not\n    agentsnoop: open path=b"),
            "{said}"
        );
    }

    #[test]
    fn another_order_is_a_difference() {
        let [a, b] = ["a", "b"].map(open);
        assert!(report(&[a.clone(), b.clone()], &[b, a]).contains("has not"));
    }

    #[test]
    fn another_value_of_a_field_is_a_difference_that_names_it() {
        let said = report(&[open("a"), open("b")], &[open("a"), open("c")]);
        assert!(
            said.contains("process 1, thread 2: path\n    strace:     open path=b\n    agentsnoop: open path=c"),
            "{said}"
        );
    }

    #[test]
    fn a_field_that_only_one_of_them_has_is_a_difference() {
        let longer = Event::new("open", vec![("path", Some("a".to_owned())), ("mode", None)]);
        assert!(report(from_ref(&longer), &[open("a")]).contains(": mode\n"));
        assert!(report(&[open("a")], &[longer]).contains(": mode\n"));
    }

    #[test]
    fn a_field_that_one_of_them_cannot_know_is_not_compared() {
        let unknown = Event::new("open", vec![("path", None)]);
        assert_eq!(report(&[unknown], &[open("a")]), "1 processes; the same: 1 open");
    }

    #[test]
    fn a_call_whose_end_strace_has_not_seen_may_be_missing() {
        let unseen = Event { certain: false, ..open("a") };
        assert!(report(from_ref(&unseen), &[]).ends_with("1 without an end that strace saw"));
        assert!(report(&[unseen], &[open("b")]).contains("strace:     open path=a"));
    }

    #[test]
    fn events_without_order_are_compared_by_how_often_they_happened() {
        let exit =
            |status: &str, count| Event { count, ..Event::new("exit", vec![("status", Some(status.to_owned()))]) };
        let said = report(&[exit("a", 1), exit("b", 1), exit("a", 2)], &[exit("b", 1), exit("a", 3)]);
        assert_eq!(said, "1 processes; the same: 4 exit");
        let said = report(&[exit("a", 3)], &[exit("a", 2), exit("b", 1)]);
        assert!(said.contains("agentsnoop has not\n    strace:     exit status=a\n"), "{said}");
        assert!(said.contains("strace has not\n    agentsnoop: exit status=b"), "{said}");
    }
}
