//! Loops of a fixed length, for counting instructions where times say little: on a machine that others use.

use std::env;

/// Names one benchmark and how often it runs: `uuid=1500`.
const VARIABLE: &str = "QALIPSIS_BENCH_COUNT";

/// When the environment asks for a count, runs `round` as often as it says, if it is the benchmark `name` that is
/// counted, and gives true: then nothing is timed.
///
/// # Panics
/// When the environment asks for something else.
pub fn is_counted(name: &str, mut round: impl FnMut()) -> bool {
    let Ok(wanted) = env::var(VARIABLE) else { return false };
    let parts = wanted.split_once('=').and_then(|(name, rounds)| Some((name, rounds.parse::<u64>().ok()?)));
    let (counted, rounds) = parts.unwrap_or_else(|| panic!("{VARIABLE} is '{wanted}', not like 'uuid=1500'"));
    if counted == name {
        (0..rounds).for_each(|_| round());
    }
    true
}
