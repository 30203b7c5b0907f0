//! Which orders a fault hits: decided by the order's id and the seed alone.

use uuid::Uuid;

/// A fault that hits a share of the orders. The number is part of the hash, so that two faults of the
/// same percentage hit different orders.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// The fulfilled event is never sent.
    Drop = 1,
    /// The fulfilled event carries one piece too many.
    WrongQuantity = 2,
    /// The fulfilled event is sent twice.
    Duplicate = 3,
    /// The fulfilled event is sent later than it could be.
    Late = 4,
    /// The request is answered with 503, nothing is published.
    Error = 5,
    /// An undecodable record goes to `orders.fulfilled` besides the event.
    Garbage = 6,
    /// The request is never answered, nothing is published.
    Hang = 7,
    /// The row is never written.
    DropRow = 8,
    /// The row has one piece too many.
    WrongRow = 9,
    /// The order comes to the database later than it could.
    LateRow = 10,
    /// The order is never cached.
    DropCache = 11,
    /// The event never goes to the exchange.
    DropMessage = 12,
    /// The event goes to the exchange twice.
    DuplicateMessage = 13,
}

/// Percentage of orders hit by each fault, 0 to 100, and the seed of the choice.
#[derive(Clone, Debug)]
pub(crate) struct Faults {
    pub(crate) seed: u64,
    pub(crate) drop_percent: f64,
    pub(crate) wrong_quantity_percent: f64,
    pub(crate) duplicate_percent: f64,
    pub(crate) late_percent: f64,
    pub(crate) error_percent: f64,
    pub(crate) garbage_percent: f64,
    pub(crate) hang_percent: f64,
    pub(crate) drop_row_percent: f64,
    pub(crate) wrong_row_percent: f64,
    pub(crate) late_row_percent: f64,
    pub(crate) drop_cache_percent: f64,
    pub(crate) drop_message_percent: f64,
    pub(crate) duplicate_message_percent: f64,
}

impl Faults {
    /// Whether `fault` hits the order, whenever and in whatever order it arrives.
    pub(crate) fn hit(&self, fault: Fault, order: Uuid) -> bool {
        let percent = match fault {
            Fault::Drop => self.drop_percent,
            Fault::WrongQuantity => self.wrong_quantity_percent,
            Fault::Duplicate => self.duplicate_percent,
            Fault::Late => self.late_percent,
            Fault::Error => self.error_percent,
            Fault::Garbage => self.garbage_percent,
            Fault::Hang => self.hang_percent,
            Fault::DropRow => self.drop_row_percent,
            Fault::WrongRow => self.wrong_row_percent,
            Fault::LateRow => self.late_row_percent,
            Fault::DropCache => self.drop_cache_percent,
            Fault::DropMessage => self.drop_message_percent,
            Fault::DuplicateMessage => self.duplicate_message_percent,
        };
        // The point lies in [0, 1), so 0 % hits nothing and 100 % everything.
        point(self.seed, fault, order) < percent / 100.0
    }
}

/// A point in [0, 1) that is spread evenly over order ids.
fn point(seed: u64, fault: Fault, order: Uuid) -> f64 {
    let (high, low) = order.as_u64_pair();
    let hash = [fault as u64, high, low].into_iter().fold(mix(seed), |hash, word| mix(hash ^ word));
    // 53 bits are what an f64 holds exactly.
    (hash >> 11) as f64 / (1_u64 << 53) as f64
}

/// The finaliser of SplitMix64: every bit of the input changes half of the output.
fn mix(word: u64) -> u64 {
    let word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(seed: u64, percent: f64) -> Faults {
        Faults {
            seed,
            drop_percent: percent,
            wrong_quantity_percent: percent,
            duplicate_percent: percent,
            late_percent: percent,
            error_percent: percent,
            garbage_percent: percent,
            hang_percent: percent,
            drop_row_percent: percent,
            wrong_row_percent: percent,
            late_row_percent: percent,
            drop_cache_percent: percent,
            drop_message_percent: percent,
            duplicate_message_percent: percent,
        }
    }

    fn hits(faults: &Faults, fault: Fault) -> Vec<u128> {
        (0..100_000).filter(|id| faults.hit(fault, Uuid::from_u128(*id))).collect()
    }

    #[test]
    fn hits_the_share_asked_for() {
        // Three standard deviations of a binomial distribution on each side.
        for (percent, expected, spread) in [(0.1, 100, 30), (1.0, 1_000, 95), (50.0, 50_000, 475)] {
            let count = hits(&faults(7, percent), Fault::Drop).len();
            assert!(count.abs_diff(expected) <= spread, "{percent} % hit {count} of 100000");
        }
    }

    #[test]
    fn hits_none_at_zero_and_all_at_a_hundred() {
        assert_eq!(hits(&faults(7, 0.0), Fault::Drop).len(), 0);
        assert_eq!(hits(&faults(7, 100.0), Fault::Drop).len(), 100_000);
    }

    #[test]
    fn depends_on_seed_and_fault() {
        let first = hits(&faults(1, 10.0), Fault::Drop);
        assert_eq!(first, hits(&faults(1, 10.0), Fault::Drop));
        assert_ne!(first, hits(&faults(2, 10.0), Fault::Drop));
        assert_ne!(first, hits(&faults(1, 10.0), Fault::Late));
    }
}
