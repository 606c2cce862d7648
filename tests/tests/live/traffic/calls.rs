//! What the tests of traffic observe: each says on standard output what it moved.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;

use anyhow::{Context, Result, bail, ensure};

/// Calls that send.
pub(crate) const SENDING: [&str; 8] =
    ["write", "writev", "pwritev2", "sendto", "sendmsg", "sendmmsg", "sendfile", "splice"];
/// Calls that receive.
pub(crate) const RECEIVING: [&str; 7] = ["read", "readv", "preadv2", "recvfrom", "recvmsg", "recvmmsg", "splice"];

/// Bytes of one round of a call, in parts for those that take a vector or several messages.
const PARTS: [usize; 2] = [1000, 337];
const BYTES: usize = PARTS[0] + PARTS[1];

/// Does what the words name.
pub(crate) fn make(words: &[&str]) -> Result<()> {
    match words {
        ["each-call"] => each_call(),
        ["threads"] => threads(),
        ["many"] => many(),
        ["turns"] => turns(),
        ["peers"] => peers(),
        ["peek"] => peek(),
        ["messages"] => messages(),
        ["closed-meanwhile"] => closed_meanwhile(),
        ["exec"] => {
            let (one, _other) = UnixStream::pair()?;
            (&one).write_all(b"before")?;
            Err(std::process::Command::new(std::env::current_exe()?).args(["trigger", "nothing"]).exec().into())
        }
        ["outlive", fifo] => outlive(fifo),
        ["name", port, how] => super::hello::send(port.parse()?, how),
        ["wait"] => {
            let (one, _other) = UnixStream::pair()?;
            (&one).write_all(b"twelve bytes")?;
            std::io::stdin().read_to_end(&mut Vec::new())?;
            Ok(())
        }
        _ => bail!("no such call: {words:?}"),
    }
}

/// The inode of a socket, as `fstat(2)` tells it.
fn inode(socket: &impl AsRawFd) -> Result<u64> {
    // SAFETY: a stat of zeroes is one, and the call fills it.
    let (answer, stat) = unsafe {
        let mut stat: libc::stat = std::mem::zeroed();
        (libc::fstat(socket.as_raw_fd(), &raw mut stat), stat)
    };
    ensure!(answer == 0, "cannot stat a socket");
    Ok(stat.st_ino)
}

fn say(socket: &impl AsRawFd, direction: &str, bytes: usize, how: &str) -> Result<()> {
    let line = format!("{} {direction} {bytes} {how}\n", inode(socket)?);
    Ok(std::io::stdout().write_all(line.as_bytes())?)
}

fn connected() -> Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let one = TcpStream::connect(listener.local_addr()?)?;
    Ok((one, listener.accept()?.0))
}

fn each_call() -> Result<()> {
    let folder = tempfile::tempdir()?;
    for how in SENDING {
        let (from, to) = connected()?;
        for _ in 0..3 {
            send(how, &from, folder.path()).with_context(|| format!("cannot send by {how}"))?;
        }
        (&to).read_exact(&mut vec![0; 3 * BYTES])?;
        say(&from, "sent", 3 * BYTES, how)?;
        say(&to, "received", 3 * BYTES, "read")?;
    }
    for how in RECEIVING {
        let (from, to) = connected()?;
        let mut received = 0;
        (&from).write_all(&[1; 3 * BYTES])?;
        while received < 3 * BYTES {
            received += receive(how, &to).with_context(|| format!("cannot receive by {how}"))?;
        }
        say(&from, "sent", 3 * BYTES, "write")?;
        say(&to, "received", received, how)?;
    }
    Ok(())
}

/// A call that waits in the kernel to send what fits no buffer, and whose descriptor another thread closes.
fn closed_meanwhile() -> Result<()> {
    /// More than the buffers of both ends (tcp_wmem and tcp_rmem, tcp(7)) hold.
    const BYTES: usize = 32 << 20;
    let (from, to) = connected()?;
    let fd = from.as_raw_fd();
    let sender = std::thread::spawn(move || {
        let bytes = vec![1u8; BYTES];
        // SAFETY: the buffer outlives the call, and the descriptor is only ever a number here.
        moved(unsafe { libc::syscall(libc::SYS_sendto, fd, bytes.as_ptr(), bytes.len(), 0, 0, 0) })
    });
    // Bytes that arrive say that the call is under way.
    (&to).read_exact(&mut [0; 1])?;
    drop(from);
    (&to).read_to_end(&mut Vec::new())?;
    let sent = sender.join().map_err(|_| anyhow::anyhow!("the sender panicked"))??;
    ensure!(sent == BYTES, "{sent} bytes were sent");
    Ok(())
}

/// As many messages in one call as the kernel takes (`UIO_MAXIOV`, linux/uio.h), of different lengths.
fn messages() -> Result<()> {
    const MOST: usize = 1024;
    let (from, to) = connected()?;
    let mut bytes = [5u8; 7];
    let mut vectors: Vec<libc::iovec> = (0..MOST)
        .map(|at| libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: 1 + at % bytes.len() })
        .collect();
    let mut several: Vec<libc::mmsghdr> = vectors
        .iter_mut()
        .map(|vector| {
            // SAFETY: a message of zeroes is one: without address, control data and parts.
            let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
            (header.msg_iov, header.msg_iovlen) = (vector, 1);
            libc::mmsghdr { msg_hdr: header, msg_len: 0 }
        })
        .collect();
    // SAFETY: the messages, their vectors and the bytes outlive the call.
    let count = moved(unsafe { libc::syscall(libc::SYS_sendmmsg, from.as_raw_fd(), several.as_mut_ptr(), MOST, 0) })?;
    ensure!(count == MOST, "{count} messages were sent, not {MOST}");
    let sent = vectors.iter().map(|vector| vector.iov_len).sum();
    (&to).read_exact(&mut vec![0; sent])?;
    say(&from, "sent", sent, "sendmmsg")?;
    say(&to, "received", sent, "read")
}

/// What the calls with vectors and messages take.
struct Message {
    #[expect(dead_code, reason = "the vector points to it")]
    bytes: Box<[u8; BYTES]>,
    vector: Box<[libc::iovec; 2]>,
}

impl Message {
    fn new() -> Self {
        let mut bytes = Box::new([7; BYTES]);
        let (first, second) = bytes.split_at_mut(PARTS[0]);
        let part = |part: &mut [u8]| libc::iovec { iov_base: part.as_mut_ptr().cast(), iov_len: part.len() };
        let vector = Box::new([part(first), part(second)]);
        Self { bytes, vector }
    }

    /// A message of parts of the vector.
    fn header(&mut self, parts: std::ops::Range<usize>) -> libc::msghdr {
        // SAFETY: a message of zeroes is one: without address, control data and parts.
        let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
        header.msg_iovlen = parts.len();
        header.msg_iov = self.vector[parts].as_mut_ptr();
        header
    }

    /// Two messages of one part each.
    fn several(&mut self) -> [libc::mmsghdr; 2] {
        [0, 1].map(|at| libc::mmsghdr { msg_hdr: self.header(at..at + 1), msg_len: 0 })
    }
}

/// What a call returned.
fn moved(result: i64) -> Result<usize> {
    usize::try_from(result).ok().filter(|bytes| *bytes > 0).with_context(|| std::io::Error::last_os_error().to_string())
}

fn send(how: &str, socket: &TcpStream, folder: &std::path::Path) -> Result<()> {
    let fd = i64::from(socket.as_raw_fd());
    let mut message = Message::new();
    let whole = [3u8; BYTES];
    let (at, vector) = (whole.as_ptr(), message.vector.as_ptr());
    // SAFETY: the numbers are those of the calls, and every pointer is to a value that outlives them.
    let sent = unsafe {
        match how {
            "write" => moved(libc::syscall(libc::SYS_write, fd, at, BYTES))?,
            "writev" => moved(libc::syscall(libc::SYS_writev, fd, vector, 2))?,
            // An offset of -1 means none.
            "pwritev2" => moved(libc::syscall(libc::SYS_pwritev2, fd, vector, 2, -1i64, -1i64, 0))?,
            "sendto" => moved(libc::syscall(libc::SYS_sendto, fd, at, BYTES, 0, 0, 0))?,
            "sendmsg" => {
                let header = message.header(0..2);
                moved(libc::syscall(libc::SYS_sendmsg, fd, &raw const header, 0))?
            }
            "sendmmsg" => {
                let mut several = message.several();
                let count = moved(libc::syscall(libc::SYS_sendmmsg, fd, several.as_mut_ptr(), 2, 0))?;
                several[..count].iter().map(|message| message.msg_len as usize).sum()
            }
            "sendfile" => {
                let path = folder.join("content");
                std::fs::write(&path, whole)?;
                let file = std::fs::File::open(path)?;
                moved(libc::syscall(libc::SYS_sendfile, fd, i64::from(file.as_raw_fd()), 0, BYTES))?
            }
            "splice" => {
                let (from, to) = nix::unistd::pipe()?;
                nix::unistd::write(&to, &whole)?;
                moved(libc::syscall(libc::SYS_splice, i64::from(from.as_raw_fd()), 0, fd, 0, BYTES, 0))?
            }
            other => bail!("no such call: {other}"),
        }
    };
    ensure!(sent == BYTES, "{sent} bytes were sent, not {BYTES}");
    Ok(())
}

fn receive(how: &str, socket: &TcpStream) -> Result<usize> {
    let fd = i64::from(socket.as_raw_fd());
    let mut message = Message::new();
    let mut whole = [0u8; BYTES];
    let (at, vector) = (whole.as_mut_ptr(), message.vector.as_ptr());
    // SAFETY: as in `send`.
    unsafe {
        match how {
            "read" => moved(libc::syscall(libc::SYS_read, fd, at, BYTES)),
            "readv" => moved(libc::syscall(libc::SYS_readv, fd, vector, 2)),
            "preadv2" => moved(libc::syscall(libc::SYS_preadv2, fd, vector, 2, -1i64, -1i64, 0)),
            "recvfrom" => moved(libc::syscall(libc::SYS_recvfrom, fd, at, BYTES, 0, 0, 0)),
            "recvmsg" => {
                let mut header = message.header(0..2);
                moved(libc::syscall(libc::SYS_recvmsg, fd, &raw mut header, 0))
            }
            "recvmmsg" => {
                let mut several = message.several();
                // Without waiting for a second message where the first has taken all.
                let flags = libc::MSG_WAITFORONE;
                let count = moved(libc::syscall(libc::SYS_recvmmsg, fd, several.as_mut_ptr(), 2, flags, 0))?;
                Ok(several[..count].iter().map(|message| message.msg_len as usize).sum())
            }
            "splice" => {
                let (_from, to) = nix::unistd::pipe()?;
                moved(libc::syscall(libc::SYS_splice, fd, 0, i64::from(to.as_raw_fd()), 0, BYTES, 0))
            }
            other => bail!("no such call: {other}"),
        }
    }
}

/// Four threads send on one end, four receive on the other.
fn threads() -> Result<()> {
    const ROUNDS: usize = 200;
    const EACH: usize = 10;
    let (from, to) = connected()?;
    std::thread::scope(|scope| {
        let send = || (0..ROUNDS).try_for_each(|_| (&from).write_all(&[1; EACH]));
        // A round of one thread has as many bytes as one of another, and TCP mixes none of both in one byte.
        let receive = || (0..ROUNDS).try_for_each(|_| (&to).read_exact(&mut [0; EACH]));
        let threads: Vec<_> = (0..4).flat_map(|_| [scope.spawn(send), scope.spawn(receive)]).collect();
        threads.into_iter().try_for_each(|thread| thread.join().unwrap_or(Ok(())))
    })?;
    say(&from, "sent", 4 * ROUNDS * EACH, "threads")?;
    say(&to, "received", 4 * ROUNDS * EACH, "threads")
}

/// Forty sockets in turn.
fn many() -> Result<()> {
    let pairs: Vec<_> = (0..20).map(|_| UnixStream::pair()).collect::<Result<_, _>>()?;
    for _ in 0..5 {
        for (one, other) in &pairs {
            let (mut one, mut other) = (one, other);
            one.write_all(&[1; 9])?;
            other.read_exact(&mut [0; 9])?;
        }
    }
    for (one, other) in &pairs {
        say(one, "sent", 45, "many")?;
        say(other, "received", 45, "many")?;
    }
    Ok(())
}

/// The other end answers in a child, which leaves its records to the test's look at this process alone.
fn turns() -> Result<()> {
    let (one, other) = connected()?;
    (&one).write_all(&[1; 10])?;
    (&one).write_all(&[1; 20])?;
    // SAFETY: this process has one thread, so the child may do whatever its parent may.
    match unsafe { nix::unistd::fork() }? {
        nix::unistd::ForkResult::Child => {
            (&other).write_all(&[2; 7])?;
            std::process::exit(0);
        }
        nix::unistd::ForkResult::Parent { child } => drop(nix::sys::wait::waitpid(child, None)?),
    }
    (&one).read_exact(&mut [0; 7])?;
    (&one).write_all(&[1; 5])?;
    Ok(())
}

fn peers() -> Result<()> {
    let [sender, one, other] = [(); 3].map(|()| UdpSocket::bind("127.0.0.1:0"));
    let (sender, one, other) = (sender?, one?, other?);
    sender.send_to(b"to", one.local_addr()?)?;
    sender.send_to(b"once", one.local_addr()?)?;
    sender.send_to(b"more", other.local_addr()?)?;
    let mut room = [0; 16];
    one.recv_from(&mut room)?;
    one.recv_from(&mut room)?;
    other.recv_from(&mut room)?;
    let ports = [sender, one, other].map(|socket| socket.local_addr().map_or(0, |address| address.port()));
    Ok(writeln!(std::io::stdout(), "{} {} {}", ports[0], ports[1], ports[2])?)
}

fn peek() -> Result<()> {
    let (one, other) = connected()?;
    (&one).write_all(&[1; 6])?;
    ensure!(other.peek(&mut [0; 6])? == 6, "not all is there");
    (&other).read_exact(&mut [0; 6])?;
    say(&one, "sent", 6, "peek")?;
    say(&other, "received", 6, "peek")
}

/// A child sends, says so, and reads a FIFO that nobody closes; its parent ends.
fn outlive(fifo: &str) -> Result<()> {
    let (said, saying): (OwnedFd, OwnedFd) = nix::unistd::pipe()?;
    // SAFETY: this process has one thread, so the child may do whatever its parent may.
    if let nix::unistd::ForkResult::Child = unsafe { nix::unistd::fork() }? {
        let (one, _other) = UnixStream::pair()?;
        (&one).write_all(&[1; 8])?;
        say(&one, "sent", 8, "outlive")?;
        drop((said, saying));
        // Nobody waits for this process's output any more.
        for own in 0..3 {
            // SAFETY: nothing in this process uses its standard streams after this.
            unsafe { libc::close(own) };
        }
        std::fs::File::open(fifo)?.read_to_end(&mut Vec::new())?;
        return Ok(());
    }
    drop(saying);
    let mut nothing = [0; 1];
    ensure!(nix::unistd::read(&said, &mut nothing)? == 0, "the child wrote into the pipe");
    Ok(())
}
