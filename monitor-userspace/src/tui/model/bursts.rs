//! Bursts of traffic that go on: a record tells of their beginning, and a later one counts all of it again (docs/events.md, traffic).

use std::collections::BTreeMap;

use agentsnoop_pipeline::record::Traffic;
use serde::{Deserialize, Serialize};

/// Bursts that are remembered; the kernel half knows 8,192 at once. What those beyond have moved is counted at their end.
const MOST: usize = 10_000;

/// How many bytes each burst that goes on was told to have moved, by its thread, its connection and its beginning.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bursts(BTreeMap<(u32, u64, u64), u64>);

impl Bursts {
    /// The bytes of a record that none before it has told.
    pub fn news(&mut self, tid: u32, traffic: &Traffic) -> u64 {
        let key = (tid, traffic.connection.unwrap_or(0), traffic.started);
        let told = match traffic.ended {
            Some(_) => self.0.remove(&key),
            None if self.0.len() >= MOST && !self.0.contains_key(&key) => return 0,
            None => self.0.insert(key, traffic.bytes),
        };
        traffic.bytes.saturating_sub(told.unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_counted_once_however_often_a_burst_is_told() {
        let mut bursts = Bursts::default();
        let mut news = |tid, bytes, ended| {
            bursts.news(tid, &Traffic { connection: Some(7), started: 1, bytes, ended, ..Traffic::default() })
        };
        assert_eq!([news(1, 10, None), news(1, 25, None), news(1, 40, Some(9))], [10, 15, 15]);
        // That of another thread is another one, and so is one that begins later.
        assert_eq!([news(2, 40, Some(9)), news(1, 5, Some(9))], [40, 5]);
        assert_eq!(bursts, Bursts::default());
    }

    #[test]
    fn what_is_beyond_the_bound_is_counted_at_its_end() {
        let mut bursts = Bursts::default();
        let burst = |started, ended| Traffic { started, bytes: 3, ended, ..Traffic::default() };
        let told: u64 = (0..MOST as u64 + 5).map(|started| bursts.news(1, &burst(started, None))).sum();
        assert_eq!((told, bursts.0.len()), (3 * MOST as u64, MOST));
        let rest: u64 = (0..MOST as u64 + 5).map(|started| bursts.news(1, &burst(started, Some(1)))).sum();
        assert_eq!((rest, bursts.0.len()), (15, 0));
    }
}
