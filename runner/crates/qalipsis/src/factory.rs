//! `factory`: hosts minions for a head.

use crate::command::Factory;
use crate::logging;
use crate::stderr;
use qalipsis_cluster::HeadConnection;
use qalipsis_core::scenario::Scenario;
use qalipsis_engine::host;
use qalipsis_model::verdict::exit;

pub(crate) async fn run(scenarios: &[Scenario], options: &Factory) -> u8 {
    logging::begin(logging::of_environment().as_deref());
    let head = match HeadConnection::open(options.connect.clone()).await {
        Ok(head) => head,
        Err(error) => {
            stderr::line(format_args!("error: {error}"));
            return exit::USAGE;
        }
    };
    match host(scenarios, &options.name, head).await {
        Ok(()) => exit::OK,
        Err(error) => {
            stderr::line(format_args!(
                "error: factory '{}' lost the connection to the head: {error}",
                options.name
            ));
            exit::INTERNAL
        }
    }
}
