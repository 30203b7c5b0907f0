//! The plugin against a real Redis.

mod actions;
mod backlogs;
mod channels;
#[cfg(feature = "cluster")]
mod cluster;
mod compliance;
mod failures;
mod groups;
mod runtimes;
mod stopping;
mod streams;
#[cfg(feature = "tls")]
mod tls;
mod troubles;

use qalipsis_core::model::timestamp::Timestamp;
use qalipsis_redis::Redis;
use qalipsis_testkit::RedisServer;
use qalipsis_testkit::plugin as opened;
use redis::{Cmd, FromRedisValue};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, SystemTime};

/// The server that all tests share.
fn server() -> &'static RedisServer {
    RedisServer::shared().expect("a Redis")
}

async fn connect() -> Redis {
    Redis::connect(server().url()).await.expect("a connection")
}

/// A key that no other test has, also on a server that outlives the tests.
fn unique(what: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let now = Timestamp::from_system(SystemTime::now()).0;
    format!("{what}-{now}-{}", COUNT.fetch_add(1, Relaxed))
}

/// Sends a command by a client of its own, as whoever else uses the server does.
fn run_at<T: FromRedisValue>(server: &RedisServer, words: &[&str]) -> T {
    let mut connection = redis::Client::open(server.url()).unwrap().get_connection().unwrap();
    let mut command = Cmd::new();
    for word in words {
        command.arg(word);
    }
    command.query(&mut connection).unwrap_or_else(|error| panic!("{words:?}: {error}"))
}

/// The same at the server that all share.
fn run<T: FromRedisValue>(words: &[&str]) -> T {
    run_at(server(), words)
}

/// Far longer than anything here should take.
const WAIT_LIMIT: Duration = Duration::from_secs(30);
