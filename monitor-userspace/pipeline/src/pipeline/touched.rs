//! What a record touches, and what that is for.

use std::net::{IpAddr, SocketAddr};

use crate::{
    enrich::{Class, Classes, Endpoint, Rules},
    record::{Body, Connect, Dns, Getenv, HostCall, NameSource, Socket, Text},
};

/// What it takes to say for what a touched thing is.
pub(super) struct Touched<'a> {
    pub(super) rules: &'a mut Rules,
    pub(super) project: Option<&'a [u8]>,
    pub(super) pid: u32,
    pub(super) scratch: &'a mut Vec<u8>,
}

impl Touched<'_> {
    /// The classes of what a body tells of.
    pub(super) fn by(mut self, body: &Body) -> Classes {
        match body {
            Body::Open(open) => self.path(open.path.as_ref()),
            Body::Readlink(link) => self.path(link.path.as_ref()),
            Body::Stat(stat) => self.path(stat.path.as_ref()),
            Body::Rename(pair) | Body::Link(pair) => self.path(pair.from.as_ref()).union(self.path(pair.to.as_ref())),
            Body::Symlink(pair) => {
                // What the link says is a path of this process where it is absolute.
                let says = pair.from.as_ref().filter(|says| says.as_bytes().starts_with(b"/"));
                self.path(pair.to.as_ref()).union(self.path(says))
            }
            Body::Unlink(change)
            | Body::Mkdir(change)
            | Body::Chmod(change)
            | Body::Chown(change)
            | Body::Truncate(change) => self.path(change.path.as_ref()),
            Body::Exec(exec) => {
                let mut classes = self.path(exec.path.as_ref());
                // That a program is installed is no reason to pass over what it does.
                classes.remove(Class::Noise);
                classes
            }
            Body::Getenv(Getenv { name: Some(name), .. }) => self.rules.variable(name.as_bytes()),
            Body::Connect(connect) => self.connect(connect),
            Body::Traffic(traffic) => {
                let name = meant(traffic.name.as_ref(), traffic.name_source, traffic.address);
                self.peer(name, traffic.address, traffic.port, traffic.path.as_ref())
            }
            Body::Name(name) => self.peer(name.name.as_ref(), name.address, name.port, None),
            Body::Dns(dns) => self.dns(dns),
            Body::Bind(socket) | Body::Listen(socket) => self.own_socket(socket),
            Body::Accept(socket) => self.peer(None, socket.address, socket.port, socket.path.as_ref()),
            Body::Attention(call) => self.attention(call),
            Body::Metadata(call) => metadata(call),
            _ => Classes::NONE,
        }
    }

    fn connect(&self, connect: &Connect) -> Classes {
        // connect(2) on a datagram socket sends nothing: with port 0 it only asks which source address would be used.
        if connect.port == Some(0) && connect.protocol.as_deref() == Some("udp") {
            return Class::Noise.into();
        }
        let name = meant(connect.name.as_ref(), connect.name_source, connect.address);
        self.peer(name, connect.address, connect.port, connect.path.as_ref())
    }

    /// A question is about an endpoint before anything connects to it; who answers is told by the connection to the server.
    fn dns(&self, dns: &Dns) -> Classes {
        match &dns.question {
            Some(question) => self.peer(Some(question), None, None, None),
            None => self.peer(None, dns.server, dns.port, None),
        }
    }

    /// A socket's own address is one of this machine, whatever its number says.
    fn own_socket(&self, socket: &Socket) -> Classes {
        match (&socket.path, socket.address) {
            (Some(path), _) => self.peer(None, None, None, Some(path)),
            (None, Some(_)) => Class::LocalEndpoint.into(),
            (None, None) => Classes::NONE,
        }
    }

    fn attention(&mut self, call: &HostCall) -> Classes {
        match call.call.as_ref() {
            "connect" => self.peer(None, None, None, call.path.as_ref()),
            "io_uring" => {
                let paths = self.path(call.path.as_ref()).union(self.path(call.from.as_ref()));
                paths.union(call.address.as_ref().map_or(Classes::NONE, |address| self.address(address)))
            }
            _ => self.path(call.path.as_ref()),
        }
    }

    /// The classes of an endpoint: an IP address with its port, or the path of a unix socket.
    fn address(&self, address: &Text) -> Classes {
        let ip: Option<SocketAddr> = address.to_str().parse().ok();
        let path = Some(address).filter(|_| ip.is_none());
        self.peer(None, ip.map(|ip| ip.ip()), ip.map(|ip| ip.port()), path)
    }

    fn peer(&self, name: Option<&Text>, address: Option<IpAddr>, port: Option<u16>, path: Option<&Text>) -> Classes {
        let (name, path) = (name.map(Text::as_bytes), path.map(Text::as_bytes));
        self.rules.endpoint(&Endpoint { name, address, port, path })
    }

    fn path(&mut self, path: Option<&Text>) -> Classes {
        let Some(path) = path else { return Classes::NONE };
        self.rules.path(own(path.as_bytes(), self.pid, self.scratch), self.project)
    }
}

/// The name that counts for whom a connection is with. Names are kept from their endpoints by answers that give this machine's
/// address for all of them; then an answer does not tell which of them was meant, nor that it was any.
fn meant(name: Option<&Text>, source: Option<NameSource>, address: Option<IpAddr>) -> Option<&Text> {
    let is_own = address.is_some_and(|address| {
        let address = address.to_canonical();
        address.is_loopback() || address.is_unspecified()
    });
    name.filter(|_| !(is_own && source == Some(NameSource::Dns)))
}

/// What a fact about the host is for: one that tells machines apart, or one that every runtime asks for to know how much
/// it may use.
fn metadata(call: &HostCall) -> Classes {
    match call.call.as_ref() {
        "sysinfo" | "sched_getaffinity" => Class::Noise.into(),
        // The C library asks for the addresses at every look-up of a name; who wants the interfaces asks for links too.
        _ if call.detail.as_deref().is_some_and(|detail| detail.starts_with("RTM_GETADDR")) => Class::Noise.into(),
        _ => Class::HostIdentity.into(),
    }
}

/// The path by which the classes know it: a process's own folder in /proc is `/proc/self`, to which the kernel resolves
/// it the other way round.
fn own<'a>(path: &'a [u8], pid: u32, scratch: &'a mut Vec<u8>) -> &'a [u8] {
    let Some(rest) = path.strip_prefix(b"/proc/") else { return path };
    let digits = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
    let number = rest[..digits]
        .iter()
        .try_fold(0u32, |number, digit| number.checked_mul(10)?.checked_add(u32::from(digit - b'0')));
    if digits == 0 || number != Some(pid) {
        return path;
    }
    scratch.clear();
    scratch.extend_from_slice(b"/proc/self");
    scratch.extend_from_slice(&rest[digits..]);
    scratch
}
