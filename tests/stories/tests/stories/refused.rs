//! What the systems behind the shop refuse is reported before any load: one line that names target and cause, an
//! `error` in JUnit, and no secret anywhere.

use crate::support::{Checkout, shared_kafka, shop};
use qalipsis_testkit::{PostgresServer, RabbitMq, RedisServer};
use std::path::Path;

/// Part of every wrong password, and of nothing else.
const SECRET: &str = "hunter2-secret";

fn files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

#[test]
fn what_is_refused_is_named_at_warm_up_and_no_secret_is_shown() {
    let (_guard, kafka) = shared_kafka();
    let (postgres, rabbit) = (PostgresServer::shared().unwrap(), RabbitMq::shared().unwrap());
    let redis = RedisServer::start_with_password("right").unwrap();
    let without_exchange = RabbitMq::start_own().unwrap();
    let (database, empty) = (postgres.create_database().unwrap(), postgres.create_database().unwrap());
    let shop = shop(&format!(
        "--kafka {} --postgres {database} --reset --redis {} --rabbitmq {}",
        kafka.bootstrap(),
        redis.url(),
        rabbit.url()
    ));
    let server = database.rsplit_once('/').unwrap().0;
    let with_password = |url: &str| {
        let (scheme, rest) = url.split_once("://").unwrap();
        format!("{scheme}://someone:{SECRET}@{}", rest.rsplit_once('@').map_or(rest, |(_, rest)| rest))
    };
    let (amqp, at) = (rabbit.url(), rabbit.address());
    for (property, value, named) in [
        ("database", with_password(&database), [postgres.address(), "password authentication failed"]),
        ("database", format!("{server}/no_such_shop"), [postgres.address(), "no_such_shop"]),
        ("database", empty, [postgres.address(), "relation \"orders\" does not exist"]),
        ("rabbitmq", with_password(&amqp), [at, "refused"]),
        ("rabbitmq", format!("amqp://guest:guest@{at}/no-such-vhost"), [at, "no-such-vhost"]),
        ("rabbitmq", without_exchange.url(), [without_exchange.address(), "no exchange 'orders'"]),
        ("rabbitmq", format!("amqps://guest:{SECRET}@{at}"), [at, "TLS"]),
        ("redis", with_password(&redis.url()), [redis.address(), "the login was refused"]),
        ("redis", format!("redis://:right@{}/99", redis.address()), [redis.address(), "out of range"]),
    ] {
        let outcome = Checkout::everywhere(&shop)
            .set("properties.brokers", kafka.bootstrap())
            .set("properties.database", &database)
            .set("properties.rabbitmq", &amqp)
            .set("properties.redis", &redis.url())
            .set(&format!("scenarios.checkout-everywhere.properties.{property}"), &value)
            .run();
        assert_eq!(outcome.finished.code(), Some(5), "{named:?}: {}", outcome.finished);
        let case = outcome.suite().case("warm-up").clone();
        assert_eq!(case.outcome.as_deref(), Some("error"), "{case:?}");
        assert!(named.iter().all(|part| case.message.contains(part)), "{named:?}: {}", case.message);
        assert!(!case.message.contains('\n'), "{}", case.message);
        let mut written = Vec::new();
        files(outcome.folder(), &mut written);
        assert!(written.len() >= 2, "{written:?}");
        let texts = written.iter().map(|file| std::fs::read_to_string(file).unwrap());
        for text in texts.chain([outcome.finished.to_string()]) {
            assert!(!text.contains(SECRET), "{text}");
        }
    }
}
