//! Findings about single keys and the limits of buffers.

use super::{Bench, Expected, Observed, Record, millis, paused};
use crate::join::Limits;
use crate::ledger::{Ledger, LedgerControl};
use qalipsis_minion::fault::Fault;
use qalipsis_model::evidence::FailureKind;
use std::sync::Arc;

#[test]
fn a5_giving_up_an_expectation_does_not_end_the_one_that_replaced_it() {
    paused(async {
        let bench = Bench::new(None);
        let first = bench.join.expect(7).within(millis(50));
        bench.record(7, 1);
        // Its record is there, so that the key can be expected again before the first is awaited.
        let second = bench.join.expect(7).within(millis(50));
        drop(first);
        bench.record(7, 2);
        assert_eq!(bench.poll(&mut Expected::One(Box::pin(second))), Some(Observed::Matched(0)));
        let figures = bench.end();
        assert_eq!((figures.expected, figures.matched, figures.abandoned, figures.missing), (2, 1, 1, 0));
    });
}

#[test]
fn a6_a_buffered_record_is_too_old_when_it_is_matched() {
    paused(async {
        let bench = Bench::new(Some(Limits { records: 100, age: millis(100) }));
        bench.record(1, 1);
        tokio::time::advance(millis(101)).await;
        let stale = bench.join.expect(1).within(millis(0));
        assert_eq!(bench.poll(&mut Expected::One(Box::pin(stale))), Some(Observed::Missing));
        let figures = bench.end();
        assert_eq!((figures.evicted, figures.orphans, figures.matched), (1, 1, 0));
    });
}

#[test]
fn a6_the_limit_of_records_holds_over_all_shards() {
    paused(async {
        let bench = Bench::new(Some(Limits { records: 100, age: millis(60_000) }));
        (0..100).for_each(|key| bench.record(key, 0));
        assert_eq!(bench.ledger.drain().evicted, 0, "exactly as many as may be kept");
        bench.record(100, 0);
        assert_eq!(bench.ledger.drain().evicted, 1);
        let oldest = bench.join.expect(0).within(millis(0));
        assert_eq!(
            bench.poll(&mut Expected::One(Box::pin(oldest))),
            Some(Observed::Missing),
            "it was evicted"
        );
        let next = bench.join.expect(1).within(millis(10));
        assert_eq!(bench.poll(&mut Expected::One(Box::pin(next))), Some(Observed::Matched(0)));
    });
}

#[test]
fn b2_evidence_of_each_kind_is_bounded_and_has_its_key() {
    paused(async {
        let mut bench = Bench::new(None);
        for key in 0..25 {
            let one = bench.join.expect(key).within(millis(10));
            bench.record(key, 0);
            bench.record(key, 1);
            bench.record(key + 100, 0);
            assert_eq!(bench.poll(&mut Expected::One(Box::pin(one))), Some(Observed::Matched(0)));
        }
        let figures = bench.end();
        assert_eq!((figures.duplicates, figures.orphans), (25, 25));
        let mut kinds = Vec::new();
        while let Ok(evidence) = bench.evidence.try_recv() {
            assert!(evidence.key.is_some() && evidence.step.is_none(), "{evidence:?}");
            kinds.push(evidence.kind);
        }
        let of = |kind| kinds.iter().filter(|own| **own == kind).count();
        assert_eq!((of(FailureKind::JoinDuplicate), of(FailureKind::JoinOrphan), kinds.len()), (5, 5, 10));
    });
}

#[test]
fn b2_what_one_source_cannot_decode_takes_no_room_from_another() {
    paused(async {
        let mut bench = Bench::new(None);
        let scenario = Arc::clone(&bench.ledger.scenario);
        let other: Ledger<u8, Record> = Ledger::new("others".into(), scenario, None, None, |_| None);
        (0..25).for_each(|n| bench.ledger.undecodable(Fault::undecodable(format!("at {n}: bad"))));
        other.undecodable(Fault::undecodable("at 7: bad"));
        assert_eq!((bench.end().undecodable, other.drain().undecodable), (25, 1));
        let mut kept = Vec::new();
        while let Ok(evidence) = bench.evidence.try_recv() {
            kept.push((evidence.source.unwrap_or_default(), evidence.message));
        }
        let of = |name: &str| kept.iter().filter(|(source, _)| source == name).count();
        assert_eq!((of("records"), of("others")), (5, 1), "{kept:?}");
        assert_eq!(kept[5], ("others".to_owned(), "at 7: bad".to_owned()));
    });
}

#[test]
fn what_ends_after_the_source_was_closed_is_abandoned_once() {
    paused(async {
        let bench = Bench::new(None);
        let kept = bench.join.expect(1).within(millis(10));
        bench.record(1, 0);
        bench.ledger.close();
        drop(kept);
        bench.ledger.close();
        let figures = bench.ledger.drain();
        assert_eq!((figures.expected, figures.abandoned, figures.abandoned_records), (1, 1, 1));
    });
}
