//! Processes that make each other.

use super::{Actor, Program};
use crate::input::Input;

/// What a family of processes on one CPU does, one process at a time.
#[derive(Debug, Default)]
pub struct Family {
    /// The inputs so far.
    pub inputs: Vec<Input>,
    /// The pid of the next child.
    pub next: u32,
    /// Nanoseconds before each child is made, and before each end.
    pub pause_ns: u64,
}

impl Family {
    /// A child of a process, which executes a program.
    pub fn starts(&mut self, of: &mut Actor, what: Program<'_>) -> Actor {
        of.header.time += self.pause_ns;
        let (fork, mut child) = of.fork(self.next);
        self.next += 1;
        child.follow(of);
        self.inputs.extend([fork, child.exec(what)]);
        of.follow(&child);
        child
    }

    /// A process ends with a code; then another one goes on, if it was not the last to do something already.
    pub fn ends(&mut self, mut process: Actor, code: u32, next: &mut Actor) {
        if process.header.time < next.header.time {
            process.follow(next);
        }
        process.header.time += self.pause_ns;
        self.inputs.push(process.exit(code << 8));
        next.follow(&process);
    }
}
