//! The report for people.

use std::{collections::BTreeMap, fmt};

use super::{Report, StatCalls};

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match (self.ok, self.broken()) {
            (true, _) => "sound",
            (false, true) => "broken",
            (false, false) => "incomplete",
        };
        writeln!(f, "{}: {verdict}", shown(&self.file))?;
        if let Some(made) = &self.opened {
            let (version, host, kernel) = (shown(&made.version), shown(&made.host), shown(&made.kernel));
            writeln!(f, "  made by   agentsnoop {version} on {host}, {kernel}")?;
        }
        let Self { format, blocks, inputs, bytes, .. } = self;
        writeln!(f, "  frames    format {format}, {bytes} bytes, {blocks} sound blocks, {inputs} inputs")?;
        if self.unknown_frames > 0 {
            let count = self.unknown_frames;
            writeln!(f, "  unknown   {count} frames of a newer build were passed over")?;
        }
        for place in &self.damage {
            writeln!(f, "  damage    {}", shown(&place.what))?;
        }
        if self.damaged > self.damage.len() as u64 {
            writeln!(f, "  damage    and {} more places", self.damaged - self.damage.len() as u64)?;
        }
        self.counts(f)?;
        // Whoever compares it with a noted one must not take a damaged recording for that one.
        let claimed =
            if self.damaged > 0 { " as the last block has it, which vouches for nothing that is damaged" } else { "" };
        writeln!(f, "  chain     {}{claimed}", self.head)?;
        if let Some(segment) = &self.segment {
            segment.show(f)?;
        }
        let reason = self.reason.as_ref().map(|reason| format!(": {}", shown(reason))).unwrap_or_default();
        writeln!(f, "  end       {}{reason}", self.end)
    }
}

impl Report {
    /// Whether another segment follows.
    fn goes_on(&self) -> bool {
        self.segment.as_ref().is_some_and(|segment| segment.next.is_some())
    }

    fn counts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ledger = &self.ledger;
        writeln!(f, "  recorded  {}", list(&ledger.recorded_by_kind))?;
        if ledger.stat_calls.seen > 0 {
            let StatCalls { seen, recorded, filtered, lost, held, .. } = ledger.stat_calls;
            let parts = [("recorded", recorded), ("filtered", filtered), ("lost", lost), ("held", held)];
            let parts = list(&parts.into_iter().collect());
            writeln!(f, "  stat      {seen} calls: {parts}")?;
        }
        writeln!(f, "  filtered  {}", list(&ledger.filtered_by_kind))?;
        writeln!(f, "  lost      {}", list(&ledger.lost_by_kind))?;
        if !ledger.lost_by_cause.is_empty() {
            writeln!(f, "  causes    {}", list(&ledger.lost_by_cause))?;
        }
        if !ledger.skipped.is_empty() {
            let skipped = ledger.skipped.iter().map(|(program, count)| format!("{} {count}", shown(program)));
            writeln!(f, "  skipped   {}", skipped.collect::<Vec<_>>().join(", "))?;
        }
        let kinds = match list(&ledger.in_flight_by_kind) {
            _ if ledger.in_flight_by_kind.is_empty() => String::new(),
            kinds => format!(": {}", shown(&kinds)),
        };
        match ledger.in_flight {
            0 => {}
            1 => writeln!(f, "  in flight 1 call had not returned at the end{kinds}")?,
            calls => writeln!(f, "  in flight {calls} calls had not returned at the end{kinds}")?,
        }
        if !ledger.unfinished_by_kind.is_empty() {
            writeln!(f, "  within    {} (calls whose thread ended within them)", list(&ledger.unfinished_by_kind))?;
        }
        if !ledger.faults.is_empty() {
            writeln!(f, "  faults    {}", list(&ledger.faults))?;
        }
        if ledger.unstored > 0 {
            writeln!(f, "  gaps      {} inputs were not stored", ledger.unstored)?;
        }
        if ledger.unscrubbed {
            writeln!(f, "  masked    nothing: this recording is not scrubbed, secrets were left as they are")?;
        } else if ledger.masked > 0 {
            let (values, records) = (ledger.masked_by_rule.values().sum::<u64>(), ledger.masked);
            writeln!(f, "  masked    {values} values in {records} records: {}", list(&ledger.masked_by_rule))?;
        }
        if self.malformed > 0 {
            writeln!(f, "  malformed {} ring records cannot be decoded", self.malformed)?;
        }
        for difference in &ledger.differences {
            writeln!(f, "  ledger    {}", shown(difference))?;
        }
        match (ledger.compared, ledger.balanced) {
            (true, true) => writeln!(f, "  ledger    balances"),
            (true, false) => Ok(()),
            (false, _) if self.goes_on() => {
                writeln!(f, "  ledger    is compared in the last segment, where nothing goes on any more")
            }
            (false, _) => writeln!(f, "  ledger    not compared: that needs every input and the final counters"),
        }
    }
}

/// Counts that are not 0, by name.
fn list(counts: &BTreeMap<impl fmt::Display, u64>) -> String {
    let counts = counts.iter().filter(|(_, count)| **count > 0).map(|(name, count)| format!("{name} {count}"));
    let counts = counts.collect::<Vec<_>>().join(", ");
    if counts.is_empty() { "nothing".to_owned() } else { counts }
}

/// Text of a recording for a terminal: control characters are escaped.
fn shown(text: &str) -> String {
    let escape = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(escape).collect()
}
