//! A BTF of nothing but a few names at their numbers.
//!
//! The loader asks a kernel's BTF for the number of a tracepoint's type, by name, and for nothing else. To read all types for
//! that takes tens of megabytes, so the loader gets a BTF in which all other types are fillers.

use std::collections::BTreeMap;

use aya::{Btf, BtfError, Endianness};

/// `struct btf_header` (linux/btf.h): magic and version, and its own length.
const MAGIC: u32 = 0xeb9f | 1 << 16;
const HEADER: u32 = 24;
/// `BTF_KIND_FWD` and `BTF_KIND_TYPEDEF`, as `btf_type.info` holds them. Neither has more than the 12 bytes of every type.
const FORWARD: u32 = 7 << 24;
const TYPEDEF: u32 = 8 << 24;

/// The type definitions of these names at these numbers.
///
/// # Errors
///
/// Numbers are bounded by those of the BTF that they come from, so the loader takes what is made here.
pub(super) fn typedefs(names: &BTreeMap<u32, String>) -> Result<Btf, BtfError> {
    // Strings begin with the empty one, types are counted from 1 (Documentation/bpf/btf.rst).
    let (mut types, mut strings) = (Vec::new(), vec![0u8]);
    let last = names.keys().next_back().copied().unwrap_or_default();
    for number in 1..=last {
        let (name, info) = match names.get(&number) {
            Some(name) => {
                let at = u32::try_from(strings.len()).unwrap_or_default();
                strings.extend_from_slice(name.as_bytes());
                strings.push(0);
                (at, TYPEDEF)
            }
            None => (0, FORWARD),
        };
        words(&mut types, &[name, info, 0]);
    }
    let [type_len, str_len] = [&types, &strings].map(|bytes| u32::try_from(bytes.len()).unwrap_or_default());
    let mut bytes = Vec::with_capacity(HEADER as usize + types.len() + strings.len());
    words(&mut bytes, &[MAGIC, HEADER, 0, type_len, type_len, str_len]);
    bytes.extend_from_slice(&types);
    bytes.extend_from_slice(&strings);
    Btf::parse(&bytes, Endianness::default())
}

fn words(bytes: &mut Vec<u8>, words: &[u32]) {
    for word in words {
        bytes.extend_from_slice(&word.to_ne_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_its_number_and_no_other_name_has_one() -> anyhow::Result<()> {
        let names = BTreeMap::from([(3, "btf_trace_sys_enter".to_owned()), (70_000, "btf_trace_sys_exit".to_owned())]);
        // Another reader than the one that it is made for.
        let read = btf_rs::Btf::from_bytes(&typedefs(&names)?.to_bytes())?;
        assert_eq!(read.resolve_ids_by_name("btf_trace_sys_enter")?, [3]);
        assert_eq!(read.resolve_ids_by_name("btf_trace_sys_exit")?, [70_000]);
        assert!(read.resolve_ids_by_name("btf_trace_sched_process_exec")?.is_empty());
        Ok(())
    }

    #[test]
    fn without_names_it_is_empty_and_readable() {
        assert!(typedefs(&BTreeMap::new()).is_ok());
    }
}
