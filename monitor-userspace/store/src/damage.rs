//! What can be wrong with a recording, and where.

use std::fmt;

use super::reader::Position;

/// Something that is not as the writer left it. Reading goes on behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Damage {
    /// The file header is not the one of a recording, though a block follows it.
    FileHeader,
    /// Bytes that are no block; reading goes on at `to`, the next sound block header or the end of the file.
    NoBlock {
        /// The number of the block that should be here.
        number: u64,
        /// Where they begin.
        from: u64,
        /// Where they end.
        to: u64,
        /// What is wrong with the header that should be at `from`.
        what: &'static str,
    },
    /// A block whose header is sound but whose payload is not; its inputs are lost.
    Payload {
        /// The block.
        number: u64,
        /// Where its header begins.
        offset: u64,
        /// Inputs in it.
        inputs: u32,
        /// What is wrong with it.
        what: String,
    },
    /// A sound block that does not follow the blocks before it. Its inputs are read.
    Unlinked {
        /// The block.
        number: u64,
        /// Where its header begins.
        offset: u64,
        /// The number that should be here.
        expected: u64,
        /// Inputs that lie between by the block's own count; 0 when its count does not fit.
        missing: u64,
    },
    /// A sound block that was read already. Its inputs are not read again.
    OutOfPlace {
        /// The block.
        number: u64,
        /// Where its header begins.
        offset: u64,
        /// The number that should be here.
        expected: u64,
    },
    /// A frame of a sound block that is no frame of this format; the rest of its block cannot be read.
    Frame {
        /// The block, and which of its inputs.
        at: Position,
        /// Inputs that are lost with it.
        inputs: u64,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A frame whose JSON is not what its tag promises; the input is lost.
    Input {
        /// The block, and which of its inputs.
        at: Position,
        /// What is wrong with it.
        what: String,
    },
    /// A block behind the one that closed the recording. Its inputs are read.
    AfterClosed {
        /// The block.
        number: u64,
        /// Where its header begins.
        offset: u64,
    },
    /// The file could not be read from here on.
    Io {
        /// Where.
        offset: u64,
        /// The error of the system.
        error: String,
    },
}

impl Damage {
    /// Where in the file it is, bytes from the start.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        match self {
            Self::FileHeader => 0,
            Self::NoBlock { from, .. } => *from,
            Self::Payload { offset, .. }
            | Self::Unlinked { offset, .. }
            | Self::OutOfPlace { offset, .. }
            | Self::AfterClosed { offset, .. }
            | Self::Io { offset, .. } => *offset,
            Self::Frame { at, .. } | Self::Input { at, .. } => at.offset,
        }
    }

    /// The block that it is about.
    #[must_use]
    pub const fn block(&self) -> Option<u64> {
        match self {
            Self::FileHeader | Self::Io { .. } => None,
            Self::NoBlock { number, .. }
            | Self::Payload { number, .. }
            | Self::Unlinked { number, .. }
            | Self::OutOfPlace { number, .. }
            | Self::AfterClosed { number, .. } => Some(*number),
            Self::Frame { at, .. } | Self::Input { at, .. } => Some(at.block),
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FileHeader => write!(f, "byte 0: the file header is damaged"),
            Self::NoBlock { number, from, to, what } => {
                write!(f, "byte {from}, block {number}: the block header {what}; {} bytes were passed over", to - from)
            }
            Self::Payload { number, offset, inputs, what } => {
                write!(f, "byte {offset}, block {number}: the payload {what}; {inputs} inputs are lost")
            }
            Self::Unlinked { number, offset, expected, missing } => {
                write!(f, "byte {offset}, block {number}: does not follow the block before it; ")?;
                match (number.cmp(expected), missing) {
                    (std::cmp::Ordering::Equal, _) => write!(f, "one of the two was altered"),
                    (_, 0) => write!(f, "block {expected} should be here"),
                    (_, missing) => {
                        // They can come later, where blocks were swapped.
                        let blocks = match number.saturating_sub(*expected) {
                            1 => "1 block".to_owned(),
                            blocks => format!("{blocks} blocks"),
                        };
                        write!(f, "block {expected} should be here; {missing} inputs of {blocks} are missing here")
                    }
                }
            }
            Self::OutOfPlace { number, offset, expected } => write!(
                f,
                "byte {offset}, block {number}: is a copy of a block before it; block {expected} should be here"
            ),
            Self::Frame { at, inputs, what } => write!(
                f,
                "byte {}, block {}, input {}: the frame {what}; {inputs} inputs are lost",
                at.offset, at.block, at.input
            ),
            Self::Input { at, what } => {
                write!(f, "byte {}, block {}, input {}: cannot be understood: {what}", at.offset, at.block, at.input)
            }
            Self::AfterClosed { number, offset } => {
                write!(f, "byte {offset}, block {number}: follows the block that closed the recording")
            }
            Self::Io { offset, error } => write!(f, "byte {offset}: cannot be read: {error}"),
        }
    }
}

/// How the part of a recording that can be read ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With the block that closed it.
    Closed,
    /// Behind a whole block: it is still written, or its writer was stopped.
    Open {
        /// The end of the file.
        offset: u64,
        /// The block that would be next.
        number: u64,
    },
    /// Inside a block.
    Cut {
        /// Where that block begins; what precedes it is whole.
        offset: u64,
        /// The number of that block.
        number: u64,
        /// Bytes of it that are there.
        have: u64,
    },
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => write!(f, "closed"),
            Self::Open { offset, number } => {
                write!(f, "incomplete: it was not closed; readable up to byte {offset}, before block {number}")
            }
            Self::Cut { offset, number, have } => write!(
                f,
                "incomplete: it was not closed; readable up to byte {offset}, where block {number} is cut after {have} bytes"
            ),
        }
    }
}
