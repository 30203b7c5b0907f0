//! Running a campaign.

use crate::campaign::Campaign;
use crate::cli::Invocation;
use crate::error::Error;

/// Runs the campaign, reports, and gives the exit code of its verdict.
///
/// # Errors
/// When it cannot be run; a campaign that fails is an exit code.
pub async fn autostart(_invocation: &Invocation, campaign: Campaign) -> Result<u8, Error> {
    Err(Error::Internal(format!("campaign {} cannot be run: not wired yet", campaign.plan.key)))
}
