//! A list that can be copied for next to nothing, so that moments of a model can be kept.

use std::sync::Arc;

/// Things that are copied together when one of them changes after the list was copied: few enough that this costs microseconds.
pub const PIECE: usize = 256;

/// A list in pieces, which its copies share until one of them changes.
#[derive(Debug)]
pub struct Pieces<T> {
    /// All but the last one have [`PIECE`] things.
    pieces: Vec<Arc<Vec<T>>>,
}

impl<T> Default for Pieces<T> {
    fn default() -> Self {
        Self { pieces: Vec::new() }
    }
}

impl<T> Clone for Pieces<T> {
    fn clone(&self) -> Self {
        Self { pieces: self.pieces.clone() }
    }
}

impl<T> Pieces<T> {
    /// A list of these pieces; `None` where one that is not the last is not full, or the last one is empty.
    #[must_use]
    pub fn of(pieces: Vec<Arc<Vec<T>>>) -> Option<Self> {
        let (last, full) = pieces.split_last().map_or((0, &[][..]), |(last, full)| (last.len(), full));
        let is_sound = pieces.is_empty() || (1..=PIECE).contains(&last);
        (is_sound && full.iter().all(|piece| piece.len() == PIECE)).then_some(Self { pieces })
    }

    /// The pieces.
    #[must_use]
    pub fn pieces(&self) -> &[Arc<Vec<T>>] {
        &self.pieces
    }

    /// How many things there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pieces.last().map_or(0, |last| (self.pieces.len() - 1) * PIECE + last.len())
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// A thing.
    #[must_use]
    pub fn get(&self, place: usize) -> Option<&T> {
        self.pieces.get(place / PIECE)?.get(place % PIECE)
    }

    /// All things, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.pieces.iter().flat_map(|piece| piece.iter())
    }
}

impl<T: Clone> Pieces<T> {
    /// A thing, to change it.
    pub fn get_mut(&mut self, place: usize) -> Option<&mut T> {
        let piece = self.pieces.get_mut(place / PIECE)?;
        Arc::make_mut(piece).get_mut(place % PIECE)
    }

    /// Adds a thing at the end.
    pub fn push(&mut self, thing: T) {
        match self.pieces.last_mut().filter(|piece| piece.len() < PIECE) {
            Some(piece) => Arc::make_mut(piece).push(thing),
            None => {
                let mut piece = Vec::with_capacity(PIECE);
                piece.push(thing);
                self.pieces.push(Arc::new(piece));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_stays_as_it_was_and_shares_what_has_not_changed() {
        let mut list = Pieces::default();
        assert!(list.is_empty() && list.get(0).is_none());
        for number in 0..PIECE * 3 + 5 {
            list.push(number);
        }
        let before = list.clone();
        for place in [0, PIECE * 3 + 4] {
            if let Some(thing) = list.get_mut(place) {
                *thing = usize::MAX;
            }
        }
        list.push(7);
        assert_eq!((before.len(), list.len()), (PIECE * 3 + 5, PIECE * 3 + 6));
        assert!(before.iter().copied().eq(0..PIECE * 3 + 5));
        assert_eq!((list.get(0), list.get(1)), (Some(&usize::MAX), Some(&1)));
        let shared = |at: usize| Arc::ptr_eq(&before.pieces()[at], &list.pieces()[at]);
        assert_eq!([0, 1, 2, 3].map(shared), [false, true, true, false]);
    }

    #[test]
    fn pieces_that_are_not_full_are_no_list() {
        let of = |lengths: &[usize]| Pieces::of(lengths.iter().map(|len| Arc::new(vec![0; *len])).collect());
        assert!(of(&[]).is_some_and(|list| list.is_empty()));
        assert!(of(&[PIECE, 3]).is_some_and(|list| list.len() == PIECE + 3));
        for lengths in [&[3, PIECE][..], &[PIECE, 0], &[0], &[PIECE + 1]] {
            assert!(of(lengths).is_none(), "{lengths:?}");
        }
    }
}
