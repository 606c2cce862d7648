//! `agentsnoop export`.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use agentsnoop_pipeline::{Record, filter::Span, input::Input, record::Kind};
use anyhow::{Context as _, Result};
use nix::sys::signal::raise;

use super::{interrupts::Interrupts, selection::Wish};
use crate::{
    error::{Exit, fail},
    sink::{
        self, Sink,
        sqlite::{About, Database},
        standard,
        whole::{self, Whole},
    },
    source::{
        judged::{Judged, Links, note, readable},
        recording::Recording,
    },
};

/// What a recording becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// One JSON object a line, as --json shows it (docs/events.md)
    Jsonl,
    /// An SQLite database (docs/export.md)
    Sqlite,
}

/// Arguments of `export`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  agentsnoop export out.rec --format jsonl | jq 'select(.kind == \"connect\")'
  agentsnoop export out.rec --format jsonl --output out.jsonl --where 'not class:noise'
  agentsnoop export out.rec --format sqlite --output out.db
  agentsnoop export /var/log/agentsnoop --format sqlite --output all.db
  sqlite3 -box out.db \"SELECT time, comm, path, outcome FROM files WHERE path LIKE '%/.aws/%'\"

A file gets its name only once it is whole, is readable by its owner only, and replaces none unless --overwrite is given. Records about \
what was not observed (loss, gap, coverage) are in a database whatever --where says. A damaged recording is exported as far as it can \
be read, standard error says what cannot, and the exit code is 4. docs/export.md describes the tables.")]
pub struct Args {
    /// The recording, or a folder of recordings, which are read in the order of their names
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What to make of it
    #[arg(long, value_enum)]
    format: Format,
    /// The file to write; JSON goes to standard output without it, or with `-`
    #[arg(long, value_name = "OUT")]
    output: Option<PathBuf>,
    /// Only what matches, in the grammar of `query`
    #[arg(long = "where", value_name = "FILTER")]
    filter: Option<String>,
    /// Replace a file that is there
    #[arg(long)]
    overwrite: bool,
}

/// Does `export`.
///
/// # Errors
///
/// The filter cannot be understood; the recording cannot be read, or not all of it; what is to be written cannot be.
pub fn run(args: &Args) -> Result<ExitCode> {
    let wish = Wish { filter: args.filter.as_deref(), ..Wish::default() };
    // A mistake in the filter is told before anything of the file.
    wish.of(&Span::default())?;
    let output = args.output.as_deref().filter(|output| *output != Path::new("-"));
    if args.format == Format::Sqlite && output.is_none() {
        return Err(fail(Exit::Usage, "a database needs a file; name it with --output FILE"));
    }
    let source = Source::find(&args.file, wish)?;
    let Some(output) = output else {
        let mut out = standard::sink(true).context(standard::FAILED)?;
        let verdict = source.read(&mut || Ok(()), &mut |found| match found {
            Found::Record(_, record, true) => out.record(record).context(standard::FAILED),
            Found::Record(..) | Found::End(..) => Ok(()),
        })?;
        out.flush().context(standard::FAILED)?;
        return verdict.map(|()| ExitCode::SUCCESS);
    };
    if source.files.iter().any(|file| whole::is_same(file, output)) {
        return Err(fail(Exit::Usage, format!("{} is the recording itself; name another file", output.display())));
    }
    write(args, &source, output)
}

/// Writes a file, which is removed again where that fails or a signal ends it.
fn write(args: &Args, source: &Source<'_>, output: &Path) -> Result<ExitCode> {
    let interrupts = Interrupts::hold()?;
    let mut ended = None;
    let mut check = || match interrupts.come() {
        None => Ok(()),
        Some(signal) => {
            ended = Some(signal);
            Err(fail(Exit::NotStarted, format!("ended by {signal}; nothing was written")))
        }
    };
    let file = Whole::create(output, args.overwrite)?;
    let written = match args.format {
        Format::Jsonl => jsonl(source, &file, &mut check),
        Format::Sqlite => sqlite(source, &file, &mut check),
    };
    let written = written.and_then(|verdict| file.finish().map(|()| verdict));
    if let Some(signal) = ended {
        // Whoever waits for this process learns how it ended.
        raise(signal).context("cannot raise a signal")?;
        interrupts.release();
    }
    written?.map(|()| ExitCode::SUCCESS)
}

type Check<'a> = &'a mut dyn FnMut() -> Result<()>;

/// Whether all could be read; the other way is that what was to be done failed.
type Verdict = Result<()>;

fn jsonl(source: &Source<'_>, file: &Whole, check: Check<'_>) -> Result<Verdict> {
    let failed = || file.failed();
    let mut out = sink::json::Json::new(file.file());
    let verdict = source.read(check, &mut |found| match found {
        Found::Record(_, record, true) => out.record(record).with_context(failed),
        Found::Record(..) | Found::End(..) => Ok(()),
    })?;
    out.flush().with_context(failed)?;
    Ok(verdict)
}

fn sqlite(source: &Source<'_>, file: &Whole, check: Check<'_>) -> Result<Verdict> {
    let failed = || file.failed();
    let database = Database::create(file.partial()).with_context(failed)?;
    let verdict = {
        let mut add = database.rows().with_context(failed)?;
        source.read(check, &mut |found| match found {
            Found::Record(number, record, matches) if matches || tells_of_absence(record) => {
                add(number, record).with_context(failed)
            }
            Found::Record(..) => Ok(()),
            Found::End(number, about) => database.add(number, about).with_context(failed),
        })?
    };
    database.finish().with_context(failed)?;
    Ok(verdict)
}

/// Whether a record says what was not observed: without it an extract would be read as if nothing else had happened.
fn tells_of_absence(record: &Record) -> bool {
    matches!(record.kind(), Kind::Loss | Kind::Gap | Kind::Coverage)
}

/// The recordings that are read, and what of them is wanted.
struct Source<'a> {
    files: Vec<PathBuf>,
    /// Files of the folder that cannot be read.
    unreadable: u64,
    /// Whether these are all files of a folder, so that a segment that is not among them is missing.
    is_folder: bool,
    wish: Wish<'a>,
}

/// What is found in recordings, with the number of the recording, from 1.
enum Found<'a> {
    /// A record, and whether it is wanted.
    Record(i64, &'a Record, bool),
    /// A recording was read to its end.
    End(i64, &'a About<'a>),
}

/// Inputs between two looks at whether a signal has come: some milliseconds.
const CHECKED_EVERY: u64 = 4096;

impl<'a> Source<'a> {
    /// A recording, or those of a folder that can be read.
    fn find(path: &Path, wish: Wish<'a>) -> Result<Self> {
        let (files, unreadable) = readable(path)?;
        // What is no recording is told before anything is written.
        if let Some(first) = files.first() {
            Recording::open(first)?;
        }
        Ok(Self { files, unreadable, is_folder: path.is_dir(), wish })
    }

    /// Gives everything to `take`, one recording after the other: each can be read alone.
    fn read(&self, check: Check<'_>, take: &mut dyn FnMut(Found<'_>) -> Result<()>) -> Result<Verdict> {
        let mut selection = self.wish.of(&Span::default())?;
        let mut verdict = match self.unreadable {
            0 => Ok(()),
            count => Err(fail(Exit::Unreadable, format!("files of the folder that cannot be read: {count}"))),
        };
        let mut begun = false;
        let (mut links, mut missing) = (Links::default(), 0u64);
        for (number, file) in (1..).zip(&self.files) {
            links.next(true);
            let mut judged = Judged::open(file)?;
            let (mut records, mut closed, mut last) = (Vec::new(), None, None);
            for inputs in 0u64.. {
                if inputs.is_multiple_of(CHECKED_EVERY) {
                    check()?;
                }
                let input = judged.next(&mut records)?;
                if let Some(Input::Opened(opened)) = &input {
                    if !begun {
                        // Times are those of all recordings together.
                        selection = self.wish.of_recording(opened, &self.files)?;
                        begun = true;
                    }
                    if let Some(said) = links.begin(file, opened, judged.recording().id()) {
                        note(format_args!("{}: {said}", file.display()));
                        missing += 1;
                    }
                }
                for record in records.drain(..) {
                    last = last.max(Some(record.time));
                    let matches = selection.takes(&record);
                    take(Found::Record(number, &record, matches))?;
                }
                match input {
                    Some(Input::Closed(body)) => {
                        links.close(&body);
                        closed = Some(body);
                    }
                    Some(_) => {}
                    None => break,
                }
            }
            if !begun {
                note(format_args!("{}: its beginning cannot be read, so times count from 1970", file.display()));
            }
            let filter = self.wish.filter;
            take(Found::End(number, &About { file, judged: &judged, closed: closed.as_deref(), last, filter }))?;
            verdict = verdict.and(judged.finish());
        }
        if self.is_folder
            && let (Some(file), Some(said)) = (self.files.last(), links.end())
        {
            note(format_args!("{}: {said}", file.display()));
            missing += 1;
        }
        if missing > 0 {
            verdict = verdict.and(Err(fail(Exit::Unreadable, format!("segments that are missing: {missing}"))));
        }
        Ok(verdict)
    }
}
