//! The places of the programs that other programs call, in the maps through which they are called.

/// Places in the map `CALL_PROGRAMS`: the programs that record a call that has returned, by family.
pub mod family {
    /// open, openat, openat2, creat.
    pub const OPEN: u32 = 0;
    /// connect.
    pub const CONNECT: u32 = 1;
    /// readlink, rename, link, symlink, unlink, mkdir, chmod, chown, truncate and their like: up to two paths.
    pub const PATHS: u32 = 2;
    /// stat and its like, aggregated.
    pub const STAT: u32 = 3;
    /// socket, bind, listen, accept.
    pub const SOCKET: u32 = 4;
    /// Sending and what may send: write, sendto, sendmsg, sendfile and their like.
    pub const SEND: u32 = 5;
    /// Receiving and what may receive.
    pub const RECEIVE: u32 = 6;
    /// setsid, setpgid, credentials, namespaces.
    pub const IDENTITY: u32 = 7;
    /// uname, sysinfo and their like.
    pub const METADATA: u32 = 8;
    /// What deserves attention.
    pub const ATTENTION: u32 = 9;
    /// sendmmsg and recvmmsg, which move several messages.
    pub const MESSAGES: u32 = 10;

    /// Part of [`SEND`] and [`RECEIVE`]: messages to and from name servers.
    pub const DNS: u32 = 31;
    /// Part of [`SEND`]: the name in the first bytes of a stream.
    pub const NAME: u32 = 30;
    /// Part of [`PATHS`] and [`ATTENTION`]: adds one of the files or strings and calls itself for the next.
    pub const PATHS_FILE: u32 = 29;
    /// Records the first call of a kind by stat and its like.
    pub const STAT_FIRST: u32 = 28;
    /// Part of [`SEND`]: what is asked over netlink.
    pub const NETLINK: u32 = 26;
    /// Tells what stat and its like have counted of the process, then ends.
    pub const STAT_FLUSH: u32 = 27;
    /// Part of [`STAT`]: goes on with a path that is long, and calls itself for what is left of it.
    pub const STAT_LONG: u32 = 24;
    /// Part of [`MESSAGES`]: adds up what they moved, and calls itself for what is left of them.
    pub const MESSAGES_SUM: u32 = 25;

    /// How many places the map has: room for parts of families, from the end.
    pub const PLACES: u32 = 32;
}

/// Places in the map `IO_URING_PROGRAMS`: the parts of the record of a request.
pub mod io_uring_part {
    /// Adds one of the files and calls itself for the next.
    pub const FILE: u32 = 0;
}

/// Places in the map `EXEC_PROGRAMS`: the parts of an exec record, in the order in which they run.
pub mod exec_part {
    /// Tells what was counted of the image before.
    pub const REPEATS: u32 = 0;
    /// The paths of the image, of the working directory, of descriptors 0 to 2.
    pub const PATHS: u32 = 1;
    /// argv.
    pub const ARGV: u32 = 2;
    /// The names of the environment.
    pub const ENV: u32 = 3;
    /// Sends the record; the last.
    pub const SEND: u32 = 4;
}
