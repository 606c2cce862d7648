//! Where functions begin in an ELF file, from bytes that nobody vouches for: every read is checked, and nothing else is
//! opened (as a reader that follows links to debug files would).

/// Bytes of the file header (`Elf64_Ehdr`, elf.h), and of the entries of the tables behind it.
const HEADER: usize = 64;
const PROGRAM_HEADER: usize = 56;
const SECTION_HEADER: usize = 64;
const SYMBOL: usize = 24;

/// `ELFMAG`, `ELFCLASS64`, `ELFDATA2LSB`.
const MAGIC: &[u8] = b"\x7fELF\x02\x01";
/// `EM_X86_64`.
const X86_64: u16 = 62;
/// `PT_LOAD`, and `PF_X` in its flags.
const LOAD: u32 = 1;
const EXECUTABLE: u32 = 1;
/// `SHT_DYNSYM`.
const DYNAMIC_SYMBOLS: u32 = 11;
/// `STT_FUNC`.
const FUNCTION: u8 = 2;
/// `SHN_UNDEF`.
const UNDEFINED: u16 = 0;

/// Whether these are the first bytes of an ELF file of 64 bits for this processor.
pub(super) fn is_elf_of_x86_64(head: &[u8]) -> bool {
    head.starts_with(MAGIC) && u16_at(head, 18) == Some(X86_64)
}

/// Where in the file the functions begin that it exports under these names; `None` for one that it does not export.
///
/// The work is bounded by the length of the file: a file has one table of dynamic symbols, and of a name that is there
/// more than once the first counts.
pub(super) fn function_offsets<const N: usize>(file: &[u8], names: [&str; N]) -> [Option<u64>; N] {
    let mut addresses = [None; N];
    if let Some((symbols, strings)) = dynamic_symbols(file) {
        for symbol in symbols.chunks_exact(SYMBOL) {
            if let Some(place) = names.iter().position(|name| is_function(symbol, strings, name)) {
                addresses[place] = addresses[place].or_else(|| u64_at(symbol, 8));
            }
        }
    }
    addresses.map(|address| offset_of(file, address?))
}

/// The table of dynamic symbols and the strings that it refers to.
fn dynamic_symbols(file: &[u8]) -> Option<(&[u8], &[u8])> {
    if !is_elf_of_x86_64(file) {
        return None;
    }
    let mut sections = table(file, 40, 60, 58, SECTION_HEADER);
    let symbols = sections.find(|section| u32_at(section, 4) == Some(DYNAMIC_SYMBOLS))?;
    let link = usize::try_from(u32_at(symbols, 40)?).ok()?;
    let strings = table(file, 40, 60, 58, SECTION_HEADER).nth(link)?;
    Some((content(file, symbols)?, content(file, strings)?))
}

/// Whether a symbol is a function of this name that is defined here.
fn is_function(symbol: &[u8], strings: &[u8], name: &str) -> bool {
    symbol.get(4).is_some_and(|info| info & 0xf == FUNCTION)
        && u16_at(symbol, 6).is_some_and(|section| section != UNDEFINED)
        && u32_at(symbol, 0)
            .and_then(|at| strings.get(at as usize..))
            .and_then(|rest| rest.strip_prefix(name.as_bytes()))
            .is_some_and(|rest| rest.first() == Some(&0))
}

/// The place in the file of an address, by the executable segment that it lies in.
fn offset_of(file: &[u8], address: u64) -> Option<u64> {
    table(file, 32, 56, 54, PROGRAM_HEADER).find_map(|segment| {
        let executable = u32_at(segment, 0)? == LOAD && u32_at(segment, 4)? & EXECUTABLE != 0;
        let within = address.checked_sub(u64_at(segment, 16)?)?;
        let offset = u64_at(segment, 8)?.checked_add(within)?;
        (executable && within < u64_at(segment, 32)? && offset < file.len() as u64).then_some(offset)
    })
}

/// The entries of a table of which the file header tells offset, number and size; none when their size is another.
fn table(file: &[u8], offset_at: usize, count_at: usize, size_at: usize, size: usize) -> impl Iterator<Item = &[u8]> {
    let header = file.get(..HEADER).unwrap_or_default();
    let expected = u16_at(header, size_at).is_some_and(|found| usize::from(found) == size);
    let count = if expected { u16_at(header, count_at).map_or(0, usize::from) } else { 0 };
    let start = u64_at(header, offset_at).and_then(|offset| usize::try_from(offset).ok());
    let rest = start.and_then(|start| file.get(start..)).unwrap_or_default();
    rest.chunks_exact(size).take(count)
}

/// What a section holds.
fn content<'a>(file: &'a [u8], section: &[u8]) -> Option<&'a [u8]> {
    let start = usize::try_from(u64_at(section, 24)?).ok()?;
    let len = usize::try_from(u64_at(section, 32)?).ok()?;
    file.get(start..start.checked_add(len)?)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_functions_of_this_systems_libc_are_found_and_others_are_not() {
        let libcs = super::super::find_libcs();
        assert!(!libcs.is_empty());
        for path in libcs {
            let file = std::fs::read(&path).unwrap();
            let [getenv, secure, none] = function_offsets(&file, ["getenv", "secure_getenv", "getenvoy"]);
            assert!(getenv.is_some() && secure.is_some() && getenv != secure, "{}", path.display());
            assert_eq!(none, None);
        }
    }

    #[test]
    fn a_broken_file_is_read_without_a_panic() {
        let Some(path) = super::super::find_libcs().into_iter().next() else { return };
        let whole = std::fs::read(path).unwrap();
        for len in [0, 1, 17, 63, 64, 65, 4096, whole.len() / 2, whole.len() - 1] {
            let _ = function_offsets(&whole[..len], ["getenv"]);
        }
        // Every byte of the header as large as it can be, one after the other.
        for at in 16..HEADER {
            let mut broken = whole.clone();
            broken[at] = 0xff;
            let _ = function_offsets(&broken, ["getenv"]);
        }
    }
}
