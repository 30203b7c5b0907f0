//! The shared connection, used from several runtimes at once.

use crate::{connect, run_at, unique};
use qalipsis_redis::Redis;
use qalipsis_testkit::RedisServer;
use std::thread;

fn on_a_runtime_of_its_own<T: Send + 'static>(
    work: impl AsyncFnOnce() -> T + Send + 'static,
) -> thread::JoinHandle<T> {
    thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(work())
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn runtimes_share_one_connection() {
    let redis = connect().await;
    let key = unique("shared");
    let workers: Vec<_> = (0..4)
        .map(|worker| {
            let (redis, key) = (redis.clone(), key.clone());
            on_a_runtime_of_its_own(async move || {
                let saves = (0..500).map(|number| {
                    let key = format!("{key}-{worker}-{number}");
                    let redis = redis.clone();
                    async move {
                        redis.save(&key, number.to_string()).await.unwrap();
                        assert_eq!(redis.get(&key).await.unwrap(), Some(number.to_string()));
                    }
                });
                futures::future::join_all(saves).await;
            })
        })
        .collect();
    for worker in workers {
        tokio::task::spawn_blocking(|| worker.join().unwrap()).await.unwrap();
    }
    assert_eq!(redis.get(format!("{key}-3-499")).await.unwrap().as_deref(), Some("499"));
}

/// The connection that replaces a lost one must not live on the runtime of who noticed the loss.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_new_connection_outlives_the_runtime_that_asked_for_it() {
    let own = RedisServer::start_own().unwrap();
    let redis = Redis::connect(own.url()).await.unwrap();
    redis.save("kept", "1").await.unwrap();
    own.stop().unwrap();
    own.restart().unwrap();
    let asking = redis.clone();
    let worker = on_a_runtime_of_its_own(async move || {
        // Until the loss is known, which takes a moment, a command may go to the lost connection.
        while asking.get("kept").await.is_err() {}
    });
    tokio::task::spawn_blocking(|| worker.join().unwrap()).await.unwrap();
    for _ in 0..100 {
        assert_eq!(redis.get("kept").await.unwrap().as_deref(), Some("1"));
    }
    assert_eq!(run_at::<String>(&own, &["GET", "kept"]), "1");
}
