//! What both halves rely on beyond the layout of records.

use monitor_common::{
    Kind,
    counters::{Cause, Counters, Fault},
    from_bytes,
    kind::KINDS,
    offsets::{ABSENT, Offsets, layout},
    programs::family,
    repeats,
    siphash::SipHash,
    syscall::{self, ENTRIES, FAMILIES, KIND_OF, NOT_RECORDED, NUMBERS},
    task::Task,
};

#[test]
fn every_recorded_call_has_its_family_its_kind_and_its_bit_and_no_other_number_has() {
    for number in 0..NUMBERS {
        let is_noted = ENTRIES[number / 64] >> (number % 64) & 1 == 1;
        match syscall::of_number(number as u64) {
            Some(call) => {
                assert_eq!(u32::from(FAMILIES[number]), call.family + 1, "{}", call.name);
                assert!(call.family < family::PLACES);
                assert_eq!(usize::from(KIND_OF[number]), call.kind.index(), "{}", call.name);
                assert_eq!(is_noted, call.entry, "{}", call.name);
            }
            None => assert_eq!((FAMILIES[number], is_noted), (NOT_RECORDED, false), "{number}"),
        }
    }
}

#[test]
fn causes_and_faults_stand_at_their_numbers() {
    for (at, cause) in Cause::ALL.into_iter().enumerate() {
        assert_eq!(cause as usize, at);
    }
    for (at, fault) in Fault::ALL.into_iter().enumerate() {
        assert_eq!(fault as usize, at);
    }
}

#[test]
fn every_kind_is_found_by_its_number() {
    for kind in Kind::ALL {
        assert_eq!(Kind::from_number(kind.number()), Some(kind));
    }
    assert_eq!(Kind::from_number(0), None);
}

#[test]
fn losses_of_all_kinds_and_causes_add_up() {
    let mut counters = Counters::ZERO;
    counters.lost[0][0] = 1;
    counters.lost[KINDS - 1][Cause::NoProgram as usize] = 2;
    assert_eq!(counters.lost_total(), 3);
}

#[test]
fn bytes_of_another_length_are_no_value() {
    assert_eq!(from_bytes::<Task>(&[0; 47]), None);
    assert_eq!(from_bytes::<Task>(&[0; 48]), Some(Task::default()));
}

/// The offsets of 6.18 as far as the layout looks at them.
fn usual() -> Offsets {
    Offsets {
        dentry_hash: 8,
        dentry_parent: 24,
        dentry_name: 32,
        qstr_len: 4,
        qstr_name: 8,
        mount_parent: 16,
        mount_mountpoint: 24,
        mount_mnt: 32,
        vfsmount_root: 0,
        ..Offsets::ABSENT
    }
}

#[test]
fn one_read_gets_a_dentry_only_where_its_fields_follow_each_other() {
    assert_eq!(usual().layout(), layout::DENTRY | layout::MOUNT);
    assert_eq!(Offsets { dentry_parent: 32, ..usual() }.layout(), layout::MOUNT);
    assert_eq!(Offsets { qstr_name: 16, ..usual() }.layout(), layout::MOUNT);
    assert_eq!(Offsets { vfsmount_root: 8, ..usual() }.layout(), layout::DENTRY);
    assert_eq!(Offsets { mount_mnt: ABSENT, ..usual() }.layout(), layout::DENTRY);
    assert_eq!(Offsets::ABSENT.layout(), 0);
}

#[test]
fn a_field_that_is_not_found_is_absent() {
    let offsets = Offsets::from_fn(|field| (field.member == "pid").then_some(4));
    let known: Vec<_> = offsets.fields().filter(|(_, offset)| *offset != ABSENT).collect();
    assert_eq!(known.len(), 1);
    assert_eq!((known[0].0.structure, known[0].1), ("task_struct", 4));
}

#[test]
fn a_hash_is_siphash_1_3_of_its_words() {
    // std hashes with SipHash-1-3 and a key of zeroes.
    let mut expected = std::hash::DefaultHasher::new();
    let mut hash = SipHash::new([0, 0]);
    for word in [0x0123_4567_89ab_cdef, 1, u64::MAX] {
        std::hash::Hasher::write(&mut expected, &u64::to_le_bytes(word));
        hash.word(word);
    }
    assert_eq!(hash.finish(3), std::hash::Hasher::finish(&expected));
}

#[test]
fn a_hash_that_looks_like_an_empty_word_has_a_tag_all_the_same() {
    assert_eq!((repeats::tag(repeats::COUNT), repeats::slot(repeats::COUNT)), (repeats::COUNT + 1, repeats::SLOTS - 1));
    assert_eq!(repeats::tag(u64::MAX), !repeats::COUNT);
}

#[test]
fn told_words_belong_to_the_slots_from_the_lowest_on() {
    let words: Vec<u8> = [7u64, 9, 11].into_iter().flat_map(u64::to_le_bytes).collect();
    assert_eq!(repeats::told(1 << 3 | 1 << 63, &words).collect::<Vec<_>>(), [(3, 7), (63, 9)]);
    assert_eq!(repeats::told(u64::MAX, &words[..15]).collect::<Vec<_>>(), [(0, 7)]);
}
