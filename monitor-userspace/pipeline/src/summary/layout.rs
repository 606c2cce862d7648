//! Rows with a label, at most as wide as the terminal.

/// Columns before the text of a row.
const LABEL: usize = 13;
/// Columns before the text of a row below another.
const SUBLABEL: usize = 17;
/// The narrowest width that is laid out; a narrower terminal breaks lines itself.
const NARROWEST: usize = 48;

/// How much room there is for what is not counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
    /// What usually fits a screen.
    Usual,
    /// One line for each row, so that it fits whatever there is.
    Brief,
}

/// Lines under construction.
#[derive(Debug)]
pub(super) struct Layout {
    width: usize,
    size: Size,
    lines: Vec<String>,
}

impl Layout {
    pub(super) fn new(width: usize, size: Size) -> Self {
        Self { width: width.max(NARROWEST), size, lines: Vec::new() }
    }

    /// So many items or lines where there is room for them, else `brief`.
    pub(super) fn limit(&self, usual: usize, brief: usize) -> usize {
        if self.size == Size::Usual { usual } else { brief }
    }

    pub(super) fn finish(self) -> Vec<String> {
        self.lines
    }

    /// The title at the left, how it ended at the right.
    pub(super) fn head(&mut self, title: &str, end: &str) {
        let title = fit(title, self.width.saturating_sub(columns(end) + 2));
        let gap = self.width.saturating_sub(columns(&title) + columns(end));
        // A very wide terminal keeps both together.
        self.lines.push(format!("{title}{}{end}", " ".repeat(gap.clamp(2, 40))));
    }

    pub(super) fn row(&mut self, label: &str, text: &str) {
        let line = format!("  {label:<LABEL$}{text}");
        self.lines.push(fit(&line, self.width));
    }

    pub(super) fn subrow(&mut self, label: &str, text: &str) {
        let line = format!("    {label:<SUBLABEL$}{text}");
        self.lines.push(fit(&line, self.width));
    }

    /// A row below another, of which the end must not be cut.
    pub(super) fn subrow_with(&mut self, label: &str, text: &str, end: &str) {
        let room = self.width.saturating_sub(4 + SUBLABEL + columns(end));
        self.subrow(label, &format!("{}{end}", fit(text, room)));
    }

    /// Items one after another, in at most so many lines; nothing without items.
    pub(super) fn list(&mut self, label: &str, items: &[String], lines: usize) {
        self.flow(2, LABEL, label, items, lines);
    }

    /// A list behind a text.
    pub(super) fn list_after(&mut self, label: &str, text: &str, items: &[String], lines: usize) {
        let Some((first, rest)) = items.split_first() else { return };
        let mut items = vec![format!("{text}: {first}")];
        items.extend_from_slice(rest);
        self.flow(2, LABEL, label, &items, lines);
    }

    /// A list below a row.
    pub(super) fn sublist(&mut self, label: &str, items: &[String], lines: usize) {
        self.flow(4, SUBLABEL, label, items, lines);
    }

    fn flow(&mut self, indent: usize, label_columns: usize, label: &str, items: &[String], lines: usize) {
        let room = self.width - indent - label_columns;
        let lines = self.limit(lines, 1);
        let (mut rows, mut row, mut done) = (Vec::new(), String::new(), 0);
        for item in items {
            let item = fit(item, room);
            let more = format!(", and {} more", items.len() - done);
            let is_last_row = rows.len() + 1 == lines;
            let reserve = if is_last_row && done + 1 < items.len() { columns(&more) } else { 0 };
            let separator = if row.is_empty() { 0 } else { 2 };
            if columns(&row) + separator + columns(&item) + reserve + 1 > room && !row.is_empty() {
                if is_last_row {
                    row.push_str(&more);
                    break;
                }
                row.push(',');
                rows.push(std::mem::take(&mut row));
            }
            if !row.is_empty() {
                row.push_str(", ");
            }
            row.push_str(&item);
            done += 1;
        }
        rows.push(row);
        for (at, row) in rows.into_iter().enumerate().filter(|(_, row)| !row.is_empty()) {
            let label = if at == 0 { label } else { "" };
            // A longer label keeps its distance.
            let space = if columns(label) < label_columns { "" } else { "  " };
            let line = format!("{}{label:<label_columns$}{space}{row}", " ".repeat(indent));
            self.lines.push(fit(&line, self.width));
        }
    }
}

fn columns(text: &str) -> usize {
    text.chars().count()
}

/// A text in so many columns: of a longer one the middle is left out, because paths differ at their ends.
pub(super) fn fit(text: &str, width: usize) -> String {
    let length = columns(text);
    if length <= width {
        return text.trim_end().to_owned();
    }
    let head = width.saturating_sub(1) / 2;
    let tail = width.saturating_sub(1) - head;
    let start = text.chars().take(head);
    let end = text.chars().skip(length - tail);
    start.chain(['…']).chain(end).collect()
}

/// A number of things: `1 file`, `2 files`.
pub(super) fn number(count: u64, thing: &str) -> String {
    let plural = match (count, thing) {
        (1, _) => "",
        (_, "process") => "es",
        _ => "s",
    };
    format!("{count} {thing}{plural}")
}
