//! Data that is dealt to minions.

use crate::support::{Run, counts};
use parking_lot::Mutex;
use qalipsis::core::model::plan::Stop;
use qalipsis::core::model::report::Report;
use qalipsis::core::model::segment::Segment;
use qalipsis::core::model::verdict::Status;
use qalipsis::prelude::*;

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

/// Runs minions that each take so many of ten records in each pass, in three factories that share the load;
/// gives who used which.
fn run(
    minions: u32,
    takes: usize,
    deal: impl Fn(Records<u32>) -> Data<u32> + Clone + Send + Sync + 'static,
    run: Run,
) -> (Report, Vec<(u32, u32)>) {
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
    let used = Used::default();
    let told = Arc::clone(&used);
    let scenario = move || {
        let (origin, deal, told) = (origin.clone(), deal.clone(), Arc::clone(&told));
        let open = move |_: Setup| {
            let data = origin().map(&deal);
            async move { data }
        };
        let pass = move |minion: Minion<Step>, numbers: Arc<Data<T>>| {
            let told = Arc::clone(&told);
            async move {
                for _ in 0..takes {
                    let number = numbers.next(&minion).await?;
                    told.lock().push((minion.index(), number.number()));
                    minion.step(Step::Use, async { Ok::<_, Fault>(()) }).await?;
                }
                Ok(())
            }
        };
        Scenario::new("s", open, pass).minions(minions)
    };
    let segments = Segment::split(&[1, 1, 1]);
    let report = Run { segments, ..run }.of(scenario);
    let mut used = used.lock().clone();
    used.sort_unstable();
    (report, used)
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
    assert_eq!(report.status, Status::Successful, "{:?}", report.reasons);
    assert_eq!(numbers(&used), Vec::from_iter(0..10));
}

#[test]
fn a_cycle_begins_anew_and_a_broadcast_goes_to_all() {
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
            let (report, used) = of(move || origin(&path), 4, 5, in_file, Run::default());
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
    assert_eq!((report.status, used), (Status::Failed, vec![]));
    assert_eq!(report.reasons[0].message, expected);
}

#[test]
fn no_data_is_no_run() {
    async fn open(_: Setup) -> Result<Data<u32>, SetupError> {
        Ok(records("numbers", [])?.each_once().at_end(AtEnd::StopMinion))
    }
    async fn pass(minion: Minion<Step>, numbers: Arc<Data<u32>>) -> Outcome {
        numbers.next(&minion).await?;
        Ok(())
    }
    let report = Run::default().of(|| Scenario::new("s", open, pass));
    assert_eq!(report.status, Status::Failed);
    assert_eq!(report.reasons[0].message, "warm-up: numbers: has no record");
}
