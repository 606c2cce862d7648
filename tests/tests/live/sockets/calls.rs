//! What the tests of sockets observe.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};

use anyhow::{Context, Result, bail, ensure};

/// Does what the words name.
pub(crate) fn make(words: &[&str]) -> Result<()> {
    match words {
        ["serve", family] => serve(if *family == "ipv6" { "[::1]:0" } else { "127.0.0.1:0" }),
        ["serve-unix", path] => {
            let listener = UnixListener::bind(path)?;
            let _client = UnixStream::connect(path)?;
            accept(&listener, libc::SYS_accept4).map(drop)
        }
        ["bind-twice"] => {
            let first = TcpListener::bind("127.0.0.1:0")?;
            ensure!(TcpListener::bind(first.local_addr()?).is_err(), "two sockets have one port");
            Ok(())
        }
        ["denied"] => denied(),
        ["raw"] => {
            // May be refused for want of rights, which is recorded as well.
            for (family, kind) in [(libc::AF_INET, libc::SOCK_RAW), (libc::AF_PACKET, libc::SOCK_DGRAM)] {
                socket(family, kind, 0)?;
            }
            socket(libc::AF_NETLINK, libc::SOCK_RAW, 0)
        }
        _ => bail!("no such call: {words:?}"),
    }
}

/// accept or accept4, with no room for the peer's address.
fn accept(listener: &impl AsRawFd, number: i64) -> Result<OwnedFd> {
    // SAFETY: the listener is open; null asks for no address.
    let fd = unsafe { libc::syscall(number, listener.as_raw_fd(), 0, 0, 0) };
    ensure!(fd >= 0, "cannot accept: {}", std::io::Error::last_os_error());
    // SAFETY: the kernel has just given this descriptor to nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(i32::try_from(fd)?) })
}

fn serve(address: &str) -> Result<()> {
    let listener = TcpListener::bind(address)?;
    let first = TcpStream::connect(listener.local_addr()?)?;
    let accepted = accept(&listener, libc::SYS_accept4)?;
    let second = TcpStream::connect(listener.local_addr()?)?;
    let again = accept(&listener, libc::SYS_accept)?;
    let ports = format!("{} {}", listener.local_addr()?.port(), first.local_addr()?.port());
    std::io::stdout().write_all(ports.as_bytes())?;
    drop((accepted, again, second));
    Ok(())
}

/// Makes a socket and lets go of it.
fn socket(family: i32, kind: i32, protocol: i32) -> Result<()> {
    // SAFETY: the call takes numbers.
    let fd = unsafe { libc::socket(family, kind, protocol) };
    if fd >= 0 {
        // SAFETY: the kernel has just given this descriptor to nobody else.
        drop(unsafe { OwnedFd::from_raw_fd(fd) });
    }
    Ok(())
}

/// A seccomp filter answers socket(2) of IPv4 with `EPERM`, as sandboxes of agents do, and lets everything else pass.
fn denied() -> Result<()> {
    let load = |from| libc::sock_filter { code: 0x20, jt: 0, jf: 0, k: from };
    let unless = |value, skip| libc::sock_filter { code: 0x15, jt: 0, jf: skip, k: value };
    let answer = |value| libc::sock_filter { code: 0x06, jt: 0, jf: 0, k: value };
    // `struct seccomp_data`: the number of the call at 0, the first argument at 16.
    let mut filter = [
        load(0),
        unless(u32::try_from(libc::SYS_socket)?, 3),
        load(16),
        unless(u32::try_from(libc::AF_INET)?, 1),
        answer(libc::SECCOMP_RET_ERRNO | u32::try_from(libc::EPERM)?),
        answer(libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog { len: u16::try_from(filter.len())?, filter: filter.as_mut_ptr() };
    // SAFETY: the filter outlives the calls, which copy it.
    let answers = unsafe {
        [
            libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
            libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program),
        ]
    };
    ensure!(answers == [0, 0], "cannot install the filter: {}", std::io::Error::last_os_error());
    ensure!(TcpStream::connect("127.0.0.1:9").is_err(), "the filter lets IPv4 pass");
    socket(libc::AF_UNIX, libc::SOCK_STREAM, 0).context("cannot make a socket that the filter lets pass")
}
