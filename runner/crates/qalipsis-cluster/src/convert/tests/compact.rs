//! How large snapshots are.

use super::{bytes, received};
use crate::convert::{Encoded, Message};
use crate::frame::{Assembler, LARGEST_FRAME, Splitter};
use crate::message::{FactoryMessage, ToHead};
use qalipsis_model::location::SourceLocation;
use qalipsis_model::meter::MeterFigures;
use qalipsis_model::snapshot::{ExecutionOutcome, ScenarioFigures, Snapshot, StepFigures, StepKind};
use qalipsis_model::timestamp::Timestamp;

/// Samples in each histogram.
const SAMPLES: u32 = 100;

/// Around 1 ms, of a log-normal distribution: half of them within a factor of `spread`, as service times are.
fn sample(random: &mut impl FnMut() -> f64, spread: f64) -> u64 {
    let sum: f64 = (0..12).map(|_| random()).sum();
    // Half of all lie within 0.6745 deviations.
    (1e6 * spread.powf((sum - 6.0) / 0.6745)) as u64
}

/// From 0 to 1, the same ones in each test.
fn random() -> impl FnMut() -> f64 {
    let mut state = 7_u64;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// The difference of a second: so many steps with both durations, each other than the other.
fn snapshot(steps: u32, spread: f64) -> FactoryMessage {
    let mut random = random();
    let mut figures = ScenarioFigures { released: 5_000, ended: 4_990, ..ScenarioFigures::default() };
    for index in 0..steps {
        let file = "scenarios/checkout/src/main.rs".to_owned();
        let mut step = StepFigures {
            kind: Some(StepKind::Action),
            location: Some(SourceLocation { file, line: 30 + index, column: 14 }),
            minions: SAMPLES.into(),
            ..StepFigures::default()
        };
        for _ in 0..SAMPLES {
            let service = sample(&mut random, spread);
            let response = service + sample(&mut random, spread) / 2;
            step.record(ExecutionOutcome::Success, service, response);
        }
        figures.steps.insert(index, step);
    }
    let at = Timestamp(1_795_410_367_089_000_000);
    let scenarios = [("checkout".to_owned(), figures)].into();
    let snapshot = Snapshot { sequence: 60, since: Some(at), at, scenarios, ..Snapshot::default() };
    let message = ToHead::Snapshot(Box::new(snapshot));
    FactoryMessage { incarnation: 1_795_410_367_089, sequence: 400, received: 2, message }
}

#[test]
fn a_snapshot_of_1000_series_is_below_256_kib() {
    for spread in [1.05, 1.5, 2.0, 3.0] {
        let message = snapshot(1_000, spread);
        let size = bytes(&message).len();
        println!("1,000 steps, half of the times within a factor of {spread}: {size} bytes");
        assert!(size < 256 * 1024, "{size} bytes for spread {spread}");
        assert_eq!(received::<FactoryMessage>(message.encode()), Ok(message));
    }
}

#[test]
fn a_snapshot_of_20000_series_is_split_and_comes_back() {
    // Histograms of 20,000 steps would fill the memory of the test's machine: most series are other meters.
    let mut message = snapshot(1_000, 1.5);
    let ToHead::Snapshot(all) = &mut message.message else { panic!("{message:?}") };
    let figures = all.scenarios.get_mut("checkout").unwrap();
    for number in 0..19_000 {
        let mut meter = MeterFigures { unit: "records".into(), ..MeterFigures::default() };
        meter.record(all.at, f64::from(number));
        figures.meters.insert(format!("depth of queue {number}"), meter);
    }
    let (mut splitter, mut assembler) = (Splitter::default(), Assembler::default());
    let frames = splitter.split(message.encode()).unwrap();
    assert!(frames.len() > 2, "{} frames", frames.len());
    assert!(frames.iter().all(|frame| frame.len() <= LARGEST_FRAME));
    // The first time its second part is lost, so that nothing comes; then it is sent again as another message.
    let mut lossy = frames;
    lossy.remove(1);
    assert!(lossy.into_iter().all(|frame| assembler.add(frame) == Ok(None)));
    let again = splitter.split(message.encode()).unwrap();
    let complete: Vec<Encoded> =
        again.into_iter().filter_map(|frame| assembler.add(frame).unwrap()).collect();
    let [encoded] = complete.try_into().unwrap();
    assert!(received::<FactoryMessage>(encoded) == Ok(message));
}
