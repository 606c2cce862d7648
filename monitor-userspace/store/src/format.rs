//! The bytes of a recording, format 1: a file header, then blocks. docs/recording.md says the same in tables.

/// The version that this build writes, and the only one that it reads.
pub const VERSION: u16 = 1;

/// The first bytes of a recording. The first is no ASCII and the last two are a line end, so that a transfer that
/// takes the file for text shows.
pub const MAGIC: [u8; 8] = *b"\x89ASREC\r\n";

/// The first bytes of a block; a reader that lost its place looks for them.
pub const SYNC: [u8; 8] = *b"\xf5\x9aASBLK\n";

/// Bytes of the file header.
pub const FILE_HEADER: usize = 32;

/// Bytes of the file header that precede its checksum.
const FILE_CHECKED: usize = 28;

/// What tells a recording from every other: random, so that blocks cannot be moved between recordings unseen.
pub type RecordingId = [u8; 16];

/// Bytes of a block header.
pub const BLOCK_HEADER: usize = 96;

/// The payload is one zstd frame.
pub const CODEC_ZSTD: u16 = 1;

/// The last frame of the block is a `Closed`.
pub const FLAG_LAST: u16 = 1;

/// Bytes of frames at which the writer seals a block: small enough that a damaged one costs little, large enough
/// that compression finds what repeats.
pub const BLOCK_BYTES: usize = 256 * 1024;

/// Bytes of the longest frame; the writer refuses a longer input. The longest ring record has an eighth of it,
/// the counters of 1024 CPUs about a half.
pub const FRAME_BYTES: usize = 1024 * 1024;

/// Bytes of frames that a block can have: one frame was added to a block that was nearly full. A reader refuses
/// a header that claims more, so this bounds what it allocates.
pub const RAW_BYTES: usize = BLOCK_BYTES + FRAME_BYTES + 16;

/// Bytes of a payload that a block can have; zstd grows what it cannot compress by less than this margin.
pub const STORED_BYTES: usize = RAW_BYTES + RAW_BYTES / 128 + 1024;

/// A link of the chain: a BLAKE3 hash.
pub type Chain = [u8; 32];

/// Bytes of a block header that precede its checksum.
const CHECKED: usize = 60;

/// The file header of [`VERSION`].
#[must_use]
pub fn file_header(id: &RecordingId) -> [u8; FILE_HEADER] {
    let mut bytes = [0; FILE_HEADER];
    bytes[..8].copy_from_slice(&MAGIC);
    bytes[8..10].copy_from_slice(&VERSION.to_le_bytes());
    bytes[10..12].copy_from_slice(&(FILE_HEADER as u16).to_le_bytes());
    bytes[12..FILE_CHECKED].copy_from_slice(id);
    let crc = crc32c::crc32c(&bytes[..FILE_CHECKED]);
    bytes[FILE_CHECKED..].copy_from_slice(&crc.to_le_bytes());
    bytes
}

/// The identity in a file header.
#[must_use]
pub fn id_of(bytes: &[u8; FILE_HEADER]) -> RecordingId {
    let mut id = RecordingId::default();
    id.copy_from_slice(&bytes[12..FILE_CHECKED]);
    id
}

/// What the first bytes of a file say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A recording of [`VERSION`].
    Known,
    /// A recording of another version; its header is whole.
    Other {
        /// That version.
        version: u16,
    },
    /// Not the header of a recording, or a damaged one.
    Foreign,
}

/// Judges the first bytes of a file. Every version begins with the magic and the version, and keeps
/// the checksum where it is.
#[must_use]
pub fn file_kind(bytes: &[u8; FILE_HEADER]) -> FileKind {
    let crc = crc32c::crc32c(&bytes[..FILE_CHECKED]).to_le_bytes();
    if bytes[..8] != MAGIC || bytes[FILE_CHECKED..] != crc {
        return FileKind::Foreign;
    }
    match u16::from_le_bytes([bytes[8], bytes[9]]) {
        VERSION => FileKind::Known,
        version => FileKind::Other { version },
    }
}

/// The link before the first block: BLAKE3 of the file header.
#[must_use]
pub fn genesis(file_header: &[u8; FILE_HEADER]) -> Chain {
    *blake3::hash(file_header).as_bytes()
}

/// The header of a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BlockHeader {
    /// The number of the block, from 0 without gaps.
    pub number: u64,
    /// Inputs in the blocks before this one.
    pub first_input: u64,
    /// The earliest boot time of an input of the block, nanoseconds; 0 when no input has a time.
    pub first_ns: u64,
    /// The latest boot time of an input of the block, nanoseconds; 0 when no input has a time.
    pub last_ns: u64,
    /// Frames in the payload.
    pub inputs: u32,
    /// Bytes of the payload once decompressed, at most [`RAW_BYTES`].
    pub raw_len: u32,
    /// Bytes of the payload, at most [`STORED_BYTES`].
    pub stored_len: u32,
    /// [`CODEC_ZSTD`].
    pub codec: u16,
    /// Bits: [`FLAG_LAST`].
    pub flags: u16,
    /// CRC-32C of the payload.
    pub payload_crc: u32,
    /// This block's link: [`BlockHeader::link`].
    pub chain: Chain,
}

impl BlockHeader {
    /// The part of the header that the chain covers.
    fn covered(&self) -> [u8; CHECKED] {
        let mut bytes = [0; CHECKED];
        bytes[..8].copy_from_slice(&SYNC);
        bytes[8..16].copy_from_slice(&self.number.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.first_input.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.first_ns.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.last_ns.to_le_bytes());
        bytes[40..44].copy_from_slice(&self.inputs.to_le_bytes());
        bytes[44..48].copy_from_slice(&self.raw_len.to_le_bytes());
        bytes[48..52].copy_from_slice(&self.stored_len.to_le_bytes());
        bytes[52..54].copy_from_slice(&self.codec.to_le_bytes());
        bytes[54..56].copy_from_slice(&self.flags.to_le_bytes());
        bytes[56..60].copy_from_slice(&self.payload_crc.to_le_bytes());
        bytes
    }

    /// The link that this block has after `previous`: BLAKE3 of the previous link, the header before its checksum,
    /// and the payload.
    #[must_use]
    pub fn link(&self, previous: &Chain, payload: &[u8]) -> Chain {
        let mut hasher = blake3::Hasher::new();
        hasher.update(previous);
        hasher.update(&self.covered());
        hasher.update(payload);
        *hasher.finalize().as_bytes()
    }

    /// The bytes on disk.
    #[must_use]
    pub fn encode(&self) -> [u8; BLOCK_HEADER] {
        let mut bytes = [0; BLOCK_HEADER];
        bytes[..CHECKED].copy_from_slice(&self.covered());
        bytes[64..].copy_from_slice(&self.chain);
        let crc = header_crc(&bytes);
        bytes[CHECKED..64].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads a header.
    ///
    /// # Errors
    ///
    /// What is wrong, in words that follow "the block header": no sync marker, a wrong checksum, or a length beyond
    /// its bound.
    pub fn decode(bytes: &[u8; BLOCK_HEADER]) -> Result<Self, &'static str> {
        if bytes[..8] != SYNC {
            return Err("has no sync marker");
        }
        if bytes[CHECKED..64] != header_crc(bytes).to_le_bytes() {
            return Err("has a wrong checksum");
        }
        let mut chain = [0; 32];
        chain.copy_from_slice(&bytes[64..]);
        let header = Self {
            number: u64_at(bytes, 8),
            first_input: u64_at(bytes, 16),
            first_ns: u64_at(bytes, 24),
            last_ns: u64_at(bytes, 32),
            inputs: u32_at(bytes, 40),
            raw_len: u32_at(bytes, 44),
            stored_len: u32_at(bytes, 48),
            codec: u16::from_le_bytes([bytes[52], bytes[53]]),
            flags: u16::from_le_bytes([bytes[54], bytes[55]]),
            payload_crc: u32_at(bytes, 56),
            chain,
        };
        if header.raw_len as usize > RAW_BYTES || header.stored_len as usize > STORED_BYTES {
            return Err("claims more bytes than a block can have");
        }
        Ok(header)
    }
}

/// The checksum of a block header: CRC-32C of all its bytes but the checksum itself.
fn header_crc(bytes: &[u8; BLOCK_HEADER]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&bytes[..CHECKED]), &bytes[64..])
}

fn u64_at(bytes: &[u8; BLOCK_HEADER], at: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(word)
}

fn u32_at(bytes: &[u8; BLOCK_HEADER], at: usize) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(word)
}

/// An identity as it is named in other recordings: hexadecimal.
#[must_use]
pub fn hex_id(id: &RecordingId) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A link as people compare it: hexadecimal.
#[must_use]
pub fn hex(chain: &Chain) -> String {
    blake3::Hash::from_bytes(*chain).to_hex().to_string()
}
