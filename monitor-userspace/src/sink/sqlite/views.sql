-- Every process that a record tells of.
CREATE VIEW processes AS
SELECT known.process, first.pid, first.start_ns, first.ppid,
       (SELECT made.process FROM fork JOIN records made USING (record) WHERE fork.child = known.process) AS parent,
       last.agent, last.session, last.uid, last.comm, last.exe, exec.argv, exec.cwd,
       first.time AS first_seen, last.time AS last_seen, known.records,
       exit.code, exit.signal, exit.duration_ns
FROM (SELECT process, min(record) AS first, max(record) AS last, count(*) AS records
      FROM records WHERE process IS NOT NULL GROUP BY process) known
JOIN records first ON first.record = known.first
JOIN records last ON last.record = known.last
LEFT JOIN exec ON exec.record = (SELECT max(record) FROM records WHERE process = known.process AND kind = 'exec')
LEFT JOIN exit ON exit.record = (SELECT max(record) FROM records WHERE process = known.process AND kind = 'exit');

-- Every path that was executed, opened, looked at or changed; both ends of a rename.
CREATE VIEW files AS
WITH touched (record, call, access, path, path_state, requested) AS (
  SELECT record, 'execve', 'execute', path, path_state, filename FROM exec
  UNION ALL SELECT record, 'open', access, path, path_state, requested FROM open
  UNION ALL SELECT record, 'readlink', 'readlink', path, path_state, requested FROM readlink
  UNION ALL SELECT record, call, 'stat', path, path_state, requested FROM stat
  UNION ALL SELECT record, call, 'rename from', "from", from_state, requested_from FROM rename
  UNION ALL SELECT record, call, 'rename to', "to", to_state, requested_to FROM rename
  UNION ALL SELECT record, call, 'link from', "from", from_state, requested_from FROM link
  UNION ALL SELECT record, call, 'link to', "to", to_state, requested_to FROM link
  UNION ALL SELECT record, call, 'symlink', "to", to_state, requested_to FROM symlink
  UNION ALL SELECT record, call, 'unlink', path, path_state, requested FROM "unlink"
  UNION ALL SELECT record, call, 'mkdir', path, path_state, requested FROM mkdir
  UNION ALL SELECT record, call, 'chmod', path, path_state, requested FROM chmod
  UNION ALL SELECT record, call, 'chown', path, path_state, requested FROM chown
  UNION ALL SELECT record, call, 'truncate', path, path_state, requested FROM truncate
)
SELECT record, id, time, agent, session, process, pid, comm, exe, kind, call, access, path, path_state, requested, outcome
FROM touched JOIN records USING (record);

-- Every endpoint. Of traffic only bursts that have ended: before, their bytes are told again later.
CREATE VIEW network AS
WITH touched (record, direction, family, address, port, host, host_source, path, protocol, connection, bytes) AS (
  SELECT record, 'out', family, address, port, name, name_source, path, protocol, connection, NULL FROM connect
  UNION ALL SELECT record, NULL, family, address, port, NULL, NULL, path, protocol, connection, NULL FROM bind
  UNION ALL SELECT record, NULL, family, address, port, NULL, NULL, path, protocol, connection, NULL FROM listen
  UNION ALL SELECT record, 'in', family, address, port, NULL, NULL, path, protocol, connection, NULL FROM accept
  UNION ALL SELECT record, direction, family, address, port, name, name_source, path, protocol, connection, bytes
    FROM traffic WHERE ended IS NOT NULL
  UNION ALL SELECT record, 'out', NULL, address, port, name, name_source, NULL, NULL, connection, NULL FROM name
  UNION ALL SELECT record, iif(response, 'received', 'sent'), NULL, server, port, question, 'question', NULL, NULL, connection, NULL
    FROM dns
)
SELECT record, id, time, agent, session, process, pid, comm, exe, kind, direction, family, address, port, host, host_source, path,
       protocol, connection, bytes, outcome
FROM touched JOIN records USING (record);

-- Each hook as it was at the end of a recording, and since when; its whole history is in coverage.
CREATE VIEW hooks AS
SELECT recording, name, feature, state, reason, time AS since
FROM coverage JOIN records USING (record)
WHERE record IN (SELECT max(record) FROM coverage JOIN records USING (record) GROUP BY recording, name, feature)
  AND feature NOT IN ('process', 'delegated');
