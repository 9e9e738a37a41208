//! Chance that can be had again.

use std::time::{SystemTime, UNIX_EPOCH};

/// Numbers from a seed (SplitMix64).
pub(super) struct Dice(u64);

impl Dice {
    /// From `COURIER_SOAK_SEED`, or from the clock. The seed is printed: the output of a test that fails shows it.
    pub(super) fn new() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let seed = super::setting("COURIER_SOAK_SEED", u64::from(now.subsec_nanos()));
        println!("COURIER_SOAK_SEED={seed}");
        Self(seed)
    }

    /// A number below `end`.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}
