//! Clients of name servers: each asks in its own way, and prints its pid.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs, UdpSocket};
use std::os::fd::AsRawFd;

use anyhow::{Context, Result, ensure};

use super::network::{ADDRESS, PORT, answer, question};

/// Questions of one sendmmsg, to two servers in turn.
pub(crate) const SEVERAL: usize = 12;

const SERVER: &str = "127.0.0.1:53";
const A: u16 = 1;
const TXT: u16 = 16;

/// Asks in a way that a test names.
pub(crate) fn ask(how: &str) -> Result<()> {
    writeln!(std::io::stdout(), "{}", std::process::id())?;
    let name = format!("{how}.example.com");
    match how {
        "glibc" => {
            let mut found = (name.as_str(), PORT).to_socket_addrs().context("no answer")?;
            let address = found.next().context("no address")?;
            ensure!(address.ip() == ADDRESS, "the address is {address}");
            Ok(TcpStream::connect(address).map(drop)?)
        }
        "connected" | "absent" => connected(SERVER, &name, A),
        "long" => connected(SERVER, &name, TXT),
        "ipv6" => connected("[::1]:53", &name, A),
        "unconnected" => unconnected(&name),
        "write" => written(&name),
        "vector" => in_a_vector(&name),
        "several" => several(),
        "small" => into_a_small_buffer(&name),
        "tcp-whole" => over_tcp(&[&name], |stream, bytes| Ok(stream.write_all(bytes)?)),
        "tcp-two" => over_tcp(&["tcp-one.example.com", &name], |stream, bytes| Ok(stream.write_all(bytes)?)),
        "tcp-parted" => parted(&name),
        "tcp-vector" => over_tcp(&[&name], |stream, bytes| {
            let (length, message) = bytes.split_at(2);
            let sent = stream.write_vectored(&[std::io::IoSlice::new(length), std::io::IoSlice::new(message)])?;
            ensure!(sent == bytes.len(), "{sent} bytes were sent");
            Ok(())
        }),
        other => anyhow::bail!("no such way: {other}"),
    }
}

/// sendto without an address and recvfrom.
fn connected(server: &str, name: &str, qtype: u16) -> Result<()> {
    let socket = UdpSocket::bind(if server.starts_with('[') { "[::1]:0" } else { "127.0.0.1:0" })?;
    socket.connect(server)?;
    socket.send(&question(name, qtype))?;
    socket.recv(&mut [0; 4096])?;
    Ok(())
}

/// As musl does: bound to any address, sendto with an address and recvfrom that asks for one.
fn unconnected(name: &str) -> Result<()> {
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    socket.send_to(&question(name, A), SERVER)?;
    socket.recv_from(&mut [0; 4096])?;
    Ok(())
}

/// write and read.
fn written(name: &str) -> Result<()> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.connect(SERVER)?;
    nix::unistd::write(&socket, &question(name, A))?;
    nix::unistd::read(&socket, &mut [0; 4096])?;
    Ok(())
}

/// sendmsg of two parts with an address, and recvmsg into two parts.
fn in_a_vector(name: &str) -> Result<()> {
    use nix::sys::socket::{MsgFlags, SockaddrIn, recvmsg, sendmsg};
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    let message = question(name, A);
    let (head, rest) = message.split_at(12);
    let parts = [std::io::IoSlice::new(head), std::io::IoSlice::new(rest)];
    let server = SockaddrIn::new(127, 0, 0, 1, 53);
    sendmsg(socket.as_raw_fd(), &parts, &[], MsgFlags::empty(), Some(&server))?;
    let (mut head, mut rest) = ([0; 20], [0; 512]);
    let mut parts = [std::io::IoSliceMut::new(&mut head), std::io::IoSliceMut::new(&mut rest)];
    recvmsg::<SockaddrIn>(socket.as_raw_fd(), &mut parts, None, MsgFlags::empty())?;
    Ok(())
}

/// One sendmmsg with many messages to two servers in turn, and recvmmsg until all answers are there.
fn several() -> Result<()> {
    use nix::sys::socket::SockaddrIn;
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    let servers = [SockaddrIn::new(127, 0, 0, 1, 53), SockaddrIn::new(127, 0, 0, 2, 53)];
    let mut messages: Vec<_> = (0..SEVERAL).map(|at| question(&format!("several-{at}.example.com"), A)).collect();
    move_all(libc::SYS_sendmmsg, &socket, &mut messages, |at| servers[at % 2])?;
    let mut left = messages.len();
    while left > 0 {
        let mut room = vec![vec![0; 512]; left];
        left -= move_all(libc::SYS_recvmmsg, &socket, &mut room, |_| servers[0])?;
    }
    Ok(())
}

/// sendmmsg or recvmmsg with one buffer and one address a message; how many it moved.
fn move_all(
    call: libc::c_long,
    socket: &UdpSocket,
    buffers: &mut [Vec<u8>],
    address: impl Fn(usize) -> nix::sys::socket::SockaddrIn,
) -> Result<usize> {
    let mut names: Vec<libc::sockaddr_in> = (0..buffers.len()).map(|at| *AsRef::as_ref(&address(at))).collect();
    let mut parts: Vec<_> = buffers
        .iter_mut()
        .map(|buffer| libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() })
        .collect();
    let mut headers: Vec<libc::mmsghdr> = Vec::new();
    for (name, part) in names.iter_mut().zip(&mut parts) {
        // SAFETY: zeroes are a valid header of no message.
        let mut header: libc::mmsghdr = unsafe { std::mem::zeroed() };
        header.msg_hdr.msg_name = std::ptr::from_mut(name).cast();
        header.msg_hdr.msg_namelen = size_of::<libc::sockaddr_in>() as libc::socklen_t;
        header.msg_hdr.msg_iov = part;
        header.msg_hdr.msg_iovlen = 1;
        headers.push(header);
    }
    let flags = if call == libc::SYS_recvmmsg { libc::MSG_WAITFORONE } else { 0 };
    // SAFETY: the headers, and what they point to, outlive the call.
    let moved = unsafe { libc::syscall(call, socket.as_raw_fd(), headers.as_mut_ptr(), headers.len(), flags, 0) };
    usize::try_from(moved).with_context(|| format!("call {call}: {}", std::io::Error::last_os_error()))
}

/// Receives a whole answer's length by `MSG_TRUNC` into a part of a buffer that holds another answer.
fn into_a_small_buffer(name: &str) -> Result<()> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.connect(SERVER)?;
    let message = question(name, A);
    socket.send(&message)?;
    let mut before = answer(&message)?;
    let (room, whole) = (message.len(), before.len());
    // SAFETY: the buffer has more bytes than may be written.
    let moved = unsafe { libc::recv(socket.as_raw_fd(), before.as_mut_ptr().cast(), room, libc::MSG_TRUNC) };
    ensure!(moved == isize::try_from(whole)?, "{moved} bytes were received");
    Ok(())
}

/// Asks over TCP, all questions at once, and reads the answers at once.
fn over_tcp(names: &[&str], write: impl Fn(&mut TcpStream, &[u8]) -> Result<()>) -> Result<()> {
    let mut stream = TcpStream::connect(SERVER)?;
    let mut bytes = Vec::new();
    let mut expected = 0;
    for name in names {
        let message = question(name, A);
        bytes.extend(u16::try_from(message.len())?.to_be_bytes());
        bytes.extend(&message);
        expected += 2 + answer(&message)?.len();
    }
    write(&mut stream, &bytes)?;
    // Only once everything is there a read gets it at once.
    let mut answers = vec![0; expected];
    while stream.peek(&mut answers)? < expected {
        std::thread::yield_now();
    }
    let read = stream.read(&mut answers)?;
    ensure!(read == expected, "{read} bytes of {expected} were read");
    Ok(())
}

/// Writes and reads the length in a call of its own.
fn parted(name: &str) -> Result<()> {
    let mut stream = TcpStream::connect(SERVER)?;
    let message = question(name, A);
    stream.write_all(&u16::try_from(message.len())?.to_be_bytes())?;
    stream.write_all(&message)?;
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    stream.read_exact(&mut vec![0; usize::from(u16::from_be_bytes(length))])?;
    Ok(())
}
