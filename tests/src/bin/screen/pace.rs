//! A screen that is full of events while more come: how many frames it draws, how fast it answers, whether anything is left out.
//!
//! The screen is a process of its own on a pty, with its real loop. Who measures types keys as a person does and sees the terminal by
//! an emulator, so what a key takes is what a person waits.

use std::{
    io::Write as _,
    process::{Command, Stdio},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use agentsnoop::{
    sink::Sink as _,
    tui::{
        hub::{self, BATCH, News},
        screen,
        state::{Source, State},
        view,
    },
};
use agentsnoop_pipeline::{Pipeline, Record, record::Kind};
use agentsnoop_tests::{heavy::Heavy, terminal::Terminal};
use anyhow::{Context as _, Result, bail, ensure};
use ratatui::buffer::Buffer;

/// The word by which this program starts itself on the pty.
pub(crate) const SCREEN: &str = "__screen";

/// Columns and rows: the largest that is promised.
const SIZE: (u16, u16) = (300, 100);

/// How long the screen may take to be full, or to answer at all.
const PATIENCE: Duration = Duration::from_secs(120);

/// Events come in so many pieces a second.
const PIECES: u64 = 200;

/// What a person types, and by what the screen shows that it was heard: a text that is there, or is not.
const KEYS: [(&str, &str, bool); 6] = [
    ("2", "last by", true),
    ("?", "the row before, the next", true),
    ("?", "the row before, the next", false),
    ("1", "outcome", true),
    ("f", "Tab complete", true),
    ("\x07", "Tab complete", false),
];

/// Milliseconds from one key to the next, in turn, so that keys fall on every part of a frame.
const PAUSES: [u64; 7] = [61, 97, 43, 71, 113, 53, 89];

/// Microseconds that each frame took to draw, while it is counted.
static FRAMES: Mutex<Vec<u64>> = Mutex::new(Vec::new());
static COUNTS: AtomicBool = AtomicBool::new(false);

/// Draws as always, and counts.
fn draw(state: &State, buffer: &mut Buffer) {
    let began = Instant::now();
    view::draw(state, buffer);
    if COUNTS.load(Relaxed) {
        let took = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        FRAMES.lock().unwrap_or_else(PoisonError::into_inner).push(took);
    }
}

/// The screen: takes `events` as fast as it can, then `rate` more each second, and says on standard error what that was like.
pub(crate) fn screen(events: u64, rate: u64, seconds: u64) -> Result<()> {
    let (mut mouth, ear, _wishes) = hub::pair();
    let news = mouth.sender();
    let source = Source { name: "a hard-working agent".to_owned(), is_live: true, recording: None };
    let thread = screen::start_drawing(source, None, ear, draw)?;
    let (mut pipeline, mut inputs) = (Pipeline::new()?, Heavy::default());
    let mut more = |records: &mut Vec<Record>, many: usize| {
        while records.len() < many {
            let Some(input) = inputs.next() else { break };
            drop(pipeline.push(&input, records));
        }
    };
    let (mut records, mut told) = (Vec::new(), 0);
    while told < events {
        more(&mut records, BATCH);
        told += counted(&records);
        news.blocking_send(News::Records(std::mem::take(&mut records))).context("the screen is gone")?;
    }
    COUNTS.store(true, Relaxed);
    let began = Instant::now();
    let piece = usize::try_from(rate / PIECES).context("a rate is a number")?;
    for turn in 1..=seconds * PIECES {
        more(&mut records, piece);
        told += counted(&records);
        for record in records.drain(..) {
            mouth.record(&record).context("the screen is gone")?;
        }
        mouth.flush().context("the screen is gone")?;
        let due = began + Duration::from_nanos(turn * (1_000_000_000 / PIECES));
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    COUNTS.store(false, Relaxed);
    let lasted = began.elapsed();
    let status = std::fs::read_to_string("/proc/self/status").context("cannot read what memory is used")?;
    let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse().ok());
    let memory: u64 = memory.context("the kernel tells no memory")?;
    let mut frames = std::mem::take(&mut *FRAMES.lock().unwrap_or_else(PoisonError::into_inner));
    frames.sort_unstable();
    let of = |part: usize| frames.get((frames.len() * part / 100).min(frames.len().saturating_sub(1))).copied();
    let mut err = std::io::stderr();
    writeln!(err, "frames_per_second {:.1}", frames.len() as f64 / lasted.as_secs_f64())?;
    writeln!(err, "events_per_second {:.0}", (told - events) as f64 / lasted.as_secs_f64())?;
    for (name, part) in [("frame_us", 50), ("frame_us_of_99_in_100", 99), ("slowest_frame_us", 100)] {
        writeln!(err, "{name} {}", of(part).unwrap_or(0))?;
    }
    writeln!(err, "resident_mb {}\nevents {told}", memory >> 10)?;
    mouth.flush().context("the screen is gone")?;
    // What is left in the hand-over must be shown as well, until the screen is ended by its key.
    thread.join().unwrap_or_else(|_| bail!("the thread that draws has failed"))
}

/// Those that the first row counts; what tells of coverage is none of them.
fn counted(records: &[Record]) -> u64 {
    records.iter().filter(|record| record.kind() != Kind::Coverage).count() as u64
}

/// The person: starts the screen, types while events come, and reads.
pub(crate) fn pace(events: &str, rate: &str, seconds: &str) -> Result<()> {
    let mut command = Command::new(std::env::current_exe().context("cannot find this program")?);
    let mut terminal = Terminal::run(command.args([SCREEN, events, rate, seconds]), SIZE, Some(Stdio::piped()))?;
    let full = |text: &str| shown(text).is_some_and(|shown| shown >= events.parse().unwrap_or(u64::MAX));
    terminal.wait(PATIENCE, full)?;
    let span = Duration::from_secs(seconds.parse().context("SECONDS is no number")?);
    let (began, mut answers) = (Instant::now(), Vec::new());
    // The last keys are typed while events still come.
    let busy = span.saturating_sub(Duration::from_secs(1));
    for (turn, (key, text, is_there)) in KEYS.iter().cycle().enumerate() {
        if began.elapsed() > busy {
            break;
        }
        terminal.watch(Duration::from_millis(PAUSES[turn % PAUSES.len()]))?;
        terminal.press(key)?;
        answers.push(terminal.wait(PATIENCE, |screen| screen.contains(text) == *is_there)?);
    }
    // A line that is being typed takes the keys that follow; without one this leaves nothing.
    terminal.press("\x07")?;
    terminal.watch(span.saturating_sub(began.elapsed()) + Duration::from_secs(1))?;
    let screen = terminal.screen();
    terminal.press("q")?;
    let mut said = String::new();
    let mut stderr = terminal.child.stderr.take().context("the screen has no standard error")?;
    while terminal.look(PATIENCE).unwrap_or(false) {}
    std::io::Read::read_to_string(&mut stderr, &mut said).context("cannot read what the screen said")?;
    answers.sort_unstable();
    let (median, slowest) = (answers.get(answers.len() / 2), answers.last());
    let (Some(median), Some(slowest)) = (median, slowest) else { bail!("no key was typed: more seconds are needed") };
    let told: u64 = number_behind(&said, "\nevents ").with_context(|| format!("the screen said {said:?}"))?;
    let shown = shown(&screen).context("the first row tells no events")?;
    ensure!(shown <= told, "{shown} events are shown of {told}");
    let mut out = std::io::stdout();
    writeln!(out, "{}\nnot_shown {}", said.trim_end(), told - shown)?;
    let ms = |time: &Duration| time.as_secs_f64() * 1000.0;
    writeln!(out, "keys {}\nkey_ms {:.1}\nslowest_key_ms {:.1}", answers.len(), ms(median), ms(slowest))?;
    Ok(())
}

/// The events that the first row tells of.
fn shown(screen: &str) -> Option<u64> {
    let row = screen.lines().next()?;
    let (before, _) = row.split_once(" events")?;
    before.rsplit(' ').next()?.replace(',', "").parse().ok()
}

fn number_behind(text: &str, word: &str) -> Option<u64> {
    text.split_once(word)?.1.split_whitespace().next()?.parse().ok()
}
