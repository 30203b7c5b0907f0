//! The suite on the wire notices each broken rule: it checks a plugin that keeps all of them but one.

mod plugin;
mod server;

use plugin::Fixture;
use qalipsis_testkit::plugin::wire::{Rule, check_sources, check_targets};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_plugin_that_keeps_all_rules_passes() {
    let fixture = Fixture::new(None);
    check_targets(&fixture).await.unwrap();
    check_sources(&fixture).await.unwrap();
}

/// The rule that the suite says is broken.
async fn noticed(broken: Rule) -> Rule {
    let fixture = Fixture::new(Some(broken));
    let checked = match check_targets(&fixture).await {
        Ok(()) => check_sources(&fixture).await,
        broken => broken,
    };
    checked.expect_err("nothing was noticed").rule
}

macro_rules! notices {
    ($($test:ident: $rule:ident,)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn $test() {
            assert_eq!(noticed(Rule::$rule).await, Rule::$rule);
        }
    )*};
}

notices! {
    a_silent_server_without_its_name_is_noticed: SilentServerIsNamed,
    hanging_is_noticed: NothingHangs,
    what_a_cancelled_step_leaves_is_noticed: CancelledLeavesNothing,
    a_secret_is_noticed: SecretsAreRedacted,
    a_source_that_does_not_stop_is_noticed: SourceStops,
    the_time_of_the_decoder_is_noticed: TimeIsKept,
    a_lag_that_is_not_reported_is_noticed: LagIsReported,
    a_buffer_without_bounds_is_noticed: BufferIsBounded,
}
