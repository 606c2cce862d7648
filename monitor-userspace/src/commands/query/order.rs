//! Records in another order than that in which they came.

use agentsnoop_pipeline::{
    Record,
    columns::{Column, Key},
    filter::FilterError,
};

/// Keeps the first records of an order.
pub(super) struct Order {
    column: Column,
    /// The largest first.
    descends: bool,
    /// With the place in which each came, which decides among equal ones.
    kept: Vec<(Key, usize, Record)>,
    seen: usize,
}

impl Order {
    /// By a field, the largest first with a `-` before its name.
    ///
    /// # Errors
    ///
    /// There is no such field.
    pub(super) fn parse(text: &str) -> Result<Self, FilterError> {
        let (descends, name) = text.strip_prefix('-').map_or((false, text), |name| (true, name));
        Ok(Self { column: Column::parse(name)?, descends, kept: Vec::new(), seen: 0 })
    }

    /// Takes a record, and keeps at most twice as many as are wanted.
    pub(super) fn take(&mut self, record: Record, most: usize) {
        self.kept.push((self.column.key(&record), self.seen, record));
        self.seen += 1;
        if self.kept.len() >= most.saturating_mul(2).max(1) {
            self.arrange(most);
        }
    }

    /// Gives the records in their order and says how many were left out.
    ///
    /// # Errors
    ///
    /// That of whoever takes them.
    pub(super) fn finish<E>(mut self, most: usize, mut give: impl FnMut(&Record) -> Result<(), E>) -> Result<usize, E> {
        self.arrange(most);
        self.kept.iter().try_for_each(|(_, _, record)| give(record))?;
        Ok(self.seen - self.kept.len())
    }

    fn arrange(&mut self, most: usize) {
        let descends = self.descends;
        self.kept.sort_by(|(one, first, _), (other, second, _)| {
            let order = one.cmp(other);
            if descends { order.reverse() } else { order }.then(first.cmp(second))
        });
        self.kept.truncate(most);
    }
}
