//! A command beside the screen, on a terminal of its own.

use std::{process::Command, time::Duration};

use agentsnoop_tests::terminal::Terminal;

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A shell beside a screen.
fn shell(size: (u16, u16), script: &[&str]) -> Terminal {
    let mut command = Command::new(env!("CARGO_BIN_EXE_screen"));
    command.args(["beside", "sh"]).args(script).env("PS1", "shell> ");
    Terminal::run(&mut command, size, None).expect("a terminal")
}

/// Waits until all of these are shown.
fn shows(terminal: &mut Terminal, wanted: &[&str]) -> String {
    terminal.wait(PATIENCE, |screen| wanted.iter().all(|text| screen.contains(text))).expect("a screen");
    terminal.screen()
}

fn press(terminal: &mut Terminal, keys: &str) {
    terminal.press(keys).expect("a terminal that is there");
}

#[test]
fn a_command_beside_the_screen_has_a_terminal_of_its_own_and_the_keys() {
    let mut terminal = shell((120, 50), &["-i"]);
    let screen = shows(&mut terminal, &["shell>", "has the keys", "1 Events", "Agents"]);
    assert!(screen.lines().next().is_some_and(|title| title.contains(" sh ")), "{screen}");
    // Its size is that of its part, and follows that of the window.
    press(&mut terminal, "stty size\r");
    shows(&mut terminal, &["\n25 120"]);
    terminal.resize((100, 40)).expect("a terminal that is there");
    // Below a row of its own and 20 for the command; keys that come together with another size can wait for the next ones.
    let header = |screen: &str| screen.lines().position(|line| line.contains("agentsnoop live"));
    terminal.wait(PATIENCE, |screen| header(screen) == Some(21)).expect("the screen in its new size");
    press(&mut terminal, "clear; stty size\r");
    shows(&mut terminal, &["\n20 100"]);
    // ^C ends what it runs, and nothing else; ^Z stops it.
    press(&mut terminal, "clear; echo be''gins; sleep 1000\r");
    shows(&mut terminal, &["begins"]);
    press(&mut terminal, "\x03");
    press(&mut terminal, "echo code $?\r");
    shows(&mut terminal, &["code 130"]);
    press(&mut terminal, "clear; echo ag''ain; sleep 1000\r");
    shows(&mut terminal, &["again"]);
    press(&mut terminal, "\x1a");
    press(&mut terminal, "jobs; kill -KILL %1; wait; tty\r");
    let screen = shows(&mut terminal, &["Stopped", "/dev/pts/"]);
    assert!(screen.contains("sleep 1000"), "{screen}");
    press(&mut terminal, "exit 7\r");
    shows(&mut terminal, &["ended with 7"]);
    press(&mut terminal, "q");
    assert!(terminal.child.wait().expect("a screen that ends").success());
}

#[test]
fn a_key_gives_the_keys_to_the_screen_and_another_zooms() {
    let mut terminal = shell((120, 50), &["-i"]);
    shows(&mut terminal, &["shell>", "has the keys"]);
    press(&mut terminal, "\x1d");
    shows(&mut terminal, &["gives it the keys"]);
    press(&mut terminal, "?");
    shows(&mut terminal, &["the row before, the next"]);
    press(&mut terminal, "?z");
    let alone = |screen: &str| !screen.contains("shell>") && screen.contains("Agents");
    terminal.wait(PATIENCE, alone).expect("the screen alone");
    // To the command, which is then what is shown alone.
    press(&mut terminal, "\x1d");
    terminal
        .wait(PATIENCE, |screen| screen.contains("shell>") && !screen.contains("Agents"))
        .expect("the command alone");
    press(&mut terminal, "stty size\r");
    shows(&mut terminal, &["\n49 120"]);
    press(&mut terminal, "\x1dz");
    shows(&mut terminal, &["shell>", "Agents"]);
    // Who ends the screen while the command runs is asked; then it is hung up.
    press(&mut terminal, "q");
    shows(&mut terminal, &["the command still runs"]);
    press(&mut terminal, "q");
    assert!(terminal.child.wait().expect("a screen that ends").success());
}

#[test]
fn what_a_command_writes_stays_in_its_part() {
    let script = "printf '\\033[2J\\033[999;999Hend\\033[1;1Hfirst\\033]0;title\\007\\033[?1049h\\033[5;1Hother\\033[31m red'; \
                  printf '\\033[6n'; stty raw -echo; dd bs=1 count=6 2>/dev/null | od -c | head -1; stty sane; read line";
    let mut terminal = shell((100, 40), &["-c", script]);
    // The place of the cursor is that in its own terminal: row 5, behind what was written.
    let screen = shows(&mut terminal, &["other red", "033   [   5   ;   1   0", "Agents"]);
    let rows: Vec<&str> = screen.lines().collect();
    assert!(rows[5].starts_with("other red"), "{screen}");
    assert!(rows.iter().skip(20).any(|row| row.contains("Agents")), "the screen below is whole:\n{screen}");
    press(&mut terminal, "\r");
    shows(&mut terminal, &["ended with 0", "end"]);
    press(&mut terminal, "q");
    assert!(terminal.child.wait().expect("a screen that ends").success());
}
