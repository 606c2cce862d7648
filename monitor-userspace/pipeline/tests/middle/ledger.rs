//! Nothing is lost in silence: exact counts, exact places.

use agentsnoop_pipeline::{
    Ledger, Pipeline, Record,
    input::{Closed, Counters, Filtered, Gap, Input, Observed},
    record::{Body, Id, Loss},
    synthetic::Actor,
};
use monitor_common::{
    Kind,
    counters::{Cause, Counters as Cpu},
    kind::KINDS,
};
use proptest::prelude::*;

/// A CPU whose records are made and counted as the kernel half does.
struct Machine {
    actor: Actor,
    cpu: Cpu,
}

impl Machine {
    fn new(cpu: u16) -> Self {
        let mut actor = Actor::new(100 + u32::from(cpu));
        actor.header.cpu = cpu;
        Self { actor, cpu: Cpu::ZERO }
    }

    fn open(&mut self) -> Input {
        self.cpu.seq += 1;
        self.cpu.seen[Kind::Open.index()] += 1;
        self.cpu.stored[Kind::Open.index()] += 1;
        self.actor.open("/etc/hostname")
    }

    fn lose(&mut self, count: u64) {
        self.cpu.seq += count;
        self.cpu.seen[Kind::Open.index()] += count;
        self.cpu.lost[Kind::Open.index()][Cause::RingFull as usize] += count;
        self.actor.lose(count);
    }
}

fn counters(machines: &[&Machine]) -> Counters {
    Counters {
        boot_ns: 5_000_000_000,
        cpus: machines.iter().map(|machine| machine.cpu).collect(),
        ..Counters::default()
    }
}

fn closed(machines: &[&Machine]) -> Input {
    let counters = counters(machines);
    Input::Closed(Box::new(Closed { boot_ns: counters.boot_ns, counters, ..Closed::default() }))
}

fn losses(pipeline: &mut Pipeline, inputs: &[Input]) -> Vec<Loss> {
    let mut records: Vec<Record> = Vec::new();
    for input in inputs {
        let _ = pipeline.push(input, &mut records);
    }
    let loss = |record: Record| if let Body::Loss(loss) = record.body { Some(*loss) } else { None };
    records.into_iter().filter_map(loss).collect()
}

fn id(index: u64) -> Id {
    Id { index, ..Id::default() }
}

#[test]
fn a_loss_is_placed_between_its_neighbours() {
    let mut cpu = Machine::new(0);
    let mut inputs = vec![cpu.open(), cpu.open()];
    cpu.lose(7);
    inputs.extend([cpu.open(), Input::Counters(Box::new(counters(&[&cpu])))]);
    let mut pipeline = Pipeline::new().unwrap();
    let [loss] = &losses(&mut pipeline, &inputs)[..] else { panic!("one loss") };
    assert_eq!((loss.count, loss.cpu, loss.first_seq, loss.last_seq), (7, Some(0), Some(2), Some(8)));
    let (after, before) = (loss.after.unwrap(), loss.before.unwrap());
    assert_eq!((after.id, after.seq, before.id, before.seq), (id(1), 1, id(2), 9));
    assert_eq!((loss.from_ns, loss.to_ns), (after.boot_ns, before.boot_ns));
    assert_eq!((&loss.kinds[..], &loss.causes[..]), (&["open".into()][..], &["ring_full".into()][..]));
    assert_eq!(losses(&mut pipeline, &[closed(&[&cpu])]), [], "it is told once");
    let balance = pipeline.ledger().check();
    assert_eq!((balance.differences, balance.rows[Kind::Open.index()].lost(), balance.is_final), (Vec::new(), 7, true));
}

#[test]
fn losses_of_several_cpus_are_told_apart() {
    let (mut first, mut second) = (Machine::new(0), Machine::new(1));
    let mut inputs = vec![first.open(), second.open()];
    first.lose(3);
    second.lose(5);
    inputs.extend([second.open(), first.open(), closed(&[&first, &second])]);
    let mut pipeline = Pipeline::new().unwrap();
    let found: Vec<_> = losses(&mut pipeline, &inputs).iter().map(|loss| (loss.cpu, loss.count)).collect();
    assert_eq!(found, [(Some(0), 3), (Some(1), 5)]);
    assert!(pipeline.ledger().check().differences.is_empty());
}

#[test]
fn a_loss_before_the_first_and_behind_the_last_record_is_told_at_the_end() {
    let mut cpu = Machine::new(0);
    cpu.lose(2);
    let record = cpu.open();
    cpu.lose(4);
    let mut pipeline = Pipeline::new().unwrap();
    let found = losses(&mut pipeline, &[record, closed(&[&cpu])]);
    let spans: Vec<_> = found.iter().map(|loss| (loss.from_ns == 0, loss.to_ns == 5_000_000_000)).collect();
    assert_eq!(spans, [(true, false), (false, true)], "from the beginning, and to the counters");
    let places: Vec<_> = found.iter().map(|loss| (loss.count, loss.after.is_some(), loss.before.is_some())).collect();
    assert_eq!(places, [(2, false, true), (4, true, false)]);
}

#[test]
fn a_cpu_on_which_everything_was_lost_is_told_too() {
    let mut cpu = Machine::new(0);
    cpu.lose(9);
    let mut pipeline = Pipeline::new().unwrap();
    let found = losses(&mut pipeline, &[closed(&[&cpu])]);
    assert_eq!((found.len(), found[0].count, found[0].cpu), (1, 9, Some(0)));
}

#[test]
fn a_record_that_comes_late_is_no_loss() {
    let mut cpu = Machine::new(0);
    let inputs = [cpu.open(), cpu.open(), cpu.open(), cpu.open()];
    let [a, b, c, d] = inputs;
    let mut pipeline = Pipeline::new().unwrap();
    assert_eq!(losses(&mut pipeline, &[a, d, c, b, closed(&[&cpu])]), []);
    assert!(pipeline.ledger().check().differences.is_empty());
}

#[test]
fn counters_that_run_ahead_of_the_records_confirm_nothing_yet() {
    let mut cpu = Machine::new(0);
    let first = cpu.open();
    cpu.lose(2);
    let second = cpu.open();
    let third = cpu.open();
    let ahead = Input::Counters(Box::new(counters(&[&cpu])));
    let mut pipeline = Pipeline::new().unwrap();
    assert_eq!(losses(&mut pipeline, &[first, ahead, second]), []);
    assert_eq!(losses(&mut pipeline, &[third]).len(), 1, "every record before the counters has come");
}

#[test]
fn counters_that_agree_with_what_came_prove_a_loss_at_the_end() {
    let mut cpu = Machine::new(0);
    let first = cpu.open();
    cpu.lose(2);
    let mut pipeline = Pipeline::new().unwrap();
    let found = losses(&mut pipeline, &[first, Input::Counters(Box::new(counters(&[&cpu])))]);
    assert_eq!((found.len(), found[0].count), (1, 2));
}

#[test]
fn filtered_records_are_no_loss() {
    let mut cpu = Machine::new(0);
    let first = cpu.open();
    let _filtered = [cpu.open(), cpu.open()];
    let last = cpu.open();
    let fact = Filtered { boot_ns: 0, kinds: vec![("open".to_owned(), 2)], spans: vec![(0, 1, 2)], calls: 0 };
    let mut pipeline = Pipeline::new().unwrap();
    assert_eq!(losses(&mut pipeline, &[first, last, Input::Observed(Observed::Filtered(fact)), closed(&[&cpu])]), []);
    let balance = pipeline.ledger().check();
    assert_eq!((balance.differences, balance.rows[Kind::Open.index()].filtered), (Vec::new(), 2));
}

#[test]
fn what_a_gap_leaves_out_is_not_told_as_lost() {
    let mut cpu = Machine::new(0);
    let first = cpu.open();
    let _unstored = [cpu.open(), cpu.open(), cpu.open()];
    let gap = Gap { from_ns: 0, to_ns: 1, cause: "disk full".to_owned(), inputs: Some(3) };
    let last = cpu.open();
    let mut pipeline = Pipeline::new().unwrap();
    assert_eq!(losses(&mut pipeline, &[first, Input::Gap(gap), last, closed(&[&cpu])]), []);
    let balance = pipeline.ledger().check();
    assert_eq!((balance.differences.len(), balance.unstored, balance.is_lossless()), (0, 3, false));
}

#[test]
fn a_gap_that_left_out_nothing_hides_no_loss() {
    let mut cpu = Machine::new(0);
    let first = cpu.open();
    cpu.lose(2);
    let gap = Gap { from_ns: 0, to_ns: 1, cause: "hooks came on demand".to_owned(), inputs: Some(0) };
    let last = cpu.open();
    let mut pipeline = Pipeline::new().unwrap();
    let found = losses(&mut pipeline, &[first, Input::Gap(gap), last, closed(&[&cpu])]);
    assert_eq!((found.len(), found[0].count), (1, 2));
    assert!(pipeline.ledger().check().differences.is_empty());
}

#[test]
fn a_malformed_record_is_counted_and_told() {
    let mut cpu = Machine::new(0);
    let Input::Raw(bytes) = cpu.open() else { panic!() };
    let mut pipeline = Pipeline::new().unwrap();
    let found = losses(&mut pipeline, &[Input::Raw(bytes.slice(..bytes.len() - 1)), closed(&[&cpu])]);
    assert_eq!((found.len(), found[0].count, found[0].first_seq), (1, 1, Some(0)));
    assert!(found[0].causes[0].starts_with("malformed: record says it has"), "{:?}", found[0].causes);
    let balance = pipeline.ledger().check();
    assert_eq!((balance.rows[Kind::Open.index()].malformed, balance.differences), (1, Vec::new()));
}

#[test]
fn counts_that_do_not_add_up_are_told_as_sentences() {
    let mut cpu = Machine::new(0);
    let mut ledger = Ledger::default();
    ledger.push(&cpu.open(), id(0));
    let _vanished = cpu.open();
    ledger.push(&closed(&[&cpu]), id(1));
    let differences = ledger.check().differences;
    let expected = [
        "open: 2 stored, but 1 received and 0 filtered",
        "1 stored records neither arrived nor are part of a gap",
        "CPU 0: 1 numbers are missing that were not counted as lost",
    ];
    assert_eq!(differences, expected);
}

#[test]
fn a_recording_that_was_not_closed_cannot_be_out_of_balance() {
    let mut cpu = Machine::new(0);
    let mut ledger = Ledger::default();
    let _still_in_the_ring = cpu.open();
    ledger.push(&Input::Counters(Box::new(counters(&[&cpu]))), id(0));
    let balance = ledger.check();
    assert_eq!((balance.is_final, balance.differences), (false, Vec::new()));
}

proptest! {
    // Each case makes a pipeline, which compiles every pattern.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_loss_is_found_wherever_it_is(steps in proptest::collection::vec((0u16..3, 0u64..4, any::<bool>()), 0..200)) {
        let mut machines = [Machine::new(0), Machine::new(1), Machine::new(2)];
        let mut pipeline = Pipeline::new().unwrap();
        let (mut lost, mut found) = (0, 0);
        for (cpu, losing, counted) in steps {
            let machine = &mut machines[usize::from(cpu)];
            let input = machine.open();
            machine.lose(losing);
            lost += losing;
            found += losses(&mut pipeline, &[input]).iter().map(|loss| loss.count).sum::<u64>();
            if counted {
                let all: Vec<&Machine> = machines.iter().collect();
                let counters = Input::Counters(Box::new(counters(&all)));
                found += losses(&mut pipeline, &[counters]).iter().map(|loss| loss.count).sum::<u64>();
            }
        }
        let all: Vec<&Machine> = machines.iter().collect();
        found += losses(&mut pipeline, &[closed(&all)]).iter().map(|loss| loss.count).sum::<u64>();
        prop_assert_eq!(found, lost);
        prop_assert_eq!(pipeline.ledger().check().differences, Vec::<String>::new());
    }

    #[test]
    fn no_counters_make_it_panic(numbers in proptest::collection::vec(any::<u64>(), 1 + KINDS * 2), seqs in proptest::collection::vec(any::<u64>(), 0..20)) {
        let mut actor = Actor::new(1);
        let mut pipeline = Pipeline::new().unwrap();
        let mut cpu = Cpu { seq: numbers[0], ..Cpu::ZERO };
        cpu.seen.copy_from_slice(&numbers[1..=KINDS]);
        cpu.stored.copy_from_slice(&numbers[1 + KINDS..]);
        cpu.lost = [[numbers[0]; 4]; KINDS];
        for seq in seqs {
            actor.header.seq = seq;
            let Input::Raw(raw) = actor.raw(&monitor_common::decode::Body::Exit(monitor_common::body::Exit::default())) else { panic!() };
            let fact = Filtered { boot_ns: seq, kinds: vec![("open".to_owned(), seq)], spans: vec![(0, seq, numbers[0])], calls: seq };
            losses(&mut pipeline, &[Input::Raw(raw), Input::Observed(Observed::Filtered(fact))]);
            actor.header.seq = 0;
        }
        let counters = Counters { cpus: vec![cpu; 2], recursion_misses: vec![("open".to_owned(), u64::MAX); 2], ..Counters::default() };
        let closed = Closed { counters: counters.clone(), ..Closed::default() };
        losses(&mut pipeline, &[Input::Counters(Box::new(counters)), Input::Closed(Box::new(closed))]);
        let balance = pipeline.ledger().check();
        prop_assert!(!balance.is_lossless());
    }
}
