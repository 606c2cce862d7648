//! What the tests of calls about the host and about processes observe.

use std::ffi::CString;
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

/// A user that is not root.
const NOBODY: u32 = 65534;

/// Does what the words name.
pub(crate) fn make(words: &[&str]) -> Result<()> {
    match words {
        ["identity"] => identity(),
        ["metadata"] => metadata(),
        ["netlink"] => netlink(),
        ["processes", outside] => processes(outside.parse()?),
        ["memory-and-kernel", module] => kernel(module),
        ["mounts"] => mounts(),
        ["signals", outside] => signals(outside.parse()?),
        ["filtered", file] => filtered(file),
        _ => bail!("no such call: {words:?}"),
    }
}

/// Makes a call; what it returns is recorded, and no matter here.
fn call<const COUNT: usize>(number: i64, arguments: [i64; COUNT]) -> i64 {
    let at = |index: usize| arguments.get(index).copied().unwrap_or(0);
    // SAFETY: the callers pass numbers, and pointers to what outlives the call and has room for what it writes.
    unsafe { libc::syscall(number, at(0), at(1), at(2), at(3), at(4), at(5)) }
}

fn text(text: &str) -> Result<CString> {
    CString::new(text).context("a NUL in a text")
}

fn identity() -> Result<()> {
    call(libc::SYS_setpgid, [0, 0]);
    call(libc::SYS_setgroups, [0, 0]);
    call(libc::SYS_setresgid, [-1, 0, -1]);
    call(libc::SYS_setresuid, [-1, 0, -1]);
    call(libc::SYS_setuid, [0]);
    let name = text("another-name")?;
    call(libc::SYS_prctl, [i64::from(libc::PR_SET_NAME), name.as_ptr() as i64]);
    std::thread::spawn(move || call(libc::SYS_prctl, [i64::from(libc::PR_SET_NAME), name.as_ptr() as i64]))
        .join()
        .map_err(|_| anyhow::anyhow!("the thread panicked"))?;
    call(libc::SYS_prctl, [i64::from(libc::PR_GET_DUMPABLE)]);
    call(libc::SYS_prctl, [i64::from(libc::PR_SET_DUMPABLE), 0]);
    call(libc::SYS_prctl, [i64::from(libc::PR_SET_PDEATHSIG), i64::from(libc::SIGTERM)]);
    call(libc::SYS_personality, [0xffff_ffff]);
    call(libc::SYS_personality, [i64::from(libc::ADDR_NO_RANDOMIZE)]);
    // `_LINUX_CAPABILITY_VERSION_3`, the own process; CAP_CHOWN and CAP_BPF (39).
    let header = [0x2008_0522u32, 0];
    let sets = [1u32, 1, 0, 1 << 7, 1 << 7, 0];
    call(libc::SYS_capset, [header.as_ptr() as i64, sets.as_ptr() as i64]);
    // SECCOMP_GET_ACTION_AVAIL.
    let action = libc::SECCOMP_RET_ALLOW;
    call(libc::SYS_seccomp, [2, 0, (&raw const action) as i64]);
    call(libc::SYS_setsid, []);
    Ok(())
}

fn metadata() -> Result<()> {
    let mut room = [0u64; 512];
    let at = room.as_mut_ptr() as i64;
    call(libc::SYS_uname, [at]);
    call(libc::SYS_sysinfo, [at]);
    call(libc::SYS_sched_getaffinity, [0, 128, at]);
    // `SYSLOG_ACTION_SIZE_BUFFER`.
    call(libc::SYS_syslog, [10, 0, 0]);
    let socket = std::net::UdpSocket::bind("127.0.0.1:0")?;
    let fd = i64::from(socket.as_raw_fd());
    let mut interface = [0u8; 40];
    interface[..2].copy_from_slice(b"lo");
    // SIOCGIFFLAGS, SIOCGIFHWADDR; an empty SIOCGIFCONF; FIONREAD and TCGETS, which tell nothing of the host.
    for request in [0x8913, 0x8927] {
        call(libc::SYS_ioctl, [fd, request, interface.as_mut_ptr() as i64]);
    }
    room.fill(0);
    call(libc::SYS_ioctl, [fd, 0x8912, at]);
    call(libc::SYS_ioctl, [fd, 0x541b, at]);
    call(libc::SYS_ioctl, [fd, 0x5401, at]);
    // TIOCSTI on what is no terminal types nothing.
    call(libc::SYS_ioctl, [fd, 0x5412, at]);
    Ok(())
}

/// A message of `NETLINK_ROUTE`: a header (`struct nlmsghdr`, linux/netlink.h) with type and flags, and a body of 16 bytes that
/// begins with a family.
fn message(kind: u16, flags: u16, family: u8) -> [u8; 32] {
    let mut message = [0; 32];
    message[..4].copy_from_slice(&32u32.to_ne_bytes());
    message[4..6].copy_from_slice(&kind.to_ne_bytes());
    message[6..8].copy_from_slice(&flags.to_ne_bytes());
    message[16] = family;
    message
}

/// Queries over netlink, by each call that sends, and what is none. The answers are left in the sockets.
fn netlink() -> Result<()> {
    let mut interfaces = std::ptr::null_mut();
    // SAFETY: the pointer has room for the list, which is freed once.
    unsafe {
        ensure!(libc::getifaddrs(&raw mut interfaces) == 0, "no interfaces: {}", std::io::Error::last_os_error());
        libc::freeifaddrs(interfaces);
    }
    let open = |protocol: i32| {
        let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC;
        call(libc::SYS_socket, [i64::from(libc::AF_NETLINK), i64::from(kind), i64::from(protocol)])
    };
    for protocol in [libc::NETLINK_KOBJECT_UEVENT, libc::NETLINK_AUDIT, libc::NETLINK_GENERIC] {
        open(protocol);
    }
    let socket = open(libc::NETLINK_ROUTE);
    // NLM_F_REQUEST, NLM_F_DUMP: of a link (18), a route (26), a neighbour (30), a rule (34), a qdisc (38).
    let (one, all) = (1, 0x301);
    let route = message(26, one, 2);
    let neighbours = message(30, all, 10);
    // A question in two parts, and two questions in one datagram.
    let parts = [route.as_ptr() as u64, 16, route[16..].as_ptr() as u64, 16];
    let several = [message(18, one, 0), message(34, one, 0)].concat();
    let whole = [several.as_ptr() as u64, 64];
    let header = |vector: &[u64], count: u64| [0, 0, vector.as_ptr() as u64, count, 0, 0, 0, 0];
    let (in_parts, at_once) = (header(&parts, 2), header(&whole, 1));
    call(libc::SYS_sendmsg, [socket, in_parts.as_ptr() as i64, 0]);
    call(libc::SYS_sendmsg, [socket, at_once.as_ptr() as i64, 0]);
    let neighbours_vector = [neighbours.as_ptr() as u64, 32];
    let messages = [header(&parts, 2), header(&neighbours_vector, 1)].concat();
    call(libc::SYS_sendmmsg, [socket, messages.as_ptr() as i64, 2, 0]);
    let qdisc = message(38, one, 0);
    call(libc::SYS_write, [socket, qdisc.as_ptr() as i64, 32]);
    // No request, so the kernel does not look at it; a change (RTM_SETLINK) of a link that there is not; no message.
    for silent in [message(18, 0, 0), message(19, one, 0), [0; 32]] {
        call(libc::SYS_sendto, [socket, silent.as_ptr() as i64, 32, 0, 0, 0]);
    }
    // More questions in one datagram than one call is looked into.
    let storm = [message(18, one, 0); 40].concat();
    call(libc::SYS_sendto, [socket, storm.as_ptr() as i64, storm.len().try_into()?, 0, 0, 0]);
    Ok(())
}

/// Calls that reach into a process. Each fails, or does no harm.
fn processes(outside: i64) -> Result<()> {
    // PTRACE_PEEKDATA of a process that is not traced.
    call(libc::SYS_ptrace, [2, outside, 0, 0]);
    let mut room = [0u64; 8];
    let vector = [room.as_mut_ptr() as u64, 0];
    for number in [libc::SYS_process_vm_readv, libc::SYS_process_vm_writev] {
        call(number, [outside, vector.as_ptr() as i64, 1, vector.as_ptr() as i64, 1, 0]);
    }
    let pidfd = call(libc::SYS_pidfd_open, [outside, 0]);
    ensure!(pidfd >= 0, "no pidfd: {}", std::io::Error::last_os_error());
    call(libc::SYS_pidfd_getfd, [pidfd, 0, 0]);
    let name = text("a name of memory")?;
    call(libc::SYS_memfd_create, [name.as_ptr() as i64, 1]);
    Ok(())
}

fn kernel(module: &str) -> Result<()> {
    // BPF_PROG_GET_NEXT_ID, whose attribute has room.
    let mut attribute = [0u64; 16];
    call(libc::SYS_bpf, [11, attribute.as_mut_ptr() as i64, 128]);
    // `struct perf_event_attr`: the type is PERF_TYPE_SOFTWARE, and the size none that the kernel knows.
    let event = [1u32, 8, 0, 0];
    call(libc::SYS_perf_event_open, [event.as_ptr() as i64, -1, 0, -1, 0]);
    let file = std::fs::File::open(module)?;
    let empty = text("")?;
    call(libc::SYS_finit_module, [i64::from(file.as_raw_fd()), empty.as_ptr() as i64, 0]);
    let name = text("no_such_module")?;
    call(libc::SYS_delete_module, [name.as_ptr() as i64, i64::from(libc::O_NONBLOCK)]);
    // KEYCTL_GET_KEYRING_ID of the session's, not made for it.
    call(libc::SYS_keyctl, [0, -3, 0]);
    let (kind, description) = (text("no-such-type")?, text("a description")?);
    call(libc::SYS_add_key, [kind.as_ptr() as i64, description.as_ptr() as i64, 0, 0, -3]);
    // The first number is none of those that reboot asks for.
    call(libc::SYS_reboot, [1, 2, 0x4321_fedc, 0]);
    call(libc::SYS_userfaultfd, [-1]);
    call(libc::SYS_unshare, [i64::from(libc::CLONE_NEWUTS)]);
    // Behind the name stands what is no part of it.
    call(libc::SYS_sethostname, [text("another-host+secret")?.as_ptr() as i64, 12]);
    Ok(())
}

/// Mounts, in a mount namespace of its own.
fn mounts() -> Result<()> {
    call(libc::SYS_unshare, [i64::from(libc::CLONE_NEWNS)]);
    let root = text("/")?;
    ensure!(
        call(libc::SYS_mount, [0, root.as_ptr() as i64, 0, i64::from(libc::MS_REC as i32 | libc::MS_PRIVATE as i32)])
            == 0
    );
    let folder = tempfile::tempdir()?;
    std::env::set_current_dir(folder.path())?;
    std::fs::create_dir("target")?;
    let (source, target, kind) = (text("a-source")?, text("target")?, text("tmpfs")?);
    let (source, target, kind) = (source.as_ptr() as i64, target.as_ptr() as i64, kind.as_ptr() as i64);
    ensure!(
        call(libc::SYS_mount, [source, target, kind, 2, 0]) == 0,
        "cannot mount: {}",
        std::io::Error::last_os_error()
    );
    let here = std::fs::File::open(".")?;
    call(libc::SYS_open_tree, [i64::from(here.as_raw_fd()), target, 0]);
    ensure!(call(libc::SYS_umount2, [target, 2]) == 0, "cannot unmount: {}", std::io::Error::last_os_error());
    let own = std::fs::File::open("/proc/self/ns/uts")?;
    call(libc::SYS_setns, [i64::from(own.as_raw_fd()), i64::from(libc::CLONE_NEWUTS)]);
    call(libc::SYS_chroot, [text("/")?.as_ptr() as i64]);
    std::env::set_current_dir("/")?;
    Ok(())
}

/// Signals to processes of the tree, whatever has become of them, and to one outside.
fn signals(outside: i64) -> Result<()> {
    let own = std::env::current_exe()?;
    // Waits until its input ends; the leader of a group of its own, with a child in it that does the same.
    let mut child = Command::new(own)
        .args(["trigger", "host-waits"])
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let output = child.stdout.take().context("no output")?;
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(output));
    let grandchild: i64 = lines.next().context("the child said nothing")??.parse()?;
    let pid = i64::from(child.id());
    let term = i64::from(libc::SIGTERM);
    call(libc::SYS_kill, [pid, 0]);
    call(libc::SYS_tgkill, [grandchild, grandchild, 0]);
    call(libc::SYS_tgkill, [std::process::id().into(), call(libc::SYS_gettid, []), 0]);
    ensure!(call(libc::SYS_kill, [pid, i64::from(libc::SIGKILL)]) == 0);
    // The leader is dead once its end can be waited for; WNOWAIT leaves it as it is.
    let mut room = [0u64; 16];
    // P_PID 1.
    ensure!(
        call(libc::SYS_waitid, [1, pid, room.as_mut_ptr() as i64, i64::from(libc::WEXITED | libc::WNOWAIT), 0]) == 0
    );
    call(libc::SYS_kill, [pid, 0]);
    child.wait()?;
    ensure!(call(libc::SYS_kill, [-pid, term]) == 0, "the group that the dead leader left is gone");
    // And outside.
    call(libc::SYS_kill, [outside, 0]);
    call(libc::SYS_tgkill, [outside, outside, i64::from(libc::SIGCONT)]);
    let pidfd = call(libc::SYS_pidfd_open, [outside, 0]);
    call(libc::SYS_pidfd_send_signal, [pidfd, i64::from(libc::SIGCONT), 0, 0]);
    let own = call(libc::SYS_pidfd_open, [std::process::id().into(), 0]);
    call(libc::SYS_pidfd_send_signal, [own, 0, 0, 0]);
    Ok(())
}

/// Tells the pid of a child in its group, and waits as it does.
pub(crate) fn waits() -> Result<()> {
    // SAFETY: this process has one thread, so the child may do whatever its parent may.
    if let nix::unistd::ForkResult::Parent { child } = unsafe { nix::unistd::fork() }? {
        std::io::Write::write_all(&mut std::io::stdout(), format!("{child}\n").as_bytes())?;
    }
    std::io::Read::read_to_end(&mut std::io::stdin(), &mut Vec::new())?;
    Ok(())
}

/// An openat that a seccomp filter kills the process for.
pub(crate) fn killed(file: &str) -> Result<()> {
    let path = text(file)?;
    let step = |code, jf, k| libc::sock_filter { code, jt: 0, jf, k };
    let mut filter = [
        step(0x20, 0, 0),
        step(0x15, 1, u32::try_from(libc::SYS_openat)?),
        step(0x06, 0, libc::SECCOMP_RET_KILL_PROCESS),
        step(0x06, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog { len: u16::try_from(filter.len())?, filter: filter.as_mut_ptr() };
    ensure!(call(libc::SYS_prctl, [i64::from(libc::PR_SET_NO_NEW_PRIVS), 1]) == 0);
    // SECCOMP_SET_MODE_FILTER.
    ensure!(call(libc::SYS_seccomp, [1, 0, (&raw const program) as i64]) == 0, "cannot install the filter");
    call(libc::SYS_openat, [-100, path.as_ptr() as i64, i64::from(libc::O_WRONLY | libc::O_CREAT), 0o600]);
    anyhow::bail!("the filter did not kill")
}

/// getpid as 32-bit programs call it (`int 0x80`, number 20), three times.
pub(crate) fn compat() {
    for _ in 0..3 {
        // SAFETY: the call takes nothing and writes nothing but its result.
        unsafe {
            std::arch::asm!("int 0x80", inlateout("eax") 20 => _, out("r8") _, out("r9") _, out("r10") _, out("r11") _);
        };
    }
}

/// A file that the kernel refuses, and then calls that a seccomp filter answers with `EPERM`.
fn filtered(file: &str) -> Result<()> {
    let path = text(file)?;
    ensure!(call(libc::SYS_setresuid, [NOBODY.into(), NOBODY.into(), NOBODY.into()]) == 0, "cannot become nobody");
    let open = || call(libc::SYS_openat, [-100, path.as_ptr() as i64, 0, 0]);
    open();
    let load = libc::sock_filter { code: 0x20, jt: 0, jf: 0, k: 0 };
    let answer = |value| libc::sock_filter { code: 0x06, jt: 0, jf: 0, k: value };
    let denied = [libc::SYS_openat, libc::SYS_connect, libc::SYS_ptrace, libc::SYS_uname, libc::SYS_setsid];
    let mut filter = vec![load];
    for number in denied {
        filter.push(libc::sock_filter { code: 0x15, jt: 0, jf: 1, k: u32::try_from(number)? });
        filter.push(answer(libc::SECCOMP_RET_ERRNO | u32::try_from(libc::EPERM)?));
    }
    filter.push(answer(libc::SECCOMP_RET_ALLOW));
    let program = libc::sock_fprog { len: u16::try_from(filter.len())?, filter: filter.as_mut_ptr() };
    ensure!(call(libc::SYS_prctl, [i64::from(libc::PR_SET_NO_NEW_PRIVS), 1]) == 0);
    // SECCOMP_SET_MODE_FILTER.
    ensure!(call(libc::SYS_seccomp, [1, 0, (&raw const program) as i64]) == 0, "cannot install the filter");
    open();
    call(libc::SYS_connect, [-1, 0, 0]);
    call(libc::SYS_ptrace, [16, 1, 0, 0]);
    let mut room = [0u64; 64];
    call(libc::SYS_uname, [room.as_mut_ptr() as i64]);
    call(libc::SYS_setsid, []);
    Ok(())
}
