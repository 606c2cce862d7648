//! Measures the middle on one core: `cargo run --release -p agentsnoop-pipeline --example throughput`.
#![expect(clippy::print_stdout, reason = "an example prints what it measures")]

use std::time::Instant;

use agentsnoop_pipeline::{
    Admit, DataError, Lines, Pipeline, Record, Scrub,
    input::Input,
    synthetic::{Actor, Program},
};

/// Opens in one round; each has its own path, as in a search through a tree of files.
const OPENS: usize = 1_000_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut made = Ok(());
    measure("start: pipeline, admit, scrub", 1, || made = start_up());
    made?;

    let mut actor = Actor::new(4711);
    let start = actor.exec(Program {
        exe: "/usr/bin/grep",
        argv: &["grep", "-r", "needle", "."],
        cwd: "/home/someone/project",
        ..Program::default()
    });
    let path =
        |at: usize| format!("/home/someone/project/src/module_{}/component_{}/file_{at}.rs", at / 1000, at / 100);
    let inputs: Vec<Input> = (0..OPENS).map(|at| actor.open(&path(at))).collect();
    let mut records = Vec::with_capacity(1024);

    let mut pipeline = Pipeline::new()?;
    pipeline.push(&start, &mut records);
    let opens = |pipeline: &mut Pipeline, records: &mut Vec<Record>| {
        for input in &inputs {
            pipeline.push(input, records);
            records.clear();
        }
    };
    opens(&mut pipeline, &mut records);
    measure("decode, attribute, classify", OPENS, || opens(&mut pipeline, &mut records));

    let mut scrub = Scrub::new()?;
    let again = inputs.clone();
    measure("scrub", OPENS, || {
        for input in again {
            std::hint::black_box(scrub.apply(input));
        }
    });

    const COMMANDS: usize = 20_000;
    let commands: Vec<Input> = (0..COMMANDS)
        .map(|at| {
            let line =
                format!("cd /home/someone/project && cargo test --package part_{at} -- --nocapture 2>&1 | tail -n 40");
            actor.exec(Program {
                exe: "/usr/bin/bash",
                argv: &["bash", "-c", &line],
                env: &["HOME", "PATH", "LANG"],
                ..Program::default()
            })
        })
        .collect();
    measure("scrub of an exec", COMMANDS, || {
        for input in commands {
            std::hint::black_box(scrub.apply(input));
        }
    });
    let long = "let value = compute(&input, 42); // a line of a script\n".repeat(700);
    let long = actor.exec(Program { exe: "/usr/bin/bash", argv: &["bash", "-c", &long], ..Program::default() });
    measure("scrub of an exec with 38 KB", 20, || {
        for input in std::iter::repeat_n(long, 20) {
            std::hint::black_box(scrub.apply(input));
        }
    });

    let mut out = Vec::with_capacity(1 << 20);
    measure("with JSON", OPENS, || {
        for input in &inputs {
            pipeline.push(input, &mut records);
            for record in records.drain(..) {
                // Writing to a Vec cannot fail, and a record has no key that JSON refuses.
                let _ = serde_json::to_writer(&mut out, &record);
            }
            if out.len() > 1 << 19 {
                out.clear();
            }
        }
    });

    let (lines, mut text) = (Lines::default(), String::with_capacity(1 << 20));
    measure("with lines", OPENS, || {
        for input in &inputs {
            pipeline.push(input, &mut records);
            for record in records.drain(..) {
                lines.render(&record, &mut text);
            }
            if text.len() > 1 << 19 {
                text.clear();
            }
        }
    });
    Ok(())
}

/// What a start costs: the built-in data is read and its patterns are compiled.
fn start_up() -> Result<(), DataError> {
    std::hint::black_box((Pipeline::new()?, Admit::new()?, Scrub::new()?));
    Ok(())
}

fn measure(what: &str, count: usize, work: impl FnOnce()) {
    let begin = Instant::now();
    work();
    let each = begin.elapsed().as_nanos() as f64 / count as f64;
    println!("{what:<30} {each:>7.0} ns each  {:>6.2} M/s", 1000.0 / each);
}
