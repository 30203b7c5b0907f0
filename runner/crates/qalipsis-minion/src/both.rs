//! Two branches of a scenario at the same time.

use crate::step::Outcome;

/// Runs both branches to their end, concurrently; fails when one of them failed.
///
/// Unlike `tokio::try_join!`, a failure of one branch does not cancel the other, so that every
/// step of both is reached and recorded.
///
/// # Errors
/// The failure of a branch. When both fail, it is that of the first: the steps inside have recorded both already.
pub async fn both(first: impl Future<Output = Outcome>, second: impl Future<Output = Outcome>) -> Outcome {
    let (first, second) = futures::join!(first, second);
    first.and(second)
}
