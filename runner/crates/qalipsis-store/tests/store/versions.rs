//! Stores that earlier versions wrote.

use crate::fixtures::{ended, open, random, running, second, slice};
use qalipsis_model::verdict::Status;
use qalipsis_store::{LastRun, Lost, Marker, MissedRuns, Schedule, Store, StoredFile, When};
use rusqlite::Connection;
use std::fs;
use std::path::Path;
use tempfile::tempdir;

/// With this variable set, the file of the latest version is written again: only before that version is released.
const UPDATE: &str = "QALIPSIS_TEST_UPDATE_STORE";

/// What the files of all versions contain.
async fn check(store: &Store) {
    let end = ended(running("one", 0), Status::Failed);
    assert_eq!(store.campaign("one").await, Ok(Some(end)));
    assert_eq!(store.campaign("two").await.unwrap().unwrap().causes, ["the head ended while it ran"]);
    let file = file();
    assert_eq!(store.file("one", &file.name).await, Ok(Some(file.content)));
    assert_eq!(store.markers("one").await, Ok(vec![marker()]));
    assert_eq!(store.schedules().await, Ok(vec![schedule()]));
    let collect = |slices: &mut Vec<_>, slice| slices.push(slice);
    let found = store.fold_slices("one", second(0)..second(9), Vec::new(), collect).await.unwrap();
    let mut random = random(11);
    let expected: Vec<_> = (0..2).map(|number| slice(&mut random, number, Some("eu"), 3, 20)).collect();
    assert!(found == expected, "{} slices", found.len());
}

fn file() -> StoredFile {
    StoredFile { name: "summary.json".into(), content: b"{\"schema\": 1}".repeat(10) }
}

fn marker() -> Marker {
    Marker { at: second(3), label: "it's deployed".into() }
}

fn schedule() -> Schedule {
    Schedule {
        name: "nightly".into(),
        request: serde_json::json!({"name": "nightly", "scenarios": {}}),
        when: When::Cron { expression: "0 3 * * *".into(), time_zone: "Europe/Vienna".into() },
        missed: MissedRuns::Skip,
        enabled: true,
        next: Some(second(100)),
        last: Some(LastRun { at: second(7), campaign: Some("one".into()) }),
    }
}

async fn write(folder: &Path) {
    let store = open(folder).await.unwrap();
    store.put_campaign(&running("one", 0)).await.unwrap();
    store.put_campaign(&running("two", 1)).await.unwrap();
    store.put_schedule(&schedule()).await.unwrap();
    let mut writer = store.writer("one");
    let mut random = random(11);
    (0..2).for_each(|number| writer.second(&[slice(&mut random, number, Some("eu"), 3, 20)]));
    writer.marker(&marker());
    writer.finish(&ended(running("one", 0), Status::Failed), &[file()]).await.unwrap();
    assert_eq!(writer.lost(), Lost::default());
    store.close().await.unwrap();
}

/// The statements that make a database with the same content.
fn dump(file: &Path) -> String {
    let connection = Connection::open(file).unwrap();
    let texts = |sql: &str| -> Vec<String> {
        let mut prepared = connection.prepare(sql).unwrap();
        let rows = prepared.query_map([], |row| row.get(0)).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    };
    let number = |pragma: &str| -> i64 { connection.query_row(pragma, [], |row| row.get(0)).unwrap() };
    let mut lines = vec![
        format!("PRAGMA application_id = {};", number("PRAGMA application_id")),
        format!("PRAGMA user_version = {};", number("PRAGMA user_version")),
    ];
    lines.extend(texts("SELECT sql || ';' FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid"));
    for table in texts("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY rowid") {
        let columns = texts(&format!("SELECT 'quote(' || name || ')' FROM pragma_table_info('{table}')"));
        let values = columns.join(" || ', ' || ");
        lines.extend(texts(&format!(
            "SELECT 'INSERT INTO {table} VALUES (' || {values} || ');' FROM {table}"
        )));
    }
    lines.join("\n") + "\n"
}

#[tokio::test]
async fn files_of_all_versions_are_read() {
    let versions = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/store/versions");
    if std::env::var_os(UPDATE).is_some() {
        let folder = tempdir().unwrap();
        write(folder.path()).await;
        let database = folder.path().join("campaigns.db");
        let version: i64 = Connection::open(&database)
            .unwrap()
            .query_row("PRAGMA user_version", [], |row| row.get(0))
            .unwrap();
        fs::write(versions.join(format!("{version}.sql")), dump(&database)).unwrap();
    }
    let mut read = 0;
    for entry in fs::read_dir(versions).unwrap() {
        let folder = tempdir().unwrap();
        let connection = Connection::open(folder.path().join("campaigns.db")).unwrap();
        connection.execute_batch(&fs::read_to_string(entry.unwrap().path()).unwrap()).unwrap();
        drop(connection);
        check(&open(folder.path()).await.unwrap()).await;
        read += 1;
    }
    assert_eq!(read, 2, "one for each version of the schema");
}
