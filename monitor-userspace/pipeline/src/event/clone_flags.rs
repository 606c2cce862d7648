//! The flags of clone(2) by name.

/// Names by bits (linux/sched.h).
pub const NAMES: [(u64, &str); 24] = [
    (0x80, "CLONE_NEWTIME"),
    (0x100, "CLONE_VM"),
    (0x200, "CLONE_FS"),
    (0x400, "CLONE_FILES"),
    (0x800, "CLONE_SIGHAND"),
    (0x1000, "CLONE_PIDFD"),
    (0x2000, "CLONE_PTRACE"),
    (0x4000, "CLONE_VFORK"),
    (0x8000, "CLONE_PARENT"),
    (0x1_0000, "CLONE_THREAD"),
    (0x2_0000, "CLONE_NEWNS"),
    (0x4_0000, "CLONE_SYSVSEM"),
    (0x8_0000, "CLONE_SETTLS"),
    (0x10_0000, "CLONE_PARENT_SETTID"),
    (0x20_0000, "CLONE_CHILD_CLEARTID"),
    (0x80_0000, "CLONE_UNTRACED"),
    (0x100_0000, "CLONE_CHILD_SETTID"),
    (0x200_0000, "CLONE_NEWCGROUP"),
    (0x400_0000, "CLONE_NEWUTS"),
    (0x800_0000, "CLONE_NEWIPC"),
    (0x1000_0000, "CLONE_NEWUSER"),
    (0x2000_0000, "CLONE_NEWPID"),
    (0x4000_0000, "CLONE_NEWNET"),
    (0x8000_0000, "CLONE_IO"),
];

/// The flags with which a process was made; serialized as the list of their names. The exit signal is no flag, and what
/// every C library asks for to learn the child's id says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CloneFlags(pub u64);

impl CloneFlags {
    /// `CSIGNAL`, the exit signal, where no time namespace is asked for.
    const SIGNAL: u64 = 0x7f;
    /// `CLONE_PARENT_SETTID`, `CLONE_CHILD_CLEARTID` and `CLONE_CHILD_SETTID`.
    const IDS: u64 = 0x130_0000;

    /// The flags that tell something, from what `task_newtask` gives.
    #[must_use]
    pub const fn telling(flags: u64) -> Self {
        Self(flags & !Self::SIGNAL & !Self::IDS)
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0 == 0
    }
}

super::named::flags!(CloneFlags, NAMES);
