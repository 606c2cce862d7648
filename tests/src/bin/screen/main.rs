//! Shows the terminal UI without a terminal, and measures it.
//!
//! `screen text|svg FILE COLUMNSxROWS [KEY]…` writes the frame of a recording after these keys. Keys have the names of docs/tui.md;
//! what is none is typed. `screen bench EVENTS` prints what so many events cost: to take them, to draw a frame, to filter them.
//! `screen pace EVENTS RATE SECONDS` prints how many frames a screen with so many events draws while so many more come each second,
//! and how fast it answers keys. `screen watch|run AGENTSNOOP TIMES` prints how long it takes from an
//! event to its row on the screen of `watch`, and on that of `run --tui` (`screen pane …` in tmux); `screen while AGENTSNOOP COMMAND…`
//! the same of `watch` while the command drives an agent (all of them root).
//! `screen seek FILE` opens a recording: the first time it makes the index, in `$XDG_CACHE_HOME`, and prints what that costs; after that
//! it opens by it, goes to places, and prints what that costs.
//! `screen beside COMMAND…` shows a command beside a screen of nothing.
//! `screen panic` shows a screen that panics while it draws, as soon as a key changes what it shows.

mod bench;
mod beside;
mod latency;
mod pace;
mod panic;
mod seek;
mod working;

use std::{io::Write as _, path::Path, process::ExitCode};

use agentsnoop::tui::{script, theme::Theme, view::picture};
use anyhow::{Context as _, Result, bail};
use latency::Way;

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
    let number = |text: &str| text.parse::<u64>().with_context(|| format!("{text} is no number"));
    match words {
        ["bench", events] => bench::bench(number(events)?),
        ["pace", events, rate, seconds] => pace::pace(events, rate, seconds),
        [pace::SCREEN, events, rate, seconds] => pace::screen(number(events)?, number(rate)?, number(seconds)?),
        ["seek", file] => seek::seek(Path::new(file)),
        ["panic"] => panic::panic(),
        ["beside", command @ ..] => beside::beside(command),
        ["watch", program, times] => latency::measure(Way::Watch, Path::new(program), number(times)?),
        ["run", program, times] => latency::measure(Way::Beside, Path::new(program), number(times)?),
        ["pane", program, times] => latency::measure(Way::Pane, Path::new(program), number(times)?),
        ["while", program, command @ ..] => working::measure(Path::new(program), command),
        [latency::AGENT, orders] => latency::agent(Path::new(orders)),
        [latency::NOTHING] => Ok(()),
        [form @ ("text" | "svg"), file, size, keys @ ..] => frame(form, Path::new(file), size, keys),
        _ => bail!(
            "usage: screen text|svg FILE COLUMNSxROWS [KEY]… | bench EVENTS | pace EVENTS RATE SECONDS | watch|run|pane AGENTSNOOP TIMES | while AGENTSNOOP COMMAND… | seek FILE | panic | beside COMMAND…"
        ),
    }
}

fn frame(form: &str, file: &Path, size: &str, keys: &[&str]) -> Result<()> {
    let (columns, rows) = size.split_once('x').context("a size is COLUMNSxROWS, such as 80x24")?;
    let mut state = script::of_recording(file, (columns.parse()?, rows.parse()?), Theme::Dark)?;
    script::press(&mut state, keys);
    let frame = script::frame(&state)?;
    let drawn = if form == "text" { script::text(&frame) } else { picture::svg(&frame) };
    std::io::stdout().write_all(drawn.as_bytes()).context("cannot write to standard output")
}
