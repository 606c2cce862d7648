//! A record as one JSON object.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser::SerializeMap};

use super::{
    Agent, Body, Connect, Exec, Exit, Fork, Getenv, Id, Kind, Loss, Open, Process, Record, SCHEMA, Session, Time,
};
use crate::{
    enrich::Classes,
    input::{Gap, Hook},
};

impl Serialize for Record {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("schema", &SCHEMA)?;
        map.serialize_entry("id", &self.id)?;
        map.serialize_entry("time", &self.time)?;
        map.serialize_entry("boot_ns", &self.boot_ns)?;
        let kind = self.kind().name();
        map.serialize_entry("kind", kind)?;
        if let Some(process) = &self.process {
            map.serialize_entry("process", process)?;
        }
        map.serialize_entry("agent", &self.agent.as_deref())?;
        map.serialize_entry("tool_call", &self.tool_call.as_deref())?;
        match &self.body {
            Body::Fork(body) => map.serialize_entry(kind, body)?,
            Body::Exec(body) => map.serialize_entry(kind, body)?,
            Body::Exit(body) => map.serialize_entry(kind, body)?,
            Body::Open(body) => map.serialize_entry(kind, body)?,
            Body::Connect(body) => map.serialize_entry(kind, body)?,
            Body::Getenv(body) => map.serialize_entry(kind, body)?,
            Body::Session(body) => map.serialize_entry(kind, body)?,
            Body::Loss(body) => map.serialize_entry(kind, body)?,
            Body::Coverage(body) => map.serialize_entry(kind, body)?,
            Body::Gap(body) => map.serialize_entry(kind, body)?,
        }
        if !self.classes.is_empty() {
            map.serialize_entry("classes", &self.classes)?;
        }
        map.end()
    }
}

/// The object as it is read; unknown fields are ignored, because new ones never break.
#[derive(Deserialize)]
struct Object {
    schema: u32,
    id: Id,
    time: Time,
    boot_ns: u64,
    kind: Kind,
    process: Option<Process>,
    agent: Option<Agent>,
    tool_call: Option<String>,
    #[serde(default)]
    classes: Classes,
    fork: Option<Fork>,
    exec: Option<Box<Exec>>,
    exit: Option<Exit>,
    open: Option<Open>,
    connect: Option<Connect>,
    getenv: Option<Getenv>,
    session: Option<Session>,
    loss: Option<Box<Loss>>,
    coverage: Option<Box<Hook>>,
    gap: Option<Box<Gap>>,
}

impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let object = Object::deserialize(deserializer)?;
        if object.schema != SCHEMA {
            return Err(de::Error::custom(format_args!("schema {} is not {SCHEMA}", object.schema)));
        }
        let body = match object.kind {
            Kind::Fork => object.fork.map(Body::Fork),
            Kind::Exec => object.exec.map(Body::Exec),
            Kind::Exit => object.exit.map(Body::Exit),
            Kind::Open => object.open.map(Body::Open),
            Kind::Connect => object.connect.map(Body::Connect),
            Kind::Getenv => object.getenv.map(Body::Getenv),
            Kind::Session => object.session.map(Body::Session),
            Kind::Loss => object.loss.map(Body::Loss),
            Kind::Coverage => object.coverage.map(Body::Coverage),
            Kind::Gap => object.gap.map(Body::Gap),
        };
        Ok(Self {
            id: object.id,
            time: object.time,
            boot_ns: object.boot_ns,
            process: object.process,
            agent: object.agent.map(Arc::new),
            tool_call: object.tool_call.map(Arc::from),
            body: body.ok_or_else(|| de::Error::missing_field(object.kind.name()))?,
            classes: object.classes,
        })
    }
}
