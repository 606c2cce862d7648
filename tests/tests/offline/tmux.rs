//! The terminal UI in a real terminal, which tmux is: keys are typed and the screen is read.

use std::{
    fs,
    process::{Command, Output},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::tools::{command, stdout, stored};

/// How long the screen may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A terminal of 120 by 40, until the value is dropped.
struct Terminal {
    /// The name of a tmux server of its own.
    server: String,
}

impl Terminal {
    /// Runs a command line of a shell; none where tmux is not installed.
    fn open(name: &str, line: &str) -> Option<Self> {
        if Command::new("tmux").arg("-V").output().is_err() {
            eprintln!("skipped: tmux is not installed");
            return None;
        }
        let terminal = Self { server: format!("agentsnoop-{name}-{}", std::process::id()) };
        let output =
            terminal.tmux(&["-f", "/dev/null", "new-session", "-d", "-x", "120", "-y", "40", "sh", "-c", line]);
        assert!(output.status.success(), "tmux: {}", String::from_utf8_lossy(&output.stderr));
        Some(terminal)
    }

    fn tmux(&self, words: &[&str]) -> Output {
        let mut tmux = Command::new("tmux");
        tmux.args(["-L", &self.server]).args(words).env("LC_ALL", "C.UTF-8").env_remove("TMUX").env_remove("NO_COLOR");
        tmux.output().expect("tmux runs")
    }

    fn screen(&self) -> String {
        stdout(&self.tmux(&["capture-pane", "-p"]))
    }

    fn press(&self, keys: &[&str]) {
        let words: Vec<&str> = ["send-keys"].into_iter().chain(keys.iter().copied()).collect();
        self.tmux(&words);
    }

    /// Waits until the screen has all of these.
    fn shows(&self, wanted: &[&str]) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            let screen = self.screen();
            if wanted.iter().all(|text| screen.contains(text)) {
                return screen;
            }
            assert!(Instant::now() < until, "not {wanted:?} but\n{screen}");
            std::thread::yield_now();
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}

/// A replay on a terminal whose shell says how it ended.
fn replay(name: &str) -> Option<Terminal> {
    let words = command(&["replay"]);
    let (program, file) = (words.get_program().to_string_lossy().into_owned(), stored("claude-session.rec"));
    Terminal::open(name, &format!("'{program}' replay '{}'; echo ended with $?; exec cat", file.display()))
}

#[test]
fn keys_are_answered_on_a_real_terminal_and_it_is_given_back() {
    let Some(terminal) = replay("keys") else { return };
    terminal.shows(&["agentsnoop ended", "claude-code 2592", "6,927 events"]);
    terminal.press(&["f"]);
    terminal.press(&["-l", "kind:tool_call"]);
    terminal.shows(&["filter kind:tool_call"]);
    terminal.press(&["Enter"]);
    terminal.shows(&["cat notes.txt; git", "5/5"]);
    terminal.press(&["?"]);
    terminal.shows(&["all events of the same file"]);
    terminal.press(&["Escape"]);
    terminal.press(&["2"]);
    terminal.shows(&[".aws/credentials", "by what matters"]);
    terminal.press(&["q"]);
    let screen = terminal.shows(&["ended with 0"]);
    assert!(!screen.contains("Agents"), "the screen of before is back:\n{screen}");
}

#[test]
fn what_is_copied_is_in_the_buffer_of_tmux() {
    let Some(terminal) = replay("copy") else { return };
    terminal.shows(&["agentsnoop ended"]);
    terminal.press(&["Home", "!", "y"]);
    terminal.shows(&["copied: the event as JSON"]);
    let json = stdout(&terminal.tmux(&["show-buffer"]));
    let event: serde_json::Value = serde_json::from_str(&json).expect("an event");
    assert_eq!(event["getenv"]["name"], "SSLKEYLOGFILE", "{json}");
    terminal.press(&["q"]);
    terminal.shows(&["ended with 0"]);
}

#[test]
fn a_recording_plays_in_a_terminal_and_the_screen_follows_its_size() {
    let Some(terminal) = replay("plays") else { return };
    terminal.shows(&["agentsnoop ended"]);
    terminal.press(&["0"]);
    terminal.shows(&["paused", "0 events"]);
    terminal.press(&["+", "+", "+", "+", "+", "+", "+", "+", "+"]);
    terminal.press(&["Space"]);
    terminal.shows(&["6,927 events"]);
    terminal.tmux(&["resize-window", "-x", "60", "-y", "16"]);
    terminal.shows(&["1 Eve  2 Fil", "the recording ends here"]);
    terminal.press(&["C-c"]);
    terminal.shows(&["ended with 0"]);
}

/// The process of the screen: the shell's child.
fn screen_of(terminal: &Terminal) -> Pid {
    let shell = stdout(&terminal.tmux(&["list-panes", "-F", "#{pane_pid}"]));
    let shell = shell.trim();
    let children = fs::read_to_string(format!("/proc/{shell}/task/{shell}/children")).expect("the shell's children");
    let screen = children.split_whitespace().next().and_then(|pid| pid.parse().ok());
    Pid::from_raw(screen.expect("a process of the screen"))
}

/// The terminal is as programs find it: its first screen, its cursor, no mouse, and what is typed shows.
fn is_given_back(terminal: &Terminal) {
    let screen = terminal.screen();
    assert!(!screen.contains("Agents"), "the screen of before is back:\n{screen}");
    let flags = "#{alternate_on} #{cursor_flag} #{mouse_any_flag} #{pane_in_mode}";
    let flags = stdout(&terminal.tmux(&["display-message", "-p", flags]));
    assert_eq!(flags.trim(), "0 1 0 0", "alternate screen, cursor, mouse, copy mode");
    let tty = stdout(&terminal.tmux(&["list-panes", "-F", "#{pane_tty}"]));
    let modes = Command::new("stty").args(["-a", "-F", tty.trim()]).output().expect("stty runs");
    let modes = stdout(&modes);
    for mode in ["icanon", "echo", "isig", "icrnl", "opost"] {
        assert!(modes.split_whitespace().any(|word| word == mode), "{mode} in {modes}");
    }
    terminal.press(&["-l", "typed"]);
    terminal.shows(&["typed"]);
}

#[test]
fn a_signal_ends_the_screen_and_the_terminal_is_given_back() {
    let Some(terminal) = replay("signal") else { return };
    terminal.shows(&["agentsnoop ended"]);
    kill(screen_of(&terminal), Signal::SIGTERM).expect("a process that is there");
    terminal.shows(&["ended with 0"]);
    is_given_back(&terminal);
}

#[test]
fn a_screen_whose_terminal_goes_away_ends() {
    let Some(terminal) = replay("hangup") else { return };
    terminal.shows(&["agentsnoop ended"]);
    let screen = screen_of(&terminal);
    terminal.tmux(&["kill-server"]);
    let until = Instant::now() + PATIENCE;
    while kill(screen, None).is_ok() {
        assert!(Instant::now() < until, "the screen goes on without its terminal");
        std::thread::yield_now();
    }
}

#[test]
fn a_panic_while_drawing_leaves_the_terminal_as_it_was_with_the_message_on_it() {
    // A backtrace would be longer than the terminal is high.
    let line = format!("RUST_BACKTRACE=0 '{}' panic; echo ended with $?; exec cat", env!("CARGO_BIN_EXE_screen"));
    let Some(terminal) = Terminal::open("panic", &line) else { return };
    terminal.shows(&["agentsnoop live", "Agents"]);
    terminal.press(&["?"]);
    let screen =
        terminal.shows(&["ended with 1", "drawing has failed, as it was told to", "the thread that draws has failed"]);
    assert!(screen.lines().all(|line| !line.starts_with("   ")), "lines begin where they should:\n{screen}");
    is_given_back(&terminal);
}

#[test]
fn a_screen_that_is_stopped_gives_the_terminal_back_until_it_goes_on() {
    let words = command(&["replay"]);
    let (program, file) = (words.get_program().to_string_lossy().into_owned(), stored("claude-session.rec"));
    // A shell with job control, as people have it: it goes on while its job is stopped.
    let line = format!(
        "set -m; '{program}' replay '{}'; code=$?; \
         while [ $code -gt 128 ]; do echo stopped; read line; fg; code=$?; done; echo ended with $code; exec cat",
        file.display()
    );
    let Some(terminal) = Terminal::open("stop", &line) else { return };
    terminal.shows(&["agentsnoop ended"]);
    let screen = screen_of(&terminal);
    let ways: [&dyn Fn(); 2] = [&|| terminal.press(&["C-z"]), &|| {
        kill(screen, Signal::SIGTSTP).expect("a process that is there");
    }];
    for stop in ways {
        stop();
        let shown = terminal.shows(&["stopped"]);
        assert!(!shown.contains("Agents"), "{shown}");
        terminal.press(&["Enter"]);
        terminal.shows(&["agentsnoop ended", "6,927 events", "Agents"]);
    }
    terminal.press(&["q"]);
    terminal.shows(&["ended with 0"]);
    is_given_back(&terminal);
}

#[test]
fn a_terminal_that_cannot_move_its_cursor_gets_lines() {
    let words = command(&["replay"]);
    let (program, file) = (words.get_program().to_string_lossy().into_owned(), stored("format-1-session.rec"));
    let line = format!("TERM=dumb '{program}' replay '{}'; echo ended with $?; exec cat", file.display());
    let Some(terminal) = Terminal::open("dumb", &line) else { return };
    let screen = terminal.shows(&["ended with 0"]);
    assert!(screen.contains("/home/dev/.aws/credentials"), "{screen}");
}
