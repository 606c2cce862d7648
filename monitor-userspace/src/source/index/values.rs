//! Every value that occurs in a recording, by field.

use agentsnoop_pipeline::filter::{Terms, Values};
use hashbrown::HashMap;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

/// Bytes of the values of one field; a field with more is not kept, and lets every block through.
const FIELD_BYTES: usize = 64 * 1024 * 1024;

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
}

#[derive(Debug, Default)]
struct Field {
    numbers: HashMap<Box<[u8]>, Known>,
    bytes: usize,
    /// The value that came last, which often comes again at once.
    last: Vec<u8>,
    /// The block for which it came.
    last_block: Option<u32>,
}

/// A value that is numbered.
#[derive(Clone, Copy, Debug)]
struct Known {
    number: u32,
    /// The block for which it came last.
    block: u32,
}

impl Default for Numbers {
    fn default() -> Self {
        Self { fields: (0..Terms::FIELDS).map(|_| Some(Field::default())).collect() }
    }
}

impl Numbers {
    /// The number of a value, where it has not come for this block yet; `None` also for one of a field with too many.
    pub(super) fn new_in(&mut self, block: u32, field: usize, value: &[u8]) -> Option<u32> {
        let kept = self.fields.get_mut(field)?;
        let known = kept.as_mut()?;
        if known.last_block == Some(block) && known.last == value {
            return None;
        }
        known.last_block = Some(block);
        known.last.clear();
        known.last.extend_from_slice(value);
        if let Some(found) = known.numbers.get_mut(value) {
            let is_new = std::mem::replace(&mut found.block, block) != block;
            return is_new.then_some(found.number);
        }
        known.bytes += value.len() + ENTRY_BYTES;
        if known.bytes > FIELD_BYTES {
            *kept = None;
            return None;
        }
        let number = known.numbers.len() as u32;
        known.numbers.insert(value.into(), Known { number, block });
        Some(number)
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
