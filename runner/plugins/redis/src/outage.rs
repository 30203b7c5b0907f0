//! The time without a server.

use crate::server::Server;
use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use qalipsis_core::fault::Fault;
use qalipsis_core::model::duration::human;
use std::time::{Duration, Instant};

/// How long a server must have been away at the end for the source to have failed.
const FAILS_AFTER: Duration = Duration::from_secs(1);

/// The pauses between attempts to connect.
const PAUSES: ExponentialBuilder = ExponentialBuilder::new()
    .with_min_delay(Duration::from_millis(50))
    .with_max_delay(Duration::from_secs(1))
    .without_max_times();

/// An outage of the server, while there is one.
#[derive(Default)]
pub(crate) struct Outage {
    since: Option<Instant>,
    reason: String,
    pauses: Option<ExponentialBackoff>,
}

impl Outage {
    /// One more attempt failed, for this reason; how long to wait for the next one.
    pub(crate) fn failed(&mut self, reason: String) -> Duration {
        self.since.get_or_insert_with(Instant::now);
        self.reason = reason;
        let pauses = self.pauses.get_or_insert_with(|| PAUSES.build());
        pauses.next().expect("the pauses have no end")
    }

    /// The server has answered; whether it was away until now.
    pub(crate) fn over(&mut self) -> bool {
        std::mem::take(self).since.is_some()
    }

    /// Whether the server is away.
    pub(crate) fn is_open(&self) -> bool {
        self.since.is_some()
    }

    /// How a source ends that had to end now.
    pub(crate) fn verdict(&self, server: &Server) -> Result<(), Fault> {
        match self.since.map(|since| since.elapsed()) {
            Some(away) if away >= FAILS_AFTER => {
                let (name, away) = (&server.name, human(away));
                let message = format!(
                    "redis at {name}: not reachable for the last {away} of the campaign: {}",
                    server.redact(&self.reason)
                );
                Err(Fault::error(message).code("unreachable"))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_a_second_and_start_again() {
        let mut outage = Outage::default();
        let pauses: Vec<_> = (0..40).map(|_| outage.failed(String::new()).as_millis()).collect();
        assert_eq!(pauses[..6], [50, 100, 200, 400, 800, 1000]);
        assert_eq!(pauses[39], 1000);
        assert!(outage.over() && !outage.over());
        assert_eq!(outage.failed(String::new()), Duration::from_millis(50));
    }
}
