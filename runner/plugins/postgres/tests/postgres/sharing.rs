//! One pool per factory and target, for all of its threads.

use crate::{database, server};
use qalipsis_postgres::Postgres;
use serde_json::Value;
use std::thread;
use std::time::Duration;

/// As many minions, on runtimes of their own, as share connections that others have made.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn connections_serve_all_runtimes() {
    let db = database("create table visits (worker int)").await;
    let workers: Vec<_> = (0..4)
        .map(|worker| {
            let db = db.clone();
            thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    let visits = (0..50)
                        .map(|_| db.execute("insert into visits values ($1)", &[&worker]).into_future());
                    futures::future::try_join_all(visits).await.unwrap();
                });
                // The connections that it has made must outlive it.
                drop(runtime);
            })
        })
        .collect();
    let joined = tokio::task::spawn_blocking(|| workers.into_iter().try_for_each(thread::JoinHandle::join));
    joined.await.unwrap().expect("no worker fails");
    let visits = db.search("select count(*) from visits", &[]).row::<Value>().await.unwrap();
    assert_eq!(visits["count"], 200);
    let connections = "select count(*) from pg_stat_activity where datname = current_database()";
    let connections = db.search(connections, &[]).row::<Value>().await.unwrap()["count"].as_i64().unwrap();
    assert!((2..=8).contains(&connections), "{connections}");
}

#[tokio::test]
async fn scenarios_that_connect_alike_share_a_pool() {
    let url = server().create_database().unwrap();
    let (one, two) = (Postgres::builder(&url).pool_size(1), Postgres::builder(&url).pool_size(1));
    let (one, two) = futures::try_join!(one.build(), two.build()).unwrap();
    let other = Postgres::builder(&url).pool_size(2).build().await.unwrap();
    let pid = async |db: &Postgres| {
        let row = db.search("select pg_backend_pid() as pid", &[]).row::<Value>().await.unwrap();
        row["pid"].as_i64().unwrap()
    };
    let shared = pid(&one).await;
    assert_eq!(pid(&two).await, shared);
    assert_ne!(pid(&other).await, shared);
    drop((one, two));
    // The last one has closed the pool.
    let gone = "select 1 as one from pg_stat_activity where pid = $1";
    let deadline = tokio::time::Instant::now() + crate::WAIT_LIMIT;
    while other
        .search(gone, &[&i32::try_from(shared).unwrap()])
        .optional_row::<Value>()
        .await
        .unwrap()
        .is_some()
    {
        assert!(tokio::time::Instant::now() < deadline, "the connection is still there");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
