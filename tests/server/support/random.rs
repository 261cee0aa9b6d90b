//! Reproducible randomness: a seeded generator (splitmix64).

/// A generator; the seed is printed when a test that uses one fails.
pub(crate) struct Random {
    seed: Option<u64>,
    state: u64,
}

impl Random {
    /// `STEWARD_SEED` overrides the given seed.
    pub(crate) fn new(seed: u64) -> Random {
        let seed = std::env::var("STEWARD_SEED")
            .ok()
            .and_then(|text| text.parse().ok())
            .unwrap_or(seed);
        Random {
            seed: Some(seed),
            state: seed,
        }
    }

    /// One of exactly this seed, of which the caller tells.
    pub(crate) fn of(seed: u64) -> Random {
        Random {
            seed: None,
            state: seed,
        }
    }

    /// Any number.
    pub(crate) fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.number() % end as u64) as usize
    }

    /// True once in `n` times.
    pub(crate) fn once_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// One of these.
    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

impl Drop for Random {
    fn drop(&mut self) {
        if let Some(seed) = self.seed.filter(|_| std::thread::panicking()) {
            eprintln!("again with STEWARD_SEED={seed}");
        }
    }
}
