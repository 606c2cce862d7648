//! What very many events cost a screen: to take them, to draw a frame, to filter them.

use std::{
    io::Write as _,
    time::{Duration, Instant},
};

use agentsnoop::tui::{
    script,
    state::{Source, State},
    theme::Theme,
    view,
};
use agentsnoop_pipeline::Pipeline;
use agentsnoop_tests::heavy::Heavy;
use anyhow::Result;
use ratatui::{buffer::Buffer, layout::Rect};

/// Frames that are drawn of each scene.
const FRAMES: u32 = 50;

/// What is drawn, and the keys that lead there.
const SCENES: [(&str, &[&str]); 7] = [
    ("events", &["1"]),
    ("first_event", &["Home"]),
    ("files", &["2"]),
    ("endpoints", &["3"]),
    ("tree", &["←"]),
    ("keys", &["?"]),
    (FILTER, &["Esc", "1", "f", "kind:exec class:project_file", "Enter"]),
];

/// The scene that begins with a filter over all events.
const FILTER: &str = "filtered";

/// Columns and rows.
const SIZE: (u16, u16) = (300, 100);

pub(crate) fn bench(events: u64) -> Result<()> {
    let mut state = State::new(Source::default(), SIZE, Theme::Dark);
    let (mut pipeline, mut records) = (Pipeline::new()?, Vec::new());
    let mut taking = Duration::ZERO;
    for input in Heavy::default() {
        drop(pipeline.push(&input, &mut records));
        if records.len() >= 2_048 {
            let batch = std::mem::take(&mut records);
            let began = Instant::now();
            state.take(batch);
            state.settle();
            taking += began.elapsed();
        }
        if state.store.end() >= events {
            break;
        }
    }
    state.settle_all();
    let mut out = std::io::stdout();
    writeln!(out, "events {}", state.store.end() - state.store.first())?;
    writeln!(out, "taking_ns {}", taking.as_nanos() / u128::from(events.max(1)))?;
    writeln!(out, "memory_mb {}", state.store.bytes() >> 20)?;
    let mut buffer = Buffer::empty(Rect::new(0, 0, SIZE.0, SIZE.1));
    for (name, keys) in SCENES {
        let began = Instant::now();
        script::press(&mut state, keys);
        let found = began.elapsed();
        let began = Instant::now();
        for _ in 0..FRAMES {
            state.settle();
            view::draw(&state, &mut buffer);
        }
        writeln!(out, "{name}_frame_us {}", (began.elapsed() / FRAMES).as_micros())?;
        if name == FILTER {
            writeln!(out, "filter_ms {}", found.as_millis())?;
        }
    }
    Ok(())
}
