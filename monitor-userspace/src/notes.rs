//! What is said on standard error beside the output: once a screen has the terminal, it waits until the terminal is given back.

use std::{
    fmt::Arguments,
    io::{self, Write as _},
    sync::{Mutex, PoisonError},
};

/// Lines that are kept for the end of a screen; those beyond are counted.
const KEPT: usize = 200;

/// Lines that wait, and how many more there were; none where they are written at once.
static WAITING: Mutex<Option<(Vec<String>, usize)>> = Mutex::new(None);

/// A line on standard error; where nobody can read it, nothing is lost but the line.
pub fn say(line: Arguments<'_>) {
    let line = format!("agentsnoop: {line}\n");
    match &mut *WAITING.lock().unwrap_or_else(PoisonError::into_inner) {
        Some((lines, _)) if lines.len() < KEPT => lines.push(line),
        Some((_, more)) => *more += 1,
        None => write(&line),
    }
}

/// Lets lines wait from now on.
pub fn hold() {
    WAITING.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default();
}

/// Writes what has waited, and everything else at once from now on.
pub fn release() {
    let waited = WAITING.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some((lines, more)) = waited else { return };
    write(&lines.concat());
    if more > 0 {
        write(&format!("agentsnoop: and {more} lines more\n"));
    }
}

fn write(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}
