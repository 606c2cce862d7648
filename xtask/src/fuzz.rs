//! `cargo xtask fuzz`: inputs for what takes bytes that anybody may have made, guided by the code that they reach.
//!
//! The targets are laid out as cargo-fuzz expects. What it would do is to hand these flags to the compiler, all of which
//! the stable one takes; so nothing has to be installed but a C++ compiler, for libFuzzer itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use clap::ValueEnum;

use crate::project::{Project, run, show};
use crate::setup::{self, Purpose};

/// The crate with the targets, from the workspace.
const CRATE: &str = "tests/fuzz";
const PACKAGE: &str = "agentsnoop-fuzz";

/// With a target of its own build scripts and macros are told apart from what runs in it, and what is built for the fuzzer from
/// everything else.
const TRIPLE: &str = "host-tuple";

/// Hands the flags to the crates of the workspace, and how it gets them.
const WRAPPER: &str = "tests/fuzz/rustc.sh";
const FLAGS_VARIABLE: &str = "AGENTSNOOP_FUZZ_FLAGS";

/// Count each edge, tell which is which, tell what is compared with what, and how deep the stack is: what libFuzzer reads
/// (clang.llvm.org/docs/SanitizerCoverage.html). Other sanitizers need a nightly compiler, and find next to nothing in
/// what has no unsafe code.
const FLAGS: [&str; 8] = [
    "--cfg",
    "fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cllvm-args=-sanitizer-coverage-stack-depth",
];

/// An input that takes longer, in seconds, or needs more memory, in MiB, is reported as a crash.
const SECONDS_OF_AN_INPUT: u32 = 10;
const MEMORY: u32 = 2048;

/// Seconds that each target gets where nothing else is asked for: all of them together stay below a minute.
pub(crate) const SHORT: u32 = 12;

/// How to use it, below the options.
const HELP: &str = "\
Examples:
  cargo xtask fuzz                              a short run of every target, as CI makes it
  cargo xtask fuzz reader --runs 10000000       so many inputs of one target
  cargo xtask fuzz scrub --seconds 600 --jobs 2
  cargo xtask fuzz scrub --input FILE           one input again, with the message and the place of its panic
  cargo xtask fuzz filter --merge               take what the runs have found into the corpus in the tree

Each target begins with its corpus in tests/fuzz/corpus, and keeps what reaches new code in <target folder>/fuzz/corpus; \
an input that breaks a promise is kept in <target folder>/fuzz/artifacts, and is the exit code 1. The promises are in \
tests/fuzz/src. cargo-fuzz works too, where it is installed: \
cargo fuzz run --fuzz-dir tests/fuzz --sanitizer none --features libfuzzer fuzz-reader.";

/// What is fuzzed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Target {
    /// The reader of recordings, over any bytes, with and without right checksums.
    Reader,
    /// Ring records and all other inputs, through the whole pipeline to lines, JSON and summary.
    Decoder,
    /// The grammar of filters, and what is understood applied to records.
    Filter,
    /// The scrubber.
    Scrub,
}

impl Target {
    const fn name(self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::Decoder => "decoder",
            Self::Filter => "filter",
            Self::Scrub => "scrub",
        }
    }

    /// Bytes of the longest input: what is longer is slower and reaches nothing more.
    const fn longest(self) -> u32 {
        match self {
            Self::Reader => 4096,
            Self::Decoder => 1024,
            Self::Filter => 128,
            Self::Scrub => 256,
        }
    }
}

/// Arguments of `fuzz`.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Args {
    /// One target; all of them, one after the other, where none is named.
    #[arg(value_enum)]
    target: Option<Target>,
    /// Ends after so many inputs of a target.
    #[arg(long, value_name = "N", conflicts_with = "seconds")]
    runs: Option<u64>,
    /// Ends after so many seconds of a target [default: 12].
    #[arg(long, value_name = "N")]
    seconds: Option<u32>,
    /// Begins with this seed, which each run prints, instead of a random one.
    #[arg(long, value_name = "N")]
    seed: Option<u32>,
    /// Processes at once.
    #[arg(long, value_name = "N", default_value_t = 1)]
    jobs: u32,
    /// Tries this file only.
    #[arg(long, value_name = "FILE", requires = "target", conflicts_with_all = ["runs", "seconds", "seed", "jobs"])]
    input: Option<PathBuf>,
    /// Takes from the runs so far into the tree what reaches code that the corpus there does not.
    #[arg(long, conflicts_with_all = ["runs", "seconds", "seed", "jobs", "input"])]
    merge: bool,
}

/// Sets up, builds the targets, and does what is asked for.
///
/// # Errors
/// Fails where a target does not compile, and where an input breaks a promise.
pub(crate) fn perform(project: &Project, args: &Args) -> Result<()> {
    setup::install(project, &[Purpose::Build, Purpose::Fuzz])?;
    let targets = args.target.map_or_else(|| Target::value_variants().to_vec(), |target| vec![target]);
    for target in targets {
        let bench = Bench::build(project, target)?;
        match (&args.input, args.merge) {
            (Some(file), _) => bench.try_one(file)?,
            (None, true) => bench.merge()?,
            (None, false) => bench.run(args)?,
        }
    }
    Ok(())
}

/// A short run of every target.
///
/// # Errors
/// As [`perform`].
pub(crate) fn short(project: &Project) -> Result<()> {
    Target::value_variants().iter().try_for_each(|target| {
        let limit = Args { target: None, runs: None, seconds: None, seed: None, jobs: 1, input: None, merge: false };
        Bench::build(project, *target)?.run(&limit)
    })
}

/// A target that is built, and its folders.
struct Bench {
    target: Target,
    program: PathBuf,
    /// The corpus in the tree.
    corpus: PathBuf,
    dictionary: PathBuf,
    /// What the runs of this machine found.
    found: PathBuf,
    artifacts: PathBuf,
}

impl Bench {
    fn build(project: &Project, target: Target) -> Result<Self> {
        let name = target.name();
        let mut command = project.cargo("build");
        command
            .args(["--profile", "fuzz", "--target", TRIPLE, "--package", PACKAGE, "--features", "libfuzzer"])
            .args(["--bin", &format!("fuzz-{name}")])
            .env("RUSTC_WORKSPACE_WRAPPER", project.root.join(WRAPPER))
            .env(FLAGS_VARIABLE, FLAGS.join(" "));
        eprintln!("xtask: {}", show(&command));
        let program = project.executable(&mut command, &format!("fuzz-{name}"))?;
        let tree = project.root.join(CRATE);
        let own = project.target.join("fuzz");
        let bench = Self {
            target,
            program,
            corpus: tree.join("corpus").join(name),
            dictionary: tree.join("dictionaries").join(format!("{name}.dict")),
            found: own.join("corpus").join(name),
            artifacts: own.join("artifacts").join(name),
        };
        for folder in [&bench.found, &bench.artifacts] {
            fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        }
        Ok(bench)
    }

    /// A run of the target's program, with what all runs have in common.
    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .arg(format!("-max_len={}", self.target.longest()))
            .arg(format!("-timeout={SECONDS_OF_AN_INPUT}"))
            .arg(format!("-rss_limit_mb={MEMORY}"))
            .arg(format!("-dict={}", self.dictionary.display()))
            .arg(format!("-artifact_prefix={}/", self.artifacts.display()));
        command
    }

    /// Makes inputs until a bound is reached or one breaks a promise.
    fn run(&self, args: &Args) -> Result<()> {
        let mut command = self.command();
        // With several processes each has a log of its own, in the current folder.
        command.current_dir(&self.artifacts).arg("-print_final_stats=1");
        match (args.runs, args.seconds) {
            (Some(runs), _) => command.arg(format!("-runs={}", runs.div_ceil(u64::from(args.jobs.max(1))))),
            (None, seconds) => command.arg(format!("-max_total_time={}", seconds.unwrap_or(SHORT))),
        };
        if let Some(seed) = args.seed {
            command.arg(format!("-seed={seed}"));
        }
        if args.jobs > 1 {
            command.arg(format!("-fork={}", args.jobs));
        }
        command.args([&self.found, &self.corpus]);
        let name = self.target.name();
        run(&mut command).with_context(|| {
            let folder = self.artifacts.display();
            format!(
                "an input of `{name}` breaks a promise; try it again: cargo xtask fuzz {name} --input FILE, of {folder}"
            )
        })
    }

    fn try_one(&self, file: &Path) -> Result<()> {
        if !file.is_file() {
            bail!("{} is not there", file.display());
        }
        run(self.command().env("RUST_BACKTRACE", "1").arg(file))
    }

    /// Keeps of both corpora the smallest inputs that together reach all that the two reach.
    fn merge(&self) -> Result<()> {
        let merged = self.found.with_extension("merged");
        fs::create_dir_all(&merged).with_context(|| format!("cannot create {}", merged.display()))?;
        let mut command = self.command();
        // How often an edge is passed makes thousands of inputs differ that are of no use in the tree.
        command.args(["-set_cover_merge=1", "-use_counters=0", "-use_value_profile=0"]);
        run(command.args([&merged, &self.corpus, &self.found]))?;
        let replaced = || -> std::io::Result<()> {
            fs::remove_dir_all(&self.corpus)?;
            fs::create_dir(&self.corpus)?;
            for entry in fs::read_dir(&merged)? {
                let entry = entry?;
                fs::copy(entry.path(), self.corpus.join(entry.file_name()))?;
            }
            fs::remove_dir_all(&merged)
        };
        replaced().with_context(|| format!("cannot replace {}", self.corpus.display()))
    }
}
