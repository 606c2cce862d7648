//! However much there is, what is kept stays within bounds, and what is beyond is counted.

use agentsnoop_pipeline::{
    Pipeline, Record, Summary,
    attribute::PROCESSES,
    input::{Coverage, Hook, HookState, Input, Tick},
    synthetic::{Actor, Program},
};

use crate::common::run;

/// Takes inputs, and gives their records to a summary.
struct Middle {
    pipeline: Pipeline,
    summary: Summary,
    records: Vec<Record>,
}

impl Middle {
    fn new() -> Self {
        let mut middle = Self { pipeline: Pipeline::new().unwrap(), summary: Summary::default(), records: Vec::new() };
        middle.take(&run(100));
        middle
    }

    fn take(&mut self, input: &Input) {
        let _ = self.pipeline.push(input, &mut self.records);
        for record in self.records.drain(..) {
            self.summary.add(&record);
        }
    }

    /// The row of the summary that holds this.
    fn row(&self, what: &str) -> String {
        let lines = self.summary.lines(100);
        lines
            .iter()
            .find(|line| line.contains(what))
            .unwrap_or_else(|| panic!("no {what} in {lines:#?}"))
            .trim()
            .to_owned()
    }
}

#[test]
fn of_very_many_files_the_summary_says_that_there_are_at_least_so_many() {
    let (mut middle, mut actor) = (Middle::new(), Actor::new(100));
    for number in 0..70_000 {
        middle.take(&actor.open(&format!("/srv/data/{number}")));
    }
    assert!(middle.row("other").contains("at least 65536 files, 70000 opens"), "{}", middle.row("other"));
}

#[test]
fn of_very_many_names_the_summary_says_that_there_are_at_least_so_many() {
    let (mut middle, mut actor) = (Middle::new(), Actor::new(100));
    for number in 0..1024 {
        middle.take(&actor.getenv(&format!("NAME_{number}")));
    }
    let row = middle.row("variables");
    assert!(row.contains("1024 look-ups of 1024 names") && !row.contains("at least"), "{row}");
    middle.take(&actor.getenv("ONE_MORE"));
    assert!(middle.row("variables").contains("1025 look-ups of at least 1024 names"), "{}", middle.row("variables"));
}

#[test]
fn of_very_many_hooks_that_are_missing_some_are_named_and_all_are_counted() {
    let mut middle = Middle::new();
    for number in 0..5_000 {
        let state = HookState::Unavailable { reason: "it is a test".to_owned() };
        let hook = Hook { name: format!("hook-{number:04}"), feature: "open".to_owned(), state };
        middle.take(&Input::Coverage(Coverage { boot_ns: 1, hook }));
    }
    assert!(middle.row("more hooks").contains("and 4996 more hooks"), "{}", middle.row("more hooks"));
}

#[test]
fn processes_that_have_ended_are_forgotten_and_never_more_are_known_than_the_table_holds() {
    let (mut middle, mut parent) = (Middle::new(), Actor::new(100));
    let program = Program { exe: "/usr/bin/true", argv: &["true"], env: &["HOME"], cwd: "/", ..Program::default() };
    let mut most = 0;
    // More than the table holds, all within the time for which an end is remembered.
    for number in 0..PROCESSES as u32 + 10_000 {
        let (fork, mut child) = parent.fork(1_000 + number);
        middle.take(&fork);
        middle.take(&child.follow(&parent).exec(program));
        middle.take(&child.exit(0));
        parent.follow(&child);
        most = most.max(middle.pipeline.processes());
    }
    assert_eq!(most, PROCESSES);
    let boot_ns = parent.header.time + 60_000_000_000;
    middle.take(&Input::Tick(Tick { boot_ns }));
    assert!(middle.pipeline.processes() <= 1, "{} are left", middle.pipeline.processes());
}
