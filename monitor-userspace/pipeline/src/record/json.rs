//! A record as one JSON object.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser::SerializeMap};

use super::{Agent, Body, Id, Kind, Process, Record, SCHEMA, Time};
use crate::enrich::Classes;

impl Serialize for Record {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("schema", &SCHEMA)?;
        map.serialize_entry("id", &self.id)?;
        map.serialize_entry("time", &self.time)?;
        map.serialize_entry("boot_ns", &self.boot_ns)?;
        map.serialize_entry("kind", self.kind().name())?;
        if let Some(process) = &self.process {
            map.serialize_entry("process", process)?;
        }
        map.serialize_entry("agent", &self.agent.as_deref())?;
        map.serialize_entry("tool_call", &self.tool_call.as_deref())?;
        self.body.entry(&mut map)?;
        if self.seccomp {
            map.serialize_entry("seccomp", &true)?;
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
    seccomp: bool,
    #[serde(default)]
    classes: Classes,
    /// The body, under the key of its kind; and what this version does not know.
    #[serde(flatten)]
    rest: serde_json::Map<String, serde_json::Value>,
}

impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let object = Object::deserialize(deserializer)?;
        if object.schema != SCHEMA {
            return Err(de::Error::custom(format_args!("schema {} is not {SCHEMA}", object.schema)));
        }
        let mut rest = object.rest;
        let key = object.kind.key();
        let json = rest.remove(key).ok_or_else(|| de::Error::missing_field(key))?;
        let body = Body::from_json(object.kind, json).map_err(de::Error::custom)?;
        Ok(Self {
            id: object.id,
            time: object.time,
            boot_ns: object.boot_ns,
            process: object.process,
            agent: object.agent.map(Arc::new),
            tool_call: object.tool_call.map(Arc::from),
            body,
            seccomp: object.seccomp,
            classes: object.classes,
        })
    }
}
