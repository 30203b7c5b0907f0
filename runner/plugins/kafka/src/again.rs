//! What has to be assigned once more while reading goes on.

use crate::position::{Partition, Starts};
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::Instant;

/// A partition that has begun again is not begun again for so long for the same reason: the client says several times
/// that a topic was made again.
const BEGUN: Duration = Duration::from_secs(10);

/// Partitions that have to be assigned once more, and why.
#[derive(Default)]
pub(crate) struct Again {
    pub(crate) added: Vec<Partition>,
    pub(crate) out_of_range: bool,
    /// Those of topics that were deleted and made again, which are read from their beginning.
    begins: Vec<Partition>,
    /// Up to when nothing was known to be lost when the first of these topics was heard of.
    complete: Option<Instant>,
}

impl Again {
    pub(crate) fn is_wanted(&self) -> bool {
        self.out_of_range || !self.added.is_empty() || !self.begins.is_empty()
    }

    /// A topic was deleted and made again. All of it was read up to `complete`.
    pub(crate) fn made_again(&mut self, topic: &str, starts: &Starts, begun: &Begun, complete: Instant) {
        let begins = starts.keys().filter(|partition| partition.0 == topic && !begun.recently(partition));
        self.begins.extend(begins.cloned());
        if !self.begins.is_empty() {
            self.complete.get_or_insert(complete);
        }
    }

    /// Whether a partition is going to be read from its beginning, its records of until now included.
    pub(crate) fn begins(&self, topic: &str, partition: i32) -> bool {
        self.begins.iter().any(|begins| begins.1 == partition && begins.0 == topic)
    }

    /// From when on something may have been lost, if nothing was up to `complete`.
    pub(crate) fn lost_since(&self, complete: Instant) -> Instant {
        self.complete.unwrap_or(complete)
    }
}

/// When partitions were begun again.
#[derive(Default)]
pub(crate) struct Begun(HashMap<Partition, Instant>);

impl Begun {
    pub(crate) fn now(&mut self, partition: &Partition) {
        self.0.insert(partition.clone(), Instant::now());
    }

    fn recently(&self, partition: &Partition) -> bool {
        self.0.get(partition).is_some_and(|at| at.elapsed() <= BEGUN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Else records are dropped that nobody reads again.
    #[tokio::test(start_paused = true)]
    async fn law1_what_is_dropped_is_what_is_read_again() {
        let partition = ("orders".to_owned(), 0);
        let starts = Starts::from([(partition.clone(), 7), (("refunds".to_owned(), 0), 7)]);
        let (mut begun, complete) = (Begun::default(), Instant::now());
        let mut again = Again::default();
        again.made_again("orders", &starts, &begun, complete);
        assert!(again.is_wanted() && again.begins("orders", 0));
        assert!(!again.begins("refunds", 0) && !again.begins("orders", 1));
        begun.now(&partition);
        for (after, begins) in [(1, false), (11, true)] {
            tokio::time::advance(Duration::from_secs(after)).await;
            let mut again = Again::default();
            again.made_again("orders", &starts, &begun, Instant::now());
            assert_eq!((again.begins("orders", 0), again.is_wanted()), (begins, begins), "after {after} s");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn law1_what_is_known_later_does_not_shorten_what_may_be_lost() {
        let (starts, heard) = (Starts::from([(("orders".to_owned(), 0), 7)]), Instant::now());
        let mut again = Again::default();
        again.made_again("orders", &starts, &Begun::default(), heard);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(again.lost_since(Instant::now()), heard);
        assert_eq!(Again::default().lost_since(Instant::now()), Instant::now());
    }
}
