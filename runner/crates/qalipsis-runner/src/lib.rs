//! The runner behind the command `qalipsis`: finds scenarios, configures a campaign and runs it.
//!
//! It never links scenario code: scenario executables are processes of their own.

mod attached;
mod autostart;
pub mod baseline;
pub mod campaign;
pub mod cli;
pub mod compare;
pub mod discovery;
pub mod environment;
pub mod error;
mod events;
mod failures;
pub mod iteration;
mod line_file;
pub mod list;
pub mod live;
pub mod log;
mod names;
pub mod output;
pub mod outputs;
pub mod printing;
mod remote;
pub mod replay;
mod repository;
pub mod run;
mod seen;
mod service;
mod serving;
mod sites;
mod standalone;
pub mod stops;
pub mod validate;

pub use qalipsis_config as config;
pub use qalipsis_config::problem;

use attached::Attached;
use autostart::OneCampaign;
use baseline::Baselines;
use cli::{Action, Invocation};
use error::Error;
use stops::Stops;

/// Does what the user asked for and gives the exit code of the process.
///
/// # Errors
/// Whatever keeps it from being done, with [`Error::exit_code`].
pub async fn execute(invocation: &Invocation) -> Result<u8, Error> {
    match &invocation.action {
        Action::Autostart => {
            let mut stops = Stops::listen()?;
            run::check_outputs(invocation)?;
            // A baseline that cannot be read costs no minutes of building.
            let baselines = invocation.baseline.as_deref().map(Baselines::read).transpose()?;
            // Nor does a port that is taken, or a store that cannot be used.
            let attached = stops.unless_asked(Attached::open(invocation)).await?;
            let campaign = stops.unless_asked(campaign::prepare(invocation)).await?;
            if let Some(baselines) = &baselines {
                campaign.check(baselines)?;
            }
            let (commands, asked) = stops.into_parts();
            let campaign = OneCampaign::new(invocation, campaign, baselines, asked);
            match attached {
                None => campaign.run_alone(commands).await,
                Some(attached) => attached.run(campaign, commands).await,
            }
        }
        Action::Campaign { head, command } => {
            remote::campaign(invocation, head.as_deref(), command, Stops::listen()?).await
        }
        Action::Standalone => standalone::standalone(invocation, Stops::listen()?).await,
        // What they start ends with them.
        Action::List { json } => Stops::listen()?.unless_asked(list::list(invocation, *json)).await,
        Action::Validate { connect } => validate::validate(invocation, *connect, Stops::listen()?).await,
        Action::Compare { baseline, current, format } => {
            compare::compare(invocation, baseline, current, *format)
        }
        Action::Replay { campaign, target } => replay::replay(invocation, campaign, *target).await,
    }
}
