//! What only a server can do: several heads, outages, passwords.

use crate::fixtures::{ended, random, running, second, slice};
use crate::{campaigns, schedules};
use qalipsis_model::verdict::Status;
use qalipsis_store::{CampaignStatus, Keep, Location, Lost, Store, StoreError, StoreProblem, StoredFile};
use qalipsis_testkit::certificates::Authority;
use qalipsis_testkit::{POSTGRES_PASSWORD, PostgresServer, free_port};
use std::fs;
use std::time::Duration;
use tempfile::tempdir;

async fn open(url: &str) -> Result<Store, StoreError> {
    open_keeping(url, Keep::default()).await
}

async fn open_keeping(url: &str, keep: Keep) -> Result<Store, StoreError> {
    Store::open(&Location::parse(url).unwrap(), keep).await
}

/// A database that no other test has.
fn database() -> String {
    PostgresServer::shared().unwrap().create_database().unwrap()
}

/// Has the server change what is stored.
async fn execute(url: &str, sql: &str) {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    let task = tokio::spawn(connection);
    client.batch_execute(sql).await.unwrap();
    task.abort();
}

#[tokio::test]
async fn postgres_gives_campaigns_back() {
    campaigns::come_back(&open(&database()).await.unwrap()).await;
}

#[tokio::test]
async fn postgres_finds_campaigns() {
    campaigns::are_found(&open(&database()).await.unwrap()).await;
}

#[tokio::test]
async fn postgres_removes_what_is_not_kept() {
    let keep = Keep { count: Some(4), age: Some(Duration::from_secs(30 * 86_400)) };
    campaigns::are_removed(&open_keeping(&database(), keep).await.unwrap(), 3).await;
}

#[tokio::test]
async fn postgres_keeps_schedules() {
    let url = database();
    schedules::are_kept(&open(&url).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_share_a_database() {
    let url = database();
    // All of them find it empty and want to bring the schema.
    let heads = futures::future::join_all((0..4).map(|_| open(&url))).await;
    let [one, two, three, four]: [Store; 4] =
        heads.into_iter().collect::<Result<Vec<_>, _>>().unwrap().try_into().unwrap();
    let (first, second_) = (running("first", 0), running("second", 0));
    one.put_campaign(&first).await.unwrap();
    two.put_campaign(&second_).await.unwrap();
    assert_eq!(three.campaign("first").await, Ok(Some(first.clone())));

    schedules::due(&one).await;
    let claims = [&one, &two, &three, &four].map(|head| head.claim_schedule("due", second(5), None));
    let claims = futures::future::join_all(claims).await;
    assert_eq!(claims.iter().filter(|claim| **claim == Ok(true)).count(), 1, "{claims:?}");

    // The second head leaves, so its campaign ends; those of the others are left alone.
    two.close().await.unwrap();
    let five = open(&url).await.unwrap();
    let aborted = five.campaign("second").await.unwrap().unwrap();
    assert_eq!(aborted.status, CampaignStatus::Ended(Status::Aborted));
    assert_eq!(aborted.causes, ["the head ended while it ran"]);
    assert_eq!(five.campaign("first").await, Ok(Some(first.clone())));

    // The first was silent for long: another head ends its campaign, and gives it back when it is heard of again.
    execute(&url, "UPDATE qalipsis.heads SET beat_ns = 0").await;
    let six = open(&url).await.unwrap();
    assert_eq!(six.campaign("first").await.unwrap().unwrap().status, CampaignStatus::Ended(Status::Aborted));
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    while six.campaign("first").await != Ok(Some(first.clone())) {
        assert!(tokio::time::Instant::now() < deadline, "its next heartbeat did not open it again");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_while_the_server_is_away_arrives_when_it_is_back() {
    let server = PostgresServer::start_own().unwrap();
    let store = open(server.url()).await.unwrap();
    store.put_campaign(&running("one", 0)).await.unwrap();
    store.put_campaign(&running("two", 0)).await.unwrap();
    let (mut writer, other) = (store.writer("one"), store.writer("two"));
    let mut random = random(1);
    let mut second_of = |number| slice(&mut random, number, None, 3, 20);
    (0..5).for_each(|number| writer.second(&[second_of(number)]));
    server.stop().unwrap();
    (5..25).for_each(|number| writer.second(&[second_of(number)]));
    let error = store.campaign("one").await.unwrap_err();
    assert!(matches!(error.problem(), StoreProblem::Unreachable(_)), "{error}");
    assert!(!format!("{error} {error:?} {store:?}").contains(POSTGRES_PASSWORD), "{error} {store:?}");
    let finished = tokio::spawn({
        let store = store.clone();
        async move {
            let file = StoredFile { name: "summary.json".into(), content: b"{}".to_vec() };
            let end = ended(running("one", 0), Status::Successful);
            store.writer("one").finish(&end, &[file]).await
        }
    });
    tokio::task::yield_now().await;
    // More than waits: what does not fit is lost, and counted. Nothing of it waits.
    let more = 5_000;
    (0..more).for_each(|_| other.update(&running("two", 0)));
    let lost = other.lost();
    assert!((more - 4_096..more - 4_000).contains(&lost.writes), "{}", lost.writes);
    assert_eq!(lost.last.map(|error| error.problem().clone()), Some(StoreProblem::Overrun));
    server.restart().unwrap();
    // What was to be written in time may be reported as late, but it is written.
    let finished = finished.await.unwrap();
    assert!(
        finished.as_ref().err().is_none_or(|error| *error.problem() == StoreProblem::Slow),
        "{finished:?}"
    );
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    while !store.campaign("one").await.is_ok_and(|found| found.is_some_and(|found| found.ended.is_some())) {
        assert!(tokio::time::Instant::now() < deadline, "the campaign did not arrive");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(writer.lost(), Lost::default());
    let count = |seen: &mut u64, _| *seen += 1;
    assert_eq!(store.fold_slices("one", second(0)..second(100), 0, count).await, Ok(25));
    assert_eq!(store.file("one", "summary.json").await, Ok(Some(b"{}".to_vec())));
}

#[tokio::test]
async fn a_server_that_refuses_is_one_line_without_the_password() {
    let server = PostgresServer::start_own().unwrap();
    let address = server.address();
    let with = |password: &str, port: &str, query: &str| {
        let (host, _) = address.split_once(':').unwrap();
        format!("postgres://postgres:{password}@{host}:{port}/postgres{query}")
    };
    let (_, port) = address.split_once(':').unwrap();
    let free = free_port().unwrap().to_string();
    let folder = tempdir().unwrap();
    let other = folder.path().join("other.pem");
    fs::write(&other, Authority::new().unwrap().pem()).unwrap();
    let untrusted = format!("?sslmode=require&sslrootcert={}", other.display());
    let refusal = async |url: String| {
        let error = open(&url).await.unwrap_err();
        let text = error.to_string();
        assert!(!format!("{text} {error:?}").contains("hunter2"), "{text} {error:?}");
        assert!(!text.contains('\n') && text.starts_with("store postgres at 127.0.0.1:"), "{text}");
        (error.problem().clone(), text)
    };
    let (problem, text) = refusal(with("hunter2", port, "")).await;
    assert!(matches!(problem, StoreProblem::Refused(_)), "{problem:?}");
    assert!(text.ends_with("password authentication failed for user \"postgres\""), "{text}");
    let (problem, text) = refusal(with("hunter2", &free, "")).await;
    assert!(matches!(problem, StoreProblem::Unreachable(_)) && text.contains("Connection refused"), "{text}");
    let (_, text) = refusal(with("hunter2", port, &untrusted)).await;
    assert!(text.contains("UnknownIssuer"), "{text}");
    let (problem, text) = refusal(with(POSTGRES_PASSWORD, port, "").replace("/postgres?", "/?") + "x").await;
    assert!(matches!(problem, StoreProblem::Refused(_)) && text.contains("does not exist"), "{text}");
    let trusted = folder.path().join("own.pem");
    fs::write(&trusted, server.ca_pem().unwrap()).unwrap();
    let query = format!("?sslmode=verify-full&sslrootcert={}", trusted.display());
    open(&with(POSTGRES_PASSWORD, port, &query)).await.unwrap();
}

#[tokio::test]
async fn a_newer_or_foreign_schema_is_refused() {
    let url = database();
    open(&url).await.unwrap().close().await.unwrap();
    execute(&url, "UPDATE qalipsis.schema_version SET version = 9").await;
    let error = open(&url).await.unwrap_err();
    assert_eq!(*error.problem(), StoreProblem::Newer { found: 9, known: 2 });
    let url = database();
    execute(&url, "CREATE SCHEMA qalipsis; CREATE TABLE qalipsis.theirs (x int)").await;
    assert_eq!(*open(&url).await.unwrap_err().problem(), StoreProblem::Foreign);
}
