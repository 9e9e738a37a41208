//! Which bytes of a file have been moved.

use std::collections::BTreeMap;

/// Ranges that may arrive in any order, and how far they reach without a hole.
#[derive(Debug)]
pub struct Ranges {
    reached: u64,
    /// Beyond the first hole: start and end.
    beyond: BTreeMap<u64, u64>,
}

impl Ranges {
    /// Everything before `offset` counts as there.
    pub fn from(offset: u64) -> Self {
        Self {
            reached: offset,
            beyond: BTreeMap::new(),
        }
    }

    /// Everything before this is there.
    pub fn reached(&self) -> u64 {
        self.reached
    }

    /// Adds a range; true where [`reached`](Self::reached) moved on.
    pub fn add(&mut self, start: u64, end: u64) -> bool {
        if start > self.reached {
            let known = self.beyond.entry(start).or_insert(end);
            *known = end.max(*known);
            return false;
        }
        let before = self.reached;
        self.reached = before.max(end);
        while let Some(first) = self.beyond.first_entry().filter(|e| *e.key() <= self.reached) {
            self.reached = self.reached.max(first.remove());
        }
        self.reached > before
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_order_ends_at_the_end(order in Just((0..40u64).collect::<Vec<_>>()).prop_shuffle()) {
            let mut ranges = Ranges::from(0);
            let mut seen = [false; 40];
            for i in order {
                ranges.add(i * 10, i * 10 + 10);
                seen[usize::try_from(i).unwrap()] = true;
                let prefix = seen.iter().take_while(|s| **s).count() as u64;
                prop_assert_eq!(ranges.reached(), prefix * 10);
            }
            prop_assert_eq!(ranges.reached(), 400);
        }
    }
}
