//! What the offline tests share.

use std::{
    fs,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
};

use agentsnoop_pipeline::{input::Input, synthetic::session::session};
use agentsnoop_store::{
    Damage, End, Item, Reader, Writer,
    format::{BLOCK_HEADER, BlockHeader, FILE_HEADER, hex_id},
    writer::Options,
};
use nix::sys::signal::{SigHandler, Signal, signal};
use tempfile::TempDir;

/// A folder that is removed with the value.
pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder for the test")
}

/// The agentsnoop that is built with the tests.
pub(crate) fn agentsnoop(words: &[&str], file: &Path) -> Output {
    command(words).arg(file).output().expect("agentsnoop runs")
}

/// The same, not yet started. Colour is neither asked for nor refused.
pub(crate) fn command(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_agentsnoop-under-test"));
    command.args(words).env_remove("NO_COLOR");
    // Whoever runs the tests in the background may ignore signals, which children take over.
    let by_default = || {
        for ending in [Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM] {
            // SAFETY: the default disposition runs no handler.
            unsafe { signal(ending, SigHandler::SigDfl) }?;
        }
        Ok(())
    };
    // SAFETY: sigaction(2) is async-signal-safe, and nothing is allocated.
    unsafe { command.pre_exec(by_default) };
    command
}

/// Runs `recorder` of this crate.
pub(crate) fn recorder(words: &[&str], file: &Path) {
    let (what, rest) = words.split_first().expect("a command for recorder");
    let output = Command::new(env!("CARGO_BIN_EXE_recorder")).arg(what).arg(file).args(rest).output();
    let output = output.expect("recorder runs");
    assert!(output.status.success(), "recorder said {}", String::from_utf8_lossy(&output.stderr));
}

/// The same session as the one that is checked in, recorded by this build with its data.
pub(crate) fn recorded() -> PathBuf {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("session-{}.rec", std::process::id()));
        recorder(&["session"], &path);
        path
    });
    made.clone()
}

/// The recording that is checked in.
pub(crate) fn stored(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/recordings").join(name)
}

/// A small recording with a block for each three inputs, and its inputs with `Closed` as the last.
pub(crate) fn small() -> (Vec<u8>, Vec<Input>) {
    let folder = folder();
    let path = folder.path().join("small.rec");
    let (mut inputs, mut closed) = session();
    let mut writer = Writer::create(&path, Options::default()).expect("a new recording");
    for three in inputs.chunks(3) {
        three.iter().for_each(|input| writer.push(input).expect("a writable recording"));
        writer.flush().expect("a writable recording");
    }
    writer.close(&mut closed).expect("a recording that can be closed");
    inputs.push(Input::Closed(Box::new(closed)));
    (fs::read(&path).expect("a readable recording"), inputs)
}

/// What reading gave.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) inputs: Vec<Input>,
    pub(crate) damage: Vec<Damage>,
    pub(crate) end: End,
    pub(crate) unknown: u64,
}

/// Reads bytes to their end.
pub(crate) fn read(bytes: &[u8]) -> Read {
    let mut reader = Reader::new(bytes).expect("the header of a recording");
    let (mut inputs, mut damage) = (Vec::new(), Vec::new());
    for item in reader.by_ref() {
        match item {
            Item::Input(_, input) => inputs.push(input),
            Item::Damage(found) => damage.push(found),
        }
    }
    Read { inputs, damage, end: reader.end(), unknown: reader.progress().unknown }
}

/// A block: where it is, and how many inputs precede and fill it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) first: usize,
    pub(crate) inputs: usize,
}

/// The blocks of a sound recording.
pub(crate) fn blocks(bytes: &[u8]) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut start = FILE_HEADER;
    while start < bytes.len() {
        let header = bytes[start..start + BLOCK_HEADER].try_into().expect("a whole block header");
        let header = BlockHeader::decode(header).expect("a sound block header");
        let end = start + BLOCK_HEADER + header.stored_len as usize;
        blocks.push(Block { start, end, first: header.first_input as usize, inputs: header.inputs as usize });
        start = end;
    }
    blocks
}

/// Standard output as text.
pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text on standard output")
}

/// Standard error as text.
pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("text on standard error")
}

/// A segment of an observation with the inputs of the session, behind the one before, written and not yet closed.
pub(crate) fn segment(path: &Path, number: u32, before: Option<&Writer>) -> Writer {
    let (mut inputs, _) = session();
    for input in &mut inputs {
        if let Input::Opened(opened) = input {
            opened.segment = number;
            opened.continues = before.map(|before| hex_id(&before.id()));
        }
    }
    let mut writer = Writer::create(path, Options::default()).expect("a new recording");
    inputs.iter().for_each(|input| writer.push(input).expect("a writable recording"));
    writer.flush().expect("a writable recording");
    writer.drain().expect("a writable recording");
    writer
}

/// Closes a segment, which goes on in another one or is the last.
pub(crate) fn close(writer: Writer, next: Option<&Writer>) {
    let (_, mut closed) = session();
    closed.next = next.map(|next| hex_id(&next.id()));
    writer.close(&mut closed).expect("a recording that can be closed");
}
