//! Calls that look at files: the first of a kind, and how often it was repeated.

use agentsnoop_pipeline::{
    input::Input,
    record::{Body, Stat},
    synthetic::{Actor, absent, whole},
};
use monitor_common::{
    TextState,
    body::{self, stat_flag},
    decode::{Body as Wire, Str},
    repeats::{slot, tag},
};

use super::common::judge;

fn first(actor: &mut Actor, path: &str, hash: u64) -> Input {
    let stat = body::Stat { hash, count: 1, syscall: 4, result: -2, ..body::Stat::default() };
    actor.raw(&Wire::Stat(stat, [whole(path), absent(TextState::NotAsked)]))
}

fn repeats(actor: &mut Actor, hash: u64, count: u64) -> Input {
    let words = (tag(hash) | count).to_le_bytes();
    let stat = body::Stat {
        hash: 1 << slot(hash),
        count: u32::try_from(count).unwrap(),
        flags: stat_flag::REPEATS,
        ..body::Stat::default()
    };
    let words = Str { bytes: &words, state: TextState::Complete };
    actor.raw(&Wire::Stat(stat, [words, absent(TextState::NotAsked)]))
}

fn stats(inputs: &[Input]) -> Vec<Stat> {
    let stat = |body: Body| if let Body::Stat(stat) = body { Some(stat) } else { None };
    judge(inputs).into_iter().filter_map(|record| stat(record.body)).collect()
}

#[test]
fn repeats_are_told_with_the_path_and_the_result_of_their_first() {
    let mut actor = Actor::new(100);
    let inputs = [first(&mut actor, "/etc/a", 0x7_0001), repeats(&mut actor, 0x7_0001, 9)];
    let [_, told] = &stats(&inputs)[..] else { panic!("two records") };
    assert_eq!((told.count, told.repeats, told.result), (9, true, Some(-2)));
    assert_eq!(told.path.as_ref().unwrap().as_bytes(), b"/etc/a");
}

#[test]
fn repeats_of_another_process_or_of_an_unknown_first_have_a_count_and_no_path() {
    let (mut actor, mut other) = (Actor::new(100), Actor::new(200));
    let inputs = [
        first(&mut actor, "/etc/a", 0x7_0001),
        repeats(other.follow(&actor), 0x7_0001, 3),
        repeats(actor.follow(&other), 0x8_0001, 4),
    ];
    let told: Vec<_> = stats(&inputs).into_iter().skip(1).map(|stat| (stat.count, stat.path, stat.result)).collect();
    assert_eq!(told, [(3, None, None), (4, None, None)]);
}
