//! The wire: the one description of what crosses from the kernel half to userspace.
//!
//! A record is a [`Header`] followed by a fixed body for its kind and the bytes of the body's strings,
//! in the order in which the body lists them. Everything is little endian, of fixed width and explicitly
//! padded; no enum, `bool`, `Option` or reference crosses the boundary. Sizes and offsets are asserted
//! beside each type. `docs/wire.md` describes the same byte by byte.
#![no_std]

pub mod body;
pub mod counters;
pub mod decode;
pub mod header;
pub mod io_uring;
pub mod kind;
pub mod limits;
pub mod offsets;
pub mod programs;
pub mod repeats;
pub mod siphash;
pub mod syscall;
pub mod task;

pub use header::{Header, Text, TextState};
pub use kind::Kind;

/// The version of the wire. It grows when a record changes so that an older decoder would misread it.
///
/// The kernel half exports a symbol named [`WIRE_SYMBOL`]; the loader refuses an object without it.
pub const WIRE_VERSION: u32 = 2;

/// The name of the global of the kernel half that carries [`WIRE_VERSION`].
pub const WIRE_SYMBOL: &str = "AGENTSNOOP_WIRE_2";

/// Marks types that may be viewed as bytes and made from any bytes.
///
/// # Safety
///
/// The type must be `repr(C)`, have no padding, and hold only integers and arrays of them.
pub unsafe trait Pod: Copy + 'static {}

/// The bytes of a [`Pod`] value.
pub fn bytes_of<T: Pod>(value: &T) -> &[u8] {
    // SAFETY: `Pod` promises a type without padding, so each of its bytes is initialised.
    unsafe { core::slice::from_raw_parts(core::ptr::from_ref(value).cast(), size_of::<T>()) }
}

/// A [`Pod`] value from its bytes, or `None` when there are not exactly as many as it has.
#[must_use]
pub fn from_bytes<T: Pod>(bytes: &[u8]) -> Option<T> {
    if bytes.len() != size_of::<T>() {
        return None;
    }
    // SAFETY: there are exactly `size_of::<T>()` bytes, and any bytes are a valid `Pod`.
    Some(unsafe { bytes.as_ptr().cast::<T>().read_unaligned() })
}

/// Declares that a type is [`Pod`] and asserts its size, so that a change of layout fails to compile.
macro_rules! pod {
    ($type:ty, $size:expr) => {
        // SAFETY: the type is `repr(C)`, holds only integers, and the size assertion below leaves no room for padding.
        unsafe impl $crate::Pod for $type {}
        const _: () = assert!(size_of::<$type>() == $size);
    };
}
pub(crate) use pod;
