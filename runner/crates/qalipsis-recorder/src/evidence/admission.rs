//! How many failures of each group were admitted as evidence, without a lock.

use qalipsis_model::evidence::FailureKind;
use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

/// Places of one table.
const PLACES: usize = 1 << 10;

/// The places of a table in which a group can be.
const PROBED: usize = 8;

/// Scenario, step and kind of failures that are admitted together.
pub(super) type Group = (usize, Option<u32>, FailureKind);

/// The counts of all groups that ever failed. A group has a place from its first failure on, in this table or, where
/// its places here are taken, in the next.
pub(super) struct Admission {
    places: Box<[Place; PLACES]>,
    next: OnceLock<Box<Admission>>,
}

/// The count of one group.
struct Place {
    /// Which group it is of; 0 while it is free.
    group: AtomicU64,
    admitted: AtomicU32,
}

impl Default for Admission {
    fn default() -> Self {
        let places = [const { Place { group: AtomicU64::new(0), admitted: AtomicU32::new(0) } }; PLACES];
        Self { places: Box::new(places), next: OnceLock::new() }
    }
}

impl Admission {
    /// Whether one more failure of a group is within its limit.
    pub(super) fn admit(&self, group: Group, limit: u32) -> bool {
        let admitted = &self.place(number(group)).admitted;
        // Most failures come when the limit was reached long ago, and then a read is all that they cost.
        admitted.load(Relaxed) < limit && admitted.fetch_add(1, Relaxed) < limit
    }

    /// The place of a group, from now on if it had none.
    fn place(&self, group: u64) -> &Place {
        let mut table = self;
        loop {
            // Neighbours are of steps and kinds that fail together; the factor is that of Fibonacci hashing.
            let first = (group.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize;
            for offset in 0..PROBED {
                let place = &table.places[(first + offset) % PLACES];
                if place.is_of(group) {
                    return place;
                }
            }
            table = table.next.get_or_init(Box::default);
        }
    }
}

impl Place {
    /// Whether it is the group's, which takes it when it is free.
    fn is_of(&self, group: u64) -> bool {
        match self.group.load(Relaxed) {
            0 => match self.group.compare_exchange(0, group, Relaxed, Relaxed) {
                Ok(_) => true,
                Err(other) => other == group,
            },
            other => other == group,
        }
    }
}

impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admission").finish_non_exhaustive()
    }
}

/// A number above 0 that no other group has.
fn number((scenario, step, kind): Group) -> u64 {
    let step = step.map_or(0, |step| u64::from(step) + 1);
    // Steps have 33 bits; a scenario beyond the rest is more than fits into memory.
    (scenario as u64) << 40 | step << 6 | (kind as u64 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: [FailureKind; 3] = [FailureKind::Error, FailureKind::Timeout, FailureKind::NoData];

    #[test]
    fn each_group_has_its_own_limit_however_many_there_are() {
        let admission = Admission::default();
        let mut groups = Vec::new();
        for scenario in 0..10 {
            let steps = (0..100).map(Some).chain([None]);
            groups.extend(steps.flat_map(|step| KINDS.map(|kind| (scenario, step, kind))));
        }
        for round in 0..7 {
            for group in &groups {
                assert_eq!(admission.admit(*group, 5), round < 5, "{group:?} in round {round}");
            }
        }
        assert!(admission.next.get().is_some(), "more groups than one table has places");
    }

    #[test]
    fn several_threads_are_given_exactly_what_the_limit_allows() {
        let admission = Admission::default();
        let admitted = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for group in (0..10_000).map(|n| (0, Some(n % 500), FailureKind::Error)) {
                        admitted.fetch_add(u32::from(admission.admit(group, 5)), Relaxed);
                    }
                });
            }
        });
        assert_eq!(admitted.into_inner(), 500 * 5);
    }

    #[test]
    fn numbers_of_groups_differ() {
        let steps = [None, Some(0), Some(1), Some(u32::MAX)];
        let mut numbers: Vec<u64> = (0..3)
            .flat_map(|scenario| steps.map(|step| (scenario, step)))
            .flat_map(|(scenario, step)| KINDS.map(|kind| number((scenario, step, kind))))
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), 3 * steps.len() * KINDS.len());
        assert!(numbers[0] > 0);
    }
}
