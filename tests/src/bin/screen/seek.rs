//! What it takes to open a large recording, and to go to places of it.

use std::{io::Write as _, path::Path, time::Instant};

use agentsnoop::tui::{
    hub::Place,
    index::Indexing,
    script::Played,
    state::{Source, State},
    theme::Theme,
    view,
};
use anyhow::{Context as _, Result};
use ratatui::{buffer::Buffer, layout::Rect};

/// Places that are gone to.
const PLACES: usize = 50;

/// Opens a recording for a screen: the first time it makes the index, after that it opens by it and goes to places.
pub(crate) fn seek(file: &Path) -> Result<()> {
    let mut out = std::io::stdout();
    let size = (300, 100);
    let indexing = Indexing::of(file).context("there is no place for an index")?;
    let is_first = !indexing.path.exists();
    let began = Instant::now();
    let state = State::new(Source::default(), size, Theme::Dark);
    let mut played = Played::open(file, Some(indexing.clone()), state)?;
    let mut buffer = Buffer::empty(Rect::new(0, 0, size.0, size.1));
    let mut draw = |state: &mut State| {
        state.settle();
        view::draw(state, &mut buffer);
    };
    if is_first {
        played.until(|state| state.outline.is_some())?;
        draw(&mut played.state);
        let bytes = std::fs::metadata(&indexing.path)?.len();
        writeln!(out, "read in {} ms; the index takes {bytes} bytes", began.elapsed().as_millis())?;
    } else {
        played.arrive()?;
        draw(&mut played.state);
        writeln!(out, "opened in {} ms", began.elapsed().as_millis())?;
        let (from, to) = played.state.range();
        let mut random = fastrand::Rng::with_seed(3);
        let mut took = Vec::new();
        for _ in 0..PLACES {
            let place = Place::time(random.u64(from..=to));
            let began = Instant::now();
            played.state.travel(place);
            played.arrive()?;
            draw(&mut played.state);
            took.push(began.elapsed());
            played.until(|_| true)?;
        }
        took.sort_unstable();
        let (median, worst) = (took[PLACES / 2], took[PLACES - 1]);
        writeln!(out, "sought in {} ms; at worst in {} ms", median.as_millis(), worst.as_millis())?;
    }
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    writeln!(out, "peak {} MiB", peak.unwrap_or(0) / 1024)?;
    played.end().map(drop)
}
