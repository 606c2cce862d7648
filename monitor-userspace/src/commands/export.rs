//! `agentsnoop export`.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use agentsnoop_pipeline::{
    Record,
    filter::Span,
    input::{Closed, Input},
    record::{Kind, Time},
};
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
    source::judged::{Judged, note},
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
  sqlite3 -box out.db \"SELECT time, comm, path, outcome FROM files WHERE path LIKE '%/.aws/%'\"

A file gets its name only once it is whole, is readable by its owner only, and replaces none unless --overwrite is given. Records about \
what was not observed (loss, gap, coverage) are in a database whatever --where says. A damaged recording is exported as far as it can \
be read, standard error says what cannot, and the exit code is 4. docs/export.md describes the tables.")]
pub struct Args {
    /// The recording
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
    if args.file.is_dir() {
        // Ids tell the records of one recording apart, and a folder can hold several.
        let message = format!("{} is a folder; export one recording of it at a time", args.file.display());
        return Err(fail(Exit::Unreadable, message));
    }
    let judged = Judged::open(&args.file)?;
    let Some(output) = output else {
        let mut out = standard::sink(true).context(standard::FAILED)?;
        let read = read(judged, args, &wish, &mut || Ok(()), &mut |record, matches| match matches {
            true => out.record(record).context(standard::FAILED),
            false => Ok(()),
        })?;
        out.flush().context(standard::FAILED)?;
        read.judged.finish()?;
        return Ok(ExitCode::SUCCESS);
    };
    if whole::is_same(&args.file, output) {
        return Err(fail(Exit::Usage, format!("{} is the recording itself; name another file", output.display())));
    }
    write(args, &wish, judged, output)
}

/// Writes a file, which is removed again where that fails or a signal ends it.
fn write(args: &Args, wish: &Wish<'_>, judged: Judged, output: &Path) -> Result<ExitCode> {
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
        Format::Jsonl => jsonl(args, wish, judged, &file, &mut check),
        Format::Sqlite => sqlite(args, wish, judged, &file, &mut check),
    };
    let written = written.and_then(|judged| file.finish().map(|()| judged));
    if let Some(signal) = ended {
        // Whoever waits for this process learns how it ended.
        raise(signal).context("cannot raise a signal")?;
        interrupts.release();
    }
    written?.finish()?;
    Ok(ExitCode::SUCCESS)
}

type Check<'a> = &'a mut dyn FnMut() -> Result<()>;

fn jsonl(args: &Args, wish: &Wish<'_>, judged: Judged, file: &Whole, check: Check<'_>) -> Result<Judged> {
    let failed = || file.failed();
    let mut out = sink::json::Json::new(file.file());
    let read = read(judged, args, wish, check, &mut |record, matches| match matches {
        true => out.record(record).with_context(failed),
        false => Ok(()),
    })?;
    out.flush().with_context(failed)?;
    Ok(read.judged)
}

fn sqlite(args: &Args, wish: &Wish<'_>, judged: Judged, file: &Whole, check: Check<'_>) -> Result<Judged> {
    let failed = || file.failed();
    let database = Database::create(file.partial()).with_context(failed)?;
    let read = {
        let mut add = database.rows().with_context(failed)?;
        read(judged, args, wish, check, &mut |record, matches| match matches || tells_of_absence(record) {
            true => add(record).with_context(failed),
            false => Ok(()),
        })?
    };
    let Read { judged, closed, last } = read;
    let filter = args.filter.as_deref();
    let about = About { file: &args.file, judged: &judged, closed: closed.as_deref(), last, filter };
    database.finish(&about).with_context(failed)?;
    Ok(judged)
}

/// Whether a record says what was not observed: without it an extract would be read as if nothing else had happened.
fn tells_of_absence(record: &Record) -> bool {
    matches!(record.kind(), Kind::Loss | Kind::Gap | Kind::Coverage)
}

/// A recording that was read to its end.
struct Read {
    judged: Judged,
    closed: Option<Box<Closed>>,
    last: Option<Time>,
}

/// Inputs between two looks at whether a signal has come: some milliseconds.
const CHECKED_EVERY: u64 = 4096;

/// Gives each record of a recording to `take`, with whether it is wanted.
fn read(
    mut judged: Judged,
    args: &Args,
    wish: &Wish<'_>,
    check: Check<'_>,
    take: &mut dyn FnMut(&Record, bool) -> Result<()>,
) -> Result<Read> {
    let mut selection = wish.of(&Span::default())?;
    let mut records = Vec::new();
    let (mut closed, mut last, mut begun) = (None, None, false);
    for number in 0u64.. {
        if number.is_multiple_of(CHECKED_EVERY) {
            check()?;
        }
        let input = judged.next(&mut records)?;
        if let (Some(Input::Opened(opened)), false) = (&input, begun) {
            selection = wish.of_recording(opened, judged.files())?;
            begun = true;
        }
        for record in records.drain(..) {
            last = last.max(Some(record.time));
            let matches = selection.takes(&record);
            take(&record, matches)?;
        }
        match input {
            Some(Input::Closed(body)) => closed = Some(body),
            Some(_) => {}
            None => break,
        }
    }
    if !begun {
        note(format_args!("{}: its beginning cannot be read, so times count from 1970", args.file.display()));
    }
    Ok(Read { judged, closed, last })
}
