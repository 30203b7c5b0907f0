//! How much memory data takes. It is a process of its own, so that nothing else takes any.

#![cfg(target_os = "linux")]

#[expect(dead_code, reason = "it is shared with tests that ask for more")]
#[path = "engine/support.rs"]
mod support;

use qalipsis::core::model::verdict::Status;
use qalipsis::prelude::*;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use support::Run;

const ROWS: u64 = 100_000;
const MINIONS: u32 = 100;

#[derive(Steps)]
enum Step {
    Use,
}

#[derive(serde::Deserialize)]
struct Row {
    number: u64,
    text: String,
}

/// The most memory that this process ever had, in bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

#[test]
fn a_file_of_100_mb_takes_a_small_part_of_that_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.csv");
    let mut file = BufWriter::new(File::create(&path).unwrap());
    writeln!(file, "number,text").unwrap();
    let text = "x".repeat(1_000);
    (0..ROWS).for_each(|number| writeln!(file, "{number},{text}").unwrap());
    file.into_inner().unwrap().sync_all().unwrap();
    let bytes = std::fs::metadata(&path).unwrap().len();
    assert!(bytes > 100_000_000, "{bytes}");

    let before = peak();
    let sum = Arc::new(AtomicU64::new(0));
    let sum_seen = Arc::clone(&sum);
    let scenario = move || {
        let (path, sum_seen) = (path.clone(), Arc::clone(&sum_seen));
        let open = move |_: Setup| {
            let rows = csv::<Row>(&path).map(Records::each_once);
            async move { rows }
        };
        let iterate = move |minion: Minion<Step>, rows: Arc<Data<Row>>| {
            let sum_seen = Arc::clone(&sum_seen);
            async move {
                for _ in 0..ROWS / u64::from(MINIONS) {
                    let row = rows.next(&minion).await?;
                    sum_seen.fetch_add(row.number + row.text.len() as u64, Relaxed);
                }
                minion.step(Step::Use, async { Ok::<_, Fault>(()) }).await
            }
        };
        Scenario::new("s", open, iterate).minions(MINIONS)
    };
    let report = Run::default().of(scenario);
    assert_eq!(report.status, Status::Successful, "{:?}", report.reasons);
    assert_eq!(sum.load(Relaxed), ROWS * (ROWS - 1) / 2 + ROWS * 1_000);
    let taken = peak() - before;
    assert!(taken < bytes / 2, "{taken} of {bytes} bytes");
}
