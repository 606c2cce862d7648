//! The loop: keys, news and the time go into the state, frames come out.

use std::{
    fs::OpenOptions,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use crossterm::event::{Event, EventStream, KeyEventKind, MouseButton, MouseEventKind};
use futures_util::StreamExt as _;
use ratatui::buffer::Buffer;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc::{Sender, UnboundedReceiver},
    time::{MissedTickBehavior, interval},
};

use super::{
    action::{Action, Effect},
    clip,
    guest::{Guest, Heard, Invited, window},
    hub::{self, Ear, Mouth, News, Wish},
    keys,
    prompt::Edit,
    state::{Source, State},
    terminal::{self, Terminal},
    view,
};

/// Time from one frame to the next: 30 a second.
const FRAME: Duration = Duration::from_millis(33);

/// A key is answered at once where the last frame is older than this, so that keys that are held down do not draw without a break.
const AT_ONCE: Duration = Duration::from_millis(8);

/// Rows that one notch of a wheel moves.
const NOTCH: i32 = 3;

/// What draws a state: [`view::draw`], unless somebody measures it or tries what happens when it fails.
pub type Draw = fn(&State, &mut Buffer);

/// Whether the loop goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Go,
    Stop,
    End,
}

/// A screen on a thread of its own, for a loop that observes.
pub struct Screen {
    news: Sender<News>,
    /// Until the thread is started.
    ear: Option<Ear>,
    wishes: UnboundedReceiver<Wish>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl Screen {
    /// A screen that is not shown yet, and where records for it go.
    #[must_use]
    pub fn new() -> (Mouth, Self) {
        let (mouth, ear, wishes) = hub::pair();
        let screen = Self { news: mouth.sender(), ear: Some(ear), wishes, thread: None };
        (mouth, screen)
    }

    /// Shows it.
    ///
    /// # Errors
    ///
    /// No thread can be started.
    pub fn start(&mut self, source: Source) -> Result<()> {
        if let Some(ear) = self.ear.take() {
            self.thread = Some(start(source, None, ear)?);
        }
        Ok(())
    }

    /// What is wished next; where there is no screen, nothing ever is.
    pub async fn wish(screen: &mut Option<Self>) -> Wish {
        match screen {
            Some(screen) => screen.wishes.recv().await.unwrap_or(Wish::Quit),
            None => std::future::pending().await,
        }
    }

    /// Says that no more comes, and waits until a person ends the screen, unless that is `now`.
    ///
    /// # Errors
    ///
    /// What went wrong with the terminal.
    pub async fn finish(mut self, why: &str, now: bool) -> Result<()> {
        let Some(thread) = self.thread.take() else { return Ok(()) };
        if !now {
            // A screen that is gone needs no news.
            let _ = self.news.send(News::Ended(why.to_owned())).await;
        }
        thread.join().unwrap_or_else(|_| anyhow::bail!("the thread that draws has failed"))
    }
}

impl Drop for Screen {
    /// Whoever observes has failed: what went wrong must be read.
    fn drop(&mut self) {
        if self.thread.is_some() {
            terminal::give_back();
        }
    }
}

/// Shows a screen on a thread of its own, until a person ends it.
///
/// # Errors
///
/// No thread can be started.
pub fn start(source: Source, filter: Option<String>, ear: Ear) -> Result<JoinHandle<Result<()>>> {
    start_drawing(source, filter, ear, view::draw)
}

/// The same, drawn by `draw`.
///
/// # Errors
///
/// As [`start`].
pub fn start_drawing(source: Source, filter: Option<String>, ear: Ear, draw: Draw) -> Result<JoinHandle<Result<()>>> {
    let thread = std::thread::Builder::new().name("screen".to_owned());
    thread.spawn(move || show(source, filter.as_deref(), ear, draw, None)).context("cannot start the thread that draws")
}

/// The same, with a command beside it.
///
/// # Errors
///
/// As [`start`].
pub fn start_beside(source: Source, ear: Ear, invited: Invited) -> Result<JoinHandle<Result<()>>> {
    let thread = std::thread::Builder::new().name("screen".to_owned());
    thread
        .spawn(move || show(source, None, ear, view::draw, Some(invited)))
        .context("cannot start the thread that draws")
}

fn show(source: Source, filter: Option<&str>, mut ear: Ear, draw: Draw, invited: Option<Invited>) -> Result<()> {
    let wishes = ear.wishes.clone();
    let shown = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")
        .and_then(|runtime| runtime.block_on(serve(source, filter, &mut ear, draw, invited)));
    // Whoever observes must not go on unseen.
    let _ = wishes.send(Wish::Quit);
    shown
}

async fn serve(
    source: Source,
    filter: Option<&str>,
    ear: &mut Ear,
    draw: Draw,
    invited: Option<Invited>,
) -> Result<()> {
    let mut stop = signal(SignalKind::from_raw(libc::SIGTSTP)).context("cannot listen to signals")?;
    let mut ends = [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()]
        .map(signal)
        .into_iter()
        .collect::<io::Result<Vec<_>>>()
        .context("cannot listen to signals")?;
    let mut terminal = Terminal::take()?;
    let (theme, ascii) = terminal::look();
    let mut state = State::new(source, terminal.size(), theme);
    state.ascii = ascii;
    state.alert = terminal::alert();
    if let Some(filter) = filter {
        state.begin_with(filter);
    }
    let mut size = terminal.size();
    let mut guest = invited.map(|invited| Guest::new(invited, size)).transpose()?;
    if let Some(guest) = &mut guest {
        window::arrange(guest, &mut state, size);
    }
    let mut events = EventStream::new();
    let mut frame = interval(FRAME);
    frame.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut stops = false;
    let (mut dirty, mut closed, mut passed, mut drawn) = (true, false, Instant::now(), Instant::now());
    let [terminate, interrupt, hangup] = &mut ends[..] else { return Ok(()) };
    loop {
        tokio::select! {
            biased;
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
            _ = stop.recv() => stops = true,
            _ = hangup.recv() => {
                // `watch` reads its files again at this signal; the end of the terminal is another matter.
                if std::fs::File::open("/dev/tty").is_err() {
                    return Ok(());
                }
            }
            event = events.next() => {
                // Without its terminal a screen has nothing to do.
                let Some(Ok(event)) = event else { return Ok(()) };
                let left = match &mut guest {
                    Some(guest) => window::take(guest, &mut state, event, &mut size),
                    None => Some(event),
                };
                if let Some(event) = left {
                    happen(&mut state, &event);
                }
                dirty = true;
                if drawn.elapsed() >= AT_ONCE {
                    frame.reset_immediately();
                }
            }
            _ = frame.tick() => {
                let now = Instant::now();
                let nanoseconds = u64::try_from((now - passed).as_nanos()).unwrap_or(u64::MAX);
                passed = now;
                dirty |= state.pass(nanoseconds);
                state.missed = ear.missed();
                if dirty {
                    dirty = state.settle();
                    let drawing = terminal.grid.draw(|frame| match &guest {
                        Some(guest) => window::draw(guest, &state, draw, frame),
                        None => draw(&state, frame.buffer_mut()),
                    });
                    drawing.context("cannot draw")?;
                    drawn = Instant::now();
                }
                if let Some(guest) = &mut guest {
                    guest.write();
                }
            }
            heard = Guest::next_of(&mut guest) => {
                if let Some(guest) = &mut guest {
                    match heard {
                        Heard::Output => {
                            let passed_on = guest.passed_on();
                            io::stdout().write_all(&passed_on).context("cannot write to the terminal")?;
                        }
                        Heard::Ended(how) => window::ended(guest, &mut state, how, size),
                        Heard::Leave => return Ok(()),
                    }
                }
                dirty = true;
                if drawn.elapsed() >= AT_ONCE {
                    frame.reset_immediately();
                }
            }
            news = ear.news.recv(), if !closed && !state.holds() => {
                match news {
                    Some(news) => state.hear(news),
                    None => closed = true,
                }
                dirty = true;
            }
        }
        match perform(&mut state, ear)? {
            Next::Go => {}
            Next::Stop => stops = true,
            Next::End => return Ok(()),
        }
        if std::mem::take(&mut stops) {
            terminal.stop()?;
            size = terminal.size();
            match &mut guest {
                Some(guest) => window::arrange(guest, &mut state, size),
                None => state.act(Action::Resize(size.0, size.1)),
            }
            dirty = true;
        }
    }
}

/// Takes what a person does.
fn happen(state: &mut State, event: &Event) {
    let action = match event {
        Event::Key(key) if key.kind == KeyEventKind::Release => None,
        Event::Key(key) if state.prompt.is_some() => keys::edit(*key).map(Action::Edit),
        Event::Key(key) => keys::action(*key),
        Event::Paste(text) if state.prompt.is_some() => Some(Action::Edit(Edit::Insert(text.clone()))),
        Event::Mouse(mouse) => match mouse.kind {
            MouseEventKind::Down(MouseButton::Left) => Some(Action::Click(mouse.column, mouse.row)),
            MouseEventKind::ScrollUp => Some(Action::Wheel(mouse.column, mouse.row, -NOTCH)),
            MouseEventKind::ScrollDown => Some(Action::Wheel(mouse.column, mouse.row, NOTCH)),
            _ => None,
        },
        Event::Resize(columns, rows) => Some(Action::Resize(*columns, *rows)),
        Event::Paste(_) | Event::FocusGained | Event::FocusLost => None,
    };
    if let Some(action) = action {
        state.act(action);
    }
}

/// Does what the state wants of the world.
fn perform(state: &mut State, ear: &Ear) -> Result<Next> {
    for effect in state.effects() {
        match effect {
            Effect::Quit => return Ok(Next::End),
            Effect::Copy(text) => {
                let but = clip::to_clipboard(&mut io::stdout(), &text).context("cannot write to the terminal")?;
                if let (Some(but), Some(note)) = (but, &mut state.note) {
                    note.push_str("; ");
                    note.push_str(but);
                }
            }
            Effect::Alert { text, alert } => {
                clip::alert(&mut io::stdout(), &text, alert).context("cannot write to the terminal")?;
            }
            Effect::Suspend => return Ok(Next::Stop),
            Effect::Write { path, text } => {
                if let Err(error) = write(&path, &text) {
                    state.note = Some(format!("cannot write {path}: {error}"));
                }
            }
            // A player or an observation that has gone takes none, which is told at its end.
            Effect::Mark { .. } | Effect::Reread | Effect::Seek { .. } | Effect::Older(_) | Effect::Newer(_) => {
                ear.wish(&effect);
            }
        }
    }
    Ok(Next::Go)
}

/// Writes a new file, which its owner alone may read: it tells what somebody did.
fn write(path: &str, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}
