//! One file per family of hooks.

pub(crate) mod attention;
pub(crate) mod connect;
pub(crate) mod dns;
pub(crate) mod exec;
pub(crate) mod exec_strings;
pub(crate) mod getenv;
pub(crate) mod host;
pub(crate) mod io_uring;
pub(crate) mod name;
pub(crate) mod netlink;
pub(crate) mod open;
pub(crate) mod paths;
pub(crate) mod process;
mod signal;
pub(crate) mod socket;
pub(crate) mod stat;
pub(crate) mod syscall;
pub(crate) mod traffic;
