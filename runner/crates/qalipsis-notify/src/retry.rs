//! Trying again, within a limit.

use std::time::{Duration, Instant};

/// All tries of one notification end by then, before nobody waits for them any longer.
pub(crate) const LIMIT: Duration = Duration::from_secs(25);

/// How long a server may take for one answer.
pub(crate) const ANSWER: Duration = Duration::from_secs(8);

/// Tries of one message.
pub(crate) const TRIES: u32 = 4;

/// Why a try failed.
#[derive(Debug)]
pub(crate) struct Failed {
    /// For people, without secrets.
    pub(crate) why: String,
    /// When the server wants to be asked again.
    pub(crate) after: Option<Duration>,
    /// Whether another try would fail as well.
    pub(crate) permanent: bool,
}

impl Failed {
    /// Another try may succeed.
    pub(crate) fn passing(why: String) -> Self {
        Self { why, after: None, permanent: false }
    }

    /// Another try would fail as well.
    pub(crate) fn permanent(why: String) -> Self {
        Self { why, after: None, permanent: true }
    }
}

/// The pauses between the tries of one notification.
pub(crate) struct Backoff {
    end: Instant,
    tries: u32,
}

impl Backoff {
    pub(crate) fn new() -> Self {
        Self { end: Instant::now() + LIMIT, tries: 0 }
    }

    /// What is left of the time, at most [`ANSWER`].
    pub(crate) fn answer_timeout(&self) -> Duration {
        self.end.saturating_duration_since(Instant::now()).min(ANSWER)
    }

    /// How long to wait before the next try.
    ///
    /// # Errors
    /// The last failure, when there is no further try.
    pub(crate) fn next(&mut self, failed: Failed) -> Result<Duration, String> {
        self.tries += 1;
        let pause = failed.after.unwrap_or(Duration::from_millis(200 << (2 * (self.tries - 1))));
        let left = self.end.saturating_duration_since(Instant::now());
        if !failed.permanent && self.tries < TRIES && pause < left {
            return Ok(pause);
        }
        let tries = if self.tries == 1 { "once".to_owned() } else { format!("{} times", self.tries) };
        Err(format!("{}, tried {tries}", failed.why))
    }
}
