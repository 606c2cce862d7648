//! The clipboard, through the terminal: it works over ssh too (OSC 52, xterm's control sequences).

use std::{
    env,
    io::{self, Write},
    process::{Command, Stdio},
};

use super::state::Alert;

/// Bytes that terminals take at most, less than the smallest known limit (xterm's 100,000 of base64).
const MOST: usize = 74_000;

/// Puts a text into the clipboard, by way of tmux where that is around; what is to be said besides.
///
/// # Errors
///
/// The terminal is gone.
pub fn to_clipboard(out: &mut impl Write, text: &str) -> io::Result<Option<&'static str>> {
    if env::var_os("TMUX").is_some() && by_tmux(text).unwrap_or(false) {
        return Ok(None);
    }
    let is_whole = copy(out, text)?;
    // Of `sudo` no more is left of tmux than its name for the terminal.
    let term = env::var("TERM").unwrap_or_default();
    let is_tmux = term.starts_with("tmux") || term.starts_with("screen");
    Ok(match (is_whole, is_tmux) {
        (false, _) => Some("it was too long for a terminal and is cut"),
        (true, true) => Some("tmux passes it on only after `tmux set -s set-clipboard on`"),
        (true, false) => None,
    })
}

/// Hands a text to tmux, which keeps it and puts it into the clipboard of the terminal around it. From programs it takes none unless it is
/// told to (tmux(1), set-clipboard). Whether it does; `-w` is of tmux 3.2.
fn by_tmux(text: &str) -> io::Result<bool> {
    let mut tmux = Command::new("tmux");
    tmux.args(["load-buffer", "-w", "-"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut tmux = tmux.spawn()?;
    if let Some(mut input) = tmux.stdin.take() {
        // How it ends says whether it took all.
        let _ = input.write_all(text.as_bytes());
    }
    Ok(tmux.wait()?.success())
}

/// Puts a text into the clipboard; `false` where it was too long and is cut.
///
/// # Errors
///
/// The terminal is gone.
pub fn copy(out: &mut impl Write, text: &str) -> io::Result<bool> {
    let mut end = text.len().min(MOST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    write!(out, "\x1b]52;c;{}\x07", base64(&text.as_bytes()[..end]))?;
    out.flush()?;
    Ok(end == text.len())
}

/// Rings, and tells the desktop through terminals that know how (OSC 9). The text can hold no control characters.
///
/// # Errors
///
/// The terminal is gone.
pub fn alert(out: &mut impl Write, text: &str, alert: Alert) -> io::Result<()> {
    if alert.rings() {
        out.write_all(b"\x07")?;
    }
    if alert.notifies() {
        write!(out, "\x1b]9;agentsnoop: {}\x1b\\", super::escape::text(text))?;
    }
    out.flush()
}

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let number = three.iter().fold(0u32, |number, byte| number << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for at in 0..4 {
            let digit = DIGITS[(number >> (18 - 6 * at) & 63) as usize];
            out.push(if at <= three.len() { char::from(digit) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_rfc_4648_are_encoded_as_there() {
        let examples =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")];
        for (plain, encoded) in examples {
            assert_eq!(base64(plain.as_bytes()), encoded);
        }
    }

    #[test]
    fn what_is_too_long_is_cut_at_a_character() {
        let mut out = Vec::new();
        assert!(!copy(&mut out, &"é".repeat(MOST)).unwrap());
        assert!(out.len() < 100_000);
    }
}
