//! What the arguments of a call mean, as far as the kernel half has to know to record it.

/// Which arguments of a call are strings, paths, descriptors of files, and addresses, packed into one number, because the
/// kernel half looks it up. Only calls about the host and about processes are recorded by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shape(u32);

/// Where a string of a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// Nowhere: a string of the call that is no path.
    Nowhere,
    /// A path, below the root of the process if it is absolute, and below its working directory if not.
    Here,
    /// A path, below the folder whose descriptor is that argument if it is relative.
    Folder(u32),
}

impl Shape {
    /// By how many bits the first string is shifted.
    pub const FIRST: u32 = 6;
    /// By how many bits the second string is shifted.
    pub const SECOND: u32 = 13;
    /// By how many bits the place of the third string is shifted, which is never a path.
    pub const THIRD: u32 = 20;
    /// By how many bits the argument is shifted that is a descriptor of the file which the call is about.
    pub const FILE: u32 = 23;
    /// By how many bits the argument is shifted that is a pid.
    pub const PID: u32 = 26;
    /// The first string has as many bytes as the argument behind it says.
    pub const COUNTED: u32 = 1 << 29;

    /// All arguments are numbers.
    pub const NUMBERS: Self = Self(0);

    /// The shape as one number.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// With arguments that are addresses, one bit each; the record has 0 for them.
    #[must_use]
    pub const fn addresses(self, bits: u32) -> Self {
        Self(self.0 | (bits & 0x3f))
    }

    /// With a string as the argument `at`.
    #[must_use]
    pub const fn first(self, at: u32, from: From) -> Self {
        Self(self.0 | 1 << at | string(at, from) << Self::FIRST)
    }

    /// With another one.
    #[must_use]
    pub const fn second(self, at: u32, from: From) -> Self {
        Self(self.0 | 1 << at | string(at, from) << Self::SECOND)
    }

    /// With a third one, which is no path.
    #[must_use]
    pub const fn third(self, at: u32) -> Self {
        Self(self.0 | 1 << at | (at + 1) << Self::THIRD)
    }

    /// With a descriptor of the file that the call is about.
    #[must_use]
    pub const fn file(self, at: u32) -> Self {
        Self(self.0 | (at + 1) << Self::FILE)
    }

    /// With a pid.
    #[must_use]
    pub const fn pid(self, at: u32) -> Self {
        Self(self.0 | (at + 1) << Self::PID)
    }

    /// The first string is followed by its length.
    #[must_use]
    pub const fn counted(self) -> Self {
        Self(self.0 | Self::COUNTED)
    }

    /// The argument that is a pid.
    #[must_use]
    pub fn pid_argument(self) -> Option<usize> {
        (self.0 >> Self::PID & 7).checked_sub(1).and_then(|at| usize::try_from(at).ok())
    }

    /// Whether the first string is a path.
    #[must_use]
    pub const fn is_path(self) -> bool {
        self.0 >> Self::FIRST >> 3 & 0xf != 0
    }
}

/// Seven bits: the argument and one in the low three, in the high four 0 for no path, [`HERE`], or the argument of the
/// folder and one.
const fn string(at: u32, from: From) -> u32 {
    let folder = match from {
        From::Nowhere => 0,
        From::Here => HERE,
        From::Folder(argument) => argument + 1,
    };
    (at + 1) | folder << 3
}

/// In the high bits of a string: a path that starts from the working directory.
pub const HERE: u32 = 8;
