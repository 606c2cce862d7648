//! What offline and live tests share.

pub mod calls;
pub mod heavy;
pub mod inputs;
pub mod oracle;
pub mod random;
pub mod samples;
pub mod terminal;
