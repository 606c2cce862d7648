//! What the arguments of a call mean, as far as the kernel half has to know to record it.

use super::paths::{NONE, Named};

/// Which arguments of a call are files and other strings, addresses, and pids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// One bit for each argument that is an address; the record has 0 for them.
    addresses: u8,
    /// The files and other strings, in the order of the record; the third is never a file.
    named: [Named; 3],
    /// The place of the pid; [`NONE`] where there is none.
    pid: u8,
}

impl Shape {
    /// All arguments are numbers.
    pub const NUMBERS: Self = Self { addresses: 0, named: [Named::NOT; 3], pid: NONE };

    /// With arguments that are addresses, one bit each.
    #[must_use]
    pub const fn addresses(self, bits: u8) -> Self {
        Self { addresses: self.addresses | bits, ..self }
    }

    /// With a file, or another string.
    #[must_use]
    pub const fn first(self, named: Named) -> Self {
        self.named(0, named)
    }

    /// With another one.
    #[must_use]
    pub const fn second(self, named: Named) -> Self {
        self.named(1, named)
    }

    /// With a third string, which is no path.
    #[must_use]
    pub const fn third(self, at: u8) -> Self {
        self.named(2, Named::string(at))
    }

    const fn named(mut self, which: usize, named: Named) -> Self {
        if named.path != NONE {
            self.addresses |= 1 << named.path;
        }
        self.named[which] = named;
        self
    }

    /// With a pid.
    #[must_use]
    pub const fn pid(self, at: u8) -> Self {
        Self { pid: at, ..self }
    }

    /// What [`super::ADDRESSES_OF`] has of the call.
    pub(super) const fn address_bits(self) -> u8 {
        self.addresses
    }

    /// What [`super::paths::FILES_OF`] has of the call: the last is [`Named::NOT`], behind which nothing comes.
    pub(super) const fn files(self) -> [Named; 4] {
        let [first, second, third] = self.named;
        [first, second, third, Named::NOT]
    }

    /// The argument that is a pid.
    #[must_use]
    pub fn pid_argument(self) -> Option<usize> {
        (self.pid != NONE).then_some(usize::from(self.pid))
    }

    /// Whether the first string is a path.
    #[must_use]
    pub const fn is_path(self) -> bool {
        self.named[0].path != NONE && self.named[0].folder != Named::NOWHERE
    }
}
