-- One row for each recording: what it is, how it ends, and what of it is here. An export of a file has one; each segment is one.
CREATE TABLE recording (
  recording INTEGER PRIMARY KEY,    -- its number, from 1
  file TEXT NOT NULL,               -- its path
  made_by TEXT,                     -- version of agentsnoop that recorded
  exported_by TEXT NOT NULL,        -- version of agentsnoop that judged and exported
  host TEXT, kernel TEXT, boot_id TEXT,
  command TEXT,                     -- what was started under observation, a JSON array
  started TEXT, started_boot_ns INTEGER,
  ended TEXT,                       -- the last time in the recording
  utc_offset INTEGER,               -- seconds east of UTC of the recorder's local time
  cpus INTEGER, ring_bytes INTEGER,
  scrub TEXT,                       -- digest of the rules that masked secrets; none where nothing was masked
  complete INTEGER NOT NULL,        -- 1: it was closed; 0: its writer was stopped, or its end was cut off
  ending TEXT NOT NULL,             -- the same as a sentence
  reason TEXT,                      -- why it was closed
  damaged INTEGER NOT NULL,         -- places that cannot be read; the first ones are in damage
  inputs INTEGER NOT NULL,          -- inputs that were read
  head TEXT NOT NULL,               -- the chain's head, hexadecimal (docs/recording.md)
  filter TEXT,                      -- --where; NULL: everything
  lossless INTEGER NOT NULL,        -- 1: nothing was lost, skipped, malformed or left out
  balanced INTEGER,                 -- 1: the ledger adds up; 0: it does not; NULL: that cannot be said, as not all was read
  id TEXT NOT NULL,                 -- its identity, hexadecimal
  segment INTEGER,                  -- its number among the segments of one observation, from 0
  continues TEXT, next TEXT         -- the identities of the segments before and after it
);

-- What of a recording cannot be read.
CREATE TABLE damage (recording INTEGER NOT NULL, byte INTEGER NOT NULL, block INTEGER, what TEXT NOT NULL);

-- The data that judged a recording when it was made, and now.
CREATE TABLE data_sets (
  recording INTEGER NOT NULL, name TEXT NOT NULL, recorded TEXT, judged TEXT, PRIMARY KEY (recording, name)
);

-- The counts by kind of ring record: seen = stored + lost, stored = received + filtered, received = recorded + malformed.
-- Those of a segment are of its observation up to its end, so that the last one has those of all.
CREATE TABLE ledger (
  recording INTEGER NOT NULL, kind TEXT NOT NULL, seen INTEGER NOT NULL, stored INTEGER NOT NULL, lost INTEGER NOT NULL,
  received INTEGER NOT NULL, filtered INTEGER NOT NULL, recorded INTEGER NOT NULL, malformed INTEGER NOT NULL,
  PRIMARY KEY (recording, kind)
);
CREATE TABLE ledger_lost (
  recording INTEGER NOT NULL, kind TEXT NOT NULL, cause TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (recording, kind, cause)
);
-- Everything else that the ledger counts, by name; counts of 0 are left out.
CREATE TABLE ledger_counts (recording INTEGER NOT NULL, what TEXT NOT NULL, name TEXT, count INTEGER NOT NULL);
-- Each way in which the counts do not add up.
CREATE TABLE ledger_differences (recording INTEGER NOT NULL, what TEXT NOT NULL);

-- What all records have, in the order of the recordings.
CREATE TABLE records (
  record INTEGER PRIMARY KEY,
  recording INTEGER NOT NULL,
  id TEXT NOT NULL,                 -- that of JSON and of `query id:…`; segments of one observation share none
  time TEXT NOT NULL,               -- RFC 3339, UTC, nine digits: text in the order of time
  boot_ns INTEGER NOT NULL,
  kind TEXT NOT NULL,               -- and the name of the table with the rest
  agent TEXT, session TEXT, root_pid INTEGER, tool_call TEXT,
  process TEXT,                     -- names one process for ever, which a pid does not
  pid INTEGER, tid INTEGER, start_ns INTEGER, ppid INTEGER, uid INTEGER,
  comm TEXT, exe TEXT, exe_state TEXT, from_proc INTEGER,
  about TEXT NOT NULL,              -- what the line of the record says
  outcome TEXT,                     -- ok, failed, or the error or signal by name
  seccomp INTEGER NOT NULL          -- 1: a seccomp filter answered the call
);

-- The resource classes of each record.
CREATE TABLE classes (record INTEGER NOT NULL REFERENCES records, class TEXT NOT NULL);

-- A table for each kind: the fields of docs/events.md, NULL where they do not apply; lists and objects as JSON.
