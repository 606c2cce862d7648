//! What JSON or MessagePack tells, without a type behind it.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, SeqAccess, Visitor},
    ser::{SerializeMap as _, SerializeSeq as _},
};

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Told {
    Null,
    Bool(bool),
    Integer(i128),
    Text(String),
    Bytes(Vec<u8>),
    List(Vec<Told>),
    Map(Vec<(String, Told)>),
}

/// One step into a value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    Field(String),
    Place(usize),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(f, ".{name}"),
            Self::Place(at) => write!(f, "[{at}]"),
        }
    }
}

impl Told {
    /// The same without one field.
    pub(super) fn without(&self, path: &[Step]) -> Self {
        let mut other = self.clone();
        let (last, before) = path.split_last().expect("a field");
        let mut at = &mut other;
        for step in before {
            at = match (at, step) {
                (Self::Map(fields), Step::Field(name)) => {
                    &mut fields.iter_mut().find(|(field, _)| field == name).expect("the field").1
                }
                (Self::List(list), Step::Place(place)) => &mut list[*place],
                (at, step) => panic!("no {step} in {at:?}"),
            };
        }
        match (at, last) {
            (Self::Map(fields), Step::Field(name)) => fields.retain(|(field, _)| field != name),
            (at, step) => panic!("no field {step} in {at:?}"),
        }
        other
    }
}

impl Serialize for Told {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_none(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Integer(value) => match u64::try_from(*value) {
                Ok(value) => serializer.serialize_u64(value),
                Err(_) => serializer.serialize_i64((*value).try_into().expect("a number of 64 bits")),
            },
            Self::Text(text) => serializer.serialize_str(text),
            Self::Bytes(bytes) => serializer.serialize_bytes(bytes),
            Self::List(list) => {
                let mut sequence = serializer.serialize_seq(Some(list.len()))?;
                list.iter().try_for_each(|one| sequence.serialize_element(one))?;
                sequence.end()
            }
            Self::Map(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                fields.iter().try_for_each(|(name, value)| map.serialize_entry(name, value))?;
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Told {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Told;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value without fractions")
    }

    fn visit_unit<E>(self) -> Result<Told, E> {
        Ok(Told::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Told, E> {
        Ok(Told::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Told, E> {
        Ok(Told::Integer(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Told, E> {
        Ok(Told::Integer(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Told, E> {
        Ok(Told::Text(value.to_owned()))
    }

    fn visit_bytes<E>(self, value: &[u8]) -> Result<Told, E> {
        Ok(Told::Bytes(value.to_vec()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Told, A::Error> {
        let mut list = Vec::new();
        while let Some(one) = access.next_element()? {
            list.push(one);
        }
        Ok(Told::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Told, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = access.next_entry()? {
            fields.push(field);
        }
        Ok(Told::Map(fields))
    }
}
