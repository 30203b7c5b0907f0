//! How much memory the rows of a statement take. It is a process of its own, so that nothing else takes any.

#![cfg(target_os = "linux")]

use qalipsis_core::data::Records;
use qalipsis_postgres::Postgres;
use qalipsis_testkit::PostgresServer;
use serde::Deserialize;

/// The bytes of the rows that the statement gives, without what is around them.
const BYTES: u64 = 100_000_000;

#[derive(Deserialize)]
struct Row {
    #[serde(rename = "text")]
    _text: String,
}

/// The most memory that this process ever had, in bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

#[tokio::test]
async fn rows_of_100_mb_take_a_small_part_of_that_in_memory() {
    let server = PostgresServer::start().expect("a PostgreSQL server");
    let db = Postgres::connect(server.create_database().unwrap()).await.unwrap();
    let before = peak();
    let statement = "select repeat('x', 1000) as text from generate_series(1, 100000) n order by n";
    let records: Records<Row> = db.records(statement, &[]).await.unwrap();
    let taken = peak() - before;
    assert_eq!(records.count() * 1_000, BYTES);
    assert!(taken < BYTES / 2, "{taken} of {BYTES} bytes");
}
