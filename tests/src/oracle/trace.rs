//! What strace wrote with `-ff`: one file a thread.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::syntax::Call;

/// The options of strace that this module understands; `-o` and `-e trace=` are the caller's.
///
/// `-ff` one file a thread, so that no line is cut by one of another thread; `-y` the file behind each descriptor; `-xx`
/// strings as bytes; `-v` the whole environment at exec; pids as the initial pid namespace has them. `--seccomp-bpf` is
/// left out: it would give each process of the run a filter that it does not have without strace.
pub const OPTIONS: [&str; 7] = ["-ff", "-y", "-xx", "-v", "-s", "65535", "--pidns-translation"];

/// What strace saw of a run.
#[derive(Debug, Default)]
pub struct Trace {
    /// What each thread did, in its order, by its id in the initial pid namespace.
    pub threads: BTreeMap<u32, Vec<Step>>,
    /// The process of each thread.
    processes: BTreeMap<u32, u32>,
}

/// One thing that a thread did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A system call.
    Call(Call),
    /// The thread ended; what strace says of it, such as `exited with 0`.
    Ended(String),
    /// Another thread of the process executed a program, and goes on under the id of this one.
    Superseded(u32),
}

impl Trace {
    /// Reads the files `NAME.TID` in a folder.
    ///
    /// # Errors
    /// Where a file cannot be read, or a line in it is not understood: then nothing can be said of the run.
    pub fn read(folder: &Path, name: &str) -> Result<Self> {
        let mut texts = BTreeMap::new();
        for entry in fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
            let path = entry?.path();
            let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let Some(thread) = file.strip_prefix(name).and_then(|rest| rest.strip_prefix('.')) else { continue };
            let thread: u32 = thread.parse().with_context(|| format!("no thread id: {file}"))?;
            texts.insert(thread, fs::read_to_string(&path).with_context(|| format!("cannot read {file}"))?);
        }
        Self::parse(&texts)
    }

    /// Reads what strace wrote, by thread.
    ///
    /// # Errors
    /// Where a line is not understood.
    pub fn parse(texts: &BTreeMap<u32, String>) -> Result<Self> {
        let mut trace = Self::default();
        for (&thread, text) in texts {
            let steps = steps(text, texts).with_context(|| format!("in what strace wrote of the thread {thread}"))?;
            trace.threads.insert(thread, steps);
        }
        for (&thread, steps) in &trace.threads {
            trace.processes.entry(thread).or_insert(thread);
            for step in steps {
                // The call that made the other thread may not have returned before.
                if let Step::Superseded(other) = step {
                    trace.processes.insert(*other, thread);
                }
            }
            for call in steps.iter().filter_map(Step::call) {
                if let Some(child) = call.child().filter(|_| call.makes_thread()) {
                    trace.processes.insert(child, thread);
                }
            }
        }
        Ok(trace)
    }

    /// The process of a thread.
    #[must_use]
    pub fn process(&self, thread: u32) -> u32 {
        let mut at = thread;
        // A thread that made a thread may itself be one; ids that were used again could make a circle.
        for _ in 0..self.processes.len() {
            match self.processes.get(&at) {
                Some(&maker) if maker != at => at = maker,
                _ => break,
            }
        }
        at
    }
}

impl Step {
    /// The call.
    #[must_use]
    pub const fn call(&self) -> Option<&Call> {
        match self {
            Self::Call(call) => Some(call),
            Self::Ended(_) | Self::Superseded(_) => None,
        }
    }
}

impl Call {
    /// The id of what the call made, in the initial pid namespace, where it is one that makes a process or a thread.
    #[must_use]
    pub fn child(&self) -> Option<u32> {
        let value = self.value().filter(|_| matches!(self.name.as_str(), "fork" | "vfork" | "clone" | "clone3"))?;
        value.translated.or_else(|| value.number.try_into().ok())
    }

    /// Whether what it made is a thread of the caller's process.
    #[must_use]
    pub fn makes_thread(&self) -> bool {
        self.arguments.iter().any(|argument| argument.contains("CLONE_THREAD"))
    }
}

/// What one thread did.
fn steps(text: &str, texts: &BTreeMap<u32, String>) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    let mut begun: Option<String> = None;
    for line in text.lines() {
        if let Some(said) = line.strip_prefix("+++ ").and_then(|line| line.strip_suffix(" +++")) {
            if let Some(other) = said.strip_prefix("superseded by execve in pid ") {
                // The thread that called execve goes on under the id of this one, and so do its lines; what this one was
                // in ends with it.
                let other: u32 = other.parse().with_context(|| format!("no thread: {line}"))?;
                if let Some(line) = begun.take() {
                    steps.push(Step::Call(Call::parse(&(line + ") = ?"))?));
                }
                steps.push(Step::Superseded(other));
                let last = texts.get(&other).and_then(|text| text.lines().last()).with_context(|| line.to_owned())?;
                begun = Some(beginning(last).with_context(|| format!("not under way: {last}"))?.to_owned());
            } else {
                if let Some(line) = begun.take() {
                    steps.push(Step::Call(Call::parse(&(line + ") = ?"))?));
                }
                steps.push(Step::Ended(said.to_owned()));
            }
        } else if let Some((_, rest)) = line.strip_prefix("<... ").and_then(|line| line.split_once(" resumed>")) {
            let line = begun.take().with_context(|| format!("nothing was begun: {line}"))? + rest;
            steps.push(Step::Call(Call::parse(&line)?));
        } else if let Some(beginning) = beginning(line) {
            begun = Some(beginning.to_owned());
        } else if !line.starts_with("--- ") {
            steps.push(Step::Call(Call::parse(line)?));
        }
    }
    // What is still under way goes on in the file of the leader.
    Ok(steps)
}

/// The part of a call that was printed before the line was broken off.
fn beginning(line: &str) -> Option<&str> {
    let at = line.strip_suffix("...>").and_then(|line| line.rfind(" <"))?;
    Some(&line[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(files: &[(u32, &str)]) -> Result<Trace> {
        Trace::parse(&files.iter().map(|&(thread, text)| (thread, text.to_owned())).collect())
    }

    #[test]
    fn a_thread_belongs_to_the_process_that_made_it_and_a_child_to_itself() {
        let trace = parse(&[
            (10, "clone3({flags=CLONE_VM|CLONE_THREAD}, 88) = 11\n+++ exited with 0 +++\n"),
            (11, "clone(child_stack=0x1, flags=CLONE_VM|CLONE_THREAD) = 12\nvfork() = 3 /* 13 in strace's PID NS */\n"),
            (12, ""),
            (13, "+++ killed by SIGKILL +++\n"),
        ])
        .unwrap();
        assert_eq!([10, 11, 12, 13].map(|thread| trace.process(thread)), [10, 10, 10, 13]);
        assert_eq!(trace.threads[&13], [Step::Ended("killed by SIGKILL".to_owned())]);
    }

    #[test]
    fn an_exec_from_a_thread_goes_on_in_the_file_of_the_leader() {
        let trace = parse(&[
            (10, "+++ superseded by execve in pid 11 +++\n<... execve resumed>)     = 0\n+++ exited with 0 +++\n"),
            (11, "getpid() = 10\nexecve(\"\\x61\", [\"\\x61\"], [] <pid changed to 10 ...>\n"),
        ])
        .unwrap();
        let [Step::Superseded(11), Step::Call(call), Step::Ended(_)] = trace.threads[&10].as_slice() else {
            panic!("{trace:?}")
        };
        assert_eq!(trace.process(11), 10);
        assert_eq!((call.name.as_str(), call.arguments.len(), call.result()), ("execve", 3, Some("0".to_owned())));
        assert_eq!(trace.threads[&11].len(), 1);
    }

    #[test]
    fn a_leader_can_be_superseded_in_the_call_that_made_the_other_thread() {
        let trace = parse(&[
            (10, "clone3({flags=CLONE_THREAD} <unfinished ...>\n+++ superseded by execve in pid 11 +++\n<... execve resumed>) = 0\n"),
            (11, "execve(\"\\x61\", [], [] <pid changed to 10 ...>\n"),
        ])
        .unwrap();
        assert_eq!((trace.process(11), trace.threads[&10].len()), (10, 3));
    }

    #[test]
    fn a_call_in_which_the_thread_was_killed_has_an_end_that_nobody_saw() {
        for text in [
            "read(3 <unfinished ...>) = ?\n+++ exited with 0 +++\n",
            "read(3 <unfinished ...>\n+++ exited with 0 +++\n",
        ] {
            let trace = parse(&[(1, text)]).unwrap();
            let call = trace.threads[&1][0].call().unwrap();
            assert_eq!((call.argument(0), call.result()), ("3", None), "{text}");
        }
    }

    #[test]
    fn signals_are_no_steps_and_a_line_that_is_not_understood_is_an_error() {
        assert!(parse(&[(1, "--- SIGCHLD {si_pid=2} ---\n")]).unwrap().threads[&1].is_empty());
        assert!(parse(&[(1, "strace: something\n")]).is_err());
        assert!(parse(&[(1, "<... read resumed>) = 0\n")]).is_err());
    }
}
