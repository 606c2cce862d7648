//! docs/inputs.md as data: a section for each input, a row for each field.

use std::collections::{BTreeMap, BTreeSet};

use agentsnoop_pipeline::record::{Id, ProcessId};

use super::told::{Step, Told};

/// What stands in the third column of each table, and makes it one of fields.
const HEAD: &str = "| field | type | unit | meaning | absent | from |";

/// Under which name the sorts of these inputs are told apart; a section of its own describes each.
const SORTS: [(&str, &str); 2] = [("Observed", "fact"), ("Control", "act")];

/// A type, as the second column names it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Type {
    Integer(i128, i128),
    Bool,
    Text,
    Bytes,
    Process,
    Id,
    Address,
    List(Box<Type>),
    Tuple(Vec<Type>),
    OneOf(Vec<String>),
    /// The table of another section.
    Section(String),
}

/// What the column says of a field that is absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Absent {
    /// It never is.
    Never,
    /// It is `null`.
    Null,
    /// It is left out.
    LeftOut,
    /// Recordings of older builds lack it.
    Older,
}

#[derive(Debug)]
struct Row {
    name: String,
    of: Type,
    absent: Absent,
}

#[derive(Debug, Default)]
struct Section {
    text: String,
    rows: Vec<Row>,
}

/// The page, and what of it was seen.
#[derive(Debug)]
pub(super) struct Page {
    sections: BTreeMap<String, Section>,
    seen: BTreeSet<String>,
}

impl Page {
    pub(super) fn read(text: &str) -> Self {
        let mut sections = BTreeMap::new();
        for part in text.split("\n## ").skip(1).flat_map(|part| part.split("\n### ")) {
            let (title, text) = part.split_once('\n').expect("a title");
            let rows = text.split_once(HEAD).map_or("", |(_, rows)| rows);
            let rows = rows.lines().filter(|line| line.starts_with("| `")).map(|line| row(title, line)).collect();
            let section = Section { text: text.trim_start().to_owned(), rows };
            assert!(sections.insert(title.to_owned(), section).is_none(), "{title} is described twice");
        }
        Self { sections, seen: BTreeSet::new() }
    }

    fn section(&self, name: &str) -> &Section {
        self.sections.get(name).unwrap_or_else(|| panic!("docs/inputs.md does not describe {name}"))
    }

    pub(super) fn text(&self, section: &str) -> &str {
        &self.section(section).text
    }

    pub(super) fn names(&self, section: &str) -> Vec<String> {
        self.section(section).rows.iter().map(|row| row.name.clone()).collect()
    }

    pub(super) fn type_of(&self, section: &str, field: &str) -> &Type {
        let row = self.section(section).rows.iter().find(|row| row.name == field);
        &row.unwrap_or_else(|| panic!("docs/inputs.md does not describe {field} of {section}")).of
    }

    /// The words that a section lists instead of fields.
    pub(super) fn one_of(&self, section: &str) -> Vec<String> {
        words(self.text(section))
    }

    /// The rows of a section, those of the sort of this value among them.
    fn rows<'a>(&'a self, section: &'a str, told: &Told) -> Vec<(&'a str, &'a Row)> {
        let own = self.section(section).rows.iter().map(|row| (section, row));
        let Some((_, tag)) = SORTS.iter().find(|(of, _)| *of == section) else { return own.collect() };
        let Told::Map(fields) = told else { panic!("{section} is no map") };
        let Some((_, Told::Text(sort))) = fields.iter().find(|(name, _)| name == tag) else { panic!("no {tag}") };
        let sort = format!("{section}: {sort}");
        let (sort, of_sort) = self.sections.get_key_value(&sort).unwrap_or_else(|| panic!("no section {sort}"));
        own.chain(of_sort.rows.iter().map(|row| (sort.as_str(), row))).collect()
    }

    /// Fails where a value is not as its section says, and notes what of the section it shows.
    pub(super) fn check(&mut self, section: &str, told: &Told) {
        let mut seen = Vec::new();
        self.compare(section, &Type::Section(section.to_owned()), told, &mut seen);
        self.seen.extend(seen);
    }

    fn compare(&self, place: &str, of: &Type, told: &Told, seen: &mut Vec<String>) {
        let is_right = match (of, told) {
            (Type::Integer(least, most), Told::Integer(value)) => (least..=most).contains(&value),
            (Type::Bool, Told::Bool(_)) | (Type::Text, Told::Text(_)) | (Type::Bytes, Told::Bytes(_)) => true,
            (Type::Process, Told::Text(text)) => text.parse::<ProcessId>().is_ok(),
            (Type::Id, Told::Text(text)) => text.parse::<Id>().is_ok(),
            (Type::Address, Told::Map(fields)) => match &fields[..] {
                [(family, Told::List(bytes))] => {
                    matches!((family.as_str(), bytes.len()), ("V4", 4) | ("V6", 16))
                        && bytes.iter().all(|byte| matches!(byte, Told::Integer(0..=255)))
                }
                _ => false,
            },
            (Type::List(of), Told::List(list)) => {
                list.iter().for_each(|one| self.compare(place, of, one, seen));
                true
            }
            (Type::Tuple(of), Told::List(list)) => {
                of.iter().zip(list).for_each(|(of, one)| self.compare(place, of, one, seen));
                of.len() == list.len()
            }
            (Type::OneOf(words), Told::Text(text)) => {
                seen.push(format!("{place} is {text}"));
                words.contains(text)
            }
            (Type::Section(name), Told::Text(text)) if self.section(name).rows.is_empty() => {
                seen.push(format!("{name} is {text}"));
                self.one_of(name).contains(text)
            }
            (Type::Section(name), Told::Map(fields)) => {
                self.compare_fields(name, told, fields, seen);
                true
            }
            _ => false,
        };
        assert!(is_right, "docs/inputs.md says of {place}: {of:?}; it is {told:?}");
    }

    fn compare_fields(&self, name: &str, told: &Told, fields: &[(String, Told)], seen: &mut Vec<String>) {
        let rows = self.rows(name, told);
        for (section, row) in &rows {
            let place = format!("{section}, {}", row.name);
            match (fields.iter().find(|(field, _)| *field == row.name), row.absent) {
                (Some((_, Told::Null)), Absent::Null) => seen.push(format!("{place} is null")),
                // An option that came later can be null in the recordings that have it.
                (Some((_, value)), _) => {
                    self.compare(&place, &row.of, value, seen);
                    seen.push(place);
                }
                (None, Absent::LeftOut) => seen.push(format!("{place} is left out")),
                (None, absent) => assert_eq!(absent, Absent::Older, "{place} is left out of {told:?}"),
            }
        }
        for (field, _) in fields {
            assert!(rows.iter().any(|(_, row)| row.name == *field), "docs/inputs.md does not describe {name}, {field}");
        }
    }

    /// The fields of a value that can be taken away, and what their absence means.
    pub(super) fn fields(&self, section: &str, told: &Told) -> Vec<(Vec<Step>, Absent)> {
        let mut found = Vec::new();
        self.find(&Type::Section(section.to_owned()), told, &mut Vec::new(), &mut found);
        found
    }

    fn find(&self, of: &Type, told: &Told, path: &mut Vec<Step>, found: &mut Vec<(Vec<Step>, Absent)>) {
        match (of, told) {
            (Type::Section(name), Told::Map(fields)) => {
                for (_, row) in self.rows(name, told) {
                    let Some((_, value)) = fields.iter().find(|(field, _)| *field == row.name) else { continue };
                    path.push(Step::Field(row.name.clone()));
                    found.push((path.clone(), row.absent));
                    self.find(&row.of, value, path, found);
                    path.pop();
                }
            }
            (Type::List(_) | Type::Tuple(_), Told::List(list)) => {
                for (at, one) in list.iter().enumerate() {
                    let of = match of {
                        Type::Tuple(of) => &of[at],
                        Type::List(of) => of,
                        _ => continue,
                    };
                    path.push(Step::Place(at));
                    self.find(of, one, path, found);
                    path.pop();
                }
            }
            _ => {}
        }
    }

    /// What the page says and nothing showed.
    pub(super) fn unseen(&self) -> Vec<String> {
        let mut wanted = Vec::new();
        for (name, section) in &self.sections {
            for row in &section.rows {
                let place = format!("{name}, {}", row.name);
                match row.absent {
                    Absent::Null => wanted.push(format!("{place} is null")),
                    Absent::LeftOut => wanted.push(format!("{place} is left out")),
                    Absent::Never | Absent::Older => {}
                }
                if let Type::OneOf(words) = &row.of {
                    wanted.extend(words.iter().map(|word| format!("{place} is {word}")));
                }
                wanted.push(place);
            }
            if section.text.starts_with("One of `") {
                wanted.extend(words(&section.text).into_iter().map(|word| format!("{name} is {word}")));
            }
        }
        wanted.retain(|one| !self.seen.contains(one));
        wanted
    }
}

/// The words of `One of …` in backticks, up to what is said of them.
fn words(text: &str) -> Vec<String> {
    let listed = text.split([':', '\n']).next().unwrap_or_default();
    listed.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn row(section: &str, line: &str) -> Row {
    let cells: Vec<&str> = line.split('|').map(str::trim).collect();
    let ["", name, of, _unit, _meaning, absent, _from, ""] = cells[..] else { panic!("{section}: six cells: {line}") };
    let name = name.trim_matches('`').to_owned();
    let says =
        |word: &str| absent.strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest.starts_with([':', ';']));
    let absent = match () {
        () if says("never") => Absent::Never,
        () if says("null") => Absent::Null,
        // Of these one is there.
        () if says("left out") || absent.is_empty() => Absent::LeftOut,
        () if says("older") => Absent::Older,
        () => panic!("{section}, {name}: absent `{absent}`"),
    };
    Row { of: read(of).unwrap_or_else(|| panic!("{section}, {name}: no type: {of}")), name, absent }
}

fn read(of: &str) -> Option<Type> {
    Some(match of.trim() {
        "u8" => Type::Integer(0, u8::MAX.into()),
        "u16" => Type::Integer(0, u16::MAX.into()),
        "u32" => Type::Integer(0, u32::MAX.into()),
        "u64" => Type::Integer(0, u64::MAX.into()),
        "i32" => Type::Integer(i32::MIN.into(), i32::MAX.into()),
        "i64" => Type::Integer(i64::MIN.into(), i64::MAX.into()),
        "bool" => Type::Bool,
        "text" => Type::Text,
        "bytes" => Type::Bytes,
        "process" => Type::Process,
        "id" => Type::Id,
        "address" => Type::Address,
        of if of.starts_with("list of ") => Type::List(Box::new(read(&of["list of ".len()..])?)),
        of if of.starts_with("one of `") => Type::OneOf(words(of)),
        of if of.starts_with('[') => Type::Section(of[1..].split_once("](#")?.0.to_owned()),
        of => {
            let inner = of.strip_prefix('(')?.strip_suffix(')')?;
            Type::Tuple(inner.split(", ").map(read).collect::<Option<_>>()?)
        }
    })
}
