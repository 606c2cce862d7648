//! The screen opens and seeks a recording by its index: it shows what it would have shown after reading everything before.

use std::{
    fs,
    path::{Path, PathBuf},
};

use agentsnoop::tui::{
    hub::Place,
    index::{self, Indexing},
    script::{self, Played},
    state::{Motion, Source, State},
    store::Store,
    theme::Theme,
    view::layout::Areas,
};
use agentsnoop_pipeline::input::{Closed, Control, Input};
use agentsnoop_store::writer::{Options, Writer};
use agentsnoop_tests::heavy::Heavy;
use tempfile::TempDir;

const SIZE: (u16, u16) = (120, 40);

/// Inputs of the recording, of a block, and from one checkpoint to the next.
const INPUTS: usize = 15_000;
const BLOCK: usize = 125;
const EVERY: u64 = 500;

struct Recorded {
    folder: TempDir,
    file: PathBuf,
}

impl Recorded {
    fn indexing(&self) -> Indexing {
        Indexing { path: self.folder.path().join("cache/index"), every: EVERY, most: usize::MAX }
    }
}

/// A recording with many blocks.
fn recorded() -> Recorded {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("heavy.rec");
    let mut writer = Writer::create(&file, Options::default()).expect("a recording");
    for (number, input) in Heavy::secretive(30).take(INPUTS).enumerate() {
        writer.push(&input).expect("room for it");
        if number == INPUTS / 2 {
            let boot_ns = agentsnoop_store::frame::time(&input).unwrap_or_default();
            writer.push(&Input::Control(Control::Mark { boot_ns, note: "half".to_owned() })).expect("room for it");
        }
        if number % BLOCK == 0 {
            writer.flush().expect("room for it");
        }
    }
    writer.close(&mut Closed { reason: "it is over".to_owned(), ..Closed::default() }).expect("room for it");
    Recorded { folder, file }
}

fn state() -> State {
    let mut state = State::new(Source { name: "heavy.rec".to_owned(), ..Source::default() }, SIZE, Theme::Dark);
    state.list.noise = true;
    state
}

/// A screen that has read everything, without an index.
fn whole(recorded: &Recorded) -> State {
    let mut whole = script::of_recording(&recorded.file, SIZE, Theme::Dark).expect("a readable recording");
    whole.list.noise = true;
    whole.list.restart();
    whole
}

/// A screen that was opened by an index, which is made where there is none.
fn opened(recorded: &Recorded, indexing: Indexing) -> Played {
    if !indexing.path.exists() {
        let mut first = Played::open(&recorded.file, Some(indexing.clone()), state()).expect("a readable recording");
        first.until(|state| state.outline.is_some()).expect("an index");
        assert_eq!(first.state.store.first(), 0, "it has read everything");
        first.end().expect("a readable recording");
    }
    let mut played = Played::open(&recorded.file, Some(indexing), state()).expect("a readable recording");
    played.until(|state| state.outline.is_some()).expect("an index");
    played
}

/// The frame in each view, without the two rows that say how much is in memory.
fn frames(state: &mut State) -> Vec<String> {
    let counted = Areas::of(state).main.expect("a view").bottom() - 1;
    let mut frames = Vec::new();
    for tab in ["2", "3", "4", "5", "6", "1"] {
        // One that stands still and one that has come to the end differ in a word.
        state.motion = Motion::Pause;
        script::press(state, &[tab]);
        let text = script::text(&script::frame(state).expect("a frame"));
        let is_counted = |at: &usize| [0, usize::from(counted)].contains(at) && tab == "1" || *at == 0;
        let lines = text.lines().enumerate().filter(|(at, _)| !is_counted(at)).map(|(_, line)| line);
        // What a thing's last event was is shown where that is in memory.
        let width = Areas::of(state).details.filter(|_| tab != "1").map_or(usize::MAX, |area| usize::from(area.x));
        let within = |line: &str| line.chars().take(width).collect::<String>();
        frames.push(lines.map(within).collect::<Vec<_>>().join("\n"));
    }
    frames
}

#[test]
fn a_screen_opened_by_its_index_shows_what_one_shows_that_has_read_everything() {
    let recorded = recorded();
    let mut whole = whole(&recorded);
    let mut played = opened(&recorded, recorded.indexing());
    let events = whole.store.end();
    assert!(played.state.store.first() > events / 2, "only its end is read");
    assert_eq!((played.state.head, played.state.total()), (events, events));
    assert_eq!(played.state.motion, Motion::Follow);
    assert_eq!((&played.state.marks, &played.state.touched), (&whole.marks, &whole.touched));
    assert_eq!(frames(&mut played.state), frames(&mut whole));
    // What is older comes where it is looked for, and then nothing differs any more.
    for _ in 0..events {
        if played.state.store.first() == 0 {
            break;
        }
        played.press(&["Home"]).expect("older events");
    }
    assert_eq!(played.state.store.first(), 0);
    script::press(&mut whole, &["Home"]);
    played.press(&["Home"]).expect("nothing to wait for");
    let frames = [&mut whole, &mut played.state].map(|state| {
        state.motion = Motion::Follow;
        script::press(state, &["3", "2", "1"]);
        script::text(&script::frame(state).expect("a frame"))
    });
    assert_eq!(frames[0], frames[1]);
    played.end().expect("a readable recording");
}

/// Where a place is, by all events.
fn head(whole: &State, place: Place) -> u64 {
    let number = |number: usize| number as u64;
    let all: Vec<_> = (0..whole.store.end()).filter_map(|number| whole.store.get(number)).collect();
    match place {
        Place::Behind(number) => number,
        Place::Time { boot_ns, least, most } => {
            let later = all.iter().position(|record| record.boot_ns > boot_ns).unwrap_or(all.len());
            number(later).clamp(least, most)
        }
        Place::Event(id) => number(all.iter().position(|record| record.id >= id).expect("a later event")) + 1,
    }
}

fn goes_everywhere(recorded: &Recorded, mut played: Played, places: usize) {
    let mut whole = whole(recorded);
    let (events, range) = (whole.store.end(), whole.range());
    assert_eq!(played.state.range(), range);
    let mut random = fastrand::Rng::with_seed(11);
    for at in 0..places {
        let number = match at {
            0 => 0,
            1 => events,
            2 => 1,
            _ => random.u64(0..events),
        };
        let record = whole.store.get(number.min(events - 1)).expect("an event");
        let place = match at % 4 {
            0 => Place::Event(record.id),
            1 => Place::time(record.boot_ns),
            2 => Place::Time { boot_ns: record.boot_ns, least: number / 2, most: number.saturating_sub(3) },
            _ => Place::Behind(number),
        };
        played.state.travel(place);
        played.until(|_| true).expect("a place");
        let there = head(&whole, place);
        assert_eq!(played.state.head, there, "{place:?}");
        assert!(played.state.store.first() == 0 || there - played.state.store.first() >= 100, "rows around {place:?}");
        whole.go_to(there);
        if let Place::Event(_) = place {
            whole.list.select(there - 1);
        }
        for (one, other) in frames(&mut played.state).into_iter().zip(frames(&mut whole)) {
            assert_eq!(one, other, "at {place:?}");
        }
    }
    played.press(&["F"]).expect("the end");
    assert_eq!((played.state.head, played.state.motion), (events, Motion::Follow));
    whole.go_to(events);
    assert_eq!(frames(&mut played.state), frames(&mut whole));
    played.end().expect("a readable recording");
}

#[test]
fn a_place_reached_by_the_index_looks_as_one_reached_from_the_beginning() {
    let recorded = recorded();
    goes_everywhere(&recorded, opened(&recorded, recorded.indexing()), 20);
}

#[test]
fn an_index_within_a_bound_has_fewer_checkpoints_and_leads_everywhere_too() {
    let recorded = recorded();
    let all = recorded.indexing();
    let played = opened(&recorded, all.clone());
    played.end().expect("a readable recording");
    let size = |path: &Path| fs::metadata(path).expect("an index").len();
    let most = usize::try_from(size(&all.path) / 4).expect("a size");
    let bounded = Indexing { path: recorded.folder.path().join("cache/bounded"), most, ..all.clone() };
    let played = opened(&recorded, bounded.clone());
    let checkpoints = |indexing: &Indexing| index::load(&indexing.path).expect("an index").len();
    assert!(checkpoints(&bounded) * 2 < checkpoints(&all) && checkpoints(&bounded) > 1);
    assert!(size(&bounded.path) < size(&all.path) / 2);
    goes_everywhere(&recorded, played, 8);
}

#[test]
fn a_filter_finds_what_is_older_than_memory_and_says_from_when_on_it_has_looked() {
    let recorded = recorded();
    let mut played = opened(&recorded, recorded.indexing());
    let filter = &["f", "path:*/.aws/credentials or kind:session", "Enter"];
    let mut whole = whole(&recorded);
    script::press(&mut whole, filter);
    played.press(filter).expect("older events");
    let rows = |state: &State| (0..state.list.len()).map(|row| state.list.get(row)).collect::<Vec<_>>();
    assert!(whole.list.len() < 50 && !whole.list.is_empty());
    assert_eq!((played.state.store.first(), rows(&played.state)), (0, rows(&whole)));
    // Where memory is full, it says so.
    let mut state = state();
    state.store = Store::bounded(66_000, usize::MAX);
    let mut played = Played::open(&recorded.file, Some(recorded.indexing()), state).expect("a readable recording");
    played.until(|state| state.outline.is_some()).expect("an index");
    played.press(&["f", "kind:session", "Enter"]).expect("what there is room for");
    let text = script::text(&script::frame(&played.state).expect("a frame"));
    assert!(played.state.list.is_empty() && text.contains("memory is full: < and : go back in time"), "{text}");
    assert!(text.contains("in memory "), "{text}");
    played.end().expect("a readable recording");
}

#[test]
fn a_sensitive_touch_is_reached_wherever_it_is_and_playing_goes_on_from_there() {
    let recorded = recorded();
    let mut played = opened(&recorded, recorded.indexing());
    let first = played.state.touched.first().copied().expect("a touch");
    assert!(first.0 < played.state.store.first());
    for _ in 0..played.state.touched.len() {
        played.press(&["@"]).expect("the touch before");
    }
    assert_eq!((played.state.list.current(), played.state.head), (Some(first.0), first.0 + 1));
    let place = played.state.head;
    played.press(&["Space"]).expect("events");
    while played.state.motion != Motion::Pause {
        played.state.pass(1_000_000_000);
        played.until(|_| true).expect("newer events");
    }
    assert_eq!(played.state.head, played.state.total(), "from {place} to the end");
    played.press(&["F"]).expect("the end, which is in memory");
    let mut whole = whole(&recorded);
    assert_eq!(frames(&mut played.state), frames(&mut whole));
    played.end().expect("a readable recording");
}

#[test]
fn a_damaged_index_is_noticed_read_past_and_made_anew() {
    let recorded = recorded();
    let indexing = recorded.indexing();
    opened(&recorded, indexing.clone()).end().expect("a readable recording");
    let sound = fs::read(&indexing.path).expect("an index");
    for place in [sound.len() / 2, sound.len() - 100, sound.len() - 3, 100] {
        let mut damaged = sound.clone();
        // A place in each blob of the first half is enough to meet one that is needed.
        damaged.iter_mut().skip(place).step_by(50).take(1 + place / 60).for_each(|byte| *byte ^= 0x55);
        fs::write(&indexing.path, &damaged).expect("a writable index");
        let mut played = Played::open(&recorded.file, Some(indexing.clone()), state()).expect("a readable recording");
        played.until(|state| state.outline.is_some() && state.ended.is_some()).expect("an index");
        played.state.travel(Place::Behind(3_333));
        played.until(|state| state.outline.is_some()).expect("a place, however it is found");
        assert_eq!(played.state.head, 3_333, "damaged at {place}");
        played.end().expect("a readable recording");
    }
    goes_everywhere(&recorded, opened(&recorded, indexing), 5);
}
