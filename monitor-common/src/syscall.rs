//! The system calls that the kernel half records, x86-64 numbers (arch/x86/entry/syscalls/syscall_64.tbl).

/// `open(const char *path, int flags, mode_t mode)`.
pub const OPEN: u64 = 2;
/// `connect(int fd, const struct sockaddr *address, int length)`.
pub const CONNECT: u64 = 42;
/// `creat(const char *path, mode_t mode)`.
pub const CREAT: u64 = 85;
/// `openat(int dfd, const char *path, int flags, mode_t mode)`.
pub const OPENAT: u64 = 257;
/// `openat2(int dfd, const char *path, struct open_how *how, size_t size)`.
pub const OPENAT2: u64 = 437;

/// Byte offsets in the kernel's `struct pt_regs`, which the processor's entry code fixes
/// (arch/x86/include/asm/ptrace.h); a call leaves the registers of its arguments as they were.
pub mod regs {
    /// The fourth argument.
    pub const R10: usize = 56;
    /// The third argument.
    pub const DX: usize = 96;
    /// The second argument.
    pub const SI: usize = 104;
    /// The first argument.
    pub const DI: usize = 112;
    /// The number of the call.
    pub const ORIG_AX: usize = 120;
}

/// `AT_FDCWD` (linux/fcntl.h): a relative path starts from the working directory.
pub const AT_FDCWD: i32 = -100;
/// The flags that creat implies: `O_CREAT | O_WRONLY | O_TRUNC` (asm-generic/fcntl.h).
pub const CREAT_FLAGS: u64 = 0o1101;
/// `TS_COMPAT` (asm/thread_info.h) in `thread_info.status`: the thread is in a 32-bit call, whose number means another call.
pub const TS_COMPAT: u32 = 2;

/// Numbers below this have a bit in [`INTEREST`].
pub const NUMBERS: usize = 512;

/// One bit per number: the calls that the kernel half records when they return.
pub const INTEREST: [u64; NUMBERS / 64] = interest(&[OPEN, CONNECT, CREAT, OPENAT, OPENAT2]);

const fn interest(numbers: &[u64]) -> [u64; NUMBERS / 64] {
    let mut bits = [0; NUMBERS / 64];
    let mut at = 0;
    while at < numbers.len() {
        bits[(numbers[at] / 64) as usize] |= 1 << (numbers[at] % 64);
        at += 1;
    }
    bits
}
