//! Random histories of expectations and records, with and without a buffer: every count and every latency.

use super::model::Model;
use super::{Bench, Expected, millis, paused};
use crate::join::Limits;
use proptest::prelude::*;
use qalipsis_model::snapshot::JoinFigures;

/// What happens next.
#[derive(Debug, Clone)]
enum Event {
    Expect { key: u8, wanted: u32, limit: u64, optional: bool },
    ExpectUntil { key: u8, least: u32, limit: u64, optional: bool },
    Record { key: u8, value: u32 },
    Start,
    Await(usize),
    GiveUp(usize),
    Wait(u64),
}

const KEYS: u8 = 5;

fn event() -> impl Strategy<Value = Event> {
    let key = 0..KEYS;
    prop_oneof![
        3 => (key.clone(), 1_u32..4, 0_u64..60, any::<bool>())
            .prop_map(|(key, wanted, limit, optional)| Event::Expect { key, wanted, limit, optional }),
        2 => (key.clone(), 0_u32..4, 0_u64..60, any::<bool>())
            .prop_map(|(key, least, limit, optional)| Event::ExpectUntil { key, least, limit, optional }),
        6 => (key, 0_u32..4).prop_map(|(key, value)| Event::Record { key, value }),
        2 => Just(Event::Start),
        4 => (0_usize..12).prop_map(Event::Await),
        2 => (0_usize..12).prop_map(Event::GiveUp),
        3 => (1_u64..40).prop_map(Event::Wait),
    ]
}

/// Plays a history; the ledger and the model must agree at every step, and in the end on every count.
async fn play(events: Vec<Event>, limits: Option<Limits>) -> Result<(), TestCaseError> {
    let bench = Bench::new(limits);
    let mut model = Model::new(limits);
    let mut open: Vec<(usize, Expected)> = Vec::new();
    for event in events {
        match event {
            Event::Expect { key, wanted, limit, optional } => {
                // What awaits several cannot be optional.
                let optional = optional && wanted == 1;
                let index = model.expect(key, wanted, None, limit, optional);
                let mut expected = bench.between_steps(|| {
                    let expect = bench.join.expect(key);
                    match (wanted, optional) {
                        (1, true) => Expected::Optional(Box::pin(expect.within(millis(limit)).or_none())),
                        (1, false) => Expected::One(Box::pin(expect.within(millis(limit)))),
                        _ => Expected::Many(Box::pin(expect.times(wanted).within(millis(limit)))),
                    }
                });
                match index {
                    Some(index) => open.push((index, expected)),
                    None => {
                        model.start();
                        prop_assert_eq!(bench.poll(&mut expected), Some(super::Observed::Refused));
                    }
                }
            }
            Event::ExpectUntil { key, least, limit, optional } => {
                let Some(index) = model.expect(key, 1, Some(least), limit, optional) else { continue };
                let expected = bench.between_steps(|| {
                    let one = bench.join.expect(key).until(move |(_, value)| *value >= least);
                    let one = one.within(millis(limit));
                    match optional {
                        true => Expected::Optional(Box::pin(one.or_none())),
                        false => Expected::One(Box::pin(one)),
                    }
                });
                open.push((index, expected));
            }
            Event::Record { key, value } => {
                model.record(key, value);
                bench.record(key, value);
            }
            Event::Start => {
                model.start();
                drop(bench.start());
            }
            Event::Await(place) if place < open.len() => {
                let (index, expected) = &mut open[place];
                let taken = bench.poll(expected);
                prop_assert_eq!(taken, model.poll(*index), "expectation {}", index);
                if taken.is_some() {
                    drop(open.remove(place));
                }
            }
            Event::GiveUp(place) if place < open.len() => {
                let (index, expected) = open.remove(place);
                model.give_up(index);
                drop(expected);
            }
            Event::Await(_) | Event::GiveUp(_) => {}
            Event::Wait(ms) => {
                model.now += ms;
                tokio::time::advance(millis(ms)).await;
            }
        }
    }
    for (index, expected) in open {
        model.give_up(index);
        drop(expected);
    }
    model.close();
    let figures = bench.end();
    prop_assert_eq!(figures.keys_of_known_outcome(), i128::from(figures.expected));
    prop_assert_eq!(figures.records_of_known_outcome(), i128::from(figures.records));
    let expected = JoinFigures { name: figures.name.clone(), steps: figures.steps.clone(), ..model.figures };
    prop_assert_eq!(figures, expected);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_ledger_counts_what_the_model_counts(events in proptest::collection::vec(event(), 0..80)) {
        paused(play(events, None))?;
    }

    #[test]
    fn a_buffered_ledger_counts_what_the_model_counts(
        events in proptest::collection::vec(event(), 0..80),
        records in 0_usize..6,
        age in 1_u64..100,
    ) {
        paused(play(events, Some(Limits { records, age: millis(age) })))?;
    }

    /// The trigger is the first step after the expectation, however many follow.
    #[test]
    fn a1_latency_runs_from_the_first_step_after_the_expectation(
        before in 0_usize..20,
        after in 1_usize..60,
        gap in 1_u64..20,
        arrives_after in 0_usize..60,
    ) {
        paused(async {
            let bench = Bench::new(None);
            let wait = async |steps: usize| {
                for _ in 0..steps {
                    drop(bench.start());
                    tokio::time::advance(millis(gap)).await;
                }
            };
            wait(before).await;
            let one = bench.between_steps(|| bench.join.expect(1).within(millis(100_000)));
            let mut expected = Expected::One(Box::pin(one));
            tokio::time::advance(millis(7)).await;
            let arrives_after = arrives_after.min(after);
            wait(arrives_after).await;
            bench.record(1, 1);
            wait(after - arrives_after).await;
            let latency = if arrives_after == 0 { 0 } else { arrives_after as u64 * gap };
            prop_assert_eq!(bench.poll(&mut expected), Some(super::Observed::Matched(latency * 1_000_000)));
            Ok(())
        })?;
    }
}
