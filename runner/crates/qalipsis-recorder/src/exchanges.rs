//! What a minion exchanged in its current iteration, for evidence.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use tokio::time::Instant;

/// What a plugin leaves with the minion to be shown if this or a later step of the iteration fails.
pub type Exchange = Arc<dyn Exchanged>;

/// One exchange with the system under test: a request and its answer, a statement and its rows, a record.
///
/// It is formatted only when evidence is made of it. Secrets must not appear.
pub trait Exchanged: Send + Sync {
    /// One line with method, target, status and time: `POST http://127.0.0.1:8080/orders → 202 in 3.1 ms`.
    fn summary(&self) -> String;

    /// All that is known of it: the request line, then bodies, then headers. Evidence shows its beginning.
    fn details(&self) -> String;
}

/// A text as it is; its first line is the summary.
impl Exchanged for String {
    fn summary(&self) -> String {
        self.lines().next().unwrap_or_default().to_owned()
    }

    fn details(&self) -> String {
        self.clone()
    }
}

/// How many exchanges are kept from the beginning of an iteration.
const FIRST: usize = qalipsis_model::evidence::FIRST_EXCHANGES;
/// How many are kept from its end.
const LAST: usize = 24;

/// The first and the last exchanges of an iteration. Without any it owns no memory.
#[derive(Default)]
pub struct Exchanges {
    first: Vec<Remembered>,
    last: VecDeque<Remembered>,
    omitted: u32,
}

/// One exchange, formatted only when evidence is made of it.
#[derive(Clone)]
pub struct Remembered {
    /// Index of the step.
    pub step: u32,
    /// When it began, or when the record came.
    pub at: Instant,
    /// What was exchanged.
    pub exchange: Exchange,
}

impl fmt::Debug for Exchanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchanges").field("omitted", &self.omitted).finish_non_exhaustive()
    }
}

impl fmt::Debug for Remembered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remembered").field("step", &self.step).finish_non_exhaustive()
    }
}

impl Exchanges {
    /// Adds one; of too many, one in the middle is forgotten.
    pub fn push(&mut self, one: Remembered) {
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
    pub fn clear(&mut self) {
        self.first.clear();
        self.last.clear();
        self.omitted = 0;
    }

    /// All that are kept in order of time, and how many are not.
    pub fn all(&self) -> (Vec<Remembered>, u32) {
        let mut all: Vec<Remembered> = self.first.iter().chain(&self.last).cloned().collect();
        all.sort_by_key(|one| one.at);
        (all, self.omitted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
