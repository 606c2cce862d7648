//! `agentsnoop query`.

mod order;

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use agentsnoop_pipeline::{
    Filter, Lines,
    columns::Column,
    filter::{Span, fields},
    input::Input,
};
use anyhow::{Context as _, Result};

use super::selection::{span, usage};
use crate::{
    error::{Exit, fail},
    sink::{
        Sink,
        columns::{Csv, Table},
        standard,
    },
    source::{
        index,
        judged::{Judged, note},
    },
};
use order::Order;

/// What a table or CSV shows unless something else is asked for.
const COLUMNS: [&str; 9] = ["id", "time", "agent", "pid", "comm", "kind", "about", "result", "class"];

/// Records that are kept to be sorted, when nobody says how many are wanted.
const SORTED: usize = 1000;

/// How records are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Lines for people, as `replay` shows them
    Lines,
    /// One JSON object a line (docs/events.md)
    Json,
    /// A table with a head
    Table,
    /// Comma-separated values with a head (RFC 4180)
    Csv,
}

/// Arguments of `query`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  agentsnoop query out.rec kind:exec,connect
  agentsnoop query out.rec 'class:credential not result:failed'
  agentsnoop query out.rec 'path:*/.aws/* and (agent:claude-code or agent:codex)' --json
  agentsnoop query out.rec 'kind:connect not address:10.0.0.0/8 time:14:02..14:10' --limit 20
  agentsnoop query out.rec 'under:4711 bytes:>1M'

Words of a filter that stand beside each other must all hold; `or`, `not` and parentheses join them. A word without a field is looked \
for in the line of a record. `--fields` lists the fields; docs/query.md describes the grammar. As in find(1), * matches / too. A query \
without a match is a success and prints nothing. A damaged recording is searched as far as it can be read, and the exit code is 4.")]
pub struct Args {
    /// The recording, or a folder of recordings, which are read in the order of their names
    #[arg(value_name = "FILE", required_unless_present = "fields")]
    file: Option<PathBuf>,
    /// What to look for, such as kind:open or 'class:credential not result:failed'
    #[arg(value_name = "FILTER")]
    filter: Vec<String>,
    /// Only these kinds, separated by commas: exec, open, connect, getenv, …; may be given more than once
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    kind: Vec<String>,
    /// Only records with a path that matches the glob
    #[arg(long, value_name = "GLOB")]
    path: Option<String>,
    /// End after so many records
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// Order by a field, the largest first with a `-` before it; without --limit the first 1,000 are kept
    #[arg(long, value_name = "[-]FIELD", allow_hyphen_values = true, conflicts_with = "follow")]
    sort: Option<String>,
    /// Go on with what is recorded from now on, in the next segments too, until the last one is closed or its writer gone
    #[arg(long)]
    follow: bool,
    /// How records are shown
    #[arg(long, value_enum, default_value_t = Format::Lines, conflicts_with = "json")]
    format: Format,
    /// What a table or CSV shows: fields, `about` and `outcome`, separated by commas
    #[arg(long, value_name = "FIELDS", value_delimiter = ',', default_values = COLUMNS)]
    columns: Vec<String>,
    /// One JSON object a line, as --format json
    #[arg(long)]
    json: bool,
    /// Read the whole recording, and neither use nor make an index of it
    #[arg(long)]
    no_index: bool,
    /// List the fields that a filter can name
    #[arg(long)]
    fields: bool,
}

/// Does `query`.
///
/// # Errors
///
/// The filter cannot be understood; the recording cannot be read, or not all of it; standard output cannot be written.
pub fn run(args: &Args) -> Result<ExitCode> {
    let Some(file) = args.file.as_deref().filter(|_| !args.fields) else { return list_fields() };
    // A mistake in the filter is told before anything of the file. Without its beginning, which can be damaged, the times of a
    // recording count from 1970.
    let mut filter = filter(args, &Span::default())?;
    let columns = args
        .columns
        .iter()
        .map(|name| Column::parse(name))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| usage(&error))?;
    let has_columns = matches!(args.format, Format::Table | Format::Csv) && !args.json;
    if !has_columns && args.columns != COLUMNS {
        return Err(fail(Exit::Usage, "--columns is of a table or of CSV; add --format table or --format csv"));
    }
    let mut order = args.sort.as_deref().map(Order::parse).transpose().map_err(|error| usage(&error))?;
    let mut judged = Judged::open(file)?;
    let indexes = !args.no_index && !args.follow && is_worth_an_index(file);
    if indexes && let Some(found) = index::load(file) {
        let filter = self::filter(args, &span(found.opened(), judged.files())?)?;
        if let Some(chosen) = found.choose(&filter) {
            judged.choose(chosen);
        }
    } else if indexes {
        judged.index();
    }
    let mut out = sink(args, columns)?;
    let is_lines = args.format == Format::Lines && !args.json;
    let mut left = args.limit.unwrap_or(u64::MAX);
    let most = args.limit.map_or(SORTED, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let mut records = Vec::new();
    let (mut begun, mut goes_on) = (false, true);
    while goes_on && left > 0 {
        let input = if args.follow {
            judged.wait(&mut records, || out.flush().context(standard::FAILED))?
        } else {
            judged.next(&mut records)?
        };
        if let Some(Input::Opened(opened)) = &input {
            if !begun {
                filter = self::filter(args, &span(opened, judged.files())?)?;
                begun = true;
            }
            out.opened(opened);
        }
        // The record that says so may not match.
        if let Some(Input::Config(config)) = &input
            && config.is_unscrubbed()
        {
            note(format_args!("{}: not scrubbed: secrets are in it as they were", file.display()));
        }
        for record in records.drain(..).filter(|record| filter.matches(record)) {
            match &mut order {
                Some(order) => order.take(record, most),
                None if left == 0 => {}
                // What has no line is not one of those that were asked for.
                None if is_lines && !Lines::has(&record) => {}
                None => {
                    left -= 1;
                    out.record(&record).context(standard::FAILED)?;
                }
            }
        }
        goes_on = input.is_some();
    }
    if let Some(order) = order {
        let dropped = order.finish(most, |record| out.record(record)).context(standard::FAILED)?;
        if dropped > 0 && args.limit.is_none() {
            note(format_args!("{dropped} more records match; --limit says how many are kept"));
        }
    }
    out.flush().context(standard::FAILED)?;
    // What was not looked at is not judged either.
    if left > 0 {
        if let Some(index) = judged.indexed() {
            // Without it the next query takes longer, and finds the same.
            let _ = index::store(file, &index);
        }
        judged.finish()?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether a query of a recording takes long enough for an index to help.
fn is_worth_an_index(file: &Path) -> bool {
    const BYTES: u64 = 4 * 1024 * 1024;
    std::fs::metadata(file).is_ok_and(|about| about.is_file() && about.len() >= BYTES)
}

/// The filter of all words and options together, with times that are those of the recording.
fn filter(args: &Args, span: &Span) -> Result<Filter> {
    let mut filter = Filter::parse(&args.filter.join(" "), span).map_err(|error| usage(&error))?;
    if !args.kind.is_empty() {
        filter =
            filter.and(Filter::of("kind", args.kind.iter().map(|kind| kind.trim())).map_err(|error| usage(&error))?);
    }
    match &args.path {
        Some(glob) => Ok(filter.and(Filter::of("path", [glob.as_str()]).map_err(|error| usage(&error))?)),
        None => Ok(filter),
    }
}

fn sink(args: &Args, columns: Vec<Column>) -> Result<Box<dyn Sink>> {
    let made = match args.format {
        Format::Lines => standard::sink(args.json),
        Format::Json => standard::sink(true),
        Format::Table => standard::output().map(|out| Box::new(Table::new(out, columns)) as Box<dyn Sink>),
        Format::Csv => standard::output().and_then(|out| Ok(Box::new(Csv::new(out, columns)?) as Box<dyn Sink>)),
    };
    made.context(standard::FAILED)
}

fn list_fields() -> Result<ExitCode> {
    let mut text = String::new();
    for (name, about) in fields() {
        text.push_str(&format!("{name:<10} {about}\n"));
    }
    text.push_str("and any field of a kind in docs/events.md, such as open.flags or exec.cwd\n");
    standard::output().and_then(|mut out| out.write_all(text.as_bytes())).context(standard::FAILED)?;
    Ok(ExitCode::SUCCESS)
}
