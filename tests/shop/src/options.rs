//! The flags.

use std::net::SocketAddr;
use std::time::Duration;

use clap::{ArgGroup, Parser};

use crate::faults::Faults;

/// A small order system with faults on demand: the system under test of the load-test tool.
///
/// When everything is ready it prints one JSON line on stdout; logs go to stderr.
#[derive(Debug, Parser)]
#[command(name = "shop", version, allow_negative_numbers = true)]
#[command(group = ArgGroup::new("broker").required(true).args(["kafka", "embedded_kafka"]))]
#[command(group = ArgGroup::new("delayed").multiple(true).args(["late", "late_row"]))]
pub(crate) struct Options {
    /// Address of the HTTP front; port 0 takes a free one.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:0")]
    pub(crate) listen: SocketAddr,
    /// Bootstrap servers of a running Kafka.
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) kafka: Option<String>,
    /// Serve a Kafka in this process, empty at the start and gone at the end.
    #[arg(long)]
    pub(crate) embedded_kafka: bool,
    /// Partitions of the topics, when they do not exist yet.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(i32).range(1..=1_000))]
    pub(crate) partitions: i32,
    /// Stock of every product at the start, in pieces.
    #[arg(long, value_name = "PIECES", default_value_t = 1_000_000)]
    pub(crate) stock: i64,
    /// Database that gets orders and stock, postgres://user:password@host:port/database.
    #[arg(long, value_name = "URL")]
    pub(crate) postgres: Option<String>,
    /// Empty the table of orders at the start, and set the stock of its products to --stock.
    #[arg(long, requires = "postgres")]
    pub(crate) reset: bool,
    /// Writers to the database at a time; 1, or 8 with --stale-stock.
    #[arg(long, value_name = "N", requires = "postgres", value_parser = clap::value_parser!(u8).range(1..=64))]
    workers: Option<u8>,
    /// Cache that gets orders, redis://host:port/0.
    #[arg(long, value_name = "URL")]
    pub(crate) redis: Option<String>,
    /// Broker whose exchange "orders" gets the fulfilled events, amqp://user:password@host:port/%2f.
    #[arg(long, value_name = "URL")]
    pub(crate) rabbitmq: Option<String>,
    /// Time that every answer to a placed order takes besides Kafka.
    #[arg(long, value_name = "MS", default_value_t = 5)]
    base_delay: u64,
    /// End when stdin is closed, so that the shop never outlives who started it.
    #[arg(long)]
    pub(crate) exit_with_stdin: bool,
    /// Seed of the choice which orders the faults hit.
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Faults")]
    seed: u64,
    /// Fulfilled events that are never sent.
    #[arg(long, value_name = "PERCENT", default_value_t = 0.0, value_parser = percent, help_heading = "Faults")]
    drop: f64,
    /// Fulfilled events with one piece too many.
    #[arg(long, value_name = "PERCENT", default_value_t = 0.0, value_parser = percent, help_heading = "Faults")]
    wrong_quantity: f64,
    /// Fulfilled events that are sent twice.
    #[arg(long, value_name = "PERCENT", default_value_t = 0.0, value_parser = percent, help_heading = "Faults")]
    duplicate: f64,
    /// Fulfilled events that are sent late, see --late-by.
    #[arg(long, value_name = "PERCENT", default_value_t = 0.0, value_parser = percent, requires = "late_by",
          help_heading = "Faults")]
    late: f64,
    /// How late events and rows are.
    #[arg(long, value_name = "MS", requires = "delayed", help_heading = "Faults")]
    late_by: Option<u64>,
    /// Undecodable records on orders.fulfilled, besides the event of the order.
    #[arg(long, value_name = "PERCENT", default_value_t = 0.0, value_parser = percent, help_heading = "Faults")]
    garbage: f64,
    /// Orders answered with 503 and not published.
    #[arg(long, value_name = "PERCENT", default_value_t = 0.0, value_parser = percent, help_heading = "Faults")]
    error_rate: f64,
    /// Orders never answered and not published.
    #[arg(long, value_name = "PERCENT", default_value_t = 0.0, value_parser = percent, help_heading = "Faults")]
    hang: f64,
    /// Orders whose row is never written; the stock is right.
    #[arg(long, value_name = "PERCENT", default_value_t = 0.0, value_parser = percent, requires = "postgres",
          help_heading = "Faults")]
    drop_row: f64,
    /// Orders whose row has one piece too many; the stock is right.
    #[arg(long, value_name = "PERCENT", default_value_t = 0.0, value_parser = percent, requires = "postgres",
          help_heading = "Faults")]
    wrong_row: f64,
    /// Orders written to the database late, see --late-by; the events are not late.
    #[arg(long, value_name = "PERCENT", default_value_t = 0.0, value_parser = percent,
          requires_all = ["postgres", "late_by"], help_heading = "Faults")]
    late_row: f64,
    /// The stock is read and written back 2 ms later without a lock, so that writers undo each other.
    #[arg(long, requires = "postgres", help_heading = "Faults")]
    pub(crate) stale_stock: bool,
    /// Orders that are never cached.
    #[arg(long, value_name = "PERCENT", default_value_t = 0.0, value_parser = percent, requires = "redis",
          help_heading = "Faults")]
    drop_cache: f64,
    /// Fulfilled events that never go to the exchange.
    #[arg(long, value_name = "PERCENT", default_value_t = 0.0, value_parser = percent, requires = "rabbitmq",
          help_heading = "Faults")]
    drop_message: f64,
    /// Fulfilled events that go to the exchange twice.
    #[arg(long, value_name = "PERCENT", default_value_t = 0.0, value_parser = percent, requires = "rabbitmq",
          help_heading = "Faults")]
    duplicate_message: f64,
    /// Added to every answer to a placed order.
    #[arg(long, value_name = "MS", default_value_t = 0, help_heading = "Faults")]
    answer_delay: u64,
    /// Opens a second address, `far` in the ready line, where every answer to a placed order comes so much later: one region of
    /// several is slow.
    #[arg(long, value_name = "MS", help_heading = "Faults")]
    far_delay: Option<u64>,
    /// Answers to placed orders take this many times as long.
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = factor, help_heading = "Faults")]
    pub(crate) slowdown: f64,
    /// Time the worker takes for each order, one after the other.
    #[arg(long, value_name = "MS", default_value_t = 0, help_heading = "Faults")]
    worker_delay: u64,
    /// Orders the worker handles in a second at most; not limited by default.
    #[arg(long, value_name = "PER_SECOND", value_parser = rate, help_heading = "Faults")]
    pub(crate) worker_rate: Option<f64>,
    /// The embedded Kafka goes down this long after the ready line.
    #[arg(long, value_name = "MS", conflicts_with = "kafka", help_heading = "Faults")]
    dead_broker_after: Option<u64>,
    /// The embedded Kafka comes back this long after it went down; never by default.
    #[arg(long, value_name = "MS", requires = "dead_broker_after", help_heading = "Faults")]
    broker_back_after: Option<u64>,
}

impl Options {
    pub(crate) fn faults(&self) -> Faults {
        Faults {
            seed: self.seed,
            drop_percent: self.drop,
            wrong_quantity_percent: self.wrong_quantity,
            duplicate_percent: self.duplicate,
            late_percent: self.late,
            error_percent: self.error_rate,
            garbage_percent: self.garbage,
            hang_percent: self.hang,
            drop_row_percent: self.drop_row,
            wrong_row_percent: self.wrong_row,
            late_row_percent: self.late_row,
            drop_cache_percent: self.drop_cache,
            drop_message_percent: self.drop_message,
            duplicate_message_percent: self.duplicate_message,
        }
    }

    /// Writers to the database at a time: one alone never reads a stale stock.
    pub(crate) fn writers(&self) -> usize {
        self.workers.map_or(if self.stale_stock { 8 } else { 1 }, usize::from)
    }

    pub(crate) fn base_delay(&self) -> Duration {
        Duration::from_millis(self.base_delay)
    }

    pub(crate) fn answer_delay(&self) -> Duration {
        Duration::from_millis(self.answer_delay)
    }

    pub(crate) fn far_delay(&self) -> Option<Duration> {
        self.far_delay.map(Duration::from_millis)
    }

    pub(crate) fn worker_delay(&self) -> Duration {
        Duration::from_millis(self.worker_delay)
    }

    pub(crate) fn late_by(&self) -> Duration {
        Duration::from_millis(self.late_by.unwrap_or(0))
    }

    /// When the embedded Kafka goes down, and how long it stays down.
    pub(crate) fn outage(&self) -> Option<(Duration, Option<Duration>)> {
        let after = Duration::from_millis(self.dead_broker_after?);
        Some((after, self.broker_back_after.map(Duration::from_millis)))
    }
}

/// The one line that a usage error is worth: clap's own text without usage and further help.
pub(crate) fn usage_error(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let lines = text.lines().map(str::trim).take_while(|line| !line.starts_with("Usage:"));
    let line = lines.filter(|line| !line.is_empty() && !line.starts_with("For more information"));
    let line = line.collect::<Vec<_>>().join(" ");
    line.strip_prefix("error: ").unwrap_or(&line).to_owned()
}

fn percent(text: &str) -> Result<f64, String> {
    number(text, "a percentage from 0 to 100, such as 0.1", |value| (0.0..=100.0).contains(&value))
}

fn factor(text: &str) -> Result<f64, String> {
    number(text, "a factor from 1 to 10000, such as 10", |value| (1.0..=10_000.0).contains(&value))
}

fn rate(text: &str) -> Result<f64, String> {
    number(text, "a rate above 0 and up to 1000000 per second", |value| value > 0.0 && value <= 1e6)
}

fn number(text: &str, expected: &str, valid: impl Fn(f64) -> bool) -> Result<f64, String> {
    text.parse().ok().filter(|value| valid(*value)).ok_or_else(|| format!("expected {expected}"))
}
