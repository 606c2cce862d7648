-- One row: what the recording is, how it ends, and what of it is here.
CREATE TABLE recording (
  file TEXT NOT NULL,               -- the recording's path as it was given
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
  balanced INTEGER                  -- 1: the ledger adds up; 0: it does not; NULL: that cannot be said, as not all was read
);

-- What of the recording cannot be read.
CREATE TABLE damage (byte INTEGER NOT NULL, block INTEGER, what TEXT NOT NULL);

-- The data that judged the recording when it was made, and now.
CREATE TABLE data_sets (name TEXT PRIMARY KEY, recorded TEXT, judged TEXT);

-- The counts by kind of ring record: seen = stored + lost, stored = received + filtered, received = recorded + malformed.
CREATE TABLE ledger (
  kind TEXT PRIMARY KEY, seen INTEGER NOT NULL, stored INTEGER NOT NULL, lost INTEGER NOT NULL, received INTEGER NOT NULL,
  filtered INTEGER NOT NULL, recorded INTEGER NOT NULL, malformed INTEGER NOT NULL
);
CREATE TABLE ledger_lost (kind TEXT NOT NULL, cause TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (kind, cause));
-- Everything else that the ledger counts, by name; counts of 0 are left out.
CREATE TABLE ledger_counts (what TEXT NOT NULL, name TEXT, count INTEGER NOT NULL);
-- Each way in which the counts do not add up.
CREATE TABLE ledger_differences (what TEXT NOT NULL);

-- What all records have, in the order of the recording.
CREATE TABLE records (
  record INTEGER PRIMARY KEY,
  id TEXT NOT NULL,                 -- that of JSON and of `query id:…`
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
