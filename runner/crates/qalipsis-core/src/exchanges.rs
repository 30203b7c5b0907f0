//! What a minion exchanged in its current iteration, for evidence.

use crate::execution::Exchange;
use std::collections::VecDeque;
use tokio::time::Instant;

/// How many exchanges are kept from the beginning of an iteration.
const FIRST: usize = qalipsis_model::evidence::FIRST_EXCHANGES;
/// How many are kept from its end.
const LAST: usize = 24;

/// The first and the last exchanges of an iteration. Without any it owns no memory.
#[derive(Default)]
pub(crate) struct Exchanges {
    first: Vec<Remembered>,
    last: VecDeque<Remembered>,
    omitted: u32,
}

/// One exchange, formatted only when evidence is made of it.
#[derive(Clone)]
pub(crate) struct Remembered {
    /// Index of the step.
    pub(crate) step: u32,
    /// When it began, or when the record came.
    pub(crate) at: Instant,
    pub(crate) exchange: Exchange,
}

impl Exchanges {
    /// Adds one; of too many, one in the middle is forgotten.
    pub(crate) fn push(&mut self, one: Remembered) {
        if self.first.len() < FIRST {
            self.first.push(one);
            return;
        }
        if self.last.len() == LAST {
            self.last.pop_front();
            self.omitted = self.omitted.saturating_add(1);
        }
        self.last.push_back(one);
    }

    /// Forgets all.
    pub(crate) fn clear(&mut self) {
        self.first.clear();
        self.last.clear();
        self.omitted = 0;
    }

    /// All that are kept in order of time, and how many are not.
    pub(crate) fn all(&self) -> (Vec<Remembered>, u32) {
        let mut all: Vec<Remembered> = self.first.iter().chain(&self.last).cloned().collect();
        all.sort_by_key(|one| one.at);
        (all, self.omitted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[tokio::test]
    async fn the_first_and_the_last_are_kept_and_the_others_counted() {
        let mut exchanges = Exchanges::default();
        let began = Instant::now();
        for n in 0..40_u32 {
            let at = began + std::time::Duration::from_millis(n.into());
            exchanges.push(Remembered { step: n, at, exchange: Arc::new(n.to_string()) });
        }
        let (all, omitted) = exchanges.all();
        let kept: Vec<u32> = all.iter().map(|one| one.step).collect();
        assert_eq!(kept, (0..8).chain(16..40).collect::<Vec<_>>());
        assert_eq!(omitted, 8);
        exchanges.clear();
        assert_eq!((exchanges.all().0.len(), exchanges.all().1), (0, 0));
    }
}
