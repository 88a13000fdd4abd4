//! Random numbers from a printed seed.

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The seed is `GUICHET_TEST_SEED` if set. It is printed, to reproduce a failure.
    pub fn printed(run: &str) -> Self {
        let given = std::env::var("GUICHET_TEST_SEED").ok().and_then(|text| text.parse().ok());
        let seed = given.unwrap_or_else(|| uuid::Uuid::new_v4().as_u64_pair().0);
        println!("{run}: GUICHET_TEST_SEED={seed}");
        Self(seed)
    }

    pub fn between(&mut self, least: u64, below: u64) -> u64 {
        least + self.next() % (below - least)
    }

    /// An independent generator, so that threads do not influence each other.
    pub fn split(&mut self) -> Self {
        Self(self.next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}
