//! A record as rows.

use std::borrow::Cow;

use agentsnoop_pipeline::{
    Record,
    columns::Column,
    lines,
    record::{Kind, Text},
};
use rusqlite::{
    Connection, Statement, ToSql,
    types::{ToSqlOutput, Value, ValueRef},
};
use serde_json::Value as Json;

use super::schema;

/// Puts records into the tables.
pub(super) struct Rows<'c> {
    record: Statement<'c>,
    class: Statement<'c>,
    /// One for each of [`Kind::ALL`].
    kinds: Vec<Statement<'c>>,
    outcome: Column,
    /// The number of the next record.
    next: i64,
}

impl<'c> Rows<'c> {
    pub(super) fn new(connection: &'c Connection) -> rusqlite::Result<Self> {
        let record = connection.prepare(&format!("INSERT INTO records VALUES (?{})", ", ?".repeat(COLUMNS - 1)))?;
        let class = connection.prepare("INSERT INTO classes VALUES (?, ?)")?;
        let kinds =
            Kind::ALL.iter().map(|kind| connection.prepare(&schema::insertion(*kind))).collect::<Result<_, _>>()?;
        let outcome =
            Column::parse("result").map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
        Ok(Self { record, class, kinds, outcome, next: 1 })
    }

    /// Adds a record of a recording.
    pub(super) fn add(&mut self, recording: i64, record: &Record) -> rusqlite::Result<()> {
        let number = self.next;
        self.next += 1;
        self.add_common(number, recording, record)?;
        for class in record.classes.iter() {
            self.class.execute((number, class.name()))?;
        }
        self.add_body(number, record)
    }

    fn add_common(&mut self, number: i64, recording: i64, record: &Record) -> rusqlite::Result<()> {
        let (mut about, mut outcome) = (String::new(), String::new());
        lines::about(record, &mut about);
        self.outcome.show(record, &mut outcome);
        let (agent, process) = (record.agent.as_deref(), record.process.as_ref());
        let image = process.map(|process| &*process.image);
        let exe_state = image.map(|image| image.exe_state).filter(|state| !state.is_complete());
        let values: [&dyn ToSql; COLUMNS] = [
            &number,
            &recording,
            &record.id.to_string(),
            &record.time.to_string(),
            &Count(record.boot_ns),
            &record.kind().name(),
            &agent.map(|agent| &agent.name),
            &agent.map(|agent| &agent.session),
            &agent.map(|agent| agent.root_pid),
            &record.tool_call.as_deref(),
            &image.map(|image| image.id.to_string()),
            &image.map(|image| image.id.pid),
            &process.map(|process| process.tid),
            &image.map(|image| Count(image.id.start_ns)),
            &image.and_then(|image| image.ppid),
            &process.map(|process| process.uid),
            &image.and_then(|image| image.comm.as_ref()).map(shown),
            &image.and_then(|image| image.exe.as_ref()).map(shown),
            &exe_state.map(State),
            &image.map(|image| image.from_proc),
            &about,
            &Some(outcome).filter(|outcome| !outcome.is_empty()),
            &record.seccomp,
        ];
        self.record.execute(values).map(drop)
    }

    fn add_body(&mut self, number: i64, record: &Record) -> rusqlite::Result<()> {
        let kind = record.kind();
        let Some(statement) = self.kinds.get_mut(kind as usize) else { return Ok(()) };
        let body = record.body.to_json().map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
        statement.raw_bind_parameter(1, number)?;
        for (place, field) in (2..).zip(kind.fields()) {
            statement.raw_bind_parameter(place, Field(body.get(field)))?;
        }
        statement.raw_execute().map(drop)
    }
}

/// Columns of the table `records`.
const COLUMNS: usize = 23;

fn shown(text: &Text) -> Cow<'_, str> {
    text.to_str()
}

/// A number without a sign: SQLite has integers of 64 bits with one, so what is beyond is kept as text.
struct Count(u64);

impl ToSql for Count {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Owned(match i64::try_from(self.0) {
            Ok(number) => Value::Integer(number),
            Err(_) => Value::Text(self.0.to_string()),
        }))
    }
}

/// How a string came, by its name in records.
struct State(agentsnoop_pipeline::record::State);

impl ToSql for State {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Owned(match serde_json::to_value(self.0) {
            Ok(Json::String(name)) => Value::Text(name),
            _ => Value::Null,
        }))
    }
}

/// A field of a body.
struct Field<'a>(Option<&'a Json>);

impl ToSql for Field<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self.0 {
            None | Some(Json::Null) => ToSqlOutput::Borrowed(ValueRef::Null),
            Some(Json::String(text)) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Some(Json::Bool(truth)) => ToSqlOutput::Owned(Value::Integer(i64::from(*truth))),
            Some(Json::Number(number)) => match number.as_i64() {
                Some(number) => ToSqlOutput::Owned(Value::Integer(number)),
                None => ToSqlOutput::Owned(Value::Text(number.to_string())),
            },
            Some(several @ (Json::Array(_) | Json::Object(_))) => ToSqlOutput::Owned(Value::Text(several.to_string())),
        })
    }
}
