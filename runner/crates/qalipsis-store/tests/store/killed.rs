//! A head that is killed at any moment.

use crate::fixtures::{ended, open, random, running, second, slice};
use qalipsis_model::verdict::Status;
use qalipsis_store::{CampaignQuery, CampaignStatus, StoredFile};
use std::env;
use std::io::{BufRead, BufReader, Write, stdout};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;
use tempfile::tempdir;
use tokio::runtime::Runtime;

/// Where the process that is killed writes.
const FOLDER: &str = "QALIPSIS_TEST_STORE_FOLDER";

/// How often a process is killed.
const KILLS: u64 = 200;

/// Processes that run at the same time.
const LANES: u64 = 4;

/// Kills of one file, then an empty one is begun.
const SAME_FILE: u64 = 10;

fn files(key: &str) -> [StoredFile; 2] {
    let file = |name: &str, repeated: usize| StoredFile {
        name: name.to_owned(),
        content: format!("{key} {name} ").repeat(repeated).into_bytes(),
    };
    [file("report.html", 4_000), file("summary.json", 900)]
}

/// How many seconds a campaign has.
fn seconds(number: u64) -> u64 {
    number % 4
}

/// The name of the test below, which is also the program that it kills.
const TEST: &str = "killed::a_killed_head_leaves_finished_campaigns_complete_and_running_ones_aborted";

/// Writes campaigns until it is killed.
fn head(folder: &Path) {
    Runtime::new().unwrap().block_on(async {
        let store = open(folder).await.unwrap();
        let say = |line: String| writeln!(stdout(), "{line}").and_then(|()| stdout().flush()).unwrap();
        say("opened".to_owned());
        let mut random = random(1);
        for number in 0.. {
            let key = format!("{}-{number}", std::process::id());
            store.put_campaign(&running(&key, number)).await.unwrap();
            let mut writer = store.writer(&key);
            (0..seconds(number)).for_each(|second| writer.second(&[slice(&mut random, second, None, 3, 10)]));
            writer.finish(&ended(running(&key, number), Status::Successful), &files(&key)).await.unwrap();
            say(format!("finished {key}"));
        }
    });
}

/// Runs a head, kills it, and gives the keys that it said are finished.
fn kill_one(folder: &Path, random: &mut impl FnMut() -> f64) -> (u32, Vec<String>) {
    let mut child = Command::new(env::current_exe().unwrap())
        .args([TEST, "--exact", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let (said, lines) = std::sync::mpsc::channel();
    let reader = thread::spawn(move || {
        let mut finished = Vec::new();
        for line in output.lines().map_while(Result::ok) {
            finished.extend(line.strip_prefix("finished ").map(str::to_owned));
            if line.ends_with("opened") || line.starts_with("finished ") {
                let _ = said.send(());
            }
        }
        finished
    });
    // Some while it opens the store; most after it has said that it has, and that it has finished some campaigns.
    let moment = if random() < 0.3 {
        0.02
    } else {
        let lines = lines.iter().take(1 + (random() * 4.0) as usize).count();
        assert!(lines > 0, "the head did not open the store");
        0.008
    };
    thread::sleep(Duration::from_secs_f64(random() * moment));
    child.kill().unwrap();
    child.wait().unwrap();
    (child.id(), reader.join().unwrap())
}

/// What has to be true of the store after its head was killed.
async fn check(folder: &Path, process: u32, finished: &[String]) -> usize {
    let store = open(folder).await.unwrap();
    let query = CampaignQuery { size: u32::MAX, ..CampaignQuery::default() };
    let found = store.campaigns(&query).await.unwrap();
    for campaign in &found.campaigns {
        let key = &campaign.key;
        let (pid, number) = key.split_once('-').unwrap();
        let number: u64 = number.parse().unwrap();
        match campaign.status {
            CampaignStatus::Ended(Status::Successful) => {}
            CampaignStatus::Ended(Status::Aborted) => {
                assert_eq!(campaign.causes, ["the head ended while it ran"]);
                assert!(!finished.contains(key), "{key} was acknowledged");
                continue;
            }
            other => panic!("{key} is {other}"),
        }
        // Those of earlier heads were looked at before.
        if pid != process.to_string() {
            continue;
        }
        assert_eq!(*campaign, ended(running(key, number), Status::Successful));
        for file in files(key) {
            let kept = store.file(key, &file.name).await;
            assert!(kept == Ok(Some(file.content)), "{key} is finished without its {}", file.name);
        }
        let count = |seen: &mut u64, _| *seen += 1;
        let kept = store.fold_slices(key, second(0)..second(100), 0, count).await;
        assert_eq!(kept, Ok(seconds(number)));
    }
    for key in finished {
        assert!(found.campaigns.iter().any(|campaign| campaign.key == *key), "{key} was acknowledged");
    }
    store.close().await.unwrap();
    let connection = rusqlite::Connection::open(folder.join("campaigns.db")).unwrap();
    let integrity: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(integrity, "ok");
    found
        .campaigns
        .iter()
        .filter(|campaign| campaign.status == CampaignStatus::Ended(Status::Aborted))
        .count()
}

#[test]
fn a_killed_head_leaves_finished_campaigns_complete_and_running_ones_aborted() {
    if let Some(folder) = env::var_os(FOLDER) {
        return head(Path::new(&folder));
    }
    let lanes: Vec<_> = (0..LANES)
        .map(|lane| {
            thread::spawn(move || {
                let runtime = Runtime::new().unwrap();
                let (mut random, mut folder) = (random(lane), tempdir().unwrap());
                let (mut complete, mut aborted) = (0, 0);
                for kill in 0..KILLS / LANES {
                    if kill % SAME_FILE == 0 {
                        folder = tempdir().unwrap();
                    }
                    let (process, finished) = kill_one(folder.path(), &mut random);
                    aborted += runtime.block_on(check(folder.path(), process, &finished));
                    complete += finished.len();
                }
                (complete, aborted)
            })
        })
        .collect();
    let sums = lanes.into_iter().map(|lane| lane.join().unwrap());
    let (complete, aborted) = sums.fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1));
    // Otherwise it was killed at moments that prove nothing.
    assert!(complete > 100 && aborted > 50, "{complete} complete, {aborted} aborted");
}
