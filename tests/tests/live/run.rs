//! `run` as a person or a script meets it: codes, signals, mistakes.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::caller::monitor_of;
use crate::harness::{
    Killed, Observation, agentsnoop, observe, once, own_program, query, text, trial, verify, wait_for,
    wait_until_closed,
};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        once("standard input and output of the command are untouched", keeps_the_streams),
        trial("lines and replay of the same run are the same, byte for byte", replay_is_live),
        once("a command that does not exist is 127 and leaves no recording", no_such_command),
        once("a file that is no program is 126", not_executable),
        once("without root nothing is started, 125, and the error says what to do", without_root),
        once("without the kernel's type information nothing is started and the error says so", without_btf),
        once("a recording that cannot be written starts nothing", unwritable_recording),
        once("a recording that exists is not replaced unless asked", existing_recording),
        once("an unknown user starts nothing", unknown_user),
        once("SIGTERM ends the observation, closes the recording, and the command goes on", sigterm),
        once("SIGINT by kill ends the observation and the command goes on", sigint),
        trial("SIGKILL of both processes leaves the command running and the recording readable", sigkill),
        trial("the command runs as another user with its groups and its home", other_user),
        trial("a busy process and another observer beside the run leave nothing in its recording", others),
        trial("the summary tells programs, files, endpoints, variables and losses", summary),
    ]
}

fn keeps_the_streams() -> Result<()> {
    let seen =
        Observation::command(&["sh", "-c", "cat; echo err >&2; exit 4"]).input("in\n").options(&["--quiet"]).run()?;
    ensure!(seen.stdout() == "in\n" && seen.stderr() == "err\n", "{:?} {:?}", seen.stdout(), seen.stderr());
    ensure!(seen.output.status.code() == Some(4), "run ended with {}", seen.output.status);
    Ok(())
}

fn replay_is_live() -> Result<()> {
    let folder = tempfile::tempdir()?;
    for (option, json) in [("--lines", None), ("--json", Some("--json"))] {
        let live = folder.path().join("live.txt");
        let option = format!("{option}={}", live.display());
        let seen =
            Observation::command(&["sh", "-c", "cat /etc/hostname /nope; ls / | head -2"]).options(&[&option]).run()?;
        let replayed = agentsnoop().arg("replay").args(json).arg(&seen.file).output()?;
        ensure!(replayed.status.success(), "replay ended with {}: {}", replayed.status, text(&replayed.stderr));
        let live = fs::read(&live)?;
        ensure!(live.len() > 1000, "only {} bytes of lines", live.len());
        ensure!(live == replayed.stdout, "live:\n{}\nreplayed:\n{}", text(&live), text(&replayed.stdout));
        fs::remove_file(folder.path().join("live.txt"))?;
    }
    Ok(())
}

/// Runs agentsnoop with a recording in an empty folder: its code, what it said, and whether the recording is there.
fn attempt(program: &mut Command, options: &[&str], command: &[&str]) -> Result<(Option<i32>, String, bool)> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("attempt.rec");
    let output = program.arg("run").arg("--record").arg(&file).args(options).arg("--").args(command).output()?;
    Ok((output.status.code(), text(&output.stderr), file.exists()))
}

fn no_such_command() -> Result<()> {
    for command in ["no-such-command-anywhere", "/no/such/file"] {
        let (code, said, recorded) = attempt(&mut agentsnoop(), &[], &[command])?;
        ensure!(code == Some(127) && said.contains(command) && !recorded, "{code:?} {recorded} {said}");
    }
    Ok(())
}

fn not_executable() -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let file = tempfile::NamedTempFile::new()?;
    fs::set_permissions(file.path(), PermissionsExt::from_mode(0o644))?;
    let name = file.path().display().to_string();
    let (code, said, recorded) = attempt(&mut agentsnoop(), &[], &[&name])?;
    ensure!(code == Some(126) && said.contains(&name) && !recorded, "{code:?} {recorded} {said}");
    Ok(())
}

/// A copy of agentsnoop that everyone may execute, started as another user.
fn as_nobody(folder: &std::path::Path) -> Result<Command> {
    use std::os::unix::fs::PermissionsExt;
    let program = folder.join("agentsnoop");
    // The monitor of an earlier attempt may still be executing the copy, which then cannot be written.
    if !program.exists() {
        fs::copy(agentsnoop().get_program(), &program)?;
    }
    fs::set_permissions(folder, PermissionsExt::from_mode(0o755))?;
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(program).current_dir("/");
    Ok(command)
}

fn without_root() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let output = as_nobody(folder.path())?.args(["run", "--record", "/tmp/never.rec", "--", "true"]).output()?;
    let said = text(&output.stderr);
    ensure!(output.status.code() == Some(125), "{} {said}", output.status);
    ensure!(said.contains("root") || said.contains("CAP_BPF"), "the error does not say what is missing: {said}");
    let output = as_nobody(folder.path())?.args(["watch", "--lines", "--pid", "1"]).output()?;
    ensure!(output.status.code() == Some(3), "{} {}", output.status, text(&output.stderr));
    Ok(())
}

fn without_btf() -> Result<()> {
    let (code, said, recorded) = attempt(&mut agentsnoop(), &["--btf", "/no/such/btf"], &["true"])?;
    ensure!(code == Some(125) && said.contains("BTF") && !recorded, "{code:?} {recorded} {said}");
    Ok(())
}

fn unwritable_recording() -> Result<()> {
    let output = agentsnoop().args(["run", "--record", "/proc/no/such.rec", "--", "echo", "started"]).output()?;
    let said = text(&output.stderr);
    ensure!(output.status.code() == Some(125) && said.contains("/proc/no/such.rec"), "{} {said}", output.status);
    ensure!(output.stdout.is_empty(), "the command was started: {}", text(&output.stdout));
    Ok(())
}

fn existing_recording() -> Result<()> {
    let seen = observe(&["nothing"])?;
    let before = fs::read(&seen.file)?;
    let again = |options: &[&str]| {
        agentsnoop().arg("run").args(options).arg("--record").arg(&seen.file).args(["--", "true"]).output()
    };
    let output = again(&[])?;
    ensure!(output.status.code() == Some(125), "{} {}", output.status, text(&output.stderr));
    ensure!(fs::read(&seen.file)? == before, "the recording was changed");
    ensure!(again(&["--overwrite"])?.status.success(), "--overwrite does not replace it");
    wait_until_closed(&seen.file)?;
    ensure!(fs::read(&seen.file)? != before, "--overwrite left the old recording");
    Ok(())
}

fn unknown_user() -> Result<()> {
    let (code, said, recorded) = attempt(&mut agentsnoop(), &["--user", "no-such-user"], &["true"])?;
    ensure!(code == Some(125) && said.contains("no-such-user") && !recorded, "{code:?} {recorded} {said}");
    Ok(())
}

/// Starts a run of a command that says "ready", waits for its input to end, and then opens a file.
pub(crate) fn interrupted(folder: &std::path::Path) -> Result<(Killed, ChildStdin, BufReader<ChildStdout>)> {
    let mut child = agentsnoop()
        .arg("run")
        .arg("--record")
        .arg(folder.join("test.rec"))
        .arg("--")
        .arg(own_program()?)
        .args(["trigger", "wait-then-open"])
        .arg(folder.join("after"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let input = child.stdin.take().context("no input")?;
    let mut output = BufReader::new(child.stdout.take().context("no output")?);
    let child = Killed(child);
    let mut line = String::new();
    output.read_line(&mut line)?;
    ensure!(line == "ready\n", "the command said {line:?}");
    Ok((child, input, output))
}

fn ended_by(signal: Signal) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (mut run, input, output) = interrupted(folder.path())?;
    kill(Pid::from_raw(i32::try_from(run.0.id())?), signal)?;
    let status = run.0.wait()?;
    ensure!(status.code() == Some(128 + signal as i32), "run ended with {status}");
    wait_until_closed(&folder.path().join("test.rec"))?;
    let verdict = verify(&folder.path().join("test.rec"))?;
    ensure!(verdict["ok"] == true, "{verdict:#}");
    ensure!(!query(&folder.path().join("test.rec"), &["--kind", "exec"])?.is_empty(), "the recording lost what it had");
    goes_on(input, output)
}

/// Fails unless the command of [`interrupted`] does what it still has to do, now that nobody observes it.
pub(crate) fn goes_on(input: ChildStdin, mut output: BufReader<ChildStdout>) -> Result<()> {
    drop(input);
    let mut rest = String::new();
    output.read_to_string(&mut rest)?;
    ensure!(rest == "opened\n", "the command did not go on; it said {rest:?}");
    Ok(())
}

fn sigterm() -> Result<()> {
    ended_by(Signal::SIGTERM)
}

fn sigint() -> Result<()> {
    ended_by(Signal::SIGINT)
}

fn sigkill() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("test.rec");
    let (run, input, output) = interrupted(folder.path())?;
    // What is written within the last second may be lost to a SIGKILL, so the exec must have reached the disk first.
    wait_for("the exec to be on disk", || Ok(!query(&file, &["--kind", "exec"]).unwrap_or_default().is_empty()))?;
    let pid = run.0.id();
    kill(monitor_of(pid)?, Signal::SIGKILL)?;
    kill(Pid::from_raw(i32::try_from(pid)?), Signal::SIGKILL)?;
    drop(run);
    goes_on(input, output)?;
    let verdict = verify(&file)?;
    ensure!(verdict["complete"] == false, "{verdict:#}");
    let execs = query(&file, &["--kind", "exec"])?;
    ensure!(!execs.is_empty(), "the recording cannot be read after SIGKILL");
    Ok(())
}

fn other_user() -> Result<()> {
    let seen =
        Observation::command(&["sh", "-c", "id -u; id -G; echo $HOME $USER"]).options(&["--user", "nobody"]).run()?;
    ensure!(seen.stdout().starts_with("65534\n65534\n") && seen.stdout().ends_with("nobody\n"), "{}", seen.stdout());
    ensure!(seen.kind("exec").iter().all(|exec| exec["process"]["uid"] == 65534), "an exec has another user");
    Ok(())
}

fn others() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let busy_file = folder.path().join("busy").display().to_string();
    fs::write(&busy_file, "x")?;
    let own = own_program()?;
    let _busy =
        Killed(Command::new(&own).args(["trigger", "open-until-eof", &busy_file]).stdin(Stdio::piped()).spawn()?);
    let other = folder.path().join("other.rec");
    let other_child = agentsnoop()
        .args(["run", "--quiet", "--record"])
        .arg(&other)
        .arg("--")
        .arg(&own)
        .args(["trigger", "open-until-eof", &busy_file])
        .stdin(Stdio::piped())
        .spawn();
    let _other = Killed(other_child?);
    let seen = Observation::command(&["sh", "-c", "for i in 1 2 3 4 5; do cat /etc/hostname; done"]).run()?;
    ensure!(
        !seen.kind("exec").is_empty() && !seen.records.iter().any(|record| record.to_string().contains(&busy_file)),
        "the busy loop is in the recording"
    );
    let root = seen.kind("exec")[0]["process"]["pid"].clone();
    let strangers: Vec<_> = seen
        .records
        .iter()
        .filter(|record| record["process"].is_object() && record["agent"]["root_pid"] != root)
        .collect();
    ensure!(strangers.is_empty(), "processes of another tree: {strangers:#?}");
    seen.is_whole()
}

fn summary() -> Result<()> {
    let own = own_program()?.display().to_string();
    let script = format!("cat /etc/hostname /nope; {own} trigger connect ipv4 9; {own} trigger getenv HTTPS_PROXY");
    let seen = Observation::command(&["sh", "-c", &script]).run()?;
    let summary = seen.stderr();
    for word in ["cat", "127.0.0.1:9", "HTTPS_PROXY"] {
        ensure!(summary.contains(word), "{word} is not in the summary:\n{summary}");
    }
    ensure!(
        seen.told("lost").as_deref() == Some("nothing"),
        "the summary does not say that nothing was lost:\n{summary}"
    );
    seen.is_whole()?;
    ensure!(summary.lines().count() <= 60, "the summary has {} lines", summary.lines().count());
    Ok(())
}
