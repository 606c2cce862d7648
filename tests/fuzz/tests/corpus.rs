//! The corpora of the fuzzer, tried as ordinary tests.

use std::{fs, path::Path};

/// More than this in the tree and they are a burden: `cargo xtask fuzz --merge` keeps what reaches code of its own.
const BYTES_OF_ALL: u64 = 1024 * 1024;

#[test]
fn every_input_of_the_corpora_keeps_the_promises() {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut bytes = 0;
    for (name, target) in agentsnoop_fuzz::TARGETS {
        let folder = corpora.join(name);
        let mut tried = 0;
        for entry in fs::read_dir(&folder).expect("a corpus of each target") {
            let path = entry.expect("an entry").path();
            let input = fs::read(&path).expect("an input");
            bytes += input.len() as u64;
            if std::panic::catch_unwind(|| target(&input)).is_err() {
                panic!("{} breaks a promise: cargo xtask fuzz {name} --input {0}", path.display());
            }
            tried += 1;
        }
        assert!(tried > 0, "{} is empty", folder.display());
    }
    assert!(bytes <= BYTES_OF_ALL, "the corpora have {bytes} bytes");
}
