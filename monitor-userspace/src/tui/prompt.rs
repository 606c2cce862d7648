//! A line that is typed: a filter, a search, a place to go to, a note, a file.

use agentsnoop_pipeline::{
    enrich::Class,
    filter::{self, Filter, FilterError, Span},
    record::Kind,
};

/// Lines of each purpose that are remembered.
const HISTORY: usize = 100;

/// Characters that a line may have: a paste of something else is cut there.
const LENGTH: usize = 4_096;

/// What a line is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Show only events that match.
    Filter,
    /// Go to the next event that matches.
    Search,
    /// Go to a time or to an event by its id.
    Place,
    /// Mark the event, with a note.
    Note,
    /// Write the events that are shown to a file.
    Export,
}

impl Purpose {
    /// What stands before the line.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Filter => "filter",
            Self::Search => "search",
            Self::Place => "go to time or id",
            Self::Note => "note",
            Self::Export => "export to",
        }
    }
}

/// A change of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Characters were typed or pasted.
    Insert(String),
    /// The character before the cursor is removed, or the one at it.
    Backspace,
    /// See [`Edit::Backspace`].
    Delete,
    /// The word before the cursor is removed.
    Word,
    /// Everything before the cursor is removed.
    Clear,
    /// The cursor moves by characters.
    Move(isize),
    /// The cursor moves to the beginning, or to the end.
    Home,
    /// See [`Edit::Home`].
    End,
    /// An earlier line, or a later one.
    Earlier,
    /// See [`Edit::Earlier`].
    Later,
    /// The next completion.
    Complete,
    /// The line is done.
    Enter,
    /// It is given up.
    Cancel,
}

/// A line that is being typed.
#[derive(Clone, Debug, Default)]
pub struct Line {
    chars: Vec<char>,
    cursor: usize,
    /// Where in the history it is, counted from the newest; 0 is the line itself.
    back: usize,
    /// What was typed before the history was looked at.
    typed: String,
    /// Completions of the word, where they were asked for: which one is shown, and where the word begins.
    offered: Option<(Vec<String>, usize, usize)>,
}

impl Line {
    /// A line that has a text already.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let chars: Vec<char> = text.chars().take(LENGTH).collect();
        Self { cursor: chars.len(), chars, ..Self::default() }
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> String {
        self.chars.iter().collect()
    }

    /// Characters before the cursor.
    #[must_use]
    pub const fn cursor(&self) -> usize {
        self.cursor
    }

    /// The completions on offer, and which one is shown.
    #[must_use]
    pub fn offered(&self) -> Option<(&[String], usize)> {
        self.offered.as_ref().map(|(words, at, _)| (words.as_slice(), *at))
    }

    fn set(&mut self, text: &str) {
        self.chars = text.chars().take(LENGTH).collect();
        self.cursor = self.chars.len();
    }

    /// Changes the line; `Enter` and `Cancel` are for whoever holds it.
    pub fn edit(&mut self, edit: &Edit, purpose: Purpose, history: &[String]) {
        if *edit == Edit::Complete {
            return self.complete(purpose);
        }
        self.offered = None;
        match edit {
            Edit::Insert(text) => {
                for char in text.chars().filter(|char| !char.is_control()) {
                    if self.chars.len() < LENGTH {
                        self.chars.insert(self.cursor, char);
                        self.cursor += 1;
                    }
                }
            }
            Edit::Backspace if self.cursor > 0 => {
                self.cursor -= 1;
                self.chars.remove(self.cursor);
            }
            Edit::Delete if self.cursor < self.chars.len() => {
                self.chars.remove(self.cursor);
            }
            Edit::Word => {
                let before = &self.chars[..self.cursor];
                let blank = before.iter().rposition(|char| *char != ' ').map_or(0, |at| at + 1);
                let start = before[..blank].iter().rposition(|char| *char == ' ').map_or(0, |at| at + 1);
                self.chars.drain(start..self.cursor);
                self.cursor = start;
            }
            Edit::Clear => {
                self.chars.drain(..self.cursor);
                self.cursor = 0;
            }
            Edit::Move(by) => self.cursor = self.cursor.saturating_add_signed(*by).min(self.chars.len()),
            Edit::Home => self.cursor = 0,
            Edit::End => self.cursor = self.chars.len(),
            Edit::Earlier if self.back < history.len() => {
                if self.back == 0 {
                    self.typed = self.text();
                }
                self.back += 1;
                self.set(&history[history.len() - self.back].clone());
            }
            Edit::Later if self.back > 0 => {
                self.back -= 1;
                let text = match self.back {
                    0 => self.typed.clone(),
                    back => history[history.len() - back].clone(),
                };
                self.set(&text);
            }
            _ => {}
        }
    }

    /// Puts the next completion of the word before the cursor in its place.
    fn complete(&mut self, purpose: Purpose) {
        if !matches!(purpose, Purpose::Filter | Purpose::Search) {
            return;
        }
        let (words, at, start) = match self.offered.take() {
            Some((words, at, start)) => {
                let next = (at + 1) % words.len().max(1);
                (words, next, start)
            }
            None => {
                let before: String = self.chars[..self.cursor].iter().collect();
                let start = before.chars().count() - word(&before).chars().count();
                (completions(word(&before)), 0, start)
            }
        };
        let Some(chosen) = words.get(at) else { return };
        self.chars.splice(start..self.cursor, chosen.chars());
        self.cursor = start + chosen.chars().count();
        self.offered = Some((words, at, start));
    }
}

/// The word of a filter that ends with a text.
fn word(text: &str) -> &str {
    text.rsplit([' ', '(', '!', ',']).next().unwrap_or_default()
}

/// What a word of a filter may become: fields, kinds, classes.
fn completions(word: &str) -> Vec<String> {
    let within = |field: &str, names: &mut dyn Iterator<Item = &'static str>| {
        let typed = word.strip_prefix(field).unwrap_or_default();
        names.filter(|name| name.starts_with(typed)).map(|name| format!("{field}{name}")).collect()
    };
    match word.split_once(':').map(|(field, _)| field) {
        Some("kind") => within("kind:", &mut Kind::ALL.iter().map(|kind| kind.name())),
        Some("class") => within("class:", &mut Class::ALL.iter().map(|class| class.name())),
        Some("access") => within("access:", &mut ["read", "write", "read_write", "path", "execute"].into_iter()),
        Some("result") => within("result:", &mut ["ok", "failed", "ENOENT", "EACCES", "EPERM"].into_iter()),
        Some(_) => Vec::new(),
        None => {
            filter::fields().filter(|(name, _)| name.starts_with(word)).map(|(name, _)| format!("{name}:")).collect()
        }
    }
}

/// A line with what it is for.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// What it is for.
    pub purpose: Purpose,
    /// The line.
    pub line: Line,
    /// What is wrong with it.
    pub error: Option<FilterError>,
}

impl Prompt {
    /// Begins a line.
    #[must_use]
    pub fn new(purpose: Purpose, text: &str) -> Self {
        Self { purpose, line: Line::new(text), error: None }
    }

    /// Checks the line as far as it was typed, where it is a filter.
    pub fn check(&mut self, span: &Span) {
        self.error = match self.purpose {
            Purpose::Filter | Purpose::Search => Filter::parse(&self.line.text(), span).err(),
            _ => None,
        };
    }
}

/// Lines that were entered, by purpose.
#[derive(Clone, Debug, Default)]
pub struct History(Vec<(Purpose, String)>);

impl History {
    /// The lines of a purpose, the oldest first.
    #[must_use]
    pub fn of(&self, purpose: Purpose) -> Vec<String> {
        self.0.iter().filter(|(of, _)| *of == purpose).map(|(_, line)| line.clone()).collect()
    }

    /// Adds one, where it is not empty; one that was there before becomes the newest.
    pub fn add(&mut self, purpose: Purpose, line: &str) {
        if line.trim().is_empty() {
            return;
        }
        self.0.retain(|(of, other)| *of != purpose || other != line);
        self.0.push((purpose, line.to_owned()));
        if self.of(purpose).len() > HISTORY
            && let Some(oldest) = self.0.iter().position(|(of, _)| *of == purpose)
        {
            self.0.remove(oldest);
        }
    }
}
