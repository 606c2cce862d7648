//! Random numbers that a failure can be repeated with.

/// Sets the seed, a number.
pub const SEED: &str = "AGENTSNOOP_SEED";

/// A source of random numbers and its seed, which is printed: that of [`SEED`], or another one each time.
#[must_use]
pub fn seeded() -> (fastrand::Rng, u64) {
    let seed = std::env::var(SEED).ok().and_then(|text| text.parse().ok()).unwrap_or_else(|| fastrand::u64(..));
    eprintln!("{SEED}={seed} does this again");
    (fastrand::Rng::with_seed(seed), seed)
}
