//! Keys, pastes and the mouse as a program on a terminal reads them (xterm's control sequences).

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use vt100::{MouseProtocolEncoding, MouseProtocolMode};

/// The bytes of a key; none of one that terminals do not send.
#[must_use]
pub fn key(key: KeyEvent, application: bool) -> Vec<u8> {
    let modifiers = key.modifiers;
    // Shift 1, Alt 2, Control 4, and one more.
    let number = 1
        + u8::from(modifiers.contains(KeyModifiers::SHIFT))
        + 2 * u8::from(modifiers.contains(KeyModifiers::ALT))
        + 4 * u8::from(modifiers.contains(KeyModifiers::CONTROL));
    let letter = |letter: char| match (number, application) {
        (1, true) => format!("\x1bO{letter}").into_bytes(),
        (1, false) => format!("\x1b[{letter}").into_bytes(),
        _ => format!("\x1b[1;{number}{letter}").into_bytes(),
    };
    let tilde = |code: u8| match number {
        1 => format!("\x1b[{code}~").into_bytes(),
        _ => format!("\x1b[{code};{number}~").into_bytes(),
    };
    let plain = |bytes: &[u8]| {
        let escape: &[u8] = if modifiers.contains(KeyModifiers::ALT) { b"\x1b" } else { b"" };
        [escape, bytes].concat()
    };
    match key.code {
        KeyCode::Char(char) if modifiers.contains(KeyModifiers::CONTROL) => {
            control(char).map_or_else(Vec::new, |byte| plain(&[byte]))
        }
        KeyCode::Char(char) => plain(char.encode_utf8(&mut [0; 4]).as_bytes()),
        KeyCode::Enter => plain(b"\r"),
        KeyCode::Tab => plain(b"\t"),
        KeyCode::Backspace if modifiers.contains(KeyModifiers::CONTROL) => plain(b"\x08"),
        KeyCode::Backspace => plain(b"\x7f"),
        KeyCode::Esc => plain(b"\x1b"),
        KeyCode::BackTab => b"\x1b[Z".to_vec(),
        KeyCode::Up => letter('A'),
        KeyCode::Down => letter('B'),
        KeyCode::Right => letter('C'),
        KeyCode::Left => letter('D'),
        KeyCode::Home => letter('H'),
        KeyCode::End => letter('F'),
        KeyCode::Insert => tilde(2),
        KeyCode::Delete => tilde(3),
        KeyCode::PageUp => tilde(5),
        KeyCode::PageDown => tilde(6),
        KeyCode::F(number @ 1..=4) if modifiers.is_empty() => vec![0x1b, b'O', b'P' + number - 1],
        KeyCode::F(function @ 1..=4) => format!("\x1b[1;{number}{}", char::from(b'P' + function - 1)).into_bytes(),
        KeyCode::F(number @ 5..=12) => tilde([15, 17, 18, 19, 20, 21, 23, 24][usize::from(number - 5)]),
        _ => Vec::new(),
    }
}

/// The control character of a key, as crossterm names it.
const fn control(char: char) -> Option<u8> {
    Some(match char {
        'a'..='z' | 'A'..='Z' | '[' | '\\' | ']' | '^' | '_' | '@' => char as u8 & 0x1f,
        ' ' | '2' => 0,
        '4'..='7' => char as u8 - b'4' + 0x1c,
        '/' => 0x1f,
        '?' | '8' => 0x7f,
        _ => return None,
    })
}

/// The bytes of a text that is pasted. Where the program takes pastes as such, the text cannot end one early.
#[must_use]
pub fn paste(text: &str, is_bracketed: bool) -> Vec<u8> {
    // A terminal sends what Enter sends for the end of a line.
    let text = text.replace("\r\n", "\r").replace('\n', "\r");
    if is_bracketed {
        format!("\x1b[200~{}\x1b[201~", text.replace("\x1b[201~", "")).into_bytes()
    } else {
        text.into_bytes()
    }
}

/// Whether the wheel was turned up, where it was turned.
#[must_use]
pub const fn notch(mouse: MouseEvent) -> Option<bool> {
    match mouse.kind {
        MouseEventKind::ScrollUp => Some(true),
        MouseEventKind::ScrollDown => Some(false),
        _ => None,
    }
}

/// The bytes of what the mouse does, where the program asked for it.
#[must_use]
pub fn mouse(mouse: MouseEvent, mode: MouseProtocolMode, encoding: MouseProtocolEncoding) -> Option<Vec<u8>> {
    let button = |button| match button {
        MouseButton::Left => 0,
        MouseButton::Middle => 1,
        MouseButton::Right => 2,
    };
    let (motion, any) = (mode == MouseProtocolMode::ButtonMotion, mode == MouseProtocolMode::AnyMotion);
    let (code, is_release) = match mouse.kind {
        MouseEventKind::Down(which) => (button(which), false),
        MouseEventKind::Up(which) if mode != MouseProtocolMode::Press => (button(which), true),
        MouseEventKind::Drag(which) if motion || any => (button(which) + 32, false),
        MouseEventKind::Moved if any => (35, false),
        MouseEventKind::ScrollUp => (64, false),
        MouseEventKind::ScrollDown => (65, false),
        _ => return None,
    };
    if mode == MouseProtocolMode::None {
        return None;
    }
    let held = |modifier, bit: u16| if mouse.modifiers.contains(modifier) { bit } else { 0 };
    let held = held(KeyModifiers::SHIFT, 4) + held(KeyModifiers::ALT, 8) + held(KeyModifiers::CONTROL, 16);
    let (code, x, y) = (code + held, mouse.column + 1, mouse.row + 1);
    if encoding == MouseProtocolEncoding::Sgr {
        let end = if is_release { 'm' } else { 'M' };
        return Some(format!("\x1b[<{code};{x};{y}{end}").into_bytes());
    }
    // A byte each; what is further away than one can say is not said. A release does not say of what.
    let code = if is_release { 3 + held } else { code };
    let byte = |number: u16| u8::try_from(number + 32).ok();
    Some(vec![0x1b, b'[', b'M', byte(code)?, byte(x)?, byte(y)?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sent_as_terminals_send_them() {
        let of = |code, modifiers| key(KeyEvent::new(code, modifiers), false);
        let none = KeyModifiers::NONE;
        let cases: [(KeyCode, KeyModifiers, &[u8]); 14] = [
            (KeyCode::Char('ä'), none, "ä".as_bytes()),
            (KeyCode::Char('c'), KeyModifiers::CONTROL, b"\x03"),
            (KeyCode::Char('5'), KeyModifiers::CONTROL, b"\x1d"),
            (KeyCode::Char('4'), KeyModifiers::CONTROL, b"\x1c"),
            (KeyCode::Char(' '), KeyModifiers::CONTROL, b"\0"),
            (KeyCode::Char('b'), KeyModifiers::ALT, b"\x1bb"),
            (KeyCode::Enter, none, b"\r"),
            (KeyCode::Backspace, none, b"\x7f"),
            (KeyCode::Up, none, b"\x1b[A"),
            (KeyCode::Left, KeyModifiers::CONTROL, b"\x1b[1;5D"),
            (KeyCode::PageDown, none, b"\x1b[6~"),
            (KeyCode::Delete, KeyModifiers::SHIFT, b"\x1b[3;2~"),
            (KeyCode::F(1), none, b"\x1bOP"),
            (KeyCode::F(12), none, b"\x1b[24~"),
        ];
        for (code, modifiers, bytes) in cases {
            assert_eq!(of(code, modifiers), bytes, "{code:?} {modifiers:?}");
        }
        assert_eq!(key(KeyEvent::new(KeyCode::Up, none), true), b"\x1bOA");
    }

    #[test]
    fn a_paste_does_not_end_itself() {
        assert_eq!(paste("a\nb", false), b"a\rb");
        assert_eq!(paste("a\x1b[201~rm", true), b"\x1b[200~arm\x1b[201~");
    }

    #[test]
    fn the_mouse_is_told_as_it_was_asked_for() {
        let at = |kind| MouseEvent { kind, column: 4, row: 2, modifiers: KeyModifiers::NONE };
        let (down, up) = (at(MouseEventKind::Down(MouseButton::Left)), at(MouseEventKind::Up(MouseButton::Left)));
        let (sgr, old) = (MouseProtocolEncoding::Sgr, MouseProtocolEncoding::Default);
        let mode = MouseProtocolMode::PressRelease;
        assert_eq!(mouse(down, mode, sgr).as_deref(), Some(&b"\x1b[<0;5;3M"[..]));
        assert_eq!(mouse(up, mode, sgr).as_deref(), Some(&b"\x1b[<0;5;3m"[..]));
        assert_eq!(mouse(up, mode, old).as_deref(), Some(&b"\x1b[M#%#"[..]));
        assert_eq!(mouse(down, MouseProtocolMode::None, sgr), None);
        assert_eq!(mouse(at(MouseEventKind::Moved), mode, sgr), None);
    }
}
