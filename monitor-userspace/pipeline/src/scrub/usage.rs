//! Where programs take secrets, as lines of usage: `login -p <secret>`, `-u _:<secret>`.

use std::ops::Range;

use super::shell::{self, Word};

/// Stands for the secret in a line of usage; it ends the line.
const SECRET: &str = "<secret>";

/// Words before the secret, which have a bit each; a usage with more is refused.
const WORDS: usize = 32;

/// How a program takes a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Usage {
    /// What comes before, in this order, with anything between.
    path: Vec<Step>,
    form: Form,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    /// This word.
    Word(Vec<u8>),
    /// An argument that is no option.
    Argument,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Form {
    /// The word behind an option.
    Next(Vec<u8>, Value),
    /// The rest of a word.
    Joined(Value),
    /// The next argument that is no option; with `true` each that follows.
    Argument(Value, bool),
}

/// Which part of a word is the secret.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Value {
    /// What the word begins with.
    begin: Vec<u8>,
    /// The secret follows the first byte like this.
    behind: Option<u8>,
}

/// What is said of a program beside its usages.
#[derive(Clone, Debug, Default)]
pub(super) struct Habits {
    /// Letters that may stand before that of an option in one word.
    pub(super) flags: Vec<u8>,
    /// Options whose value is the next word, which so is no argument.
    pub(super) values: Vec<Vec<u8>>,
    /// Whether options end with the first argument: what follows is another program with its own.
    pub(super) until_argument: bool,
}

impl Usage {
    /// Reads a line of usage.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and what was expected.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let wrong = |what: &str| {
            format!(
                "{what} in the usage `{text}`; expected words that end with `{SECRET}`, such as `login -p {SECRET}` or `-u _:{SECRET}`"
            )
        };
        let mut words: Vec<&str> = text.split_ascii_whitespace().collect();
        let last = words.pop().and_then(|last| last.strip_suffix(SECRET));
        let last = last.ok_or_else(|| wrong("there is no secret at the end"))?;
        if last.contains(SECRET) || words.iter().any(|word| word.contains(SECRET)) {
            return Err(wrong("there is more than one secret"));
        }
        let value = Value::parse(last.as_bytes());
        let each = words.last() == Some(&"...");
        if each {
            words.pop();
        }
        if words.len() > WORDS {
            return Err(wrong(&format!("there are more than {WORDS} words")));
        }
        let form = match words.last() {
            _ if last.starts_with('-') => Form::Joined(value),
            Some(option) if option.starts_with('-') => {
                let option = option.as_bytes().to_vec();
                words.pop();
                Form::Next(option, value)
            }
            _ => Form::Argument(value, each),
        };
        let step = |word: &str| if word == "_" { Step::Argument } else { Step::Word(word.as_bytes().to_vec()) };
        Ok(Self { path: words.into_iter().map(step).collect(), form })
    }

    /// Reads a word from each of the places where the usage is; adds where secrets of the program are.
    pub(super) fn step(&self, here: &Here<'_>, habits: &Habits, places: &mut Places, found: &mut Vec<Range<usize>>) {
        if places.count() == 0 {
            return;
        }
        let Places { ready, waiting } = std::mem::take(places);
        places.ready = waiting;
        let is_option = here.text.len() > 1 && here.text[0] == b'-';
        let takes_next = is_option && habits.values.iter().any(|option| option == here.text);
        for (at, wanted) in self.path.iter().enumerate().filter(|(at, _)| ready & 1 << at != 0) {
            let is_it = match wanted {
                Step::Word(wanted) => here.text == wanted.as_slice(),
                Step::Argument => !is_option,
            };
            if is_it {
                places.ready |= 1 << (at + 1);
            } else if takes_next {
                places.waiting |= 1 << at;
            } else {
                places.ready |= 1 << at;
            }
        }
        let end = 1 << self.path.len();
        if ready & end != 0 {
            match self.secret(here, habits, is_option, found) {
                Onward::No => {}
                Onward::Behind => places.ready |= end,
                Onward::BehindNext => places.waiting |= end,
                Onward::AsItIs if takes_next => places.waiting |= end,
                Onward::AsItIs if !is_option && habits.until_argument => {}
                Onward::AsItIs => places.ready |= end,
            }
        }
    }

    /// Adds the secret that a word behind the path tells.
    fn secret(&self, here: &Here<'_>, habits: &Habits, is_option: bool, found: &mut Vec<Range<usize>>) -> Onward {
        let Here { line, word, text, next } = *here;
        match &self.form {
            Form::Next(option, value) if habits.is_option(text, option) => {
                if let Some(next) = next {
                    value.find(line, next, false, found);
                    return Onward::BehindNext;
                }
            }
            Form::Joined(value)
                if is_option && value.find_behind(line, word, habits.flags_before(text, &value.begin), found) =>
            {
                return Onward::Behind;
            }
            Form::Argument(value, each) if !is_option => {
                if value.find(line, word, true, found) && !each {
                    return Onward::No;
                }
                // A word that stands at the place of the secret and has another form: there is none.
                if !each && value.begin.is_empty() {
                    return Onward::No;
                }
            }
            _ => {}
        }
        Onward::AsItIs
    }
}

/// A word, and what is around it.
#[derive(Clone, Copy)]
pub(super) struct Here<'a> {
    pub(super) line: &'a [u8],
    pub(super) word: &'a Word,
    /// The word without its quotes.
    pub(super) text: &'a [u8],
    pub(super) next: Option<&'a Word>,
}

/// Where a usage goes on behind the word at its end.
enum Onward {
    /// Nowhere.
    No,
    /// With the word behind.
    Behind,
    /// With the one behind that.
    BehindNext,
    /// As the habits of the program are.
    AsItIs,
}

/// Where in the words of a usage its program is: one of its name's occurrences in a command can be at another place than
/// the next, and two at the same place find the same.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Places {
    /// A bit for each word of the path, and one for its end.
    ready: u64,
    /// Those that go on behind the next word, which is the value of an option.
    waiting: u64,
}

impl Places {
    /// Adds the place behind the name of the program.
    pub(super) const fn begin(&mut self) {
        self.ready |= 1;
    }

    pub(super) const fn count(&self) -> u32 {
        self.ready.count_ones() + self.waiting.count_ones()
    }
}

impl Habits {
    /// Whether a word is an option, or flags of one letter with the option as the last.
    fn is_option(&self, word: &[u8], option: &[u8]) -> bool {
        word == option || (option.len() == 2 && word.len() > 2 && self.flags_before(word, option) + 2 == word.len())
    }

    /// How many flags stand in a word before an option of one letter.
    fn flags_before(&self, word: &[u8], option: &[u8]) -> usize {
        let [b'-', letter, ..] = option else { return 0 };
        let Some(letters) = word.strip_prefix(b"-") else { return 0 };
        let flags = letters.iter().take_while(|byte| *byte != letter && self.flags.contains(byte)).count();
        if letters.get(flags) == Some(letter) { flags } else { 0 }
    }
}

impl Value {
    fn parse(text: &[u8]) -> Self {
        match text {
            [begin @ .., b'_', behind] => Self { begin: begin.to_vec(), behind: Some(*behind) },
            _ => Self { begin: text.to_vec(), behind: None },
        }
    }

    /// Adds the secret of a word that stands alone; whether there is one.
    fn find(&self, line: &[u8], word: &Word, or_option: bool, found: &mut Vec<Range<usize>>) -> bool {
        let (range, is_quoted) = shell::unquoted(line, word.range.clone());
        if !or_option && line[range.clone()].starts_with(b"-") {
            return false;
        }
        let Some(rest) = line[range.clone()].strip_prefix(self.begin.as_slice()) else { return false };
        self.part(line, range.end - rest.len()..range.end, word.is_literal || is_quoted, found)
    }

    /// The same of a word that begins with an option, before whose letter so many flags stand.
    fn find_behind(&self, line: &[u8], word: &Word, flags: usize, found: &mut Vec<Range<usize>>) -> bool {
        let (range, is_quoted) = shell::unquoted(line, word.range.clone());
        let text = &line[range.clone()];
        let rest = match flags {
            0 => text.strip_prefix(self.begin.as_slice()),
            _ => text.get(1 + flags..).and_then(|text| text.strip_prefix(&self.begin[1..])),
        };
        let Some(rest) = rest else { return false };
        let (range, is_value_quoted) = shell::unquoted(line, range.end - rest.len()..range.end);
        self.part(line, range, word.is_literal || is_quoted || is_value_quoted, found)
    }

    fn part(&self, line: &[u8], range: Range<usize>, is_literal: bool, found: &mut Vec<Range<usize>>) -> bool {
        let range = match self.behind {
            Some(behind) => match line[range.clone()].iter().position(|byte| *byte == behind) {
                Some(at @ 1..) => range.start + at + 1..range.end,
                _ => return false,
            },
            None => range,
        };
        let secret = &line[range.clone()];
        if secret.is_empty() || (!is_literal && shell::is_reference(secret)) {
            return false;
        }
        found.push(range);
        true
    }
}

/// A word without its quotes.
pub(super) fn text<'a>(line: &'a [u8], word: &Word) -> &'a [u8] {
    &line[shell::unquoted(line, word.range.clone()).0]
}
