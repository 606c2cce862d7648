//! Bits by name: how the flags of calls are shown and serialized.

/// The names of the bits, by a table whose wider entries come first, and the bits that have none.
pub fn names(bits: u64, table: &'static [(u64, &'static str)]) -> (Vec<&'static str>, u64) {
    let mut rest = bits;
    let mut found = Vec::new();
    for (bits, name) in table {
        if rest & bits == *bits {
            rest &= !bits;
            found.push(*name);
        }
    }
    (found, rest)
}

/// The names joined by `|`, what has none as one hexadecimal number; `0` where no bit is set.
#[must_use]
pub fn joined(bits: u64, table: &'static [(u64, &'static str)]) -> String {
    let (mut parts, rest) = names(bits, table);
    let number = format!("{rest:#x}");
    if rest != 0 || parts.is_empty() {
        parts.push(if rest == 0 { "0" } else { &number });
    }
    parts.join("|")
}

/// Implements, for a newtype of `u64`, `Display` (as [`joined`], but empty for no bits) and serde's traits: a list of
/// names, what has no name as one hexadecimal number.
macro_rules! flags {
    ($type:ident, $table:expr) => {
        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                if self.0 == 0 { Ok(()) } else { f.write_str(&$crate::event::named::joined(self.0, &$table)) }
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeSeq as _;
                let (names, rest) = $crate::event::named::names(self.0, &$table);
                let mut list = serializer.serialize_seq(None)?;
                for name in names {
                    list.serialize_element(name)?;
                }
                if rest != 0 {
                    list.serialize_element(&format_args!("{rest:#x}"))?;
                }
                list.end()
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let mut flags = 0;
                for name in Vec::<String>::deserialize(deserializer)? {
                    let known = $table.iter().find(|(_, text)| *text == name).map(|(bits, _)| *bits);
                    let number = || u64::from_str_radix(name.strip_prefix("0x")?, 16).ok();
                    flags |= known
                        .or_else(number)
                        .ok_or_else(|| serde::de::Error::custom(format_args!("`{name}` is none of the known flags")))?;
                }
                Ok(Self(flags))
            }
        }
    };
}
pub(crate) use flags;
