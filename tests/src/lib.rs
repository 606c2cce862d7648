//! What offline and live tests share.

pub mod session;
