//! The tables, views and indexes.

use std::fmt::Write as _;

use agentsnoop_pipeline::record::Kind;

/// The tables that are the same for every kind, the views, and a table for each kind with the fields of docs/events.md.
pub(super) fn tables() -> String {
    let mut text = include_str!("tables.sql").to_owned();
    for kind in Kind::ALL {
        // Writing to a String cannot fail, here and below.
        let _ = write!(text, "CREATE TABLE {} (record INTEGER PRIMARY KEY REFERENCES records", quoted(kind.name()));
        for field in kind.fields() {
            let _ = write!(text, ", {}", quoted(field));
        }
        text.push_str(");\n");
    }
    text + include_str!("views.sql")
}

/// The indexes, which are quicker to make once everything is there.
pub(super) fn indexes() -> String {
    let mut text = include_str!("indexes.sql").to_owned();
    for kind in Kind::ALL.iter().filter(|kind| kind.fields().contains(&"path")) {
        let (name, table) = (quoted(&format!("{kind}_path")), quoted(kind.name()));
        let _ = writeln!(text, "CREATE INDEX {name} ON {table} (path) WHERE path IS NOT NULL;");
    }
    text
}

/// The statement that adds a record of a kind.
pub(super) fn insertion(kind: Kind) -> String {
    let fields = kind.fields().len();
    format!("INSERT INTO {} VALUES (?{})", quoted(kind.name()), ", ?".repeat(fields))
}

/// A name that is taken for nothing else: some fields are words of SQL, such as `from`.
fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}
