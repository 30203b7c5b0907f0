//! Real servers and binaries for tests.
//!
//! A test asks for what it needs and gets the real thing: [`KafkaBroker`] is Apache Kafka,
//! [`PostgresServer`] is PostgreSQL, [`RabbitMq`] is RabbitMQ, [`NotifiedServer`] takes mails and messages, [`Process`] is
//! any program, [`binary`] is a program of this workspace, [`browse`] shows a page, [`Page`] uses one. What was started here ends with the test: when
//! the handle is dropped, when the test panics, and also when the test process itself is killed.
//!
//! Whatever is missing on the machine fails the test with the package to install. Nothing is skipped.
//!
//! Everything here blocks the calling thread, so that it can be used from tests with and without a runtime.

mod binary;
mod browser;
mod capture;
pub mod certificates;
mod filters;
mod flat;
mod jars;
mod java;
pub mod junit;
mod kafka;
mod lock;
mod nginx;
mod notified;
mod page;
mod pgbouncer;
pub mod plugin;
mod port;
mod postgres;
mod process;
mod proxy;
mod rabbitmq;
mod redis;
mod secured_kafka;
mod watchdog;
mod workspace;

pub use binary::binary;
pub use browser::browse;
pub use filters::filters;
pub use flat::flat;
pub use kafka::{KAFKA_ADDRESS, KafkaBroker};
pub use nginx::Nginx;
pub use notified::NotifiedServer;
pub use page::Page;
pub use pgbouncer::PgBouncer;
pub use port::free_port;
pub use postgres::{POSTGRES_PASSWORD, POSTGRES_URL, PostgresServer};
pub use process::{Finished, Process};
pub use proxy::Proxy;
pub use rabbitmq::{RABBITMQ_ADDRESS, RabbitMq, RabbitMqTls};
pub use redis::{REDIS_ADDRESS, RedisServer};
pub use secured_kafka::{KAFKA_PASSWORD, SecuredKafka};
