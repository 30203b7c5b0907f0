//! What is compared with what, and which sentences come out.

use super::simulate::{Fault, HEALTHY, QUIET, System, dice, run};
use crate::{Measure, Run, Share, Subject, SubjectKind, Verdict, compare};

fn runs(count: u64) -> Vec<Run> {
    (0..count)
        .map(|seed| Run { label: format!("run-{seed}"), ..run(QUIET, HEALTHY, &mut dice(seed)) })
        .collect()
}

fn slow() -> Run {
    run(QUIET, Fault { slower: 10.0, ..HEALTHY }, &mut dice(99))
}

#[test]
fn the_same_input_gives_the_same_result_in_any_order_of_the_baselines() {
    let (before, after) = (runs(5), slow());
    let first = compare(&before, &after);
    assert_eq!(compare(&before, &after), first);
    let mut turned = before.clone();
    turned.reverse();
    let second = compare(&turned, &after);
    let verdicts =
        |c: &crate::Comparison| c.subjects().map(|(_, s)| (s.name.clone(), s.verdict())).collect::<Vec<_>>();
    assert_eq!(verdicts(&second), verdicts(&first));
}

#[test]
fn a_regression_has_figures_that_people_know() {
    let comparison = compare(&runs(1), &slow());
    assert!(comparison.regressed());
    let (_, place) = comparison.subjects().next().unwrap();
    let sentence = place.sentence(Verdict::Regression).unwrap();
    assert!(
        sentence.starts_with("response time 9.") || sentence.starts_with("response time 10"),
        "{sentence}"
    );
    assert!(sentence.contains(" times the baseline's: p50 ") && sentence.contains(" ms, now "), "{sentence}");
    assert_eq!(sentence.matches("p50").count(), 1, "the tail says nothing more: {sentence}");
}

#[test]
fn getting_faster_is_an_improvement_and_no_regression() {
    let comparison = compare(&[slow()], &runs(1)[0]);
    assert!(!comparison.regressed());
    let (_, place) = comparison.subjects().next().unwrap();
    assert_eq!(place.verdict(), Verdict::Improvement);
    assert!(
        place.sentence(Verdict::Improvement).unwrap().starts_with("response time 0.1"),
        "{:?}",
        place.sentence(Verdict::Improvement)
    );
}

#[test]
fn what_takes_no_time_cannot_become_slower() {
    let mut after = runs(1).remove(0);
    for (_, times) in &mut after.scenarios[0].subjects[2].times {
        *times = qalipsis_model::histogram::Histogram::default();
        times.record_n(50_000, 500);
    }
    let comparison = compare(&runs(1), &after);
    assert!(!comparison.regressed(), "50 times 1 µs is still nothing");
}

#[test]
fn another_load_is_noted_and_not_compared() {
    let mut other = runs(2);
    other[1].scenarios[0].load = "9 minions at once".into();
    let comparison = compare(&other, &slow());
    assert_eq!(comparison.baselines, ["run-0"]);
    assert_eq!(
        comparison.notes,
        [
            "scenario shop is not compared with run-1: it had 9 minions at once there, and has 500 minions at once now"
        ]
    );
    let comparison = compare(&other[1..], &slow());
    assert_eq!((comparison.judged(), comparison.regressed()), (0, false));
}

#[test]
fn new_and_gone_steps_and_scenarios_are_noted() {
    let before = runs(1);
    let mut after = runs(1).remove(0);
    after.scenarios[0].subjects[1].name = "find".into();
    after.scenarios[0].subjects[2].count = 0;
    after.scenarios.push(crate::ScenarioRun { name: "refund".into(), ..after.scenarios[0].clone() });
    let comparison = compare(&before, &after);
    assert_eq!(
        comparison.scenarios[0].notes,
        [
            "step find is new: no baseline has it",
            "step verify was executed before and not now",
            "step search is gone: only baselines have it"
        ]
    );
    assert_eq!(comparison.notes, ["scenario refund is new: no baseline has it"]);
    let comparison = compare(&[after], &before[0]);
    assert_eq!(comparison.notes, ["scenario refund did not run this time"]);
}

#[test]
fn each_measure_of_a_source_is_judged() {
    let source = |hits: u64| Subject {
        kind: SubjectKind::Source,
        name: "kafka topic orders".into(),
        count: 1_000,
        times: Vec::new(),
        shares: vec![
            (Measure::Duplicates, Share { hits, of: 1_000 }),
            (Measure::Orphans, Share { hits: 0, of: 1_000 }),
        ],
    };
    let with = |hits: u64| {
        let mut run = runs(1).remove(0);
        run.scenarios[0].subjects = vec![source(hits)];
        run
    };
    let comparison = compare(&[with(2)], &with(80));
    let (_, subject) = comparison.subjects().next().unwrap();
    assert_eq!(
        subject.sentence(Verdict::Regression).as_deref(),
        Some("duplicate records 0.20 % in the baseline, now 8.00 % (80 of 1000)")
    );
    let asked: Vec<Measure> = subject.changes.iter().map(|c| c.measure).collect();
    assert_eq!(asked, [Measure::Duplicates, Measure::Throughput], "what never happened is no question");
    assert!(!compare(&[with(2)], &with(3)).regressed());
}

#[test]
fn a_load_that_takes_twice_as_long_has_half_the_throughput() {
    let before = runs(3);
    let mut after = runs(1).remove(0);
    after.scenarios[0].duration *= 2;
    let comparison = compare(&before, &after);
    let (_, place) = comparison.subjects().next().unwrap();
    let sentence = place.sentence(Verdict::Regression).unwrap();
    assert!(sentence.starts_with("throughput 0.5") && sentence.contains("/s, now 4"), "{sentence}");
}

#[test]
fn what_would_have_been_noticed_is_noticed() {
    // The limit that is shown is the limit that is applied, for a baseline without noise of its own.
    let before = runs(1);
    let comparison = compare(&before, &before[0]);
    let (_, place) = comparison.subjects().next().unwrap();
    let change = &place.changes[0];
    let factor = change.noticed_from / change.before;
    assert!((1.1..1.3).contains(&factor), "{factor}");
    for (times, found) in [(factor * 0.97, false), (factor * 1.03, true)] {
        let mut after = before[0].clone();
        for (_, all) in &mut after.scenarios[0].subjects[0].times {
            let mut slower = qalipsis_model::histogram::Histogram::default();
            all.counts().for_each(|(ns, n)| slower.record_n((ns as f64 * times) as u64, n));
            *all = slower;
        }
        assert_eq!(compare(&before, &after).regressed(), found, "{times}");
    }
}

/// Five quiet baselines and a run in which `place` is 1.3 times slower and the slowest tenth of `search` three times,
/// for the machine was busy with something else or not.
fn with_a_slow_tail(busy: f64) -> crate::Comparison {
    let slower = Fault { slower: 1.3, ..HEALTHY };
    let mut now = run(System { busy, ..QUIET }, slower, &mut dice(99));
    let search = now.scenarios[0].subjects.iter_mut().find(|subject| subject.name == "search").unwrap();
    for (_, times) in &mut search.times {
        times.record_n(70_000_000, 75);
    }
    compare(&runs(5), &now)
}

#[test]
fn a14_a_slow_tail_on_a_busier_machine_is_not_blamed_on_the_step() {
    let verdicts = |comparison: &crate::Comparison| {
        let worse = comparison.subjects().filter(|(_, s)| s.verdict() == Verdict::Regression);
        worse.map(|(_, s)| s.name.clone()).collect::<Vec<_>>()
    };
    let quiet = with_a_slow_tail(0.0);
    assert_eq!(verdicts(&quiet), ["place", "search"]);
    let busier = with_a_slow_tail(0.03);
    assert_eq!(verdicts(&busier), ["place"]);
    let notes = &busier.scenarios[0].notes;
    let about_search = notes.iter().filter(|note| note.starts_with("step search: the slowest tenth takes "));
    assert_eq!(about_search.count(), 1, "{notes:?}");
}
