//! How parts of a model are stored: what JSON has as words is a number here, since there are very many of them.

use std::sync::Arc;

use agentsnoop_pipeline::{
    enrich::{Class, Classes},
    record::{ProcessId, Time},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Nanoseconds since 1970.
pub mod time {
    use super::{Deserialize as _, Deserializer, Serialize as _, Serializer, Time};

    /// # Errors
    ///
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(time: &Time, serializer: S) -> Result<S::Ok, S::Error> {
        time.0.serialize(serializer)
    }

    /// # Errors
    ///
    /// Those of the deserializer.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
        i64::deserialize(deserializer).map(Time)
    }
}

/// A bit for each class, in the order of [`Class::ALL`].
pub mod classes {
    use super::{Class, Classes, Deserialize as _, Deserializer, Serialize as _, Serializer};

    /// # Errors
    ///
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(classes: &Classes, serializer: S) -> Result<S::Ok, S::Error> {
        let bit = |(place, class): (usize, &Class)| u64::from(classes.contains(*class)) << place;
        Class::ALL.iter().enumerate().map(bit).sum::<u64>().serialize(serializer)
    }

    /// # Errors
    ///
    /// Those of the deserializer.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Classes, D::Error> {
        let bits = u64::deserialize(deserializer)?;
        let is_set = |(place, class): (usize, &Class)| (bits >> place & 1 == 1).then_some(*class);
        Ok(Class::ALL.iter().enumerate().filter_map(is_set).collect())
    }
}

/// A text that is shared.
pub mod text {
    use super::{Arc, Deserialize as _, Deserializer, Serializer};

    /// # Errors
    ///
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(text)
    }

    /// # Errors
    ///
    /// Those of the deserializer.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<str>, D::Error> {
        String::deserialize(deserializer).map(Arc::from)
    }
}

/// Pid and start.
pub mod process {
    use super::{Deserialize, Deserializer, ProcessId, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Pair(u32, u64);

    /// # Errors
    ///
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(id: &ProcessId, serializer: S) -> Result<S::Ok, S::Error> {
        Pair(id.pid, id.start_ns).serialize(serializer)
    }

    /// # Errors
    ///
    /// Those of the deserializer.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ProcessId, D::Error> {
        let Pair(pid, start_ns) = Pair::deserialize(deserializer)?;
        Ok(ProcessId { pid, start_ns })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct All {
        #[serde(with = "time")]
        time: Time,
        #[serde(with = "classes")]
        classes: Classes,
        #[serde(with = "text")]
        text: Arc<str>,
        #[serde(with = "process")]
        process: ProcessId,
    }

    #[test]
    fn what_is_stored_is_read_back() {
        for classes in [Classes::NONE, Class::ALL.iter().copied().collect(), Class::Credential.into()] {
            let process = ProcessId { pid: 7, start_ns: u64::MAX };
            let all = All { time: Time(-5), classes, text: Arc::from("a"), process };
            let stored = rmp_serde::to_vec(&all).expect("a stored form");
            assert_eq!(rmp_serde::from_slice::<All>(&stored).expect("what was stored"), all);
        }
    }
}
