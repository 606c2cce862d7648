//! What is known of a recording as a whole: how it was made, what of it cannot be read, and whether its counts add up.

use std::path::Path;

use agentsnoop_pipeline::{data, input::Closed, ledger::Balance, record::Time};
use agentsnoop_store::End;
use monitor_common::{WIRE_VERSION, counters::Cause};
use rusqlite::{Connection, params};

use crate::source::judged::Judged;

/// What is known once a recording was read to its end.
pub struct About<'a> {
    /// Its path.
    pub file: &'a Path,
    /// Its records, all of which were taken.
    pub judged: &'a Judged,
    /// Its last input, where it was closed.
    pub closed: Option<&'a Closed>,
    /// The latest time of a record.
    pub last: Option<Time>,
    /// Which records were wanted.
    pub filter: Option<&'a str>,
}

impl About<'_> {
    pub(super) fn write(&self, number: i64, into: &Connection) -> rusqlite::Result<()> {
        let balance = self.judged.pipeline().ledger().check();
        self.recording(number, into, &balance)?;
        self.damage(number, into)?;
        self.data_sets(number, into)?;
        ledger(number, into, &balance)?;
        counts(number, into, &balance)
    }

    fn recording(&self, number: i64, into: &Connection, balance: &Balance) -> rusqlite::Result<()> {
        let (recording, pipeline) = (self.judged.recording(), self.judged.pipeline());
        let opened = pipeline.opened();
        let command = opened.map(|opened| serde_json::json!(opened.command).to_string());
        // The counts of a recording of which a part is missing do not add up, which says nothing.
        let is_compared = self.closed.is_some()
            && recording.damaged() == 0
            && opened.is_some_and(|opened| opened.wire == WIRE_VERSION);
        let mut insert = into.prepare(&format!("INSERT INTO recording VALUES (?{})", ", ?".repeat(27)))?;
        insert
            .execute(params![
                number,
                self.file.to_string_lossy(),
                opened.map(|opened| &opened.version),
                env!("CARGO_PKG_VERSION"),
                opened.map(|opened| &opened.host),
                opened.map(|opened| &opened.kernel),
                opened.map(|opened| &opened.boot_id),
                command,
                opened.map(|opened| Time(opened.clock.real_ns).to_string()),
                opened.map(|opened| opened.clock.boot_ns.cast_signed()),
                self.last.map(|last| last.to_string()),
                opened.map(|opened| opened.utc_offset),
                opened.map(|opened| opened.cpus),
                opened.map(|opened| opened.ring_bytes),
                pipeline.config().map(|config| &config.scrub),
                recording.end() == End::Closed,
                recording.end().to_string(),
                self.closed.map(|closed| &closed.reason),
                count(recording.damaged()),
                count(recording.progress().inputs),
                recording.head(),
                self.filter,
                balance.is_lossless() && recording.damaged() == 0,
                is_compared.then_some(balance.differences.is_empty()),
                recording.id(),
                opened.map(|opened| opened.segment),
                opened.and_then(|opened| opened.continues.as_ref()),
                self.closed.and_then(|closed| closed.next.as_ref()),
            ])
            .map(drop)
    }

    fn damage(&self, number: i64, into: &Connection) -> rusqlite::Result<()> {
        let mut insert = into.prepare("INSERT INTO damage VALUES (?, ?, ?, ?)")?;
        self.judged.recording().damage().iter().try_for_each(|damage| {
            let (byte, block) = (count(damage.offset()), damage.block().map(count));
            insert.execute(params![number, byte, block, damage.to_string()]).map(drop)
        })
    }

    fn data_sets(&self, number: i64, into: &Connection) -> rusqlite::Result<()> {
        let mut insert =
            into.prepare("INSERT INTO data_sets VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET judged = ?4")?;
        let then = self.judged.pipeline().config().map(|config| config.data.as_slice()).unwrap_or_default();
        let here = data::list();
        for set in then {
            // Content that the recording carries is what judges it again.
            let judged = set.content.as_ref().map(|_| &set.digest);
            let name = set.file.as_ref().map_or_else(|| set.name.clone(), |file| format!("{} ({file})", set.name));
            insert.execute(params![number, name, set.digest, judged])?;
        }
        for set in &here {
            let is_carried =
                then.iter().any(|then| then.name == set.name && then.content.is_some() && then.file.is_none());
            if !is_carried {
                insert.execute(params![number, set.name, None::<&str>, set.digest])?;
            }
        }
        Ok(())
    }
}

fn ledger(number: i64, into: &Connection, balance: &Balance) -> rusqlite::Result<()> {
    let mut kind = into.prepare("INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")?;
    let mut lost = into.prepare("INSERT INTO ledger_lost VALUES (?, ?, ?, ?)")?;
    for row in &balance.rows {
        let numbers = [row.seen, row.stored, row.lost(), row.received, row.filtered, row.recorded, row.malformed];
        let [seen, stored, sum, received, filtered, recorded, malformed] = numbers.map(count);
        kind.execute(params![number, row.kind.name(), seen, stored, sum, received, filtered, recorded, malformed])?;
        for cause in Cause::ALL.into_iter().filter(|cause| row.lost[*cause as usize] > 0) {
            lost.execute(params![number, row.kind.name(), cause.name(), count(row.lost[cause as usize])])?;
        }
    }
    Ok(())
}

fn counts(recording: i64, into: &Connection, balance: &Balance) -> rusqlite::Result<()> {
    let mut insert = into.prepare("INSERT INTO ledger_counts VALUES (?, ?, ?, ?)")?;
    let calls = balance.calls;
    let plain = [
        ("masked", None, balance.masked),
        ("nameless", None, balance.nameless),
        ("unstored", None, balance.unstored),
        ("in flight", None, balance.in_flight),
        ("stat calls", Some("seen"), calls.seen),
        ("stat calls", Some("told"), calls.told),
        ("stat calls", Some("lost"), calls.lost),
        ("stat calls", Some("held"), calls.held),
        ("stat calls", Some("received"), calls.received),
        ("stat calls", Some("filtered"), calls.filtered),
    ];
    let named = |what, list: &'_ [(String, u64)]| {
        list.iter().map(|(name, number)| (what, name.clone(), *number)).collect::<Vec<_>>()
    };
    let owned = |what, list: &[(&str, u64)]| {
        list.iter().map(|(name, number)| (what, (*name).to_owned(), *number)).collect::<Vec<_>>()
    };
    let all = plain.into_iter().map(|(what, name, number)| (what, name.map(str::to_owned), number)).chain(
        [
            named("in flight by kind", &balance.in_flight_by_kind),
            owned("unfinished", &balance.unfinished),
            owned("fault", &balance.faults),
            named("skipped", &balance.recursion_misses),
        ]
        .into_iter()
        .flatten()
        .map(|(what, name, number)| (what, Some(name), number)),
    );
    for (what, name, number) in all.filter(|(_, _, number)| *number > 0) {
        insert.execute(params![recording, what, name, count(number)])?;
    }
    let mut insert = into.prepare("INSERT INTO ledger_differences VALUES (?, ?)")?;
    balance.differences.iter().try_for_each(|what| insert.execute(params![recording, what]).map(drop))
}

/// A count for SQLite, whose integers have a sign; no count comes near the largest of them but in a recording that lies.
fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
