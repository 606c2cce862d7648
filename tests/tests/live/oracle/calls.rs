//! A program that makes each call that is recorded, in the ways in which it can succeed and fail: `live trigger each-call`.
//!
//! Results are ignored here; that both observers tell the same of them is what the test asks.

use std::ffi::CString;
use std::fs;
use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context as _, Result};
use libc::{
    AT_EMPTY_PATH, AT_FDCWD, AT_REMOVEDIR, AT_SYMLINK_FOLLOW, AT_SYMLINK_NOFOLLOW, O_CREAT, O_DIRECTORY, O_EXCL,
    O_NOFOLLOW, O_NONBLOCK, O_PATH, O_RDONLY, O_RDWR, O_TMPFILE, O_TRUNC, O_WRONLY,
};

use crate::harness::wait_for;

/// An argument of a system call.
#[derive(Clone, Copy)]
enum Argument<'a> {
    /// A number.
    N(i64),
    /// A path or a name.
    T(&'a str),
    /// A structure, of which the call gets a copy.
    R(&'a [u64]),
    /// Room that the call writes to.
    W,
}

use Argument::{N, R, T, W};

/// A flag or a descriptor as an argument.
fn n(number: i32) -> Argument<'static> {
    N(i64::from(number))
}

/// Bytes of [`W`]: more than any of the calls writes.
const ROOM: usize = 4096;

/// Makes a call and gives what it returned, or a negative errno.
fn call<const COUNT: usize>(number: i64, arguments: [Argument<'_>; COUNT]) -> i64 {
    let mut room = vec![0u8; ROOM];
    let texts = arguments.map(|argument| match argument {
        T(text) => CString::new(text).unwrap_or_default(),
        _ => CString::default(),
    });
    let mut structures = arguments.map(|argument| match argument {
        R(words) => words.to_vec(),
        _ => Vec::new(),
    });
    let mut words = [0i64; 6];
    for (((word, argument), text), structure) in words.iter_mut().zip(arguments).zip(&texts).zip(&mut structures) {
        *word = match argument {
            N(number) => number,
            T(_) => text.as_ptr() as i64,
            R(_) => structure.as_mut_ptr() as i64,
            W => room.as_mut_ptr() as i64,
        };
    }
    let [a, b, c, d, e, f] = words;
    // SAFETY: the texts, the structures and the room outlive the call, and the room is larger than what is written.
    match unsafe { libc::syscall(number, a, b, c, d, e, f) } {
        -1 => -i64::from(std::io::Error::last_os_error().raw_os_error().unwrap_or_default()),
        result => result,
    }
}

/// Makes a call by its name. A word is a number, `=TEXT`, `@FILE` for a descriptor that can be written and stays open, `^FILE`
/// for one that leads to the file alone (`O_PATH`, of a link the link itself), or `room` for what the call writes.
pub(crate) fn by_name(words: &[&str]) -> Result<()> {
    let (name, arguments) = words.split_first().context("no call is named")?;
    let known = monitor_common::syscall::TABLES.into_iter().flatten().find(|call| call.name == *name);
    let number = known.with_context(|| format!("{name} is no call that is recorded"))?.number;
    let mut all = [N(0); 6];
    for (argument, word) in all.iter_mut().zip(arguments) {
        *argument = match word.split_at_checked(1) {
            _ if *word == "room" => W,
            Some(("=", text)) => T(text),
            Some(("^", file)) => open(file, O_PATH | O_NOFOLLOW),
            Some(("@", file)) => match open(file, O_RDWR) {
                N(folder) if folder == -i64::from(libc::EISDIR) => open(file, O_RDONLY),
                file => file,
            },
            _ => N(word.parse().with_context(|| format!("{word} is no argument"))?),
        };
    }
    call(i64::try_from(number)?, all);
    Ok(())
}

/// Opens and gives the descriptor as an argument; it stays open.
fn open(path: &str, flags: i32) -> Argument<'static> {
    N(call(libc::SYS_openat, [n(AT_FDCWD), T(path), n(flags), N(0o640)]))
}

/// Makes every call, with files in an empty folder.
pub(crate) fn make(folder: &str) -> Result<()> {
    std::env::set_current_dir(folder)?;
    opens(folder)?;
    special_files(folder)?;
    looks(folder);
    changes(folder);
    interrupted()?;
    sockets()?;
    host();
    processes()?;
    let own = std::env::current_exe()?;
    let status = Command::new(own).args(["trigger", "killed-in-a-call", folder]).status();
    status.map(drop).context("cannot start the program again")
}

/// The open family.
fn opens(folder: &str) -> Result<()> {
    fs::create_dir_all("sub/deep")?;
    fs::write("file", "text")?;
    fs::set_permissions("sub", std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    std::os::unix::fs::symlink("file", "link")?;
    std::os::unix::fs::symlink("loop", "loop")?;
    let absolute = format!("{folder}/file");
    for path in [
        "file",
        "./sub/../file",
        "link",
        "loop",
        "none",
        "sub/none/x",
        "file/x",
        "",
        absolute.as_str(),
        "//etc//passwd",
    ] {
        call(libc::SYS_open, [T(path), n(O_RDONLY), N(0)]);
        call(libc::SYS_openat, [n(AT_FDCWD), T(path), n(O_RDWR | O_NOFOLLOW)]);
        call(libc::SYS_openat, [n(AT_FDCWD), T(path), n(O_PATH)]);
    }
    call(libc::SYS_creat, [T("created"), N(0o4755)]);
    call(libc::SYS_creat, [T("sub"), N(0)]);
    call(libc::SYS_open, [T("created"), n(O_WRONLY | O_CREAT | O_EXCL), N(0o600)]);
    call(libc::SYS_open, [T("made"), n(O_WRONLY | O_CREAT | O_TRUNC), N(0)]);
    call(libc::SYS_open, [T("sub"), n(O_RDONLY | O_DIRECTORY), N(0)]);
    call(libc::SYS_openat, [open("sub", O_PATH), T("../link"), n(O_RDONLY)]);
    call(libc::SYS_openat, [open("sub/deep", O_RDONLY), T("../../../.."), n(O_RDONLY)]);
    call(libc::SYS_openat, [open("sub/deep", O_RDONLY), T("../none"), n(O_RDONLY)]);
    // No folder, no descriptor, no address.
    call(libc::SYS_openat, [open("file", O_RDONLY), T("x"), n(O_RDONLY)]);
    call(libc::SYS_openat, [N(1000), T("x"), n(O_RDONLY)]);
    call(libc::SYS_openat, [n(AT_FDCWD), N(0), n(O_RDONLY)]);
    call(libc::SYS_openat, [n(AT_FDCWD), T(&"x/".repeat(3000)), n(O_RDONLY)]);
    call(libc::SYS_openat, [n(AT_FDCWD), T(&"x".repeat(300)), n(O_RDONLY)]);
    // struct open_how of linux/openat2.h: flags, mode, resolve.
    let how = |flags: i32, mode: u64, resolve: u64| -> Result<[u64; 3]> { Ok([u64::try_from(flags)?, mode, resolve]) };
    const IN_ROOT: u64 = 0x10;
    const NO_SYMLINKS: u64 = 0x04;
    for (path, how) in [
        ("file", how(O_RDONLY, 0, 0)?),
        ("made-too", how(O_RDWR | O_CREAT, 0o640, 0)?),
        ("link", how(O_RDONLY, 0, NO_SYMLINKS)?),
        ("/file", how(O_RDONLY, 0, IN_ROOT)?),
        ("none", how(O_PATH, 0, 0)?),
        ("file", how(O_RDONLY, 0o777, 0)?),
    ] {
        call(libc::SYS_openat2, [open(".", O_PATH), T(path), R(&how), N(24)]);
    }
    Ok(())
}

/// Files that have no path any more, or never had one.
fn special_files(folder: &str) -> Result<()> {
    call(libc::SYS_open, [T("."), n(O_TMPFILE | O_RDWR), N(0o600)]);
    let N(gone) = open("gone", O_CREAT | O_RDWR) else { return Ok(()) };
    fs::remove_file("gone")?;
    open(&format!("/proc/self/fd/{gone}"), O_RDONLY);
    let mut pipe = [0; 2];
    // SAFETY: the array has room for the two descriptors.
    unsafe { libc::pipe(pipe.as_mut_ptr()) };
    let memory = call(libc::SYS_memfd_create, [T("some memory"), N(0)]);
    for descriptor in [i64::from(pipe[0]), memory, call(libc::SYS_eventfd2, [N(0), N(0)])] {
        open(&format!("/proc/self/fd/{descriptor}"), O_RDONLY | O_NONBLOCK);
    }
    for path in ["/proc/self", "/proc/self/exe", "/proc/thread-self/comm", "/dev/null", "/dev/tty", "/"] {
        open(path, O_RDONLY);
    }
    // A working directory that is gone: what is asked for below it has no place.
    fs::create_dir("away")?;
    std::env::set_current_dir("away")?;
    fs::remove_dir("../away")?;
    open("x", O_RDONLY);
    Ok(std::env::set_current_dir(folder)?)
}

/// Calls that look at files and links.
fn looks(folder: &str) {
    let absolute = format!("{folder}/file");
    for path in ["file", "link", "none", "sub/../file", "loop", "", "/", absolute.as_str(), "file"] {
        call(libc::SYS_stat, [T(path), W]);
        call(libc::SYS_lstat, [T(path), W]);
        call(libc::SYS_newfstatat, [n(AT_FDCWD), T(path), W, n(AT_SYMLINK_NOFOLLOW)]);
        call(libc::SYS_statx, [n(AT_FDCWD), T(path), N(0), N(0x7ff), W]);
        call(libc::SYS_access, [T(path), N(4)]);
        call(libc::SYS_faccessat, [open("sub", O_PATH), T(path), N(1)]);
        call(libc::SYS_faccessat2, [n(AT_FDCWD), T(path), N(0), n(AT_SYMLINK_NOFOLLOW)]);
        call(libc::SYS_readlink, [T(path), W, N(100)]);
        call(libc::SYS_readlinkat, [open("sub", O_PATH), T(path), W, N(3)]);
    }
    call(libc::SYS_readlinkat, [open(".", O_PATH), T("link"), W, N(3)]);
    call(libc::SYS_readlink, [T("/proc/self/exe"), W, N(ROOM as i64)]);
    call(libc::SYS_readlink, [T("link"), W, N(0)]);
    call(libc::SYS_readlink, [N(0), W, N(10)]);
    let file = open("file", O_RDONLY);
    for _ in 0..3 {
        call(libc::SYS_fstat, [file, W]);
        call(libc::SYS_newfstatat, [file, T(""), W, n(AT_EMPTY_PATH)]);
        call(libc::SYS_stat, [T("again"), W]);
    }
    call(libc::SYS_fstat, [N(1000), W]);
    call(libc::SYS_newfstatat, [N(1000), T("x"), W, N(0)]);
}

/// Calls that change files and folders.
fn changes(folder: &str) {
    let here = open(".", O_PATH);
    for name in ["a", "none/a", "file"] {
        call(libc::SYS_mkdir, [T(name), N(0o750)]);
        call(libc::SYS_mkdirat, [here, T(&format!("{name}-at")), N(0o700)]);
        call(libc::SYS_mknod, [T(&format!("{name}-node")), N(0o100_644), N(0)]);
        call(libc::SYS_mknodat, [here, T(&format!("{name}-fifo")), N(0o10_600), N(0)]);
        call(libc::SYS_symlink, [T("../some where"), T(&format!("{name}-symlink"))]);
        call(libc::SYS_symlinkat, [T("/etc"), here, T(&format!("{name}-symlinkat"))]);
        call(libc::SYS_link, [T("file"), T(&format!("{name}-link"))]);
        call(libc::SYS_linkat, [here, T("link"), n(AT_FDCWD), T(&format!("{name}-linkat")), n(AT_SYMLINK_FOLLOW)]);
        call(libc::SYS_chmod, [T(name), N(0o711)]);
        call(libc::SYS_fchmodat, [here, T(name), N(0o1777)]);
        call(libc::SYS_fchmodat2, [here, T(name), N(0o755), N(0)]);
        call(libc::SYS_chown, [T(name), N(0), N(0)]);
        call(libc::SYS_lchown, [T(name), N(-1), N(65534)]);
        call(libc::SYS_fchownat, [here, T(name), N(65534), N(-1), n(AT_SYMLINK_NOFOLLOW)]);
        call(libc::SYS_truncate, [T(name), N(3)]);
        call(libc::SYS_rename, [T(&format!("{name}-node")), T(&format!("{name}-node-2"))]);
        call(
            libc::SYS_renameat,
            [here, T(&format!("{name}-node-2")), n(AT_FDCWD), T(&format!("{folder}/{name}-node-3"))],
        );
        call(
            libc::SYS_renameat2,
            [n(AT_FDCWD), T(&format!("{name}-at")), here, T(name), N(i64::from(libc::RENAME_NOREPLACE))],
        );
        call(libc::SYS_unlink, [T(&format!("{name}-fifo"))]);
        call(libc::SYS_unlinkat, [here, T(&format!("{name}-link")), N(0)]);
        call(libc::SYS_unlinkat, [here, T(&format!("{name}-at")), n(AT_REMOVEDIR)]);
        call(libc::SYS_rmdir, [T(name)]);
    }
    let file = open("file", O_RDWR);
    for descriptor in [file, N(1000)] {
        call(libc::SYS_fchmod, [descriptor, N(0o600)]);
        call(libc::SYS_fchown, [descriptor, N(0), N(0)]);
        call(libc::SYS_fchownat, [descriptor, T(""), N(0), N(0), n(AT_EMPTY_PATH)]);
        call(libc::SYS_ftruncate, [descriptor, N(2)]);
    }
}

/// Signals that the handler of [`interrupted`] has seen.
static SIGNALS: AtomicU32 = AtomicU32::new(0);

/// Lets the call go on after the first signals, and fail after the next.
extern "C" fn on_alarm(_: libc::c_int) {
    if SIGNALS.fetch_add(1, Ordering::Relaxed) == 2 {
        handle_alarm(0);
    }
}

fn handle_alarm(flags: libc::c_int) {
    // SAFETY: all of the structure is set, the handler does only what a handler may, and both live as long as the program.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = on_alarm as *const () as usize;
        action.sa_flags = flags;
        libc::sigaction(libc::SIGALRM, &raw const action, std::ptr::null_mut());
    }
}

/// An open that signals interrupt: the kernel starts it again, until a handler says that it shall not.
fn interrupted() -> Result<()> {
    nix::unistd::mkfifo("fifo", nix::sys::stat::Mode::S_IRWXU)?;
    handle_alarm(libc::SA_RESTART);
    // Every 20 ms, so that one comes before the open and does no harm, and the next one during it.
    let every = libc::timeval { tv_sec: 0, tv_usec: 20_000 };
    let timer = libc::itimerval { it_interval: every, it_value: every };
    let none = libc::timeval { tv_sec: 0, tv_usec: 0 };
    let off = libc::itimerval { it_interval: none, it_value: none };
    // SAFETY: the structures outlive the calls; what the timer does is handled.
    unsafe { libc::syscall(libc::SYS_setitimer, libc::ITIMER_REAL, &raw const timer, 0) };
    open("fifo", O_RDONLY);
    // SAFETY: as above.
    unsafe { libc::syscall(libc::SYS_setitimer, libc::ITIMER_REAL, &raw const off, 0) };
    Ok(())
}

/// Sockets of each kind, and what is sent over them.
fn sockets() -> Result<()> {
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream, UdpSocket};
    use std::os::unix::net::UnixStream;
    for host in ["127.0.0.1", "::1"] {
        // A machine without IPv6 refuses the second, which is a result too.
        let Ok(listener) = TcpListener::bind((host, 0)) else { continue };
        let mut client = TcpStream::connect(listener.local_addr()?)?;
        let (mut server, _) = listener.accept()?;
        client.write_all(b"question")?;
        server.read_exact(&mut [0; 8])?;
        server.write_all(&[1; 100_000])?;
        drop(server);
        client.read_to_end(&mut Vec::new())?;
        let port = listener.local_addr()?.port();
        drop(listener);
        let _ = TcpStream::connect((host, port));
        let (one, other) = (UdpSocket::bind((host, 0))?, UdpSocket::bind((host, 0))?);
        one.send_to(b"datagram", other.local_addr()?)?;
        other.recv_from(&mut [0; 16])?;
        one.connect(other.local_addr()?)?;
        one.send(b"another")?;
        other.recv(&mut [0; 16])?;
    }
    let listener = UnixListener::bind("socket")?;
    let mut client = UnixStream::connect("socket")?;
    let (mut server, _) = listener.accept()?;
    client.write_all(b"local")?;
    server.read_exact(&mut [0; 5])?;
    let _ = UnixStream::connect("no-socket");
    let name = <std::os::unix::net::SocketAddr as std::os::linux::net::SocketAddrExt>::from_abstract_name("oracle")?;
    let _ = UnixStream::connect_addr(&name);
    let netlink = call(libc::SYS_socket, [n(libc::AF_NETLINK), n(libc::SOCK_RAW), n(libc::NETLINK_ROUTE)]);
    call(libc::SYS_socket, [n(libc::AF_NETLINK), n(libc::SOCK_RAW), n(libc::NETLINK_KOBJECT_UEVENT)]);
    // struct sockaddr_nl of linux/netlink.h: family, and nothing else.
    call(libc::SYS_connect, [N(netlink), R(&[16, 0]), N(12)]);
    call(libc::SYS_bind, [N(netlink), R(&[16, 0]), N(12)]);
    // A family of its own, none, no socket, no address.
    call(libc::SYS_connect, [N(i64::from(listener.as_raw_fd())), R(&[0, 0]), N(16)]);
    call(libc::SYS_connect, [N(1000), R(&[2, 0]), N(16)]);
    call(libc::SYS_connect, [open("file", O_RDONLY), R(&[0x0900_0002, 0]), N(16)]);
    call(libc::SYS_connect, [N(netlink), N(0), N(16)]);
    call(libc::SYS_listen, [N(netlink), N(1)]);
    call(libc::SYS_accept, [N(netlink), N(0), N(0)]);
    for (family, kind) in [(libc::AF_INET, libc::SOCK_RAW), (libc::AF_PACKET, libc::SOCK_DGRAM)] {
        call(libc::SYS_socket, [n(family), n(kind | libc::SOCK_CLOEXEC), n(libc::IPPROTO_ICMP)]);
    }
    traffic()
}

/// Sends and receives by every call that can, over a pair of sockets.
fn traffic() -> Result<()> {
    let (one, other) = std::os::unix::net::UnixDatagram::pair()?;
    one.set_nonblocking(true)?;
    other.set_nonblocking(true)?;
    let (from, to) = (n(one.as_raw_fd()), n(other.as_raw_fd()));
    let room = vec![7u64; 8];
    // struct iovec, struct msghdr and struct mmsghdr of linux/socket.h.
    let parts = [room.as_ptr() as u64, 10, room.as_ptr() as u64, 5];
    let header = [0, 0, parts.as_ptr() as u64, 2, 0, 0, 0, 0];
    let headers = [header, header].concat();
    call(libc::SYS_write, [from, R(&room), N(11)]);
    call(libc::SYS_read, [to, W, N(100)]);
    call(libc::SYS_writev, [from, R(&parts), N(2)]);
    call(libc::SYS_readv, [to, R(&parts), N(1)]);
    call(libc::SYS_sendto, [from, R(&room), N(12), N(0), N(0), N(0)]);
    call(libc::SYS_recvfrom, [to, W, N(100), n(libc::MSG_PEEK), N(0), N(0)]);
    call(libc::SYS_recvfrom, [to, W, N(5), n(libc::MSG_TRUNC), N(0), N(0)]);
    call(libc::SYS_sendmsg, [from, R(&header), N(0)]);
    call(libc::SYS_recvmsg, [to, R(&header), N(0)]);
    call(libc::SYS_sendmmsg, [from, R(&headers), N(2), N(0)]);
    call(libc::SYS_recvmmsg, [to, R(&headers), N(2), N(0), N(0)]);
    call(libc::SYS_sendfile, [from, open("/etc/passwd", O_RDONLY), N(0), N(20)]);
    call(libc::SYS_read, [to, W, N(100)]);
    let mut pipe = [0; 2];
    // SAFETY: the array has room for the two descriptors.
    unsafe { libc::pipe(pipe.as_mut_ptr()) };
    call(libc::SYS_write, [n(pipe[1]), R(&room), N(30)]);
    call(libc::SYS_splice, [n(pipe[0]), N(0), from, N(0), N(30), N(0)]);
    call(libc::SYS_splice, [to, N(0), n(pipe[1]), N(0), N(100), N(0)]);
    // Nothing to receive, nowhere to send, and to the side that sends nothing.
    call(libc::SYS_read, [to, W, N(100)]);
    drop(other);
    call(libc::SYS_sendto, [from, R(&room), N(1), n(libc::MSG_NOSIGNAL), N(0), N(0)]);
    call(libc::SYS_read, [from, W, N(100)]);
    Ok(())
}

/// Calls that ask for facts about the host, and some that change who the process is.
fn host() {
    call(libc::SYS_uname, [W]);
    call(libc::SYS_sysinfo, [W]);
    call(libc::SYS_setsid, []);
    call(libc::SYS_setpgid, [N(0), N(0)]);
    call(libc::SYS_setgid, [N(0)]);
    call(libc::SYS_setuid, [N(0)]);
    call(libc::SYS_setgroups, [N(0), N(0)]);
    call(libc::SYS_unshare, [n(libc::CLONE_FS)]);
    call(libc::SYS_kill, [N(0x3fff_ffff), N(0)]);
    call(libc::SYS_setresuid, [N(-1), N(-1), N(-1)]);
    call(libc::SYS_setresgid, [N(-1), N(-1), N(-1)]);
    call(libc::SYS_setreuid, [N(-1), N(-1)]);
    call(libc::SYS_setregid, [N(-1), N(-1)]);
    call(libc::SYS_capset, [N(0), N(0)]);
    call(libc::SYS_sched_getaffinity, [N(0), N(ROOM as i64), W]);
    refused();
}

/// Calls that deserve attention, asked for what no kernel grants: no file, no descriptor, no address.
fn refused() {
    const NOWHERE: &str = "/no/such/folder";
    call(libc::SYS_ptrace, [N(i64::from(libc::PTRACE_ATTACH)), N(0x3fff_ffff), N(0), N(0)]);
    call(libc::SYS_process_vm_readv, [N(0x3fff_ffff), N(0), N(0), N(0), N(0), N(0)]);
    call(libc::SYS_process_vm_writev, [N(0x3fff_ffff), N(0), N(0), N(0), N(0), N(0)]);
    call(libc::SYS_mount, [T(NOWHERE), T(NOWHERE), T("none"), N(0), N(0)]);
    call(libc::SYS_umount2, [T(NOWHERE), N(0)]);
    call(libc::SYS_pivot_root, [T(NOWHERE), T(NOWHERE)]);
    call(libc::SYS_chroot, [T(NOWHERE)]);
    call(libc::SYS_acct, [T(NOWHERE)]);
    call(libc::SYS_swapon, [T(NOWHERE), N(0)]);
    call(libc::SYS_swapoff, [T(NOWHERE)]);
    call(libc::SYS_delete_module, [T("no such module"), N(0)]);
    call(libc::SYS_setns, [N(-1), N(0)]);
    call(libc::SYS_finit_module, [N(-1), T(""), N(0)]);
    call(libc::SYS_pidfd_getfd, [N(-1), N(0), N(0)]);
    call(libc::SYS_open_tree, [N(-1), T("x"), N(0)]);
    call(libc::SYS_fsmount, [N(-1), N(0), N(0)]);
    call(libc::SYS_fsopen, [T("no such file system"), N(0)]);
    call(libc::SYS_bpf, [N(0), N(0), N(0)]);
    call(libc::SYS_perf_event_open, [N(0), N(0), N(-1), N(-1), N(0)]);
    call(libc::SYS_io_uring_setup, [N(0), N(0)]);
    call(libc::SYS_userfaultfd, [N(-1)]);
    call(libc::SYS_add_key, [N(0), N(0), N(0), N(0), N(0)]);
    call(libc::SYS_keyctl, [N(0x7fff_ffff), N(0), N(0), N(0), N(0)]);
}

/// Processes that are made and end in different ways.
fn processes() -> Result<()> {
    for script in ["exit 7", "kill -TERM $$", "kill -KILL $$", "(true &); true | true", "exec true"] {
        Command::new("sh").args(["-c", script]).status()?;
    }
    assert!(Command::new("/no/such/program").spawn().is_err(), "a program that is not there was started");
    let own = std::env::current_exe()?;
    Command::new(&own).arg0("another name").args(["trigger", "exec-from-thread"]).status()?;
    // struct clone_args of linux/sched.h: flags, and the exit signal in the fifth word.
    let plain = [0, 0, 0, 0, libc::SIGCHLD as u64, 0, 0, 0];
    for flags in [0, libc::CLONE_FILES as u64] {
        let arguments = [flags].into_iter().chain(plain.into_iter().skip(1)).collect::<Vec<_>>();
        let child = call(libc::SYS_clone3, [R(&arguments), N(64)]);
        if child == 0 {
            // The child has one thread and its parent's locks: it makes calls that need none, and ends.
            let program = open("/bin/true", O_RDONLY);
            call(libc::SYS_execveat, [program, T(""), R(&[0]), R(&[0]), n(AT_EMPTY_PATH)]);
            call(libc::SYS_exit_group, [N(9)]);
        }
        call(libc::SYS_wait4, [N(child), N(0), N(0), N(0)]);
    }
    Ok(())
}

/// Ends while another thread waits in an open.
pub(crate) fn killed_in_a_call(folder: &str) -> Result<()> {
    std::env::set_current_dir(folder)?;
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let _ = tell.send(call(libc::SYS_gettid, []));
        open("fifo", O_RDONLY)
    });
    let stat = format!("/proc/self/task/{}/stat", told.recv()?);
    wait_for("the thread to sleep", || Ok(fs::read_to_string(&stat)?.contains(") S ")))?;
    std::process::exit(3)
}
