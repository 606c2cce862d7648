//! Shows the terminal UI without a terminal: `screen text|svg FILE COLUMNSxROWS [KEY]…` writes the frame of a recording after these
//! keys. Keys have the names of docs/tui.md; what is none is typed. `screen bench EVENTS` prints what so many events cost: to take
//! them, to draw a frame, to filter them.

use std::{
    io::Write as _,
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};

use agentsnoop::tui::{
    script,
    state::{Source, State},
    theme::Theme,
    view::{self, picture},
};
use agentsnoop_pipeline::Pipeline;
use agentsnoop_tests::heavy::Heavy;
use anyhow::{Context as _, Result, bail};
use ratatui::{buffer::Buffer, layout::Rect};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match run(&words.iter().map(String::as_str).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("screen: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[&str]) -> Result<()> {
    if let ["bench", events] = words {
        return bench(events.parse().context("EVENTS is no number")?);
    }
    let [form, file, size, keys @ ..] = words else {
        bail!("usage: screen text|svg FILE COLUMNSxROWS [KEY]… | bench EVENTS");
    };
    let (columns, rows) = size.split_once('x').context("a size is COLUMNSxROWS, such as 80x24")?;
    let mut state = script::of_recording(Path::new(file), (columns.parse()?, rows.parse()?), Theme::Dark)?;
    script::press(&mut state, keys);
    let frame = script::frame(&state)?;
    let drawn = match *form {
        "text" => script::text(&frame),
        "svg" => picture::svg(&frame),
        _ => bail!("a frame is drawn as text or as svg, not as {form}"),
    };
    std::io::stdout().write_all(drawn.as_bytes()).context("cannot write to standard output")
}

/// Frames that are drawn of each scene.
const FRAMES: u32 = 50;

fn bench(events: u64) -> Result<()> {
    let size = (300, 100);
    let mut state = State::new(Source::default(), size, Theme::Dark);
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
    let kept = state.store.end() - state.store.first();
    writeln!(
        out,
        "{kept} events kept, {} MB; each taken in {} ns",
        state.store.bytes() >> 20,
        taking.as_nanos() / u128::from(events)
    )?;
    let mut buffer = Buffer::empty(Rect::new(0, 0, size.0, size.1));
    for keys in [
        &["1"][..],
        &["Home"],
        &["2"],
        &["3"],
        &["←"],
        &["?"],
        &["Esc", "1", "f", "kind:exec class:project_file", "Enter"],
    ] {
        let began = Instant::now();
        script::press(&mut state, keys);
        let found = began.elapsed();
        let began = Instant::now();
        for _ in 0..FRAMES {
            state.settle();
            view::draw(&state, &mut buffer);
        }
        writeln!(
            out,
            "{}: found in {} ms, a frame in {} us",
            keys.join(" "),
            found.as_millis(),
            (began.elapsed() / FRAMES).as_micros()
        )?;
    }
    Ok(())
}
