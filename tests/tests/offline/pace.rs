//! `agentsnoop replay` as time passes: waiting that can be ended, and steps at a terminal.

use std::{
    fs::File,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    os::{fd::AsFd as _, unix::process::ExitStatusExt as _},
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    pty::{OpenptyResult, openpty},
    sys::{
        signal::{Signal, kill},
        termios::{LocalFlags, tcgetattr},
    },
    unistd::Pid,
};

use crate::tools::{agentsnoop, command, recorded, stderr, stdout};

/// A speed at which a millionth of a second lasts for 11 days.
const STANDS_STILL: &str = "1e-12";

/// How long something is waited for that comes at once on an idle machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A replay that has shown its first lines and waits.
fn waiting() -> (Child, BufReader<std::process::ChildStdout>) {
    let mut words = command(&["replay", "--json", "--speed", STANDS_STILL]);
    let mut child =
        words.arg(recorded()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("agentsnoop runs");
    let mut out = BufReader::new(child.stdout.take().expect("standard output"));
    let mut line = String::new();
    out.read_line(&mut line).expect("a line before the first wait");
    assert!(line.contains(r#""kind":"coverage""#), "{line}");
    (child, out)
}

#[test]
fn waiting_for_a_record_ends_when_nobody_reads_any_more() {
    let (child, out) = waiting();
    drop(out);
    let output = child.wait_with_output().expect("the end");
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()));
}

#[test]
fn waiting_for_a_record_ends_with_a_signal() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let (mut child, _out) = waiting();
        kill(Pid::from_raw(child.id().cast_signed()), signal).expect("a child that waits");
        let status = child.wait().expect("the end");
        assert_eq!(status.signal(), Some(signal as i32), "{status}");
    }
}

#[test]
fn steps_need_a_terminal_and_say_so() {
    let output = agentsnoop(&["replay", "--step"], &recorded());
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("standard output is no terminal"), "{}", stderr(&output));
    assert!(output.stdout.is_empty());
}

/// A replay in steps at a terminal of its own.
struct Terminal {
    child: Child,
    keys: File,
    both: OpenptyResult,
    seen: String,
}

impl Terminal {
    fn new(words: &[&str]) -> Self {
        let both = openpty(None, None).expect("a terminal");
        let end = || Stdio::from(both.slave.try_clone().expect("a descriptor"));
        let mut command = command(&[&["replay", "--step"], words].concat());
        command.env("NO_COLOR", "1").arg(recorded()).stdin(end()).stdout(end()).stderr(end());
        let child = command.spawn().expect("agentsnoop runs");
        let keys = File::from(both.master.try_clone().expect("a descriptor"));
        Self { child, keys, both, seen: String::new() }
    }

    /// Presses keys, once they are taken without being shown: what the kernel echoes before would be taken for a line.
    fn press(&mut self, keys: &str) {
        let began = Instant::now();
        while self.is_as_before() {
            assert!(began.elapsed() < PATIENCE, "nobody asks for a key");
            std::thread::yield_now();
        }
        self.keys.write_all(keys.as_bytes()).expect("a terminal that takes keys");
    }

    /// Reads until the terminal has shown a text, and gives everything before it.
    fn until(&mut self, text: &str) -> String {
        let began = Instant::now();
        loop {
            if let Some(at) = self.seen.find(text) {
                let rest = self.seen.split_off(at + text.len());
                return std::mem::replace(&mut self.seen, rest);
            }
            assert!(began.elapsed() < PATIENCE, "`{text}` is not in {:?}", self.seen);
            let mut ready = [PollFd::new(self.keys.as_fd(), PollFlags::POLLIN)];
            if poll(&mut ready, PollTimeout::from(1000u16)).expect("a terminal") > 0 {
                let mut bytes = [0; 4096];
                let have = self.keys.read(&mut bytes).expect("what the terminal shows");
                self.seen.push_str(&String::from_utf8_lossy(&bytes[..have]));
            }
        }
    }

    /// Whether the terminal is as it was.
    fn is_as_before(&self) -> bool {
        let mode = tcgetattr(&self.both.slave).expect("the mode of the terminal").local_flags;
        mode.contains(LocalFlags::ICANON | LocalFlags::ECHO | LocalFlags::ISIG)
    }

    /// The exit code or the signal, with the terminal as it was.
    fn end(mut self) -> (Option<i32>, Option<i32>) {
        let status = self.child.wait().expect("the end");
        assert!(self.is_as_before());
        (status.code(), status.signal())
    }
}

/// Lines without the prompts between them and what removes those.
fn lines(shown: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for line in shown.split("\r\n") {
        let line = line.rsplit("\r\u{1b}[K").next().unwrap_or_default();
        if !line.is_empty() && !line.starts_with("-- ") {
            lines.push(line.to_owned());
        }
    }
    lines
}

#[test]
fn each_key_shows_one_event_and_all_together_are_those_of_a_pipe() {
    let expected = stdout(&agentsnoop(&["replay"], &recorded()));
    let expected: Vec<&str> = expected.lines().collect();
    let mut terminal = Terminal::new(&[]);
    let mut shown = String::new();
    for step in 1..=3 {
        shown += &terminal.until(&format!("-- {step} shown"));
        assert_eq!(lines(&shown).len(), step, "{shown:?}");
        terminal.press(if step == 2 { "\u{1b}[B" } else { " " });
    }
    shown += &terminal.until("-- 4 shown");
    terminal.press("x");
    shown += &terminal.until("-- 4 shown");
    terminal.press("g");
    shown += &terminal.until(expected.last().expect("a line"));
    assert_eq!(lines(&shown), expected);
    assert_eq!(terminal.end(), (Some(0), None));
}

#[test]
fn q_ends_the_steps_and_so_does_an_interrupt_or_a_signal_from_elsewhere() {
    let mut terminal = Terminal::new(&["--where", "kind:open"]);
    terminal.until("-- 1 shown");
    terminal.press("q");
    assert_eq!(terminal.end(), (Some(0), None));
    let mut terminal = Terminal::new(&["--json"]);
    terminal.until("-- 1 shown");
    terminal.press("\u{3}");
    assert_eq!(terminal.end(), (None, Some(Signal::SIGINT as i32)));
    let mut terminal = Terminal::new(&[]);
    terminal.until("-- 1 shown");
    kill(Pid::from_raw(terminal.child.id().cast_signed()), Signal::SIGTERM).expect("a child that waits");
    assert_eq!(terminal.end(), (None, Some(Signal::SIGTERM as i32)));
}
