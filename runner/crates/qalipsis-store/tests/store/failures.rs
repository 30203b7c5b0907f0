//! What can be wrong with a file: each gives one line, and harms nothing.

use crate::fixtures::{ended, open, random, running, second, slice};
use qalipsis_config::{Environment, Sections, Sources};
use qalipsis_model::verdict::Status;
use qalipsis_store::{CampaignStatus, Lost, STORE, StoreError, StoreProblem, StoredFile};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::{TempDir, tempdir};

/// A small file system of its own, which needs root, as the tests of the project do in CI.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn mount(size: &str) -> Self {
        let folder = tempdir().unwrap();
        let options = format!("size={size}");
        run(Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(folder.path()));
        Self(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn make_read_only(&self) {
        run(Command::new("mount").args(["-o", "remount,ro"]).arg(self.path()));
    }

    /// Leaves no space.
    fn fill(&self) -> PathBuf {
        let filler = self.path().join("filler");
        let mut file = fs::File::create(&filler).unwrap();
        while std::io::Write::write_all(&mut file, &[7; 4_096]).is_ok() {}
        filler
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: the files of a test that failed may be open.
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    let why = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed, this test has to run as root: {why}");
}

fn integrity(file: &Path) -> String {
    let connection = rusqlite::Connection::open(file).unwrap();
    connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn a_full_disk_loses_what_does_not_fit_and_says_so() {
    let disk = SmallDisk::mount("2m");
    let store = open(disk.path()).await.unwrap();
    store.put_campaign(&running("one", 0)).await.unwrap();
    let mut writer = store.writer("one");
    let mut random = random(3);
    writer.second(&[slice(&mut random, 0, None, 50, 100)]);
    store.put_campaign(&running("one", 0)).await.unwrap();
    let filler = disk.fill();
    for number in 1..400 {
        writer.second(&[slice(&mut random, number, None, 5, 20)]);
    }
    let end = ended(running("one", 0), Status::Successful);
    let file = StoredFile {
        name: "summary.json".into(),
        content: (0..200_000_u32).flat_map(u32::to_le_bytes).collect(),
    };
    let error = writer.finish(&end, std::slice::from_ref(&file)).await.unwrap_err();
    let place = disk.path().join("campaigns.db");
    assert_eq!(error.to_string(), format!("store {}: no space left on the disk", place.display()));
    let lost = writer.lost();
    assert!(lost.writes > 0 && lost.last == Some(error), "{lost:?}");
    // Nothing of it is half there, and what was there before is.
    let found = store.campaign("one").await.unwrap().unwrap();
    assert_eq!((found.status, store.files("one").await), (CampaignStatus::Running, Ok(vec![])));
    let count = |seen: &mut u64, _| *seen += 1;
    assert_eq!(store.fold_slices("one", second(0)..second(500), 0, count).await, Ok(400 - lost.writes));
    fs::remove_file(filler).unwrap();
    writer.finish(&end, std::slice::from_ref(&file)).await.unwrap();
    assert_eq!(store.campaign("one").await, Ok(Some(end)));
    assert_eq!(store.file("one", "summary.json").await, Ok(Some(file.content)));
    store.close().await.unwrap();
    assert_eq!(integrity(&place), "ok");
}

#[tokio::test]
async fn a_disk_that_is_full_from_the_beginning_is_said() {
    let disk = SmallDisk::mount("64k");
    disk.fill();
    let error = open(disk.path()).await.unwrap_err();
    assert_eq!(*error.problem(), StoreProblem::Full, "{error}");
}

#[tokio::test]
async fn a_read_only_folder_is_said() {
    let disk = SmallDisk::mount("1m");
    open(disk.path()).await.unwrap().close().await.unwrap();
    disk.make_read_only();
    let place = disk.path().display();
    assert_eq!(
        open(disk.path()).await.unwrap_err().to_string(),
        format!(
            "store {place}/campaigns.db: it is read-only (folder {place}: Read-only file system (os error 30))"
        )
    );
    let error = open(&disk.path().join("new")).await.unwrap_err();
    assert!(matches!(error.problem(), StoreProblem::ReadOnly(_)), "{error}");
}

#[tokio::test]
async fn what_is_no_folder_is_said() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let error = open(&folder.path().join("file")).await.unwrap_err();
    assert!(matches!(error.problem(), StoreProblem::Folder { .. }), "{error:?}");
    assert!(error.to_string().contains("/file cannot be used: "), "{error}");
    fs::create_dir(folder.path().join("campaigns.db")).unwrap();
    let error = open(folder.path()).await.unwrap_err();
    assert!(error.to_string().ends_with("/campaigns.db cannot be used: it is given as a file"), "{error}");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_left_as_it_is() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("campaigns.db");
    let content = b"these are notes of somebody\n".repeat(1_000);
    fs::write(&file, &content).unwrap();
    let error = open(folder.path()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "store {}: file is not a database; restore the file from a backup, or move it away to begin with an empty one",
            file.display()
        )
    );
    assert_eq!(fs::read(&file).unwrap(), content);
}

#[tokio::test]
async fn a_damaged_file_gives_errors_and_nothing_else() {
    let folder = tempdir().unwrap();
    let store = open(folder.path()).await.unwrap();
    let mut random = random(5);
    for key in ["one", "two", "three"] {
        store.put_campaign(&running(key, 0)).await.unwrap();
        let mut writer = store.writer(key);
        (0..20).for_each(|number| writer.second(&[slice(&mut random, number, None, 20, 50)]));
        let file = StoredFile { name: "summary.json".into(), content: b"{}".to_vec() };
        writer.finish(&ended(running(key, 0), Status::Failed), &[file]).await.unwrap();
    }
    store.close().await.unwrap();
    let file = folder.path().join("campaigns.db");
    let intact = fs::read(&file).unwrap();
    let pages = intact.len() / 4_096;
    let mut refused = 0;
    for page in 0..pages {
        let mut damaged = intact.clone();
        // The header stays: without it the file is no database at all.
        damaged[page * 4_096 + if page == 0 { 100 } else { 0 }..][..2_000].fill(0xa5);
        fs::write(&file, damaged).unwrap();
        let outcome = async {
            let store = open(folder.path()).await?;
            let read = async {
                for key in ["one", "two", "three"] {
                    store.campaign(key).await?;
                    store.file(key, "summary.json").await?;
                    store.window(key, second(0)..second(100)).await?;
                    store.writer(key).finish(&ended(running(key, 0), Status::Warning), &[]).await?;
                }
                Ok(())
            };
            let outcome: Result<(), StoreError> = read.await;
            store.close().await?;
            outcome
        };
        if let Err(error) = outcome.await {
            refused += 1;
            let problem = error.problem();
            let is_clear = matches!(problem, StoreProblem::Corrupt(_) | StoreProblem::Malformed(_));
            assert!(is_clear, "page {page}: {error} {problem:?}");
        }
    }
    assert!(refused > pages / 2, "only {refused} damages of {pages} pages were noticed");
}

#[tokio::test]
async fn a_secret_of_a_plan_is_in_no_file() {
    const SECRET: &str = "hunter2-of-the-plan";
    let sources = Sources {
        directory: "/nonexistent".into(),
        environment: Environment::from([("DATABASE", format!("postgres://ann:{SECRET}@db/x").as_str())]),
        pairs: vec![
            "store.url=${DATABASE}".to_owned(),
            format!("scenarios.checkout.properties.api-token={SECRET}"),
            format!("scenarios.checkout.properties.shop=http://ann:{SECRET}@shop"),
        ],
        sections: Sections::all([&STORE]),
        ..Sources::default()
    };
    let (settings, problems) = sources.read();
    assert!(problems.is_empty(), "{problems:?}");
    let configuration = serde_json::to_vec(&settings.configuration(&[], &[])).unwrap();
    let text = String::from_utf8(configuration.clone()).unwrap();
    assert!(text.contains("***") && !text.contains(SECRET), "{text}");
    let folder = tempdir().unwrap();
    let store = open(folder.path()).await.unwrap();
    let writer = store.writer("one");
    let file = StoredFile { name: "configuration.json".into(), content: configuration };
    writer.finish(&ended(running("one", 0), Status::Failed), std::slice::from_ref(&file)).await.unwrap();
    assert_eq!(writer.lost(), Lost::default());
    let contains = |bytes: &[u8], text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
    let (mut read, mut seen) = (0, false);
    for entry in fs::read_dir(folder.path()).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        assert!(!contains(&bytes, SECRET));
        seen |= contains(&bytes, "campaign one");
        read += 1;
    }
    assert!(read >= 3 && seen, "the database and its log were read: {read} files");
    assert_eq!(store.file("one", "configuration.json").await, Ok(Some(file.content)));
}
