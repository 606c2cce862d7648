//! Calls that ask for facts about the host.

use super::{Syscall, shape::Shape};
use crate::{Kind, programs::family};

/// `ioctl(int fd, unsigned int request, unsigned long argument)`.
pub const IOCTL: u64 = 16;
/// `uname(struct utsname *name)`.
pub const UNAME: u64 = 63;
/// `sysinfo(struct sysinfo *info)`.
pub const SYSINFO: u64 = 99;
/// `syslog(int type, char *buffer, int length)`.
pub const SYSLOG: u64 = 103;
/// `sched_getaffinity(pid_t pid, unsigned int length, unsigned long *mask)`: how many processors there are.
pub const SCHED_GETAFFINITY: u64 = 204;

const fn metadata(number: u64, name: &'static str, shape: Shape) -> Syscall {
    Syscall::new(number, name, Kind::Metadata, family::METADATA).shaped(shape)
}

const NUMBERS: Shape = Shape::NUMBERS;

/// The calls of this file. Of ioctl only the requests of [`ioctl`] are recorded.
pub(super) const HOST: &[Syscall] = &[
    metadata(IOCTL, "ioctl", NUMBERS.addresses(0b100)).exit_only(),
    metadata(UNAME, "uname", NUMBERS.addresses(0b1)),
    metadata(SYSINFO, "sysinfo", NUMBERS.addresses(0b1)),
    metadata(SYSLOG, "syslog", NUMBERS.addresses(0b10)),
    metadata(SCHED_GETAFFINITY, "sched_getaffinity", NUMBERS.addresses(0b100).pid(0)).exit_only(),
];

/// The requests of ioctl that are recorded.
pub mod ioctl {
    /// `SIOCGIFCONF` (linux/sockios.h): the interfaces with their addresses.
    pub const SIOCGIFCONF: u64 = 0x8912;
    /// `TIOCSTI` and `TIOCLINUX` (asm-generic/ioctls.h): they put characters into a terminal as if they were typed.
    pub const TIOCSTI: u64 = 0x5412;
    /// See [`TIOCSTI`].
    pub const TIOCLINUX: u64 = 0x541c;
    /// `HDIO_GET_IDENTITY` (linux/hdreg.h): the serial number of a disk.
    pub const HDIO_GET_IDENTITY: u64 = 0x30d;

    /// Whether a request is about network interfaces: linux/sockios.h from `SIOCADDRT` (0x890b) to the ones of bridges and
    /// of time stamps (0x89b1), linux/wireless.h (0x8b00 to 0x8bff).
    #[inline(always)]
    #[must_use]
    pub const fn is_interface(request: u64) -> bool {
        request >= 0x890b && request <= 0x89b1 || request >> 8 == 0x8b
    }

    /// Whether a request types into a terminal, which deserves attention.
    #[inline(always)]
    #[must_use]
    pub const fn types(request: u64) -> bool {
        request == TIOCSTI || request == TIOCLINUX
    }
}
