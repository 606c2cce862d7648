//! What occurs in a part, as small as it is held.

use serde::{Deserialize, Serialize};

/// Lists of numbers, one for each field, in one piece of memory: an index has tens of thousands of parts, and as many small lists in
/// each as there are fields, which would leave the allocator with more holes than numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Lists {
    numbers: Box<[u32]>,
    /// By field, where its numbers end.
    ends: Box<[u32]>,
}

impl Lists {
    /// Packs lists.
    pub(super) fn new(lists: &[Vec<u32>]) -> Self {
        let mut end = 0;
        let mut after = |list: &Vec<u32>| {
            end += list.len() as u32;
            end
        };
        Self { ends: lists.iter().map(&mut after).collect(), numbers: lists.concat().into() }
    }

    /// The numbers of a field.
    pub(super) fn of(&self, field: usize) -> &[u32] {
        let end = |field: usize| self.ends.get(field).map_or(0, |end| *end as usize);
        let begin = field.checked_sub(1).map_or(0, end);
        self.numbers.get(begin..end(field)).unwrap_or_default()
    }

    /// All of them.
    pub(super) fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Each list, to be changed and packed again.
    pub(super) fn unpack(&self) -> Vec<Vec<u32>> {
        (0..self.ends.len()).map(|field| self.of(field).to_vec()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_come_out_as_they_went_in() {
        let lists = vec![vec![], vec![3, 1], vec![], vec![7], vec![]];
        let packed = Lists::new(&lists);
        assert_eq!(packed.unpack(), lists);
        assert_eq!((packed.of(1), packed.of(3), packed.of(9), packed.len()), (&[3, 1][..], &[7][..], &[][..], 3));
        assert_eq!(Lists::default().of(0), [0; 0]);
    }
}
