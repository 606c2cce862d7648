//! A network of its own with a name server, in which nothing but loopback is up.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use nix::sched::{CloneFlags, unshare};

/// What every name with an address is an alias of.
pub(crate) const ALIAS: &str = "edge.example.net";
/// The address of every name, where something listens on [`PORT`].
pub(crate) const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 9));
/// The port of it.
pub(crate) const PORT: u16 = 8080;
/// The bytes of each text of a long answer.
pub(crate) const LONG_TEXT: usize = 200;

/// The types of records (RFC 1035, 3.2.2).
const A: u16 = 1;
const CNAME: u16 = 5;
const TXT: u16 = 16;

/// Runs a command in the network and ends as it does.
pub(crate) fn run(program: &str, arguments: &[&str]) -> Result<()> {
    unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWNET).context("cannot make namespaces")?;
    bring_loopback_up()?;
    let folder = tempfile::tempdir()?;
    mount(None, "/", libc::MS_REC | libc::MS_PRIVATE)?;
    for (file, content) in [("resolv.conf", "nameserver 127.0.0.1\n"), ("nsswitch.conf", "hosts: dns\n")] {
        let own = folder.path().join(file);
        std::fs::write(&own, content)?;
        let place = format!("/etc/{file}");
        // Without these files glibc does the same as with them.
        if std::fs::exists(&place)? {
            mount(Some(own.to_str().context("an odd folder")?), &place, libc::MS_BIND)?;
        }
    }
    for address in ["127.0.0.1:53", "127.0.0.2:53", "[::1]:53"] {
        let socket = UdpSocket::bind(address).context("cannot bind port 53")?;
        std::thread::spawn(move || serve_datagrams(&socket));
    }
    let listener = TcpListener::bind("127.0.0.1:53")?;
    std::thread::spawn(move || listener.incoming().flatten().try_for_each(|stream| serve_stream(&stream)));
    let endpoint = TcpListener::bind(SocketAddr::new(ADDRESS, PORT))?;
    std::thread::spawn(move || endpoint.incoming().for_each(drop));
    let status = Command::new(program).args(arguments).status()?;
    ensure!(status.success(), "{program} ended with {status}");
    Ok(())
}

fn mount(source: Option<&str>, target: &str, flags: libc::c_ulong) -> Result<()> {
    let source = source.map(std::ffi::CString::new).transpose()?;
    let target = std::ffi::CString::new(target)?;
    let source = source.as_ref().map_or(std::ptr::null(), |source| source.as_ptr());
    // SAFETY: the strings outlive the call; the mount namespace is this process's own and ends with it.
    let result = unsafe { libc::mount(source, target.as_ptr(), std::ptr::null(), flags, std::ptr::null()) };
    if result == 0 { Ok(()) } else { bail!("cannot mount on {target:?}: {}", std::io::Error::last_os_error()) }
}

fn bring_loopback_up() -> Result<()> {
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    // SAFETY: zeroes are a valid request.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(b"lo") {
        *to = *from as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    // SAFETY: the request has a name and flags, as SIOCSIFFLAGS takes them (netdevice(7)).
    let result = unsafe { libc::ioctl(std::os::fd::AsRawFd::as_raw_fd(&socket), libc::SIOCSIFFLAGS, &raw mut request) };
    if result == 0 { Ok(()) } else { bail!("cannot bring lo up: {}", std::io::Error::last_os_error()) }
}

fn serve_datagrams(socket: &UdpSocket) -> Result<()> {
    let mut query = [0; 512];
    loop {
        let (len, client) = socket.recv_from(&mut query)?;
        socket.send_to(&answer(&query[..len])?, client)?;
    }
}

/// Answers until the client closes the connection.
fn serve_stream(mut stream: &TcpStream) -> Result<()> {
    let mut len = [0; 2];
    while stream.read_exact(&mut len).is_ok() {
        let mut query = vec![0; usize::from(u16::from_be_bytes(len))];
        stream.read_exact(&mut query)?;
        let answer = answer(&query)?;
        stream.write_all(&[&u16::try_from(answer.len())?.to_be_bytes()[..], &answer].concat())?;
    }
    Ok(())
}

/// The name as labels (RFC 1035, 3.1).
pub(crate) fn labels(name: &str) -> Vec<u8> {
    let mut bytes: Vec<u8> =
        name.split('.').flat_map(|label| [&[label.len() as u8], label.as_bytes()].concat()).collect();
    bytes.push(0);
    bytes
}

/// A question (RFC 1035, 4.1) of a type.
pub(crate) fn question(name: &str, qtype: u16) -> Vec<u8> {
    let header = [0x1234, 0x0100, 1, 0, 0, 0].map(u16::to_be_bytes).concat();
    [header, labels(name), qtype.to_be_bytes().to_vec(), vec![0, 1]].concat()
}

/// The answer to a question: an alias and, of type A, its address; for names that begin with `absent` none, for those that
/// begin with `long` texts.
pub(crate) fn answer(query: &[u8]) -> Result<Vec<u8>> {
    const HEADER: usize = 12;
    let end = query.iter().skip(HEADER).position(|byte| *byte == 0).context("no name")? + HEADER;
    let [high, low, _, _] = query.get(end + 1..end + 5).context("no type")? else { bail!("no type") };
    let qtype = u16::from_be_bytes([*high, *low]);
    let record = |owner: &[u8], rtype: u16, data: &[u8]| {
        let fixed = [rtype.to_be_bytes(), [0, 1], [0, 0], [0, 60], (data.len() as u16).to_be_bytes()].concat();
        [owner, &fixed, data].concat()
    };
    // The name of the question, by its place.
    let asked = [0xc0, HEADER as u8];
    let name = &query[HEADER + 1..end];
    let (code, records) = if name.starts_with(b"absent") {
        (3, Vec::new())
    } else if name.starts_with(b"long") {
        let text = [&[LONG_TEXT as u8][..], &[b'x'; LONG_TEXT]].concat();
        (0, vec![record(&asked, TXT, &text); 15])
    } else {
        let alias = record(&asked, CNAME, &labels(ALIAS));
        let IpAddr::V4(address) = ADDRESS else { bail!("no IPv4 address") };
        let address = record(&labels(ALIAS), A, &address.octets());
        (0, if qtype == A { vec![alias, address] } else { vec![alias] })
    };
    let counts = [1, u16::try_from(records.len())?, 0, 0].map(u16::to_be_bytes).concat();
    Ok([&query[..2], &[0x81, 0x80 | code], &counts, &query[HEADER..end + 5], &records.concat()].concat())
}
