//! The socket behind a descriptor.

pub(crate) mod address;

use crate::{
    globals::offset,
    read::{Structure, kernel},
    task::file,
};

/// `S_IFMT` and `S_IFSOCK` (linux/stat.h): the type bits of a mode, and those of a socket.
const TYPE_BITS: u16 = 0o170_000;
const SOCKET: u16 = 0o140_000;

/// What the kernel knows of a socket.
#[derive(Clone, Copy)]
pub(crate) struct Socket {
    /// `inode->i_ino`, which names the connection for as long as it lives; 0 when the descriptor is no socket.
    pub(crate) inode: u64,
    /// The address of its `struct sock`; 0 when the descriptor is no socket.
    pub(crate) sock: u64,
    /// `socket->type` (`SOCK_STREAM` 1, `SOCK_DGRAM` 2, …).
    pub(crate) kind: u16,
    /// `sock->sk_protocol` (`IPPROTO_*`).
    pub(crate) protocol: u16,
}

/// An open socket, of which nothing but its number is known yet.
#[derive(Clone, Copy)]
pub(crate) struct SocketFile {
    /// As [`Socket::inode`].
    pub(crate) inode: u64,
    file: u64,
}

impl SocketFile {
    /// What is behind a descriptor of a thread; its inode is 0 when that is no socket.
    #[inline(always)]
    pub(crate) fn of(thread: impl Structure, descriptor: u32) -> Self {
        let file = file(thread, descriptor);
        let inode: u64 = kernel(file, offset!(file_inode), 0);
        let mode: u16 = kernel(inode, offset!(inode_mode), 0);
        if mode & TYPE_BITS != SOCKET {
            return Self { inode: 0, file };
        }
        Self { inode: kernel(inode, offset!(inode_number), 0), file }
    }

    /// Whether nothing was behind the descriptor.
    #[inline(always)]
    pub(crate) fn is_gone(self) -> bool {
        self.file == 0
    }

    /// All of it.
    #[inline(always)]
    pub(crate) fn socket(self) -> Socket {
        let socket: u64 = kernel(self.file, offset!(file_private_data), 0);
        let sock: u64 = kernel(socket, offset!(socket_sock), 0);
        Socket {
            inode: self.inode,
            sock,
            kind: kernel(socket, offset!(socket_type), 0),
            protocol: kernel(sock, offset!(sock_protocol), 0),
        }
    }
}

impl Socket {
    /// No socket.
    pub(crate) const NONE: Self = Self { inode: 0, sock: 0, kind: 0, protocol: 0 };

    /// The socket behind a descriptor of a thread.
    #[inline(always)]
    pub(crate) fn of(thread: impl Structure, descriptor: u32) -> Self {
        let file = SocketFile::of(thread, descriptor);
        if file.inode == 0 { Self::NONE } else { file.socket() }
    }
}
