//! What happens to releases while too many minions are active.

use crate::support::Run;
use qalipsis::core::model::plan::Limits;
use qalipsis::core::model::verdict::Status;
use qalipsis::core::profile::segment::Segment;
use qalipsis::prelude::*;
use qalipsis_judge::report::Report;

#[derive(Steps)]
enum Step {
    Act,
}

async fn nothing(_: Setup) -> Result<(), SetupError> {
    Ok(())
}

/// Takes so long that no minion ends while others are released.
async fn slow(minion: Minion<Step>, _: Arc<()>) -> Outcome {
    let wait = async {
        tokio::time::sleep(millis(1_500)).await;
        Ok::<_, Fault>(())
    };
    minion.step(Step::Act, wait).await
}

fn scenario(policy: Overload) -> Scenario {
    Scenario::new("s", nothing, slow)
        .minions(40)
        .profile(Profile::timeframe(millis(10), millis(200)))
        .overload(policy)
}

/// The busy machine of a test is no matter here.
fn patient() -> Limits {
    Limits { release_lag: secs(60), ..Limits::default() }
}

fn run(policy: Overload, limits: Limits) -> Report {
    Run { limits, ..Run::default() }.of(move || scenario(policy))
}

#[track_caller]
fn assert_all_accounted(report: &Report) {
    let scenario = &report.scenarios[0];
    assert_eq!(scenario.released + scenario.dropped, scenario.minions, "released and dropped are planned");
    assert_eq!(scenario.ended, scenario.released, "all that were released ended");
}

#[test]
fn a_queue_releases_everything() {
    let report = run(Overload::Queue, patient());
    assert_all_accounted(&report);
    assert_eq!((report.status, report.scenarios[0].dropped), (Status::Successful, 0));
}

#[test]
fn drops_are_counted_and_make_the_figures_invalid() {
    let report = run(Overload::Drop(15), patient());
    assert_all_accounted(&report);
    assert_eq!((report.status, report.scenarios[0].dropped), (Status::Invalid, 25));
    assert_eq!(
        report.reasons[0].message,
        "the load was not what was asked: 25 of 40 minions were dropped because too many others were active, the \
         limit is 0 (campaign.limits.dropped); release fewer, or allow more of them at once (scenarios.<scenario>.overload)"
    );
    let allowed = run(Overload::Drop(15), Limits { dropped: 25, ..patient() });
    assert_eq!(allowed.status, Status::Successful, "{:?}", allowed.reasons);
}

#[test]
fn each_factory_has_a_limit_of_its_own() {
    let segments = Segment::split(&[1, 1]);
    let report = Run { limits: patient(), segments, ..Run::default() }.of(|| scenario(Overload::Drop(5)));
    assert_all_accounted(&report);
    assert_eq!(report.scenarios[0].dropped, 30);
}

#[test]
fn an_abort_stops_the_campaign_and_drops_the_rest() {
    let report = run(Overload::Abort(15), patient());
    assert_all_accounted(&report);
    assert_eq!((report.status, report.scenarios[0].dropped), (Status::Aborted, 25));
    assert_eq!(
        report.reasons[0].message,
        "stopped by its overload policy: 15 minions were active when one more was to be released; release fewer, or \
         find out why they do not end"
    );
}

#[test]
fn nobody_is_released_after_an_abort_though_all_others_have_ended() {
    // The 21st meets 20 that are active; when the last five are due, nobody is.
    let batches = [(millis(0), 20), (millis(50), 1), (millis(4_000), 5)];
    let scenario =
        || Scenario::new("s", nothing, slow).profile(Profile::batches(batches)).overload(Overload::Abort(20));
    let report = Run { limits: patient(), ..Run::default() }.of(scenario);
    assert_all_accounted(&report);
    assert_eq!((report.status, report.scenarios[0].dropped), (Status::Aborted, 6));
}
