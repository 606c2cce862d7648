//! Every value that occurs in a recording, by field.

use agentsnoop_pipeline::filter::{Terms, Values};
use hashbrown::HashMap;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

/// Bytes of all values. Beyond, the field with the most is not kept, and lets every block through.
const BYTES: usize = 64 * 1024 * 1024;

/// Bytes that an entry takes beside its value.
const ENTRY_BYTES: usize = 64;

/// The values of each field, numbered in the order in which they came.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Dictionary {
    /// `None` for a field with too many.
    fields: Vec<Option<Vec<ByteBuf>>>,
}

impl Values for Dictionary {
    fn count(&self, field: usize) -> Option<usize> {
        Some(self.fields.get(field)?.as_ref()?.len())
    }

    fn value(&self, field: usize, number: usize) -> &[u8] {
        let values = self.fields.get(field).and_then(Option::as_ref);
        values.and_then(|values| values.get(number)).map_or(&[], |value| value.as_slice())
    }
}

/// Numbers values while they come.
#[derive(Debug)]
pub(super) struct Numbers {
    fields: Vec<Option<Field>>,
    bytes: usize,
    most: usize,
    /// A field that was just left out.
    left_out: Option<usize>,
}

#[derive(Debug, Default)]
struct Field {
    numbers: HashMap<Box<[u8]>, Known>,
    bytes: usize,
    /// The value that came last, which often comes again at once.
    last: Vec<u8>,
    /// The part for which it came.
    last_part: Option<u32>,
}

/// A value that is numbered.
#[derive(Clone, Copy, Debug)]
struct Known {
    number: u32,
    /// The part for which it came last.
    part: u32,
}

impl Default for Numbers {
    fn default() -> Self {
        Self::within(BYTES)
    }
}

impl Numbers {
    fn within(most: usize) -> Self {
        Self { fields: (0..Terms::FIELDS).map(|_| Some(Field::default())).collect(), bytes: 0, most, left_out: None }
    }

    /// The number of a value, where it has not come for this part yet; `None` also for one of a field that is not kept.
    pub(super) fn new_in(&mut self, part: u32, field: usize, value: &[u8]) -> Option<u32> {
        let known = self.fields.get_mut(field)?.as_mut()?;
        if known.last_part == Some(part) && known.last == value {
            return None;
        }
        known.last_part = Some(part);
        known.last.clear();
        known.last.extend_from_slice(value);
        if let Some(found) = known.numbers.get_mut(value) {
            let is_new = std::mem::replace(&mut found.part, part) != part;
            return is_new.then_some(found.number);
        }
        let number = known.numbers.len() as u32;
        known.numbers.insert(value.into(), Known { number, part });
        known.bytes += value.len() + ENTRY_BYTES;
        self.bytes += value.len() + ENTRY_BYTES;
        if self.bytes > self.most {
            self.leave_out();
        }
        self.fields.get(field)?.as_ref().map(|_| number)
    }

    /// Leaves out the field with the most bytes.
    fn leave_out(&mut self) {
        let size = |field: &Option<Field>| field.as_ref().map_or(0, |field| field.bytes);
        if let Some((number, largest)) = self.fields.iter_mut().enumerate().max_by_key(|(_, field)| size(field)) {
            self.bytes -= size(largest);
            *largest = None;
            self.left_out = Some(number);
        }
    }

    /// A field that was left out since the last call.
    pub(super) const fn left_out(&mut self) -> Option<usize> {
        self.left_out.take()
    }

    pub(super) fn finish(self) -> Dictionary {
        let field = |field: Option<Field>| {
            let numbers = field?.numbers;
            let mut values = vec![ByteBuf::new(); numbers.len()];
            for (value, known) in numbers {
                if let Some(place) = values.get_mut(known.number as usize) {
                    *place = ByteBuf::from(value.into_vec());
                }
            }
            Some(values)
        };
        Dictionary { fields: self.fields.into_iter().map(field).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_told_once_a_part_and_keeps_its_number() {
        let mut numbers = Numbers::default();
        let mut told = |part, value: &str| numbers.new_in(part, 0, value.as_bytes());
        assert_eq!([told(0, "a"), told(0, "b"), told(0, "a"), told(0, "b")], [Some(0), Some(1), None, None]);
        assert_eq!([told(1, "b"), told(1, "b"), told(2, "a")], [Some(1), None, Some(0)]);
    }

    #[test]
    fn of_more_values_than_fit_the_field_with_the_most_is_left_out() {
        let mut numbers = Numbers::within(10 * ENTRY_BYTES);
        assert_eq!(numbers.new_in(0, 1, b"of another field"), Some(0));
        for value in 0..1000_u32 {
            let _ = numbers.new_in(0, 0, &value.to_le_bytes());
        }
        assert_eq!(numbers.new_in(1, 1, b"of another field"), Some(0));
        let values = numbers.finish();
        assert_eq!([values.count(0), values.count(1), values.count(2)], [None, Some(1), Some(0)]);
    }
}
