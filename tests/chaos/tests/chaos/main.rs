//! Sources read from real servers that are cut off, silent, slow, restarted and emptied, at random.
//!
//! A healthy producer writes numbered records. Each one that a source does not hand over has to be explained by
//! an interval in which the source says that records may be lost, and without such an interval none may be
//! missing. A producer that really drops records must be found out: those, and no others, are missing outside of
//! the intervals.
//!
//! `CHAOS_SEED=7 cargo test -p chaos` repeats the rounds of a seed, `CHAOS_ROUNDS=100` runs more of them.

mod kafka;
mod postgres;
mod rabbitmq;
mod redis;
mod rig;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rig::{Fault, Round};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Rounds of one run, unless `CHAOS_ROUNDS` says otherwise.
const ROUNDS: u64 = 30;

/// When no further round begins: the machine may be busy, and some rounds say more than none.
const ENOUGH: Duration = Duration::from_secs(200);

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_missing_is_explained_and_nothing_else_is() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let seed = variable("CHAOS_SEED").unwrap_or(now);
    let rounds = variable("CHAOS_ROUNDS").unwrap_or(ROUNDS);
    println!("CHAOS_SEED={seed}");
    let kafka = kafka::Kafka::start().await;
    let rabbit = rabbitmq::RabbitMq::start().await;
    let postgres = postgres::Postgres::start().await;
    let redis = redis::Redis::start().await;
    let (began, mut done) = (Instant::now(), 0);
    for number in 0..rounds {
        if began.elapsed() > ENOUGH && variable("CHAOS_ROUNDS").is_none() {
            break;
        }
        // Each round has a seed of its own, so that what one does changes nothing for the others.
        let mut random = StdRng::seed_from_u64(seed.wrapping_mul(1_000).wrapping_add(number));
        let round = Round {
            name: format!("CHAOS_SEED={seed}, round {number}"),
            drops: random.random_bool(0.5),
            seed: random.random(),
        };
        let fault = *Fault::ALL.choose(&mut random).unwrap();
        // In turn, so that each source has its share whatever the seed.
        match number % 6 {
            0 => kafka.round(round, fault).await,
            1 => rabbit.queue_round(round, fault).await,
            2 => postgres.round(round, fault).await,
            3 => redis.stream_round(round, fault).await,
            4 => rabbit.exchange_round(round, fault).await,
            _ => redis.channel_round(round, fault).await,
        }
        done += 1;
    }
    println!("{done} rounds in {:?}", began.elapsed());
    assert!(done >= 6, "only {done} rounds in {:?}", began.elapsed());
}
