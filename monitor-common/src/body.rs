//! The fixed bodies: what follows the [`crate::Header`], by kind. The strings of a body follow it in the order of
//! its `texts`.

mod call;
mod environment;
mod file;
mod network;
mod process;

pub use call::{Call, SECOND_PATH_SHIFT, call_flag, call_text};
pub use environment::{Getenv, getenv_flag};
pub use file::{Open, RESOLVE_OTHERS, RESOLVE_SHIFT, Stat, open_text, path_flag, resolve_flags, stat_flag};
pub use network::{Connect, Dns, Name, Traffic, dns_text, name_source, name_text, traffic_flag};
pub use process::{Exec, Exit, FileId, Fork, Namespaces, exec_flag, exec_text};
