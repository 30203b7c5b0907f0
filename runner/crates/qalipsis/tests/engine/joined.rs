//! Findings about joins: each against a source whose records the steps hand over themselves, so that their order is exact.

use crate::support::{Run, counts, step};
use qalipsis::core::execution::{self, Exchange};
use qalipsis::core::join::Limits;
use qalipsis::core::model::evidence::{Evidence, FailureKind};
use qalipsis::core::model::snapshot::JoinFigures;
use qalipsis::core::model::verdict::Status;
use qalipsis::core::source::{Feed, Recovery, Source};
use qalipsis::prelude::*;
use qalipsis_judge::report::Report;
use std::sync::OnceLock;
use tokio::time::Instant;

#[derive(Steps)]
enum Step {
    Trigger,
    #[step(optional)]
    Further,
    #[step(optional)]
    Await,
    #[step(optional)]
    Check,
}

/// A key and its state.
#[derive(Debug, Clone, PartialEq)]
struct Row {
    key: u32,
    state: &'static str,
}

type Hand = Arc<OnceLock<Feed<Row>>>;

/// Hands its feed out; ends with `failure` when there is one, once the first record was handed over.
struct ByHand {
    hand: Hand,
    failing: Option<Arc<tokio::sync::Notify>>,
}

impl Source for ByHand {
    type Record = Row;

    fn name(&self) -> String {
        "rows at memory:1".to_owned()
    }

    fn evidence(row: &Row) -> Option<Exchange> {
        Some(Arc::new(format!("row {} is {}\nall of it", row.key, row.state)))
    }

    async fn run(self, feed: Feed<Row>) -> Result<(), Fault> {
        let Self { hand, failing } = self;
        let _ = hand.set(feed);
        let feed = hand.get().expect("it was set");
        feed.ready();
        let failed = async {
            match &failing {
                Some(notify) => notify.notified().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = feed.stopped() => Ok(()),
            () = failed => Err(Fault::error("access refused by memory:1")),
        }
    }
}

struct World {
    rows: Join<u32, Row>,
    hand: Hand,
    failing: Arc<tokio::sync::Notify>,
}

impl World {
    fn feed(&self) -> &Feed<Row> {
        self.hand.get().expect("the source was opened")
    }

    fn row(&self, key: u32, state: &'static str) {
        self.feed().record(Row { key, state }, Instant::now());
    }
}

fn run<F>(minions: u32, iterate: fn(Minion<Step>, Arc<World>) -> F) -> Report
where
    F: Future<Output = Outcome> + Send + 'static,
{
    run_with(minions, None, iterate)
}

fn run_with<F>(minions: u32, limits: Option<Limits>, iterate: fn(Minion<Step>, Arc<World>) -> F) -> Report
where
    F: Future<Output = Outcome> + Send + 'static,
{
    let open = move |setup: Setup| async move {
        let (hand, failing) = (Hand::default(), Arc::<tokio::sync::Notify>::default());
        let source = ByHand { hand: Arc::clone(&hand), failing: Some(Arc::clone(&failing)) };
        let rows = match limits {
            None => setup.join(source, |row: &Row| row.key),
            Some(limits) => setup.join_buffered(source, |row: &Row| row.key, limits),
        };
        Ok::<_, SetupError>(World { rows, hand, failing })
    };
    Run::default().of(|| Scenario::new("s", open, iterate).minions(minions))
}

async fn act(minion: &Minion<Step>, action: impl FnOnce()) -> Outcome {
    minion
        .step(Step::Trigger, async {
            action();
            Ok::<_, Fault>(())
        })
        .await
}

fn join(report: &Report) -> &JoinFigures {
    &report.scenarios[0].joins[0]
}

fn first(report: &Report) -> &Evidence {
    &step(report, "await").failures[0].evidence[0]
}

fn said(notes: &[String], what: &str) -> bool {
    notes.iter().any(|note| note.contains(what))
}

#[test]
fn a1_the_clock_runs_from_the_trigger_however_many_steps_follow() {
    let report = run(3, |minion, world| async move {
        let row = world.rows.expect(minion.index()).within(millis(300));
        act(&minion, || {}).await?;
        // More than any number of starts that is worth remembering, and then the record comes too late.
        for _ in 0..40 {
            minion
                .step(Step::Further, async {
                    tokio::time::sleep(millis(10)).await;
                    Ok::<_, Fault>(())
                })
                .await?;
        }
        world.row(minion.index(), "NEW");
        minion.step(Step::Await, row).await.map(drop)
    });
    assert_eq!(counts(&report, "await"), (3, 3, vec![(FailureKind::JoinLate, 3)]));
    let late = step(&report, "await").figures.late.clone().unwrap();
    assert!(late.min_ns().unwrap() >= 400_000_000, "{late:?}");
}

#[test]
fn a10_every_awaited_key_has_an_outcome() {
    let report = run(10, |minion, world| async move {
        let row = world.rows.expect(minion.index()).within(millis(200));
        act(&minion, || {
            if minion.index() > 1 {
                world.row(minion.index(), "NEW");
            }
        })
        .await?;
        // Two end before they await; the record of one of them came.
        if minion.index() == 1 || minion.index() == 2 {
            return Ok(());
        }
        minion.step(Step::Await, row).await.map(drop)
    });
    let join = join(&report);
    assert_eq!((join.expected, join.matched, join.late), (10, 7, 0));
    assert_eq!((join.missing, join.abandoned), (1, 2));
    assert_eq!((join.records, join.taken, join.abandoned_records), (8, 7, 1));
    assert!(!report.has_internal_errors, "{:?}", report.reasons);
}

#[test]
fn b1_the_joined_record_is_an_exchange_of_the_iteration_in_its_order() {
    let report = run(1, |minion, world| async move {
        let row = world.rows.expect(minion.index()).within(secs(5));
        minion
            .step(Step::Trigger, async {
                execution::remember(Arc::new("POST /orders → 202\nbody".to_owned()));
                world.row(minion.index(), "NEW");
                Ok::<_, Fault>(())
            })
            .await?;
        let row = minion.step(Step::Await, row).await?;
        minion.verify(Step::Check, |v| v.equal("state", row.state, "SETTLED"))
    });
    let evidence = &step(&report, "check").failures[0].evidence[0];
    let exchanges: Vec<(&str, &str)> =
        evidence.exchanges.iter().map(|one| (one.step.as_deref().unwrap(), one.summary.as_str())).collect();
    assert_eq!(exchanges, [("trigger", "POST /orders → 202"), ("await", "row 0 is NEW")]);
    assert_eq!(evidence.exchanges[1].details, "row 0 is NEW\nall of it");
}

#[test]
fn b2_duplicates_and_orphans_are_evidence_with_key_and_record() {
    let report = run(25, |minion, world| async move {
        let key = minion.index();
        let row = world.rows.expect(key).within(secs(5));
        act(&minion, || {
            world.row(key, "NEW");
            world.row(key, "NEW");
            world.row(key + 1_000, "NEW");
        })
        .await?;
        minion.step(Step::Await, row).await.map(drop)
    });
    assert_eq!(report.status, Status::Warning, "{:?}", report.reasons);
    let kept = &report.scenarios[0].join_evidence;
    for (kind, least) in [(FailureKind::JoinDuplicate, 0), (FailureKind::JoinOrphan, 1_000)] {
        let of: Vec<&Evidence> = kept.iter().filter(|one| one.kind == kind).collect();
        assert_eq!(of.len(), 5, "the first of each kind");
        for one in of {
            let key: u32 = one.key.as_ref().unwrap().parse().unwrap();
            assert!(key >= least && key < least + 25, "{one:?}");
            assert_eq!(one.exchanges[0].summary, format!("row {key} is NEW"));
            assert_eq!((one.step, one.source.as_deref()), (None, Some("rows at memory:1")));
        }
    }
    assert!(report.scenarios[0].steps.iter().all(|step| step.failures.is_empty()), "no step is blamed");
}

#[test]
fn b3_a_state_is_awaited_and_the_last_one_seen_is_evidence() {
    let report = run(4, |minion, world| async move {
        let settled = world.rows.expect(minion.index()).until(|row| row.state == "SETTLED");
        let settled = settled.within(millis(200));
        act(&minion, || {
            (0..14).for_each(|_| world.row(minion.index(), "PENDING"));
            if minion.index() > 0 {
                world.row(minion.index(), "SETTLED");
                world.row(minion.index(), "ARCHIVED");
            }
        })
        .await?;
        let row = minion.step(Step::Await, settled).await?;
        minion.verify(Step::Check, |v| v.equal("state", row.state, "SETTLED"))
    });
    assert_eq!(counts(&report, "check"), (3, 0, vec![]));
    assert_eq!(counts(&report, "await"), (4, 1, vec![(FailureKind::JoinMissing, 1)]));
    let evidence = first(&report);
    assert!(evidence.message.ends_with("within 200 ms, observed 14 that did not meet it"), "{evidence:?}");
    assert!(said(
        &evidence.notes,
        "14 records of this key came and did not meet the condition, the last at "
    ));
    assert!(said(&evidence.notes, ": row 0 is PENDING"), "{:?}", evidence.notes);
    assert_eq!(evidence.exchanges.last().unwrap().summary, "row 0 is PENDING");
    let join = join(&report);
    assert_eq!((join.records, join.taken, join.duplicates), (4 * 14 + 6, 4 * 14 + 6, 0));
}

#[test]
fn b3_a_state_that_comes_too_late_is_late_and_an_optional_one_is_absent() {
    let report = run(2, |minion, world| async move {
        let settled = world.rows.expect(minion.index()).until(|row| row.state == "SETTLED");
        let settled = settled.within(millis(100));
        act(&minion, || world.row(minion.index(), "PENDING")).await?;
        let row = if minion.index() == 0 {
            minion.step(Step::Await, settled.or_none()).await?
        } else {
            let late = minion.step(Step::Await, settled).await;
            world.row(1, "PENDING");
            world.row(1, "SETTLED");
            Some(late?)
        };
        minion.verify(Step::Check, |v| v.equal("came", row.is_some(), false))
    });
    assert_eq!(counts(&report, "await"), (2, 1, vec![(FailureKind::JoinLate, 1)]));
    let join = join(&report);
    assert_eq!((join.late, join.missing, join.absent, join.taken), (1, 0, 1, 4));
}

#[test]
fn b3_a_condition_that_panics_fails_its_step() {
    let report = run(1, |minion, world| async move {
        let row = world.rows.expect(0).until(|row| row.state.parse::<u32>().unwrap() > 1).within(secs(5));
        act(&minion, || world.row(0, "PENDING")).await?;
        minion.step(Step::Await, row).await.map(drop)
    });
    assert_eq!(counts(&report, "await"), (1, 1, vec![(FailureKind::Panic, 1)]));
    assert!(first(&report).message.contains("ParseIntError"), "{:?}", first(&report));
}

#[test]
fn e9_a_record_that_came_before_its_key_was_expected_is_named_with_the_line() {
    let report = run(2, |minion, world| async move {
        act(&minion, || world.row(minion.index(), "NEW")).await?;
        let row = world.rows.expect(minion.index()).within(millis(100));
        minion.step(Step::Await, row).await.map(drop)
    });
    assert_eq!(counts(&report, "await"), (2, 2, vec![(FailureKind::JoinMissing, 2)]));
    let notes = &first(&report).notes;
    assert!(said(notes, "a record of this key came ") && said(notes, "before it was expected"), "{notes:?}");
    assert!(said(notes, "joined.rs:"), "{notes:?}");
    assert_eq!(join(&report).before_expected, 2);
    assert!(said(&report.warnings, "2 keys were expected only after a record of it had come"));
}

#[test]
fn e10_a_source_that_received_nothing_and_one_that_received_other_keys_say_so() {
    let nothing = run(1, |minion, world| async move {
        let row = world.rows.expect(0).within(millis(50));
        act(&minion, || {}).await?;
        minion.step(Step::Await, row).await.map(drop)
    });
    assert!(said(&first(&nothing).notes, "the source received no record at all"), "{:?}", first(&nothing));
    let others = run(1, |minion, world| async move {
        let row = world.rows.expect(0).within(millis(50));
        act(&minion, || (1..13).for_each(|key| world.row(key, "NEW"))).await?;
        minion.step(Step::Await, row).await.map(drop)
    });
    assert!(said(&first(&others).notes, "the source received 12 records, none of this key"));
}

#[test]
fn a3_what_a_source_could_not_read_is_named_and_what_it_read_is_not_excused() {
    let report = unreadable::<7>();
    assert_eq!(report.status, Status::Failed, "{:?}", report.reasons);
    let headline = step(&report, "await").headline.as_ref().unwrap();
    assert!(headline.ends_with("; of these 5 records could not be observed"), "{headline}");
    assert!(report.reasons[1].message.starts_with(COULD_NOT), "{:?}", report.reasons);
}

#[test]
fn a3_what_a_source_could_not_read_is_invalid_when_nothing_else_failed() {
    let report = unreadable::<5>();
    assert_eq!(report.status, Status::Invalid, "{:?}", report.reasons);
    let reason = &report.reasons[0].message;
    assert!(reason.starts_with(COULD_NOT) && reason.ends_with(": connection reset by peer"), "{reason}");
    assert_eq!(step(&report, "await").headline, None, "a consequence is no failure of the system");
}

const COULD_NOT: &str = "5 of 10 awaited records could not be observed: rows at memory:1 ";

/// Ten keys of which the first `MISSING` never come, five of them while the source is away.
fn unreadable<const MISSING: u32>() -> Report {
    let report = run(10, |minion, world| async move {
        let key = minion.index();
        // One after the other: the first five are awaited while the source is away.
        tokio::time::sleep(millis(if key < 5 { 0 } else { 600 })).await;
        let row = world.rows.expect(key).within(millis(100));
        act(&minion, || {
            if key < 5 {
                world.feed().interrupted("connection reset by peer");
            } else if key >= MISSING {
                world.row(key, "NEW");
            }
        })
        .await?;
        let row = minion.step(Step::Await, row).await;
        if key == 0 {
            tokio::time::sleep(millis(100)).await;
            world.feed().resumed(Recovery::Lossy);
        }
        row.map(drop)
    });
    let join = join(&report);
    assert_eq!((join.missing, join.in_gap, join.gaps.len()), (i64::from(MISSING), 5, 1));
    report
}

#[test]
fn a3_a_gap_after_which_everything_was_read_excuses_nothing_and_is_named() {
    let report = run(1, |minion, world| async move {
        let row = world.rows.expect(0).within(millis(100));
        act(&minion, || {
            world.feed().interrupted("leader not available");
            world.feed().resumed(Recovery::Complete);
        })
        .await?;
        minion.step(Step::Await, row).await.map(drop)
    });
    assert_eq!(report.status, Status::Failed, "{:?}", report.reasons);
    assert_eq!((join(&report).missing, join(&report).in_gap), (1, 0));
    assert!(said(&first(&report).notes, "leader not available, what came meanwhile was read afterwards"));
    assert!(said(&report.warnings, "leader not available"), "{:?}", report.warnings);
}

#[test]
fn a3_a_gap_and_an_event_without_harm_warn() {
    let report = run(1, |minion, world| async move {
        let row = world.rows.expect(0).within(secs(5));
        act(&minion, || {
            world.feed().interrupted("reset");
            world.feed().resumed(Recovery::Lossy);
            world.feed().notice("rebalance", "partitions 0, 1 were assigned");
            world.feed().notice("rebalance", "partition 0 was assigned");
            world.row(0, "NEW");
        })
        .await?;
        minion.step(Step::Await, row).await.map(drop)
    });
    assert_eq!(report.status, Status::Warning, "{:?}", report.reasons);
    assert_eq!(report.warnings.len(), 2, "{:?}", report.warnings);
    assert!(said(&report.warnings, "rebalance 2 times, first at "), "{:?}", report.warnings);
}

#[test]
fn a2_what_is_missing_because_its_source_failed_is_folded_under_that() {
    let report = run(5, |minion, world| async move {
        let row = world.rows.expect(minion.index()).within(millis(300));
        act(&minion, || world.failing.notify_one()).await?;
        minion.step(Step::Await, row).await.map(drop)
    });
    assert_eq!(report.status, Status::Invalid, "{:?}", report.reasons);
    let reason = &report.reasons[0].message;
    assert!(
        reason
            .starts_with("5 of 5 awaited records could not be observed: rows at memory:1 could not be read")
    );
    assert!(reason.ends_with("until the end: access refused by memory:1"), "{reason}");
    let steps: Vec<_> = report.reasons.iter().filter(|reason| reason.step.is_some()).collect();
    assert!(steps.is_empty(), "what follows from it is no failure of its own: {steps:?}");
}

#[test]
fn a_leaked_expectation_is_abandoned_and_the_counts_add_up() {
    let report = run(4, |minion, world| async move {
        let row = world.rows.expect(minion.index()).within(secs(5));
        act(&minion, || world.row(minion.index(), "NEW")).await?;
        std::mem::forget(row);
        Ok(())
    });
    assert_eq!((join(&report).abandoned, join(&report).abandoned_records), (4, 4));
    assert!(!report.has_internal_errors, "{:?}", report.reasons);
}
