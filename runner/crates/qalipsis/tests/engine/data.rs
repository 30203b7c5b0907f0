//! Data that is dealt to minions.

use crate::support::{Run, assert_nothing_failed, counts};
use futures::StreamExt as _;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use qalipsis::core::model::plan::{Replay, Stop};
use qalipsis::core::model::verdict::Status;
use qalipsis::core::profile::segment::Segment;
use qalipsis::prelude::*;
use qalipsis_judge::report::Report;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

#[derive(Steps)]
enum Step {
    Use,
}

trait Number: Send + Sync + 'static {
    fn number(&self) -> u32;
}

impl Number for u32 {
    fn number(&self) -> u32 {
        *self
    }
}

/// A number with so much text that a file of a few has several pages.
#[derive(serde::Serialize, serde::Deserialize)]
struct Padded {
    number: u32,
    padding: String,
}

impl Number for Padded {
    fn number(&self) -> u32 {
        self.number
    }
}

type Used = Arc<Mutex<Vec<(u32, u32)>>>;

/// Runs minions that each take so many of ten records in each iteration, in three factories that share the load;
/// gives who used which.
fn run(
    minions: u32,
    takes: usize,
    deal: impl Fn(Records<u32>) -> Data<u32> + Clone + Send + Sync + 'static,
    run: Run,
) -> (Report, Vec<(u32, u32)>) {
    let run = Run { segments: three().segments, ..run };
    of(|| records("numbers", 0..10), minions, takes, deal, run)
}

/// As [`run`], with records from elsewhere.
fn of<T: Number>(
    origin: impl Fn() -> Result<Records<T>, SetupError> + Clone + Send + Sync + 'static,
    minions: u32,
    takes: usize,
    deal: impl Fn(Records<T>) -> Data<T> + Clone + Send + Sync + 'static,
    run: Run,
) -> (Report, Vec<(u32, u32)>) {
    let open = move || {
        let data = origin().map(&deal);
        async move { data }
    };
    dealt(open, minions, takes, run)
}

/// As [`run`], with data that is opened somehow.
fn dealt<T: Number, F: Future<Output = Result<Data<T>, SetupError>> + Send + 'static>(
    open: impl Fn() -> F + Clone + Send + Sync + 'static,
    minions: u32,
    takes: usize,
    run: Run,
) -> (Report, Vec<(u32, u32)>) {
    let used = Used::default();
    let seen = Arc::clone(&used);
    let scenario = move || {
        let (open, seen) = (open.clone(), Arc::clone(&seen));
        let iterate = move |minion: Minion<Step>, numbers: Arc<Data<T>>| {
            let seen = Arc::clone(&seen);
            async move {
                for _ in 0..takes {
                    let number = numbers.next(&minion).await?;
                    seen.lock().push((minion.index(), number.number()));
                    minion.step(Step::Use, async { Ok::<_, Fault>(()) }).await?;
                }
                Ok(())
            }
        };
        Scenario::new("s", move |_: Setup| open(), iterate).minions(minions)
    };
    let report = run.of(scenario);
    let mut used = used.lock().clone();
    used.sort_unstable();
    (report, used)
}

/// Three factories that share the load.
fn three() -> Run {
    Run { segments: Segment::split(&[1, 1, 1]), ..Run::default() }
}

fn numbers(used: &[(u32, u32)]) -> Vec<u32> {
    let mut numbers: Vec<u32> = used.iter().map(|(_, number)| *number).collect();
    numbers.sort_unstable();
    numbers
}

#[test]
fn each_record_is_used_once_in_the_campaign_whatever_the_factories() {
    let deal = |records: Records<u32>| records.each_once().at_end(AtEnd::StopMinion);
    let (report, used) = run(4, 5, deal, Run::default());
    assert_eq!(report.status, Status::Successful, "{:?}", report.reasons);
    assert_eq!(numbers(&used), Vec::from_iter(0..10));
    assert_eq!(counts(&report, "use"), (10, 0, vec![]));
    assert_eq!(report.scenarios[0].iterations.failures(), 0);
    assert_eq!(run(4, 5, deal, Run::default()).1, used);
}

#[test]
fn records_that_run_out_fail_unless_said_otherwise() {
    let (report, used) = run(4, 3, Records::each_once, Run::default());
    assert_eq!(report.status, Status::Failed);
    assert_eq!(numbers(&used), Vec::from_iter(0..10));
    assert_eq!(
        report.reasons[0].message,
        "error outside of steps: numbers: no record is left for this minion, there are 10"
    );
    assert_eq!(report.scenarios[0].problems[0].count, 2);
}

#[test]
fn a_minion_that_waits_for_records_ends_with_the_campaign() {
    let stop = Some((millis(200), Stop::Graceful));
    let wait = |records: Records<u32>| records.each_once().at_end(AtEnd::Wait);
    let (report, used) = run(4, 3, wait, Run { stop, ..Run::default() });
    assert_nothing_failed(&report, true);
    assert_eq!(numbers(&used), Vec::from_iter(0..10));
}

#[test]
fn a_cycle_begins_again_and_a_broadcast_goes_to_all() {
    let (report, used) = run(4, 5, Records::cycle, Run::default());
    assert_eq!(report.status, Status::Successful, "{:?}", report.reasons);
    assert_eq!(numbers(&used), Vec::from_iter((0..10).flat_map(|n| [n, n])));
    let (report, used) = run(2, 10, Records::broadcast, Run::default());
    assert_eq!(report.status, Status::Successful, "{:?}", report.reasons);
    assert_eq!(used, Vec::from_iter((0..2).flat_map(|minion| (0..10).map(move |n| (minion, n)))));
}

#[test]
fn a_file_is_dealt_as_records_in_memory_are() {
    let folder = tempfile::tempdir().unwrap();
    let (csv_file, json_file) = (folder.path().join("numbers.csv"), folder.path().join("numbers.jsonl"));
    let padding = "x".repeat(30_000);
    let row = |number| serde_json::to_string(&Padded { number, padding: padding.clone() }).unwrap() + "\n";
    std::fs::write(&json_file, (0..10).map(row).collect::<String>()).unwrap();
    let row = |number| format!("{number},{padding}\n");
    let header = "number,padding\n".to_owned();
    std::fs::write(&csv_file, header + &(0..10).map(row).collect::<String>()).unwrap();

    type Origin = fn(&std::path::Path) -> Result<Records<Padded>, SetupError>;
    type Deal<T> = fn(Records<T>) -> Data<T>;
    let origins: [Origin; 2] = [|path| csv(path), |path| json_lines(path)];
    let deals: [(Deal<u32>, Deal<Padded>); 3] = [
        (|r| r.each_once().at_end(AtEnd::StopMinion), |r| r.each_once().at_end(AtEnd::StopMinion)),
        (Records::cycle, Records::cycle),
        (Records::broadcast, Records::broadcast),
    ];
    for (path, origin) in [csv_file, json_file].into_iter().zip(origins) {
        for (in_memory, in_file) in deals {
            let path = path.clone();
            let (report, used) = of(move || origin(&path), 4, 5, in_file, three());
            assert_eq!(report.status, Status::Successful, "{:?}", report.reasons);
            assert_eq!(used, run(4, 5, in_memory, Run::default()).1);
        }
    }
}

#[test]
fn a_file_that_does_not_fit_in_its_middle_is_no_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("numbers.jsonl");
    let rows = (0..1_000).map(|n| if n == 500 { "null\n".to_owned() } else { format!("{n}\n") });
    std::fs::write(&path, rows.collect::<String>()).unwrap();
    let expected =
        format!("warm-up: data file {}:501: invalid type: null, expected u32, at column 4", path.display());
    let (report, used) = of(move || json_lines::<u32>(&path), 1, 1, Records::each_once, Run::default());
    assert_eq!((report.status, used), (Status::Aborted, vec![]));
    assert_eq!(report.reasons[0].message, expected);
}

/// The records of a stream in which errors stand for 7.
fn live(
    numbers: std::ops::Range<u32>,
) -> impl Fn() -> BoxFuture<'static, Result<Data<u32>, SetupError>> + Clone {
    move || {
        let numbers = numbers.clone().map(|n| if n == 7 { Err(Fault::error("unlucky")) } else { Ok(n) });
        let stream = futures::stream::iter(numbers);
        Box::pin(async move { Ok(Data::from_stream("numbers", stream).await?.at_end(AtEnd::StopMinion)) })
    }
}

#[test]
fn each_record_of_a_stream_is_used_once_in_the_campaign() {
    let (report, used) = dealt(live(10..30), 6, 9, three());
    assert_eq!(report.status, Status::Successful, "{:?}", report.reasons);
    assert_eq!(numbers(&used), Vec::from_iter(10..30));
}

#[test]
fn an_error_in_a_stream_fails_an_iteration_with_its_number_and_the_rest_is_read() {
    let (report, used) = dealt(live(0..10), 2, 10, Run::default());
    assert_eq!(report.status, Status::Failed);
    assert_eq!(report.reasons[0].message, "error outside of steps: numbers, record 8: unlucky");
    assert_eq!(report.scenarios[0].problems[0].count, 1);
    assert_eq!(numbers(&used), [0, 1, 2, 3, 4, 5, 6, 8, 9]);
}

#[test]
fn a_stream_that_gives_nothing_is_no_run() {
    let warm_up = |open: BoxFuture<'static, Result<Data<u32>, SetupError>>| {
        let open = Arc::new(Mutex::new(Some(open)));
        let (report, _) = dealt(move || open.lock().take().unwrap(), 1, 1, Run::default());
        assert_eq!(report.status, Status::Aborted);
        report.reasons[0].message.clone()
    };
    assert_eq!(warm_up(live(0..0)()), "warm-up: numbers: has no record");
    assert_eq!(warm_up(live(7..9)()), "warm-up: numbers, record 1: unlucky");
    let broken = futures::stream::once(async { panic!("no stream") }).map(|_: ()| Ok::<u32, Fault>(0));
    let broken = async move { Data::from_stream("numbers", broken).await };
    assert_eq!(warm_up(Box::pin(broken)), "warm-up: numbers: the stream panicked");
}

#[test]
fn a_stream_without_an_end_is_read_as_it_is_used() {
    let read = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&read);
    let open = move || {
        let read = Arc::clone(&counted);
        let stream = futures::stream::repeat_with(move || Ok::<_, Fault>(read.fetch_add(1, Relaxed)));
        async move { Data::from_stream("numbers", stream).await }
    };
    let (report, used) = dealt(open, 2, 1_000, Run::default());
    assert_eq!(report.status, Status::Successful, "{:?}", report.reasons);
    assert_eq!(numbers(&used), Vec::from_iter(0..2_000));
    // What waits to be taken, and the one that waits for a place.
    assert!(read.load(Relaxed) <= 3_001, "{read:?}");
}

#[test]
fn a_minion_that_waits_for_a_stream_ends_with_the_campaign() {
    let open = || async {
        let stream = futures::stream::iter([Ok::<u32, Fault>(1)]).chain(futures::stream::pending());
        Data::from_stream("numbers", stream).await
    };
    let stop = Some((millis(200), Stop::Graceful));
    let (report, used) = dealt(open, 2, 2, Run { stop, ..Run::default() });
    assert_nothing_failed(&report, true);
    assert_eq!(numbers(&used), [1]);
}

#[test]
fn a_stream_that_ends_is_dealt_as_records_in_memory_are() {
    let open = || async {
        let stream = futures::stream::iter((0..10).map(Ok::<u32, Fault>));
        Ok(Records::from_stream("numbers", stream).await?.cycle())
    };
    let (report, used) = dealt(open, 4, 5, three());
    assert_eq!(report.status, Status::Successful, "{:?}", report.reasons);
    assert_eq!(used, run(4, 5, Records::cycle, Run::default()).1);
}

#[test]
fn a_replay_gives_the_same_records_or_says_why_not() {
    let again = |taken: &[(&str, Option<u64>)]| {
        let taken = taken.iter().map(|(name, taken)| ((*name).to_owned(), *taken)).collect();
        let replay = Some(Replay { iteration: 2, taken });
        Run { replay, segments: vec![Segment::of_minion(1, 3)], ..Run::default() }
    };
    let origin = || records("numbers", 0..10);
    let (report, used) = of(origin, 3, 1, Records::each_once, again(&[]));
    assert_eq!((report.status, used), (Status::Successful, vec![(1, 7)]));
    let (report, used) = of(origin, 3, 2, Records::broadcast, again(&[("numbers", Some(5))]));
    assert_eq!((report.status, used), (Status::Successful, vec![(1, 5), (1, 6)]));
    let (report, used) = of(origin, 3, 1, Records::each_once, again(&[("numbers", None)]));
    assert_eq!((report.status, used), (Status::Failed, vec![]));
    assert_eq!(
        report.reasons[0].message,
        "error outside of steps: numbers: iterations of that campaign took different numbers of records, so that a replay \
         cannot give iteration 2 of minion 1 those that it had"
    );
    let (report, used) = dealt(live(10..30), 3, 1, again(&[]));
    assert_eq!((report.status, used), (Status::Failed, vec![]));
    assert_eq!(
        report.reasons[0].message,
        "error outside of steps: numbers: a stream gives each record to the minion that asks first, so that a replay \
         cannot give minion 1 those that it had"
    );
}

/// Two minions that iteration again and again: what iterations took by the report, and of one failure its iteration, and what its minion
/// had taken before. An iteration takes as many as reported.
fn iterations(takes: fn(u64) -> u64) -> (Option<u64>, u64, u64) {
    let scenario = move || {
        let open = |_: Setup| async { Ok(records("numbers", 0..10)?.cycle()) };
        let iterate = move |minion: Minion<Step>, numbers: Arc<Data<u32>>| async move {
            minion.pause(millis(10)).await;
            for _ in 0..takes(minion.iteration()) {
                numbers.next(&minion).await?;
            }
            minion.verify(Step::Use, |v| v.below("iteration", minion.iteration(), 5))
        };
        Scenario::new("s", open, iterate)
            .minions(2)
            .profile(Profile::stages([Stage::percent(100).total(secs(1))]))
    };
    let report = three().of(scenario);
    let failure = &report.scenarios[0].steps[0].failures[0].evidence[0];
    (report.scenarios[0].data["numbers"].count, failure.iteration, failure.taken["numbers"])
}

#[test]
fn the_report_has_what_iterations_took_so_that_they_can_be_replayed() {
    assert_eq!(iterations(|_| 2), (Some(2), 5, 10));
    assert_eq!(iterations(|iteration| iteration % 2), (None, 5, 2));
    assert_eq!(iterations(|iteration| u64::from(iteration < 5)), (Some(1), 5, 5));
}

#[test]
fn no_data_is_no_run() {
    async fn open(_: Setup) -> Result<Data<u32>, SetupError> {
        Ok(records("numbers", [])?.each_once().at_end(AtEnd::StopMinion))
    }
    async fn iterate(minion: Minion<Step>, numbers: Arc<Data<u32>>) -> Outcome {
        numbers.next(&minion).await?;
        Ok(())
    }
    let report = Run::default().of(|| Scenario::new("s", open, iterate));
    assert_eq!(report.status, Status::Aborted);
    assert_eq!(report.reasons[0].message, "warm-up: numbers: has no record");
}
