//! What the terminal UI draws, by a recording, keys and a size.

use std::{env, fs, path::PathBuf};

use agentsnoop::{
    sink::Sink as _,
    source::judged::Judged,
    tui::{
        action::{Action, Effect},
        hub::{self, News},
        keys,
        model::Key,
        player::{self, Reading},
        script,
        state::{Moments, Motion, Source, State, Tab},
        store::Store,
        theme::Theme,
        view::{layout::Areas, picture},
    },
};
use agentsnoop_pipeline::{
    Pipeline,
    input::{Control, Input, Why},
    synthetic::{Actor, Program, sockaddr},
};
use monitor_common::{
    TextState,
    body::{self, open_text},
    decode::{Body, Str},
};
use ratatui::{buffer::Buffer, layout::Rect};

use crate::tools::stored;

/// A real session of Claude Code.
const SESSION: &str = "claude-session.rec";

/// The sizes that must hold everything.
const SIZES: [(u16, u16); 4] = [(60, 16), (80, 24), (120, 40), (300, 100)];

/// What is tried at one size: a name, and the keys.
const SCENES: [(&str, &[&str]); 18] = [
    ("start", &["0"]),
    ("touch", &["Home", "!"]),
    ("call", &["Home", "!", "t"]),
    ("process", &["Home", "!", "p"]),
    ("tree", &["←", "G", "→", "↓", "↓"]),
    ("files", &["2"]),
    ("narrowed", &["Home", "!", "t", "2"]),
    ("sorted", &["o"]),
    ("file", &["2", "↓", "="]),
    ("endpoints", &["3"]),
    ("environment", &["4"]),
    ("host", &["5"]),
    ("coverage", &["6"]),
    ("keys", &["?"]),
    ("filter", &["f", "kind:exec", "Enter"]),
    ("mistake", &["f", "kind:exec pth:/etc/*"]),
    ("completion", &["f", "class:cr", "Tab"]),
    ("search", &["Home", "/", "credentials", "Enter", "n"]),
];

fn drawn(size: (u16, u16), keys: &[&str]) -> Buffer {
    let mut state = script::of_recording(&stored(SESSION), size, Theme::Dark).expect("a readable recording");
    script::press(&mut state, keys);
    script::frame(&state).expect("a frame")
}

/// Compares a frame with the stored one, or stores it where that is asked for.
fn check(name: &str, size: (u16, u16), frame: &Buffer, wrong: &mut Vec<String>) {
    let file = format!("{name}-{}x{}.txt", size.0, size.1);
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data/frames").join(&file);
    let text = script::text(frame);
    if env::var_os("AGENTSNOOP_BLESS").is_some() {
        fs::write(&path, text).expect("a writable folder of frames");
    } else if fs::read_to_string(&path).ok().as_deref() != Some(text.as_str()) {
        wrong.push(format!("{file} is now\n{text}"));
    }
}

#[test]
fn frames_are_as_they_are_stored() {
    let mut wrong = Vec::new();
    for size in SIZES {
        check("whole", size, &drawn(size, &[]), &mut wrong);
    }
    for (name, keys) in SCENES {
        check(name, SIZES[2], &drawn(SIZES[2], keys), &mut wrong);
    }
    check("details", SIZES[0], &drawn(SIZES[0], &["Home", "!", "Enter"]), &mut wrong);
    check("tree", SIZES[0], &drawn(SIZES[0], &["←"]), &mut wrong);
    check("ascii", SIZES[1], &drawn(SIZES[1], &["A"]), &mut wrong);
    assert!(wrong.is_empty(), "tests/data/README.md says how frames are made again\n{}", wrong.join("\n"));
}

#[test]
fn a_frame_without_unicode_has_none_where_the_names_have_none() {
    let text = script::text(&drawn((120, 40), &["A"]));
    assert!(text.is_ascii(), "{text}");
}

#[test]
fn the_picture_in_the_readme_shows_the_stored_recording() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/tui.svg");
    let picture = picture::svg(&drawn((150, 42), &["Home", "!", "!", "t", "←", "→", "Tab"]));
    if env::var_os("AGENTSNOOP_BLESS").is_some() {
        fs::write(&path, picture).expect("a writable docs/tui.svg");
    } else {
        assert!(fs::read_to_string(&path).ok() == Some(picture), "docs/tui.svg differs: run `cargo xtask picture`");
    }
}

#[test]
fn the_keys_in_the_documentation_are_those_of_the_table() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/tui.md");
    let page = fs::read_to_string(&path).expect("docs/tui.md");
    let (before, rest) = page.split_once("<!-- keys -->\n").expect("a place for the keys");
    let (_, after) = rest.split_once("<!-- /keys -->").expect("its end");
    let made = format!("{before}<!-- keys -->\n{}<!-- /keys -->{after}", keys::markdown());
    if env::var_os("AGENTSNOOP_BLESS").is_some() {
        fs::write(&path, made).expect("a writable docs/tui.md");
    } else {
        assert!(page == made, "docs/tui.md differs from the keymap; tests/data/README.md says how it is made again");
    }
}

#[test]
fn live_and_replay_of_the_same_records_draw_the_same_last_frame() {
    let source = Source { name: "the same".to_owned(), ..Source::default() };
    for size in SIZES {
        let mut live = State::new(Source { is_live: true, ..source.clone() }, size, Theme::Dark);
        let (mut mouth, mut ear, _wishes) = hub::pair();
        let mut judged = Judged::open(&stored(SESSION)).expect("a readable recording");
        let mut many = 0;
        player::tell(&mut judged, Reading::Whole, &mut |news| {
            match news {
                News::Opened(opened) => mouth.opened(&opened),
                News::Records(records) => {
                    for record in &records {
                        mouth.record(record).expect("a screen");
                        many += 1;
                        // Live, records come in pieces of any size.
                        if many % 7 == 0 {
                            mouth.flush().expect("a screen");
                            while let Ok(news) = ear.news.try_recv() {
                                live.hear(news);
                                live.settle();
                            }
                        }
                    }
                }
                other => live.hear(other),
            }
            true
        })
        .expect("a readable recording");
        mouth.flush().expect("a screen");
        while let Ok(news) = ear.news.try_recv() {
            live.hear(news);
        }
        live.source.is_live = false;
        live.settle_all();
        let mut replay = script::of_recording(&stored(SESSION), size, Theme::Dark).expect("a readable recording");
        replay.source = source.clone();
        script::press(&mut replay, &["0", "!", "Space", "+", "+", ">", "}", "<", "F", "Esc"]);
        script::press(&mut replay, &["Space"]);
        while replay.pass(1_000_000_000) {}
        script::press(&mut replay, &["F"]);
        let (one, other) = (script::frame(&live).expect("a frame"), script::frame(&replay).expect("a frame"));
        assert_eq!(script::text(&one), script::text(&other));
    }
}

/// Names that want to be more than names.
fn hostile() -> Vec<Vec<u8>> {
    let long = vec![b'x'; 4096];
    let wide = "漢字テスト".repeat(300).into_bytes();
    let texts = [
        "\x1b[2J",
        "\x1b[H\x1b[31m",
        "\x1b]0;title\x07",
        "\x1b]52;c;AAAA\x07",
        "\x1bP+q\x1b\\",
        "\x1b(0",
        "\x1bc",
        "\r",
        "\n",
        "a\nb\nc",
        "\t\t\t",
        "\x08\x08\x08",
        "\x7f",
        "\u{9b}2J",
        "\u{85}",
        "\u{202e}txt.exe",
        "\u{2066}\u{2067}\u{2068}\u{2069}",
        "\u{200f}rtl",
        "\u{61c}alm",
        "\u{200b}\u{200c}\u{200d}",
        "\u{feff}",
        "\u{2028}\u{2029}",
        "e\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}\u{307}",
        "👨\u{200d}👩\u{200d}👧",
        "❤\u{fe0f}",
        "\u{1f1e9}\u{1f1ea}",
        "ﷺ",
        "שלום",
        "مرحبا",
        "\u{e0041}\u{e0042}",
        "│╭╮╰╯─",
        "…",
        "\\x1b[2J",
    ];
    let mut names: Vec<Vec<u8>> = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
    names.extend([
        long,
        wide,
        b"\xff\xfe\xfd".to_vec(),
        b"caf\xe9".to_vec(),
        b"\xed\xa0\x80".to_vec(),
        vec![0x80; 300],
    ]);
    names
}

/// An open of a file whose name is no text.
fn opened(actor: &mut Actor, path: &[u8]) -> Input {
    let fixed = body::Open { result: 3, dfd: -100, syscall: 257, ..body::Open::default() };
    let text = Str { bytes: path, state: TextState::Complete };
    actor.raw(&Body::Open(fixed, [text; open_text::COUNT]))
}

/// The answer of a name server that a name has an address (RFC 1035, section 4).
fn answer(name: &[u8], address: [u8; 4]) -> Vec<u8> {
    // A name has at most 255 bytes, a label 63.
    let labels = name[..name.len().min(200)].chunks(63);
    let name: Vec<u8> =
        labels.flat_map(|label| [&[u8::try_from(label.len()).expect("a label")], label].concat()).chain([0]).collect();
    let header = [0x12, 0x34, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0];
    let record = [0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 0, 0, 4];
    [&header[..], &name, &[0, 1, 0, 1], &record, &address].concat()
}

/// A state in which all of them occur in paths, command lines, variables, unix sockets and names of hosts.
fn besieged(size: (u16, u16)) -> State {
    let mut pipeline = Pipeline::new().expect("the built-in data");
    let mut records = Vec::new();
    let mut push = |input: &Input| drop(pipeline.push(input, &mut records));
    push(&Input::Control(Control::Track { pid: 7, why: Why::Run }));
    let mut actor = Actor::new(7);
    for (number, name) in hostile().into_iter().enumerate() {
        let text = String::from_utf8_lossy(&name).into_owned();
        let path = format!("/home/dev/{text}");
        let (fork, mut child) = actor.fork(100 + u32::try_from(number).expect("a pid"));
        push(&fork);
        push(&child.exec(Program {
            exe: &path,
            argv: &[&text, "-c", &text],
            env: &[&text],
            cwd: &path,
            ..Program::default()
        }));
        push(&child.open(&path));
        push(&opened(&mut child, &[b"/home/dev/", &name[..]].concat()));
        push(&child.open_with(&path, &path, 0o101, -13));
        push(&child.getenv(&text));
        push(&child.connect(&agentsnoop_pipeline::synthetic::unix(&text), -2));
        let host = [192, 0, 2, u8::try_from(number + 1).expect("a host")];
        push(&child.dns(true, &sockaddr("192.0.2.253:53".parse().expect("an address")), &answer(&name, host)));
        push(&child.connect(&sockaddr((host, 443).into()), 0));
        push(&child.exit(9));
        actor.follow(&child);
    }
    let mut state =
        State::new(Source { name: "hostile\u{1b}[2J\u{202e}".to_owned(), ..Source::default() }, size, Theme::Dark);
    state.take(records);
    let hosts = state.model.endpoints.things().filter(|endpoint| !endpoint.own.host.is_empty()).count();
    assert!(hosts > 20, "only {hosts} hosts have names");
    state
}

/// The borders of a pane are where they belong.
fn is_whole(frame: &Buffer, area: Rect) -> bool {
    let at = |x: u16, y: u16| frame[(x, y)].symbol().to_owned();
    let (right, bottom) = (area.right() - 1, area.bottom() - 1);
    let corners =
        at(area.x, area.y) == "╭" && at(right, area.y) == "╮" && at(area.x, bottom) == "╰" && at(right, bottom) == "╯";
    corners && (area.y + 1..bottom).all(|y| at(area.x, y) == "│" && at(right, y) == "│")
}

#[test]
fn hostile_names_leave_every_frame_whole() {
    assert!(hostile().len() > 30);
    for size in SIZES {
        let (mut state, mut seen) = (besieged(size), String::new());
        // Every name is at the top once, in the list and in the details.
        let keys: &[&[&str]] =
            &[&["Home"], &["Enter"], &["Esc", "2"], &["3"], &["4"], &["5"], &["1", "←", "Home"], &["→"]];
        for keys in keys {
            script::press(&mut state, keys);
            for _ in 0..12 {
                let frame = script::frame(&state).expect("a frame");
                seen.push_str(&script::text(&frame));
                let areas = Areas::of(&state);
                for pane in [areas.tree, areas.main, areas.details].into_iter().flatten() {
                    assert!(is_whole(&frame, pane), "{keys:?}\n{}", script::text(&frame));
                }
                for cell in frame.content() {
                    let odd = |char: char| {
                        char.is_control()
                            || ('\u{202a}'..='\u{202e}').contains(&char)
                            || ('\u{2066}'..='\u{2069}').contains(&char)
                    };
                    assert!(!cell.symbol().chars().any(odd), "{:?}", cell.symbol());
                }
                script::press(&mut state, &["PgDn", "↓"]);
            }
        }
        // Nothing was only left out: what cannot be shown is spelt.
        if size == SIZES[3] {
            for spelt in [
                "\\e[2J",
                "a\\nb\\nc",
                "\\u{202e}txt.exe",
                "\\xff\\xfe\\xfd",
                "caf\\xe9",
                "\\t\\t\\t",
                "漢字",
                "xxx…xxx",
            ] {
                assert!(seen.contains(spelt), "{spelt} is shown nowhere");
            }
        }
    }
}

/// Opens of files by one process, as records.
fn opens(many: usize) -> Vec<agentsnoop_pipeline::Record> {
    let mut pipeline = Pipeline::new().expect("the built-in data");
    let mut records = Vec::new();
    drop(pipeline.push(&Input::Control(Control::Track { pid: 7, why: Why::Run }), &mut records));
    let mut actor = Actor::new(7);
    for number in 0..many {
        drop(pipeline.push(&actor.open(&format!("/home/dev/file-{number}")), &mut records));
    }
    records.retain(|record| record.kind() == agentsnoop_pipeline::record::Kind::Open);
    records
}

#[test]
fn what_is_forgotten_was_learned_and_is_counted_whether_the_screen_stands_still_or_not() {
    for pauses in [false, true] {
        let mut state = State::new(Source { is_live: true, ..Source::default() }, (120, 40), Theme::Dark);
        state.store = Store::bounded(100, usize::MAX);
        let mut records = opens(250);
        let rest = records.split_off(50);
        state.take(records);
        script::press(&mut state, if pauses { &["Space"] } else { &[] });
        for record in rest {
            state.take([record]);
        }
        assert_eq!((state.store.first(), state.store.end()), (150, 250));
        assert_eq!(state.model.events, if pauses { 150 } else { 250 });
        assert_eq!(state.model.files.len() as u64, state.model.events);
        let text = script::text(&script::frame(&state).expect("a frame"));
        assert!(text.contains("forgotten 150"), "{text}");
        if pauses {
            assert!(text.contains("paused, 100 new"), "{text}");
            script::press(&mut state, &["Space"]);
            assert_eq!(state.model.events, 250);
        }
    }
}

/// All records of a recording.
fn records(name: &str) -> Vec<agentsnoop_pipeline::Record> {
    let (mut judged, mut records) = (Judged::open(&stored(name)).expect("a readable recording"), Vec::new());
    while judged.next(&mut records).expect("a readable recording").is_some() {}
    records
}

#[test]
fn a_place_reached_from_a_moment_that_was_kept_looks_as_one_that_was_learned_from_the_beginning() {
    let records = records(SESSION);
    let mut moving = State::new(Source::default(), SIZES[2], Theme::Dark);
    moving.moments = Moments::each(500);
    moving.take(records.clone());
    let mut random = fastrand::Rng::with_seed(7);
    let mut places: Vec<usize> = (0..25).map(|_| random.usize(0..=records.len())).collect();
    places.extend([0, 1, 499, 500, 501, records.len()]);
    for place in places {
        moving.go_to(place as u64);
        let mut learned = State::new(Source::default(), SIZES[2], Theme::Dark);
        learned.motion = Motion::Pause;
        learned.take(records.clone());
        learned.moments = Moments::each(u64::MAX);
        learned.go_to(place as u64);
        for tab in ["2", "3", "4", "5", "6", "1"] {
            let frames = [&mut moving, &mut learned].map(|state| {
                state.motion = Motion::Pause;
                script::press(state, &[tab]);
                script::text(&script::frame(state).expect("a frame"))
            });
            assert_eq!(frames[0], frames[1], "at {place}");
        }
    }
}

#[test]
fn going_back_loses_nothing_of_what_was_before_the_events_in_memory() {
    let records = records(SESSION);
    let mut state = State::new(Source { is_live: true, ..Source::default() }, SIZES[2], Theme::Dark);
    (state.store, state.moments) = (Store::bounded(2_000, usize::MAX), Moments::each(100));
    let mut events = vec![0];
    for record in records {
        state.take([record]);
        events.push(state.model.events);
    }
    let first = usize::try_from(state.store.first()).expect("a number");
    assert!(first > 3_000);
    for place in [events.len() - 300, first + 150, first + 1_000] {
        state.go_to(place as u64);
        assert_eq!((state.head, state.model.events), (place as u64, events[place]));
    }
    // The earliest place is the first moment whose events are there.
    script::press(&mut state, &["0"]);
    assert_eq!(
        (state.head, state.model.events),
        (first.next_multiple_of(100) as u64, events[first.next_multiple_of(100)])
    );
}

#[test]
fn a_filter_a_scope_and_noise_show_the_events_that_a_query_finds() {
    let mut state = script::of_recording(&stored(SESSION), (120, 40), Theme::Dark).expect("a readable recording");
    for filter in
        ["kind:exec", "class:credential", "path:*/.aws/*", "not class:noise kind:open result:failed", "comm:git"]
    {
        script::press(&mut state, &["Esc", "f", filter, "Enter"]);
        state.list.noise = true;
        state.list.restart();
        state.settle_all();
        let found = crate::tools::stdout(&crate::tools::agentsnoop(&["replay", "--where", filter], &stored(SESSION)));
        assert_eq!(state.list.len(), found.lines().count(), "{filter}");
        assert!(!state.list.is_empty(), "{filter}");
    }
}

#[test]
fn marks_of_a_recording_are_shown_in_its_replay() {
    let mut state =
        script::of_recording(&crate::tools::recorded(), (120, 40), Theme::Dark).expect("a readable recording");
    assert_eq!(state.marks.iter().map(|mark| mark.note.as_str()).collect::<Vec<_>>(), ["before the fix"]);
    script::press(&mut state, &["Home", "m", "mine", "Enter"]);
    let text = script::text(&script::frame(&state).expect("a frame"));
    assert!(text.contains("is marked, on this screen only") && text.contains("mine"), "{text}");
}

#[test]
fn a_recording_that_does_not_fit_in_memory_is_read_again_for_its_beginning() {
    let (file, size) = (stored(SESSION), (120, 40));
    let whole = script::of_recording(&file, size, Theme::Dark).expect("a readable recording");
    let at = whole.store.get(1_000).expect("an event").boot_ns;
    let mut state = State::new(Source::default(), size, Theme::Dark);
    state.store = Store::bounded(5_000, usize::MAX);
    let (mouth, mut ear, mut wishes) = hub::pair();
    let news = mouth.sender();
    let judged = Judged::open(&file).expect("a readable recording");
    let player = {
        let file = file.clone();
        std::thread::spawn(move || player::play(&file, judged, &news, &mut wishes).map(drop))
    };
    drop(mouth);
    let hear = |state: &mut State, ear: &mut hub::Ear, enough: &dyn Fn(&State) -> bool| {
        while !enough(state) && !state.holds() {
            state.hear(ear.news.blocking_recv().expect("a player"));
            for effect in state.effects() {
                assert_eq!(effect, Effect::Reread);
                ear.wishes.send(hub::Wish::Reread).expect("a player");
            }
        }
    };
    hear(&mut state, &mut ear, &|state| state.ended.is_some());
    assert!(state.store.first() > 1_500);
    // To the beginning: what follows is held back until it is wanted.
    script::press(&mut state, &["0"]);
    for effect in state.effects() {
        assert_eq!(effect, Effect::Reread);
        ear.wishes.send(hub::Wish::Reread).expect("a player");
    }
    hear(&mut state, &mut ear, &|_| false);
    assert_eq!((state.head, state.model.events), (0, 0), "the screen stands at the beginning");
    assert!(state.store.end() <= 5_000 && state.ended.is_none(), "what follows waits");
    // To a moment in the middle, from the end.
    script::press(&mut state, &["F"]);
    hear(&mut state, &mut ear, &|state| state.ended.is_some());
    assert_eq!(state.model.events, whole.model.events);
    state.go_to_time(at);
    for effect in state.effects() {
        assert_eq!(effect, Effect::Reread);
        ear.wishes.send(hub::Wish::Reread).expect("a player");
    }
    hear(&mut state, &mut ear, &|state| state.motion == Motion::Pause);
    let behind = whole.store.find(0, whole.store.end(), |record| record.boot_ns > at).expect("a later event");
    assert_eq!(state.head, behind);
    ear.wishes.send(hub::Wish::Quit).expect("a player");
    drop(ear);
    player.join().expect("a player that ends").expect("a readable recording");
}

#[test]
fn the_mouse_reaches_what_it_points_at() {
    let mut state = script::of_recording(&stored(SESSION), (120, 40), Theme::Dark).expect("a readable recording");
    state.settle_all();
    let areas = Areas::of(&state);
    let (tree, main, line) =
        (areas.tree.expect("a tree"), areas.main.expect("a view"), areas.line.expect("a time line"));
    let click = |state: &mut State, x: u16, y: u16| {
        state.act(Action::Click(x, y));
        state.settle_all();
    };
    let frame = script::text(&script::frame(&state).expect("a frame"));
    let files =
        frame.lines().nth(usize::from(main.y)).and_then(|row| row.find("2 Files").map(|at| row[..at].chars().count()));
    click(&mut state, u16::try_from(files.expect("a tab")).expect("a column"), main.y);
    assert_eq!(state.tab, Tab::Files);
    click(&mut state, main.x + 5, main.y + 4);
    assert_eq!(state.table().at(), 2);
    // A tool call: its events alone; a second click unfolds it.
    let call = frame.lines().position(|row| row.contains("cat notes.txt")).expect("a tool call");
    let rows = state.trunk.rows().len();
    click(&mut state, tree.x + 10, u16::try_from(call).expect("a row"));
    assert!(matches!(state.list.scope(), Some(Key::Call(_))));
    click(&mut state, tree.x + 10, u16::try_from(call).expect("a row"));
    assert!(state.trunk.rows().len() > rows);
    click(&mut state, line.x + 40, line.y);
    assert!(state.head > 0 && state.head < state.store.end(), "the time line leads to a moment");
    let before = state.list.at();
    state.act(Action::Tab(0));
    state.act(Action::Wheel(main.x + 5, main.y + 5, -3));
    state.settle_all();
    assert!(state.list.at() <= before);
    for x in 0..120 {
        for y in 0..40 {
            click(&mut state, x, y);
        }
    }
}

#[test]
fn a_line_is_completed_corrected_and_remembered() {
    let mut state = script::of_recording(&stored(SESSION), (120, 40), Theme::Dark).expect("a readable recording");
    let typed = |state: &State| state.prompt.as_ref().map(|prompt| prompt.line.text());
    script::press(&mut state, &["f", "not cla", "Tab"]);
    assert_eq!(typed(&state).as_deref(), Some("not class:"));
    script::press(&mut state, &["pr", "Tab"]);
    assert_eq!(typed(&state).as_deref(), Some("not class:proxy"));
    script::press(&mut state, &["Tab"]);
    assert_eq!(typed(&state).as_deref(), Some("not class:project_file"));
    script::press(&mut state, &["^W", "^W", "kind:exce", "Enter"]);
    assert!(state.prompt.as_ref().is_some_and(|prompt| prompt.error.is_some()), "a mistake keeps the line");
    script::press(&mut state, &["Backspace", "Backspace", "ec", "Enter"]);
    assert_eq!((typed(&state), state.filter.as_str()), (None, "kind:exec"));
    script::press(&mut state, &["f", "^U", "comm:git", "Enter", "f", "^U", "half", "↑", "↑"]);
    assert_eq!(typed(&state).as_deref(), Some("kind:exec"));
    script::press(&mut state, &["↓", "↓"]);
    assert_eq!(typed(&state).as_deref(), Some("half"), "what was typed is still there");
    script::press(&mut state, &["Esc", "Esc"]);
    assert_eq!(state.filter, "");
}

#[test]
fn an_export_has_the_events_that_are_shown() {
    let mut state = script::of_recording(&stored(SESSION), (120, 40), Theme::Dark).expect("a readable recording");
    script::press(&mut state, &["f", "kind:tool_call", "Enter", "x", "^U", "out.jsonl", "Enter"]);
    let effects = state.effects();
    let [Effect::Write { path, text }] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!((path.as_str(), text.lines().count()), ("out.jsonl", 5));
    assert!(text.lines().all(|line| serde_json::from_str::<agentsnoop_pipeline::Record>(line).is_ok()));
    script::press(&mut state, &["y"]);
    let [Effect::Copy(json)] = &state.effects()[..] else { panic!("nothing was copied") };
    assert!(json.contains("\"kind\":\"tool_call\""));
    script::press(&mut state, &["Y"]);
    let [Effect::Copy(line)] = &state.effects()[..] else { panic!("nothing was copied") };
    assert!(line.contains(" && bash -c '"), "{line}");
}

#[test]
fn from_the_newest_event_the_last_sensitive_touch_is_found() {
    let mut state = script::of_recording(&stored(SESSION), (120, 40), Theme::Dark).expect("a readable recording");
    script::press(&mut state, &["!"]);
    let last = state.model.touches.1.as_ref().map(|touch| touch.number);
    assert_eq!(state.list.current(), last);
    script::press(&mut state, &["@"]);
    assert!(state.list.current() < last);
}
