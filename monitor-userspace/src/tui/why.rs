//! Why what an event touched has its classes.

use std::sync::OnceLock;

use agentsnoop_pipeline::{
    Record,
    enrich::{Class, Endpoint, Rules, Why},
    record::{Body, Text},
};

use super::escape;

/// The built-in rules; those that users add are in the answer of `agentsnoop rules explain`.
fn rules() -> Option<&'static Rules> {
    static RULES: OnceLock<Option<Rules>> = OnceLock::new();
    RULES.get_or_init(|| Rules::new().ok()).as_ref()
}

/// A line for each class: the class, what matched, and why the rule is there.
pub(super) fn of(record: &Record) -> Vec<String> {
    let Some(rules) = rules() else { return Vec::new() };
    let path =
        |path: &Option<Text>| path.as_ref().map(|path| rules.explain_path(path.as_bytes(), None)).unwrap_or_default();
    let whys = match &record.body {
        Body::Open(open) => path(&open.path),
        Body::Stat(stat) => path(&stat.path),
        Body::Readlink(link) => path(&link.path),
        Body::Rename(pair) | Body::Link(pair) | Body::Symlink(pair) => [path(&pair.from), path(&pair.to)].concat(),
        Body::Unlink(change)
        | Body::Mkdir(change)
        | Body::Chmod(change)
        | Body::Chown(change)
        | Body::Truncate(change) => path(&change.path),
        Body::Getenv(getenv) => {
            getenv.name.as_ref().map(|name| rules.explain_variable(name.as_bytes())).unwrap_or_default()
        }
        Body::Connect(connect) => {
            let (name, path) = (connect.name.as_ref().map(Text::as_bytes), connect.path.as_ref().map(Text::as_bytes));
            rules.explain_endpoint(&Endpoint { name, address: connect.address, port: connect.port, path })
        }
        _ => return Vec::new(),
    };
    let mut lines: Vec<String> = Vec::new();
    for class in record.classes.iter() {
        let found = whys.iter().find(|why| why.class == class && !why.yields);
        let line = match (found, class) {
            (Some(why), _) => line(why),
            (None, Class::ProjectFile) => format!("{class}: it lies in the project"),
            (None, _) => format!("{class}: by what else is known; `agentsnoop rules explain` says more"),
        };
        lines.push(line);
    }
    lines
}

fn line(why: &Why) -> String {
    let reason = if why.reason.is_empty() { &why.file } else { &why.reason };
    let text = format!("{}: {} ({reason})", why.class, why.pattern);
    escape::text(&text).into_owned()
}
