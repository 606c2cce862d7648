//! fork, exec and exit.

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::harness::{Observation, expect, observe, own_program, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("the command's exec is the first event, with its whole argv and its path", first_exec),
        trial("an argv of 60 KiB arrives whole, and of 200 KiB the head and the tail", long_argv),
        trial(
            "the names of the environment are recorded and the values are nowhere in the recording",
            environment_names,
        ),
        trial("an environment of 250 names is recorded whole, one of more is cut and says so", many_names),
        trial("working directory and standard descriptors are those at the exec", cwd_and_stdio),
        trial("an exec through a symbolic link shows the true executable", exec_through_a_link),
        trial("a script shows its interpreter as the executable and itself as the file asked for", script),
        trial("an exec from a thread keeps the process and its children", exec_from_a_thread),
        trial("three images in one process are told apart by their sequence", exec_chain),
        trial("exit codes and signals are recorded as wait tells them", exits),
        trial("a daemon that outlives the command is recorded to its end", daemon),
        trial("a child by vfork is its parent's, also once it executes", vfork),
        trial("two processes of one tree with the same pid are told apart", pid_reuse),
        trial("a fork names its child and the child's first event follows it", fork),
    ]
}

fn first_exec() -> Result<()> {
    let seen = observe(&["nothing", "with", "", "words"])?;
    let exec = seen.kind("exec")[0];
    let own = own_program()?.display().to_string();
    expect(exec, "/exec/path", own.as_str())?;
    expect(exec, "/exec/argv", json!([own, "trigger", "nothing", "with", "", "words"]))?;
    expect(exec, "/process/pid", seen.kind("exit").last().map_or(Value::Null, |exit| exit["process"]["pid"].clone()))?;
    seen.is_whole()
}

fn long_argv() -> Result<()> {
    let word = "x".repeat(60 * 1024);
    let seen = observe(&["nothing", &word, "END"])?;
    let exec = seen.kind("exec")[0];
    ensure!(exec["exec"]["argv"][3].as_str() == Some(&word), "the long argument is not whole");
    expect(exec, "/exec/argv/4", "END")?;
    ensure!(exec["exec"].get("argv_state").is_none(), "a whole argv says how it came");

    // The word that the cut goes through could be half a secret and may be masked; the others are whole.
    let words = "y ".repeat(50 * 1024);
    let seen = observe(&["nothing", &words, &words, "END"])?;
    let exec = seen.kind("exec")[0];
    ensure!(exec["exec"]["argv_state"].is_string(), "an argv that was cut does not say so");
    ensure!(
        exec["exec"]["argv_bytes"].as_u64() > Some(200 * 1024),
        "the length of the whole is {}",
        exec["exec"]["argv_bytes"]
    );
    let argv: Vec<&str> = exec["exec"]["argv"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let carried: usize = argv.iter().map(|argument| argument.len() + 1).sum();
    ensure!(argv.first() == Some(&own_program()?.display().to_string().as_str()), "the head is not there");
    ensure!(
        argv.last() == Some(&"END") && argv.iter().any(|argument| argument.ends_with("y y ")),
        "the tail is not there"
    );
    ensure!(carried > 63 * 1024 && carried < 66 * 1024, "{carried} bytes are carried, not the first and last 32 KiB");
    Ok(())
}

fn environment_names() -> Result<()> {
    let value = "the-value-that-must-not-be-seen";
    let seen = Observation::trigger(&["nothing"])?
        .variable("AGENTSNOOP_TEST_NAME", value)
        .variable("AGENTSNOOP_TEST_EMPTY", "")
        .run()?;
    let names = &seen.kind("exec")[0]["exec"]["env_names"];
    let names = names.as_array().map(Vec::as_slice).unwrap_or_default();
    for name in ["AGENTSNOOP_TEST_NAME", "AGENTSNOOP_TEST_EMPTY"] {
        ensure!(names.iter().any(|found| found == name), "{name} is not among {names:?}");
    }
    let found = seen.records.iter().any(|record| record.to_string().contains(value));
    ensure!(!found, "the value of a variable is in a record");
    Ok(())
}

fn many_names() -> Result<()> {
    // env -i keeps what the caller has out.
    let exec_with = |count: usize| -> Result<Value> {
        let own = own_program()?.display().to_string();
        let variables: Vec<String> = (0..count).map(|at| format!("AGENTSNOOP_{at}={}", "v".repeat(at))).collect();
        let mut command = vec!["env", "-i"];
        command.extend(variables.iter().map(String::as_str));
        command.extend([own.as_str(), "trigger", "nothing"]);
        let seen = Observation::command(&command).run()?;
        Ok(seen.only("exec", "/exec/path", &own)?["exec"].clone())
    };
    let expected = |count: usize| Value::from((0..count).map(|at| format!("AGENTSNOOP_{at}")).collect::<Vec<_>>());
    let whole = exec_with(250)?;
    ensure!(whole["env_names"] == expected(250) && whole.get("env_names_state").is_none(), "not whole: {whole:#}");
    let cut = exec_with(300)?;
    ensure!(cut["env_names"] == expected(256), "not the first 256: {cut:#}");
    ensure!(cut["env_names_state"] == "cut", "it does not say that it is cut: {cut:#}");
    Ok(())
}

fn cwd_and_stdio() -> Result<()> {
    let seen = Observation::command(&["sh", "-c", "cd /usr && exec cat < /etc/hostname > /dev/null"]).run()?;
    let Some(exec) = seen.kind("exec").last().copied() else { anyhow::bail!("no exec") };
    expect(exec, "/exec/cwd", "/usr")?;
    expect(exec, "/exec/stdio/0", "/etc/hostname")?;
    expect(exec, "/exec/stdio/1", "/dev/null")?;
    ensure!(
        exec["exec"]["stdio"][2].as_str().is_some_and(|name| name.starts_with("pipe:[")),
        "fd 2 is {}",
        exec["exec"]["stdio"][2]
    );
    Ok(())
}

fn exec_through_a_link() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let link = folder.path().join("another-name");
    std::os::unix::fs::symlink(own_program()?, &link)?;
    let link = link.display().to_string();
    let seen = Observation::command(&[&link, "trigger", "nothing"]).run()?;
    let exec = seen.kind("exec")[0];
    expect(exec, "/exec/path", own_program()?.display().to_string())?;
    expect(exec, "/exec/filename", link)
}

fn script() -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir()?;
    let script = folder.path().join("script");
    std::fs::write(&script, "#!/bin/sh\nexit 3\n")?;
    std::fs::set_permissions(&script, PermissionsExt::from_mode(0o755))?;
    let script = script.display().to_string();
    let seen = Observation::command(&[&script]).run()?;
    let exec = seen.kind("exec")[0];
    let interpreter = std::fs::canonicalize("/bin/sh")?.display().to_string();
    expect(exec, "/exec/path", interpreter)?;
    expect(exec, "/exec/filename", script)?;
    ensure!(seen.output.status.code() == Some(3), "run ended with {}", seen.output.status);
    Ok(())
}

fn exec_from_a_thread() -> Result<()> {
    let seen = observe(&["exec-from-thread"])?;
    let execs = seen.kind("exec");
    ensure!(execs.len() == 3, "{} execs, not 3 (the trigger, its second image, a child): {execs:#?}", execs.len());
    let pid = &execs[0]["process"]["pid"];
    ensure!(execs[1]["process"]["pid"] == *pid, "the second image is in another process");
    ensure!(execs[1]["process"]["id"] == execs[0]["process"]["id"], "the identity did not survive the exec");
    ensure!(execs[1]["exec"]["old_tid"].is_u64(), "the exec does not say that it came from a thread: {:#}", execs[1]);
    ensure!(execs[2]["process"]["ppid"] == *pid, "the child is not tracked after an exec from a thread");
    ensure!(
        seen.kind("exit").len() == 2,
        "a process ends once, not when its old leader does: {:#?}",
        seen.kind("exit")
    );
    seen.is_whole()
}

fn exec_chain() -> Result<()> {
    let seen = Observation::command(&["sh", "-c", "exec sh -c 'exec true'"]).run()?;
    let execs = seen.kind("exec");
    ensure!(execs.len() == 3, "{execs:#?}");
    ensure!(
        execs.iter().all(|exec| exec["process"]["id"] == execs[0]["process"]["id"]),
        "one process has several identities"
    );
    seen.is_whole()
}

fn exits() -> Result<()> {
    let seen = Observation::command(&["sh", "-c", "sh -c 'exit 7'; sh -c 'kill -TERM $$'; exit 9"]).run()?;
    let exits = seen.kind("exit");
    ensure!(exits.len() == 3, "{exits:#?}");
    expect(exits[0], "/exit/code", 7)?;
    expect(exits[1], "/exit/signal", "SIGTERM")?;
    expect(exits[2], "/exit/code", 9)?;
    ensure!(seen.output.status.code() == Some(9), "run ended with {}", seen.output.status);
    let seen = Observation::command(&["sh", "-c", "kill -KILL $$"]).run()?;
    ensure!(seen.output.status.code() == Some(128 + 9), "run ended with {}", seen.output.status);
    Ok(())
}

fn daemon() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let late = folder.path().join("late.txt").display().to_string();
    let path = folder.path().join("fifo");
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).context("cannot make a FIFO")?;
    // Open for reading as well, so that neither side waits for the other; what closes it lets the daemon go on.
    let fifo = std::fs::OpenOptions::new().read(true).write(true).open(&path)?;
    let trigger = ["daemon", &path.display().to_string(), &late];
    let started = Observation::trigger(&trigger)?.options(&["--linger", "60"]).start()?;
    ensure!(started.output.status.success(), "run ended with {}: {}", started.output.status, started.stderr());
    ensure!(!std::path::Path::new(&late).exists(), "the daemon did not wait for the end of the command");
    drop(fifo);
    let seen = started.closed()?;
    let open = seen.only("open", "/open/path", &late)?;
    expect(open, "/open/access", "write")?;
    let ended = |record: &&Value| record["kind"] == "exit" && record["process"]["pid"] == open["process"]["pid"];
    ensure!(seen.records.iter().any(|record| ended(&record)), "the end of the daemon was not recorded");
    ensure!(
        open["agent"]["root_pid"] == seen.kind("exec")[0]["process"]["pid"],
        "the daemon is not attributed to the root"
    );
    seen.is_whole()
}

fn fork() -> Result<()> {
    let seen = Observation::command(&["sh", "-c", "true & wait; /bin/true"]).run()?;
    let forks = seen.kind("fork");
    ensure!(!forks.is_empty(), "no fork in {:#?}", seen.records);
    for fork in forks {
        let child = &fork["fork"]["child_pid"];
        let at = |wanted: &dyn Fn(&Value) -> bool| seen.records.iter().position(wanted);
        let first = at(&|record| record["process"]["pid"] == *child);
        ensure!(first > at(&|record| record["id"] == fork["id"]), "the child {child} is seen before its fork");
    }
    Ok(())
}

fn vfork() -> Result<()> {
    // The second image of the trigger starts a program as the standard library does: by a child that shares its memory.
    let seen = observe(&["exec-from-thread", "second"])?;
    let forks = seen.kind("fork");
    let shares =
        |fork: &&&Value| fork["fork"]["flags"].as_array().is_some_and(|flags| flags.contains(&json!("CLONE_VFORK")));
    let fork = forks.iter().find(shares).with_context(|| format!("no vfork in {forks:#?}"))?;
    let Some(exec) = seen.kind("exec").last().copied() else { anyhow::bail!("no exec") };
    expect(exec, "/process/id", fork["fork"]["child"].clone())?;
    expect(exec, "/process/ppid", fork["process"]["pid"].clone())?;
    ensure!(exec["agent"] == fork["agent"], "the child is not attributed as its parent");
    seen.is_whole()
}

fn pid_reuse() -> Result<()> {
    let seen = observe(&["reuse-a-pid"])?;
    let pid: u64 = seen.stdout().trim().parse().with_context(|| format!("no pid was reused: {}", seen.stderr()))?;
    let of_pid: Vec<_> = seen.kind("exit").into_iter().filter(|exit| exit["process"]["pid"] == pid).collect();
    let [first, second] = of_pid.as_slice() else { anyhow::bail!("{of_pid:#?}") };
    ensure!(first["process"]["id"] != second["process"]["id"], "both have one identity: {first:#}");
    expect(first, "/exit/code", 3)?;
    expect(second, "/exit/code", 4)?;
    ensure!(second["agent"] == first["agent"] && first["agent"].is_object(), "one is not attributed");
    seen.is_whole()
}
