//! One file per subcommand: its arguments and what it does with them.

pub mod doctor;
pub mod query;
pub mod replay;
pub mod run;
pub mod verify;
pub mod watch;
