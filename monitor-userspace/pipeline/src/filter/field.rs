//! The fields that a filter can name, and what each is tested for.

use std::{net::IpAddr, ops::Range};

use super::{
    FilterError, Span,
    expr::Seen,
    facets::{self, Wanted, WantedBytes, WantedName},
    inner::Inner,
    lexer::{Operator, Test},
    pattern::{Look, Pattern},
    quantity::{self, Bounds, Unit},
    subtree::{Root, Subtrees},
    time,
};
use crate::{
    enrich::Class,
    meant::meant,
    record::{Kind, Record},
};

/// What there is while a filter is understood.
pub(super) struct Context<'a> {
    pub(super) filter: &'a str,
    pub(super) span: &'a Span,
    pub(super) subtrees: &'a mut Subtrees,
}

type Texts = fn(&Record, WantedBytes<'_>) -> bool;
type Names = fn(&Record, WantedName<'_>) -> bool;
type Numbers = fn(&Record, Wanted<'_, i64>) -> bool;

/// How the values of a field are had, and what they can be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Values {
    Text(Look, Texts),
    /// Names, all of which are known.
    Name(fn() -> Vec<&'static str>, Names),
    Number(Unit, Numbers),
    Address,
    Time,
    Outcome,
    Subtree,
}

/// A field, and what a person should know of it.
pub(super) struct Field {
    pub(super) name: &'static str,
    about: &'static str,
    pub(super) values: Values,
}

const fn field(name: &'static str, about: &'static str, values: Values) -> Field {
    Field { name, about, values }
}

pub(super) static FIELDS: [Field; 28] = [
    field("kind", "the kind of record: exec, open, connect, getenv, …", Values::Name(kinds, kind)),
    field("class", "the resource class: credential, proxy, locale, …", Values::Name(classes, class)),
    field("agent", "the agent by name", Values::Text(Look::Whole, facets::agent)),
    field("session", "the session of the agent", Values::Text(Look::Whole, facets::session)),
    field("tool", "the id of the tool call", Values::Text(Look::Whole, facets::tool_call)),
    field("command", "the command of a tool call, as it was meant", Values::Text(Look::Whole, facets::command)),
    field("under", "a pid or process id: that process and all that descend from it", Values::Subtree),
    field("path", "a path of the record; without / its last component", Values::Text(Look::Path, facets::path)),
    field("exe", "the file that the process executes", Values::Text(Look::Path, facets::exe)),
    field("comm", "the name of the process", Values::Text(Look::Whole, facets::comm)),
    field("argv", "an argument of the command line, or all of it", Values::Text(Look::Whole, facets::argv)),
    field("call", "the system call, such as chmod or ptrace", Values::Text(Look::Whole, facets::call)),
    field("access", "how a file was opened: read, write, read_write, path", Values::Name(accesses, facets::access)),
    field("result", "ok, failed, an error such as ENOENT or SIGKILL, or the number returned", Values::Outcome),
    field("seccomp", "true where a seccomp filter answered the call", Values::Name(truths, facets::seccomp)),
    field("host", "the name of an endpoint, or one asked of DNS", Values::Text(Look::Whole, facets::host)),
    field("address", "an address or a network, such as 10.0.0.0/8", Values::Address),
    field("port", "a port of the peer or the own one", Values::Number(Unit::Plain, facets::port)),
    field("bytes", "bytes sent or received", Values::Number(Unit::Bytes, facets::bytes)),
    field("var", "a variable that was looked up or handed to a program", Values::Text(Look::Whole, facets::variable)),
    field("count", "how many calls or events the record stands for", Values::Number(Unit::Plain, facets::count)),
    field(
        "duration",
        "how long a process, session, burst or call lasted",
        Values::Number(Unit::Duration, facets::duration),
    ),
    field("pid", "the process", Values::Number(Unit::Plain, facets::pid)),
    field("ppid", "its parent", Values::Number(Unit::Plain, facets::ppid)),
    field("tid", "the thread", Values::Number(Unit::Plain, facets::tid)),
    field("uid", "the real user", Values::Number(Unit::Plain, facets::uid)),
    field("id", "the id of the record", Values::Text(Look::Whole, facets::id)),
    field("time", "when: 14:02, +30s from the beginning, -5m before the end, or A..B", Values::Time),
];

/// Every field by name, with what it is about.
pub fn fields() -> impl Iterator<Item = (&'static str, &'static str)> {
    FIELDS.iter().map(|field| (field.name, field.about))
}

/// The name of a field, if there is one.
pub(super) fn known(name: &str) -> Option<&'static str> {
    FIELDS.iter().map(|field| field.name).find(|field| *field == name)
}

fn kinds() -> Vec<&'static str> {
    Kind::ALL.iter().map(|kind| kind.name()).collect()
}

fn kind(record: &Record, found: WantedName<'_>) -> bool {
    found(record.kind().name())
}

fn classes() -> Vec<&'static str> {
    Class::ALL.iter().map(|class| class.name()).collect()
}

fn class(record: &Record, found: WantedName<'_>) -> bool {
    record.classes.iter().any(|class| found(class.name()))
}

fn truths() -> Vec<&'static str> {
    vec!["true", "false"]
}

fn accesses() -> Vec<&'static str> {
    vec!["read", "write", "read_write", "path", "execute"]
}

/// What one field of a record must be: one of several values.
#[derive(Clone, Debug)]
pub(super) enum Want {
    Text(Texts, Vec<Pattern>),
    Name(Names, Vec<&'static str>),
    Number(Numbers, Vec<Bounds>),
    Address(Vec<Network>),
    Time(Vec<Bounds>),
    Outcome(Vec<Ending>),
    Subtree(Vec<usize>),
    /// A field of the record's body.
    Inner(Inner),
    /// The line of the record has this, whatever the case.
    Shown(String),
}

/// How something ended.
#[derive(Clone, Debug)]
pub(super) enum Ending {
    Failed(bool),
    Error(Pattern),
    Result(Bounds),
}

/// The addresses that share their first bits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Network {
    address: IpAddr,
    bits: u32,
}

impl Want {
    /// A text that the line of a record has.
    pub(super) fn shown(text: &str) -> Self {
        Self::Shown(text.to_lowercase())
    }

    /// Understands a term.
    ///
    /// # Errors
    ///
    /// The field is not known, or a value is none of it.
    pub(super) fn parse(
        name: &str,
        tests: &[Test],
        place: Range<usize>,
        context: &mut Context<'_>,
    ) -> Result<Self, FilterError> {
        let filter = context.filter;
        let Some(field) = FIELDS.iter().find(|field| field.name == name) else {
            return Inner::parse(name, tests, place, context).map(Self::Inner);
        };
        let each = |parse: &mut dyn FnMut(&Test) -> Result<(), String>| -> Result<(), FilterError> {
            tests.iter().try_for_each(|test| {
                parse(test).map_err(|what| FilterError::new(filter, test.place.clone(), format!("`{name}`: {what}")))
            })
        };
        let span = context.span;
        Ok(match field.values {
            Values::Text(look, get) => Self::Text(get, collect(each, |test| Pattern::parse(test, look))?),
            Values::Name(known, get) => Self::Name(get, collect(each, |test| known_name(test, &known()))?),
            Values::Number(unit, get) => Self::Number(get, collect(each, |test| bounds(test, unit))?),
            Values::Address => Self::Address(collect(each, network)?),
            Values::Time => Self::Time(collect(each, |test| {
                let covered = |text: &str| time::covered(text, span);
                let bounds = Bounds::parse(test, covered);
                // Before it is known of which time a recording is, its beginning may lie behind its end.
                let bounds = if *span == Span::default() { bounds } else { bounds.and_then(Bounds::in_order) };
                bounds.map_err(|what| what.unwrap_or(time::FORMS).to_owned())
            })?),
            Values::Outcome => Self::Outcome(collect(each, ending)?),
            Values::Subtree => {
                let subtrees = &mut *context.subtrees;
                Self::Subtree(collect(each, |test| Ok(subtrees.add(root(test)?)))?)
            }
        })
    }

    /// Whether a value of the field, as [`super::facet::Facet::each`] gives it, is wanted; `None` where a value alone does not tell.
    pub(super) fn wants(&self, value: &[u8]) -> Option<bool> {
        let text = std::str::from_utf8(value).unwrap_or_default();
        Some(match self {
            Self::Text(_, patterns) => patterns.iter().any(|pattern| pattern.matches(value)),
            Self::Name(_, names) => names.contains(&text),
            Self::Number(_, bounds) => {
                let number = text.parse().ok()?;
                bounds.iter().any(|it| it.contains(number))
            }
            Self::Address(networks) => {
                let address = text.parse().ok()?;
                networks.iter().any(|network| network.contains(address))
            }
            Self::Time(_) | Self::Outcome(_) | Self::Subtree(_) | Self::Inner(_) | Self::Shown(_) => return None,
        })
    }

    /// The times that are wanted, where it is about time.
    pub(super) fn times(&self) -> Option<&[Bounds]> {
        if let Self::Time(bounds) = self { Some(bounds) } else { None }
    }

    pub(super) fn matches(&self, seen: &Seen<'_>, subtrees: &Subtrees) -> bool {
        let record = seen.record;
        match self {
            Self::Text(get, patterns) => get(record, &mut |text| patterns.iter().any(|pattern| pattern.matches(text))),
            Self::Name(get, names) => get(record, &mut |name| names.contains(&name)),
            Self::Number(get, bounds) => get(record, &mut |number| bounds.iter().any(|it| it.contains(number))),
            Self::Address(networks) => {
                facets::address(record, &mut |address| networks.iter().any(|network| network.contains(address)))
            }
            Self::Time(bounds) => bounds.iter().any(|it| it.contains(record.time.0)),
            Self::Outcome(endings) => endings.iter().any(|ending| ending.matches(facets::outcome(&record.body))),
            Self::Subtree(places) => places.iter().any(|place| subtrees.holds(*place, record)),
            Self::Inner(inner) => inner.matches(record),
            Self::Shown(text) => seen.line().contains(text),
        }
    }
}

fn collect<T>(
    each: impl Fn(&mut dyn FnMut(&Test) -> Result<(), String>) -> Result<(), FilterError>,
    mut parse: impl FnMut(&Test) -> Result<T, String>,
) -> Result<Vec<T>, FilterError> {
    let mut all = Vec::new();
    each(&mut |test| parse(test).map(|it| all.push(it)))?;
    Ok(all)
}

fn known_name(test: &Test, known: &[&'static str]) -> Result<&'static str, String> {
    if !matches!(test.operator, Operator::Like | Operator::Equal) {
        return Err("it takes a name, without a comparison".to_owned());
    }
    known.iter().copied().find(|name| *name == test.value).ok_or_else(|| {
        match meant(&test.value, known.iter().copied()) {
            Some(near) => format!("`{}` is not known; did you mean `{near}`?", test.value),
            None => format!("`{}` is not known; there are {}", test.value, known.join(", ")),
        }
    })
}

fn bounds(test: &Test, unit: Unit) -> Result<Bounds, String> {
    let covered = |text: &str| quantity::number(text, unit).map(|number| (number, number));
    let bounds = Bounds::parse(test, covered).and_then(Bounds::in_order);
    bounds.map_err(|what| what.unwrap_or(quantity::forms(unit)).to_owned())
}

fn root(test: &Test) -> Result<Root, String> {
    let text = &test.value;
    let root = text.parse().map(Root::Pid).or_else(|_| text.parse().map(Root::Process));
    root.map_err(|_: std::num::ParseIntError| "it takes a pid, or a process id such as 4711-3xuhaj1n6".to_owned())
}

fn ending(test: &Test) -> Result<Ending, String> {
    match (test.operator, test.value.as_str()) {
        (Operator::Like | Operator::Equal, "ok") => return Ok(Ending::Failed(false)),
        (Operator::Like | Operator::Equal, "failed") => return Ok(Ending::Failed(true)),
        _ => {}
    }
    if let Ok(bounds) = bounds(test, Unit::Plain) {
        return Ok(Ending::Result(bounds));
    }
    // The names of errors and of signals, which are upper-case letters and digits (errno(3), signal(7)).
    let is_name = test.value.chars().all(|char| !char.is_ascii_lowercase());
    if test.operator != Operator::Regex && !is_name && !test.value.contains(['*', '?', '[', '{']) {
        return Err(format!(
            "`{}` is no result; it takes ok, failed, a number, or the name of an error or signal, such as ENOENT",
            test.value
        ));
    }
    Pattern::parse(test, Look::Whole).map(Ending::Error)
}

impl Ending {
    fn matches(&self, outcome: facets::Outcome<'_>) -> bool {
        match self {
            Self::Failed(failed) => outcome.failed() == Some(*failed),
            Self::Error(pattern) => outcome.error.is_some_and(|error| pattern.matches(error.as_bytes())),
            Self::Result(bounds) => outcome.result.is_some_and(|result| bounds.contains(result)),
        }
    }
}

/// Bits before an IPv4 address in one of IPv6.
const MAPPED: u32 = 96;

fn network(test: &Test) -> Result<Network, String> {
    let wrong = || format!("`{}` is no address; it takes 127.0.0.1, ::1, 10.0.0.0/8 or fe80::/10", test.value);
    if !matches!(test.operator, Operator::Like | Operator::Equal) {
        return Err(wrong());
    }
    let (address, bits) = match test.value.split_once('/') {
        Some((address, bits)) => (address, Some(bits)),
        None => (test.value.as_str(), None),
    };
    let address: IpAddr = address.trim_matches(['[', ']']).parse().map_err(|_| wrong())?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let bits = match bits {
        Some(bits) => bits.parse().ok().filter(|bits| *bits <= most).ok_or_else(wrong)?,
        None => most,
    };
    // An IPv4 address in one of IPv6 is the same address (RFC 4291, 2.5.5.2).
    Ok(match address.to_canonical() {
        canonical if canonical != address && bits >= MAPPED => Network { address: canonical, bits: bits - MAPPED },
        _ => Network { address, bits },
    })
}

impl Network {
    fn contains(self, other: IpAddr) -> bool {
        let differing = match (self.address, other.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => u128::from(u32::from(own) ^ u32::from(other)) << 96,
            (IpAddr::V6(own), IpAddr::V6(other)) => u128::from(own) ^ u128::from(other),
            _ => return false,
        };
        differing.leading_zeros() >= self.bits
    }
}
