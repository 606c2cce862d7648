//! The environment.

use crate::{Text, pod};

/// [`crate::Kind::Getenv`], written when the function is called.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Getenv {
    /// Bits of [`getenv_flag`].
    pub flags: u32,
    /// Zero.
    pub pad: u32,
    /// One string: the name asked for, at most [`crate::limits::GETENV_NAME_BYTES`].
    pub texts: [Text; 1],
}
pod!(Getenv, 16);

/// Bits of [`Getenv::flags`].
pub mod getenv_flag {
    /// The function was secure_getenv.
    pub const SECURE: u32 = 1;
}
