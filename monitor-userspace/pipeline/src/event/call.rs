//! System calls by name.

use std::borrow::Cow;

use monitor_common::syscall;

/// The name of a system call, or its number where it is not one that is recorded.
#[must_use]
pub fn name(number: u32) -> Cow<'static, str> {
    match syscall::of_number(u64::from(number)) {
        Some(call) => Cow::Borrowed(call.name),
        None => Cow::Owned(format!("syscall_{number}")),
    }
}
