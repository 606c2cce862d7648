//! The keymap: one table, from which the help is drawn and which docs/tui.md shows.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{
    action::{Action, Step, Way},
    prompt::{Edit, Purpose},
};

/// A line of the keymap.
#[derive(Clone, Debug)]
pub struct Binding {
    /// The keys as they are shown, with blanks between.
    pub keys: &'static str,
    /// What they are for, by group.
    pub group: &'static str,
    /// What they do.
    pub about: &'static str,
    actions: fn() -> Vec<Action>,
}

const fn binding(
    group: &'static str,
    keys: &'static str,
    about: &'static str,
    actions: fn() -> Vec<Action>,
) -> Binding {
    Binding { keys, group, about, actions }
}

/// Seconds that a seek moves by, and how much further with the other keys.
const SEEK: [i64; 2] = [10, 60];

/// Every key. Where a line names several, each has its own action, in the same order.
pub const KEYMAP: &[Binding] = &[
    binding("move", "↑ ↓", "the row before, the next", || rows(&[-1, 1])),
    binding("move", "k j", "the same", || rows(&[-1, 1])),
    binding("move", "PgUp PgDn", "a page", || vec![Action::Move(Step::Pages(-1)), Action::Move(Step::Pages(1))]),
    binding("move", "Home End", "the first row; the last one, and follow it", ends),
    binding("move", "g G", "the same", ends),
    binding("move", "Tab S-Tab", "the next pane, the one before", || {
        vec![Action::Focus(Way::Next), Action::Focus(Way::Previous)]
    }),
    binding("move", "→ ←", "unfold, into the pane; fold, back to the tree", || vec![Action::Open, Action::Fold]),
    binding("move", "l h", "the same", || vec![Action::Open, Action::Fold]),
    binding("move", "Enter", "unfold, or to the details", || vec![Action::Open]),
    binding("move", "Esc", "leave: help, details, filter, the selection of the tree", || vec![Action::Back]),
    binding("views", "1 2 3 4 5 6", "events, files, endpoints, environment, host, coverage", || {
        (0..6).map(Action::Tab).collect()
    }),
    binding("views", "] [", "the next view, the one before", || {
        vec![Action::NextTab(Way::Next), Action::NextTab(Way::Previous)]
    }),
    binding("views", "d", "show or hide the details", || vec![Action::Details]),
    binding("views", ".", "show or hide noise: what every program does", || vec![Action::Noise]),
    binding("views", "o O", "sort by another column, the other way round", || vec![Action::Sort, Action::Reverse]),
    binding("find", "f", "filter events, in the grammar of `query`; Tab completes", || {
        vec![Action::Prompt(Purpose::Filter)]
    }),
    binding("find", "/", "search among the events that are shown, in the same grammar", || {
        vec![Action::Prompt(Purpose::Search)]
    }),
    binding("find", "n N", "the next place, the one before", || {
        vec![Action::Search(Way::Next), Action::Search(Way::Previous)]
    }),
    binding("find", "! @", "the next sensitive touch (from the newest event the last one), the one before", || {
        vec![Action::Touch(Way::Next), Action::Touch(Way::Previous)]
    }),
    binding("find", "p", "the process of the event in the tree; again, its parent", || vec![Action::Parent]),
    binding("find", "t", "its tool call in the tree", || vec![Action::ToolCall]),
    binding("find", "=", "all events of the same file, endpoint, variable or call", || vec![Action::Same]),
    binding("time", "Space", "pause and go on; of a recording, play and pause", || vec![Action::Pause]),
    binding("time", "F", "to the newest event, and follow", || vec![Action::Follow]),
    binding("time", "+ -", "play faster, slower: ×1 to ×1000", || {
        vec![Action::Speed(Way::Next), Action::Speed(Way::Previous)]
    }),
    binding("time", "> <", "10 seconds on, back", || vec![Action::Seek(SEEK[0]), Action::Seek(-SEEK[0])]),
    binding("time", "} {", "a minute on, back", || vec![Action::Seek(SEEK[1]), Action::Seek(-SEEK[1])]),
    binding("time", "0", "to the beginning", || vec![Action::Rewind]),
    binding("time", ":", "to a time (14:02, +30s, -5m) or to an event by its id (0.123)", || {
        vec![Action::Prompt(Purpose::Place)]
    }),
    binding("keep", "m", "mark the event with a note, in the recording too", || vec![Action::Prompt(Purpose::Note)]),
    binding("keep", "y Y", "copy the event as JSON, as a line for a shell", || {
        vec![Action::CopyJson, Action::CopyShell]
    }),
    binding("keep", "x", "write the events that are shown to a file: JSON lines, or .txt", || {
        vec![Action::Prompt(Purpose::Export)]
    }),
    binding("look", "b", "tell sensitive touches by bell and desktop, one of them, or not at all", || {
        vec![Action::Alert]
    }),
    binding("look", "T", "another theme: dark, light, 16 colours, contrast, plain", || vec![Action::Theme]),
    binding("look", "A", "borders of Unicode or of ASCII", || vec![Action::Borders]),
    binding("look", "?", "these keys", || vec![Action::Help]),
    binding("look", "^]", "of `run --tui`: the keys to the command, and back", || vec![Action::Beside]),
    binding("look", "z", "of `run --tui`: the screen alone, and with the command", || vec![Action::Zoom]),
    binding("look", "^Z", "stop until `fg`; of a recording only", || vec![Action::Suspend]),
    binding("look", "q ^C", "end; of these keys, back to the screen", || vec![Action::Quit, Action::Quit]),
];

fn rows(by: &[i32]) -> Vec<Action> {
    by.iter().map(|by| Action::Move(Step::Rows(*by))).collect()
}

fn ends() -> Vec<Action> {
    vec![Action::Move(Step::First), Action::Move(Step::Last)]
}

/// The keymap as a table of Markdown, which docs/tui.md has.
#[must_use]
pub fn markdown() -> String {
    let mut table = "| | key | |\n|---|---|---|\n".to_owned();
    let mut group = "";
    for binding in KEYMAP {
        let keys = binding.keys.split(' ').map(|key| format!("`{key}`")).collect::<Vec<_>>().join(" ");
        let name = if binding.group == group { "" } else { binding.group };
        table.push_str(&format!("| {name} | {keys} | {} |\n", binding.about));
        group = binding.group;
    }
    table
}

/// What a key does, outside of lines that are typed.
#[must_use]
pub fn action(key: KeyEvent) -> Option<Action> {
    let name = name(key)?;
    KEYMAP.iter().find_map(|binding| {
        let at = binding.keys.split(' ').position(|key| key == name)?;
        (binding.actions)().into_iter().nth(at)
    })
}

/// The name that a key has in the table.
fn name(key: KeyEvent) -> Option<String> {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    Some(match key.code {
        // Control characters that no letter has, as crossterm names them.
        KeyCode::Char(char @ '4'..='7') if control => {
            format!("^{}", ['\\', ']', '^', '_'][usize::from(char as u8 - b'4')])
        }
        KeyCode::Char(char) if control => format!("^{}", char.to_ascii_uppercase()),
        KeyCode::Char(' ') => "Space".to_owned(),
        KeyCode::Char(char) => char.to_string(),
        KeyCode::F(1) => "?".to_owned(),
        KeyCode::Up => "↑".to_owned(),
        KeyCode::Down => "↓".to_owned(),
        KeyCode::Left => "←".to_owned(),
        KeyCode::Right => "→".to_owned(),
        KeyCode::PageUp => "PgUp".to_owned(),
        KeyCode::PageDown => "PgDn".to_owned(),
        KeyCode::Home => "Home".to_owned(),
        KeyCode::End => "End".to_owned(),
        KeyCode::Enter => "Enter".to_owned(),
        KeyCode::Esc => "Esc".to_owned(),
        KeyCode::BackTab => "S-Tab".to_owned(),
        KeyCode::Tab => "Tab".to_owned(),
        _ => return None,
    })
}

/// What a key does to a line that is typed, as readline has it.
#[must_use]
pub fn edit(key: KeyEvent) -> Option<Edit> {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    Some(match key.code {
        KeyCode::Char(char) if control => match char {
            'a' => Edit::Home,
            'e' => Edit::End,
            'b' => Edit::Move(-1),
            'f' => Edit::Move(1),
            'w' => Edit::Word,
            'u' => Edit::Clear,
            'd' => Edit::Delete,
            'h' => Edit::Backspace,
            'p' => Edit::Earlier,
            'n' => Edit::Later,
            'c' | 'g' => Edit::Cancel,
            _ => return None,
        },
        KeyCode::Char(char) => Edit::Insert(char.to_string()),
        KeyCode::Backspace => Edit::Backspace,
        KeyCode::Delete => Edit::Delete,
        KeyCode::Left => Edit::Move(-1),
        KeyCode::Right => Edit::Move(1),
        KeyCode::Home => Edit::Home,
        KeyCode::End => Edit::End,
        KeyCode::Up => Edit::Earlier,
        KeyCode::Down => Edit::Later,
        KeyCode::Tab => Edit::Complete,
        KeyCode::Enter => Edit::Enter,
        KeyCode::Esc => Edit::Cancel,
        _ => return None,
    })
}

/// A key by the name that it has in the table: for tests, and scripts of keys.
#[must_use]
pub fn named(name: &str) -> Option<KeyEvent> {
    let plain = |code| KeyEvent::new(code, KeyModifiers::NONE);
    Some(match name {
        "Space" => plain(KeyCode::Char(' ')),
        "↑" | "Up" => plain(KeyCode::Up),
        "↓" | "Down" => plain(KeyCode::Down),
        "←" | "Left" => plain(KeyCode::Left),
        "→" | "Right" => plain(KeyCode::Right),
        "PgUp" => plain(KeyCode::PageUp),
        "PgDn" => plain(KeyCode::PageDown),
        "Home" => plain(KeyCode::Home),
        "End" => plain(KeyCode::End),
        "Enter" => plain(KeyCode::Enter),
        "Esc" => plain(KeyCode::Esc),
        "Tab" => plain(KeyCode::Tab),
        "S-Tab" => plain(KeyCode::BackTab),
        "Backspace" => plain(KeyCode::Backspace),
        _ => match name.strip_prefix('^').and_then(|rest| rest.chars().next()) {
            Some(char) => KeyEvent::new(KeyCode::Char(char.to_ascii_lowercase()), KeyModifiers::CONTROL),
            None if name.chars().count() == 1 => plain(KeyCode::Char(name.chars().next()?)),
            None => return None,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_of_the_table_does_what_its_line_says_and_no_key_is_named_twice() {
        let mut seen = Vec::new();
        for binding in KEYMAP {
            let keys: Vec<&str> = binding.keys.split(' ').collect();
            let actions = (binding.actions)();
            assert_eq!(keys.len(), actions.len(), "{}", binding.keys);
            for (key, expected) in keys.iter().zip(actions) {
                assert!(!seen.contains(key), "{key} is there twice");
                seen.push(key);
                assert_eq!(action(named(key).expect(key)), Some(expected), "{key}");
            }
        }
    }
}
