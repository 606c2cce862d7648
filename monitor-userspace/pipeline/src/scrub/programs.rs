//! The programs that take secrets, by name.

use std::ops::Range;

use super::{
    shell::{self, Word},
    usage::{self, Habits, Places, Usage},
};
use crate::hash::Map;

/// A program, or several that take secrets alike.
#[derive(Debug)]
pub(super) struct Program {
    /// The id of the rule.
    pub(super) id: String,
    pub(super) usages: Vec<Usage>,
    pub(super) habits: Habits,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Programs {
    all: Vec<Program>,
    by_name: Map<Box<[u8]>, Vec<usize>>,
}

impl Programs {
    /// Adds a program by its names.
    pub(super) fn add(&mut self, names: &[String], program: Program) {
        for name in names {
            self.by_name.entry(name.as_bytes().into()).or_default().push(self.all.len());
        }
        self.all.push(program);
    }

    pub(super) fn all(&self) -> &[Program] {
        &self.all
    }

    /// Adds where the secrets of a command line are, each with the place of its program in [`Programs::all`]. A program is
    /// known wherever its name is a word: behind sudo, ssh, or docker exec. Each word is looked at once for each place in
    /// the usages of the programs before it, however often these are named, so that time is linear in the line.
    pub(super) fn find(&self, line: &[u8], carried: &Carried, steps: &mut Steps) -> Vec<(Range<usize>, usize)> {
        let mut found = Vec::new();
        shell::each_command(line, &mut |words| {
            let mut running = carried.0.clone();
            steps.take(running.len() as u64);
            self.run(line, words, &mut running, steps, &mut found);
        });
        found
    }

    /// The programs that may run on behind the end of a line that was cut there: those of commands that end with it, and of
    /// commands with a quote that is not closed.
    pub(super) fn carried(&self, line: &[u8]) -> Carried {
        let (mut carried, mut steps) = (Carried::default(), Steps::of(line.len()));
        shell::each_command(line, &mut |words| {
            let is_open = |word: &Word| shell::has_open_quote(&line[word.range.clone()]);
            let ends_with_it = words.last().is_some_and(|last| last.range.end == line.len());
            if ends_with_it || words.iter().any(is_open) {
                self.run(line, words, &mut carried.0, &mut steps, &mut Vec::new());
            }
        });
        carried
    }

    /// Reads the words of a command with the programs that are running already, and those that it names.
    fn run(
        &self,
        line: &[u8],
        words: &[Word],
        running: &mut Vec<Running>,
        steps: &mut Steps,
        found: &mut Vec<(Range<usize>, usize)>,
    ) {
        let mut ranges = Vec::new();
        for (at, word) in words.iter().enumerate() {
            if steps.is_over() {
                return;
            }
            let text = usage::text(line, word);
            let here = usage::Here { line, word, text, next: words.get(at + 1) };
            for Running { program, places } in running.iter_mut() {
                let Program { usages, habits, .. } = &self.all[*program];
                for (usage, places) in usages.iter().zip(places) {
                    steps.take(places.count().into());
                    usage.step(&here, habits, places, &mut ranges);
                }
                found.extend(ranges.drain(..).map(|range| (range, *program)));
            }
            let name = text.rsplit(|byte| *byte == b'/').next().unwrap_or(text);
            // A quote that is not closed, since the line was cut.
            let name = name.strip_prefix(b"'").or_else(|| name.strip_prefix(b"\"")).unwrap_or(name);
            for program in self.by_name.get(name).into_iter().flatten() {
                self.begin(*program, running);
            }
        }
    }

    /// Lets the usages of a program begin behind the word that was just read.
    fn begin(&self, program: usize, running: &mut Vec<Running>) {
        let known = running.iter().position(|running| running.program == program);
        let at = known.unwrap_or_else(|| {
            running.push(Running { program, places: vec![Places::default(); self.all[program].usages.len()] });
            running.len() - 1
        });
        running[at].places.iter_mut().for_each(Places::begin);
    }
}

/// A program that was named, and how far each of its usages came.
#[derive(Clone, Debug)]
struct Running {
    program: usize,
    places: Vec<Places>,
}

/// The programs that run on where another part of a command line goes on.
#[derive(Clone, Debug, Default)]
pub(super) struct Carried(Vec<Running>);

/// How many steps may still be taken for a string, so that no string takes for ever.
#[derive(Debug)]
pub(super) struct Steps {
    left: u64,
}

/// Steps for each byte of a string, a step being a word at a place in a usage: a text of 60 kB in one command that names
/// ten programs takes ten.
const STEPS_OF_BYTE: u64 = 128;

/// Steps beyond, for short strings.
const STEPS: u64 = 1 << 16;

impl Steps {
    /// Those of a string with so many bytes.
    pub(super) const fn of(bytes: usize) -> Self {
        Self { left: STEPS + STEPS_OF_BYTE * bytes as u64 }
    }

    /// Whether there are none left: what was found by then is not all.
    pub(super) const fn is_over(&self) -> bool {
        self.left == 0
    }

    const fn take(&mut self, count: u64) {
        self.left = self.left.saturating_sub(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{data, scrub::file};

    /// Steps that a line takes.
    fn steps(programs: &Programs, line: &[u8]) -> u64 {
        let mut steps = Steps { left: u64::MAX };
        programs.find(line, &Carried::default(), &mut steps);
        u64::MAX - steps.left
    }

    #[test]
    fn eight_times_the_words_take_eight_times_the_steps_whatever_they_name() {
        let (parts, _) = file::read(data::built_in(data::SCRUB), &[]).unwrap();
        let mut all: Vec<&[u8]> = parts.programs.by_name.keys().map(|name| &**name).collect();
        all.sort_unstable();
        let all = String::from_utf8(all.join(&b" "[..])).unwrap();
        for text in ["xh ", "gh ", "gh secret set x ", "docker login -u ", "'xh \"gh ", &format!("{all} ")] {
            for line in ["", "\0", "bash\0-c\0ssh h 'sudo \"'"] {
                let [few, many] = [2_500, 20_000].map(|count| {
                    steps(&parts.programs, (line.to_owned() + &text.repeat(count * 3 / text.len())).as_bytes())
                });
                // The first time that all of them are named, few of them run.
                assert!(few > 0 && many <= few * 10, "{text} {few} {many}");
            }
        }
    }
}
