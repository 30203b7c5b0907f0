//! One scenario in several factories, which counts as it does in one.

use crate::support::{Run, counts, step};
use futures::stream;
use qalipsis::core::model::verdict::Status;
use qalipsis::core::profile::segment::Segment;
use qalipsis::core::source::{Feed, Sharing, Source, stream as records};
use qalipsis::prelude::*;
use qalipsis_judge::report::Report;

#[derive(Steps)]
enum Step {
    Send,
    Effect,
    Balanced,
}

const MINIONS: u32 = 60;

struct World {
    effects: Join<u32, u32>,
}

/// Reads a record for each minion, one twice, and two that nobody expects; some time after the first minions were released.
fn world(setup: &Setup) -> World {
    let all = (0..MINIONS + 2).chain([5]);
    let late = async {
        tokio::time::sleep(millis(400)).await;
        stream::iter(all)
    };
    World { effects: setup.join(records("effects", futures::FutureExt::flatten_stream(late)), |key| *key) }
}

fn system() -> Scenario {
    let open = |setup: Setup| async move { Ok(world(&setup)) };
    let iterate = |minion: Minion<Step>, world: Arc<World>| async move {
        let effect = world.effects.expect(minion.index()).within(secs(5));
        minion.step(Step::Send, async { Ok::<_, Fault>(()) }).await?;
        minion.step(Step::Effect, effect).await?;
        Ok(())
    };
    let balanced = |minion: Minion<Step>, _: Arc<World>| async move {
        minion.verify(Step::Balanced, |v| v.that("it is checked", true))
    };
    Scenario::with_closing_check("system", open, iterate, balanced).minions(MINIONS)
}

fn among(factories: &[u32]) -> Report {
    Run { segments: Segment::split(factories), ..Run::default() }.of(system)
}

#[test]
fn records_and_the_closing_check_count_once() {
    for factories in [&[1][..], &[1, 1], &[3, 1, 2, 1, 1]] {
        let report = among(factories);
        assert_eq!(report.status, Status::Warning, "{:?}", report.reasons);
        assert_eq!(counts(&report, "effect"), (MINIONS.into(), 0, vec![]));
        assert_eq!(counts(&report, "balanced"), (1, 0, vec![]), "{factories:?}");
        let join = &report.scenarios[0].joins[0];
        let records = (join.records, join.taken, join.duplicates, join.orphans, join.undecodable);
        assert_eq!(records, (63, 60, 1, 2, 0), "{factories:?}");
    }
}

/// Each record comes again when all but one minion have ended.
fn repeated() -> Scenario {
    let open = |setup: Setup| async move {
        // When all are awaited, and when those of the others have ended.
        let after = |delay: Duration| {
            futures::FutureExt::flatten_stream(async move {
                tokio::time::sleep(delay).await;
                stream::iter(0..MINIONS)
            })
        };
        let all = futures::StreamExt::chain(after(millis(400)), after(millis(800)));
        Ok(World { effects: setup.join(records("effects", all), |key| *key) })
    };
    let iterate = |minion: Minion<Step>, world: Arc<World>| async move {
        let effect = world.effects.expect(minion.index()).within(secs(5));
        minion.step(Step::Send, async { Ok::<_, Fault>(()) }).await?;
        minion.step(Step::Effect, effect).await?;
        if minion.index() == 0 {
            tokio::time::sleep(millis(1_600)).await;
        }
        Ok(())
    };
    Scenario::new("repeated", open, iterate).minions(MINIONS)
}

#[test]
fn a_factory_whose_minions_have_ended_reads_on_for_its_keys() {
    let counted = |factories: &[u32]| {
        let report = Run { segments: Segment::split(factories), ..Run::default() }.of(repeated);
        let join = &report.scenarios[0].joins[0];
        (join.records, join.taken, join.duplicates, join.orphans)
    };
    assert_eq!(counted(&[1]), (120, 60, 60, 0));
    assert_eq!(counted(&[1, 1]), (120, 60, 60, 0));
}

/// Knows its keys only after it has sent.
fn buffered() -> Scenario {
    let open = |setup: Setup| async move {
        let limits = qalipsis::core::join::Limits { records: 10, age: secs(1) };
        Ok(World { effects: setup.join_buffered(records("effects", stream::pending()), |key| *key, limits) })
    };
    let iterate = |minion: Minion<Step>, _: Arc<World>| async move {
        minion.step(Step::Send, async { Ok::<_, Fault>(()) }).await
    };
    Scenario::new("buffered", open, iterate).minions(4)
}

#[test]
fn a_buffered_join_is_refused_for_several_factories() {
    assert_eq!(counts(&Run::default().of(buffered), "send"), (4, 0, vec![]));
    let report = Run { segments: Segment::split(&[1, 1]), ..Run::default() }.of(buffered);
    assert_eq!(report.status, Status::Aborted);
    let reason = &report.reasons[0].message;
    assert!(reason.contains("effects: its records are kept until their key is known"), "{reason}");
}

/// Gives nothing, and each of its records to one reader.
struct Group;

impl Source for Group {
    type Record = u32;

    fn name(&self) -> String {
        "group of memory".to_owned()
    }

    fn sharing(&self) -> Sharing {
        Sharing::Shared
    }

    async fn run(self, feed: Feed<u32>) -> Result<(), Fault> {
        feed.ready();
        feed.stopped().await;
        Ok(())
    }
}

fn grouped() -> Scenario {
    let open = |setup: Setup| async move {
        let group = setup.join(Group, |key| *key);
        Ok(World { effects: group })
    };
    let iterate = |minion: Minion<Step>, _: Arc<World>| async move {
        minion.step(Step::Send, async { Ok::<_, Fault>(()) }).await
    };
    Scenario::new("grouped", open, iterate).minions(4)
}

#[test]
fn a_source_whose_records_readers_share_is_refused_for_several_factories() {
    let report = Run::default().of(grouped);
    assert_eq!(counts(&report, "send"), (4, 0, vec![]));
    let report = Run { segments: Segment::split(&[1, 1]), ..Run::default() }.of(grouped);
    assert_eq!(report.status, Status::Aborted);
    let reason = &report.reasons[0].message;
    assert!(reason.contains("group of memory: each of its records goes to one reader only"), "{reason}");
    assert!(step(&report, "send").skipped);
}
