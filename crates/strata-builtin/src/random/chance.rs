//! Where chance comes from: the system, or a seed.

use sha2::{Digest, Sha256};
use strata_core::Diagnostics;

use crate::failure::failed;

/// A source of chance.
pub(crate) enum Chance {
    /// The system's, fit for secrets.
    System,
    /// The same for the same seed: SHA-256 over the seed and a counter. Never for secrets.
    Seeded { seed: String, counter: u64 },
}

impl Chance {
    /// By a seed if there is one.
    pub(crate) fn new(seed: Option<&str>) -> Self {
        match seed.filter(|seed| !seed.is_empty()) {
            Some(seed) => Self::Seeded {
                seed: seed.to_owned(),
                counter: 0,
            },
            None => Self::System,
        }
    }

    /// Fills a buffer.
    pub(crate) fn fill(&mut self, buffer: &mut [u8]) -> Result<(), Diagnostics> {
        match self {
            Chance::System => aws_lc_rs::rand::fill(buffer)
                .map_err(|_| failed("Random Read Error", "The system gave no random bytes.")),
            Chance::Seeded { seed, counter } => {
                for chunk in buffer.chunks_mut(32) {
                    *counter += 1;
                    let hash = Sha256::new()
                        .chain_update(counter.to_be_bytes())
                        .chain_update(seed.as_bytes())
                        .finalize();
                    chunk.copy_from_slice(&hash[..chunk.len()]);
                }
                Ok(())
            }
        }
    }

    /// So many bytes.
    pub(crate) fn bytes(&mut self, count: usize) -> Result<Vec<u8>, Diagnostics> {
        let mut bytes = vec![0; count];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    /// A number below `end`, each equally likely; 0 if `end` is 0.
    pub(crate) fn below(&mut self, end: u64) -> Result<u64, Diagnostics> {
        if end == 0 {
            return Ok(0);
        }
        // Numbers past the last whole multiple of `end` would favour small results: they are drawn again.
        let past = u64::MAX - u64::MAX % end;
        loop {
            let mut bytes = [0; 8];
            self.fill(&mut bytes)?;
            let drawn = u64::from_be_bytes(bytes);
            if drawn < past {
                return Ok(drawn % end);
            }
        }
    }

    /// One of these; they are not none.
    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> Result<&'a T, Diagnostics> {
        let at = self.below(items.len() as u64)?;
        Ok(&items[usize::try_from(at).unwrap_or(0)])
    }

    /// Puts items in an order, each equally likely.
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) -> Result<(), Diagnostics> {
        for end in (1..items.len()).rev() {
            let at = self.below(end as u64 + 1)?;
            items.swap(end, usize::try_from(at).unwrap_or(0));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_again() {
        let draw = |seed| {
            let mut chance = Chance::new(Some(seed));
            (0..20)
                .map(|_| chance.below(1000).unwrap())
                .collect::<Vec<_>>()
        };
        assert_eq!(draw("a"), draw("a"));
        assert_ne!(draw("a"), draw("b"));
    }

    #[test]
    fn every_number_below_the_end_comes_up() {
        let mut chance = Chance::new(None);
        let drawn: std::collections::BTreeSet<u64> =
            (0..500).map(|_| chance.below(5).unwrap()).collect();
        assert_eq!(drawn, (0..5).collect());
    }
}
