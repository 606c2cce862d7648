//! The report for people.

use std::fmt;

use super::Report;

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
        let Self { format, blocks, inputs, bytes, ledger, .. } = self;
        writeln!(f, "  frames    format {format}, {bytes} bytes, {blocks} sound blocks, {inputs} inputs")?;
        let counts: Vec<String> =
            ledger.recorded_by_kind.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        writeln!(f, "  records   {}", if counts.is_empty() { "none".to_owned() } else { counts.join(", ") })?;
        writeln!(f, "  lost      {} before they were recorded", self.lost)?;
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
        if let Some(first) = &self.malformed_first {
            writeln!(f, "  malformed {} ring records cannot be decoded, the first: {first}", self.malformed)?;
        }
        for difference in &ledger.differences {
            writeln!(f, "  ledger    {}", shown(difference))?;
        }
        match (ledger.compared, ledger.balanced) {
            (true, true) => writeln!(f, "  ledger    balances")?,
            (true, false) => {}
            (false, _) => writeln!(f, "  ledger    not compared: that needs every input and the final counters")?,
        }
        writeln!(f, "  chain     {}", self.head)?;
        let reason = self.reason.as_ref().map(|reason| format!(": {}", shown(reason))).unwrap_or_default();
        writeln!(f, "  end       {}{reason}", self.end)
    }
}

/// Text of a recording for a terminal: control characters are escaped.
fn shown(text: &str) -> String {
    let escape = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(escape).collect()
}
