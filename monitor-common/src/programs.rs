//! The places of the programs that other programs call, in the maps through which they are called.

/// Places in the map `CALL_PROGRAMS`: the programs that record a call that has returned, by family.
pub mod family {
    /// open, openat, openat2, creat.
    pub const OPEN: u32 = 0;
    /// connect.
    pub const CONNECT: u32 = 1;
}

/// Places in the map `EXEC_PROGRAMS`: the parts of an exec record, in the order in which they run.
pub mod exec_part {
    /// The paths of the image, of the working directory, of descriptors 0 to 2.
    pub const PATHS: u32 = 0;
    /// argv.
    pub const ARGV: u32 = 1;
    /// The names of the environment.
    pub const ENV: u32 = 2;
    /// Sends the record; the last.
    pub const SEND: u32 = 3;
}
