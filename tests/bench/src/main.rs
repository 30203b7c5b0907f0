//! Measures the engine and prints one table: see `runner/docs/performance.md`.
//!
//! `cargo xtask bench` runs it after the benchmarks, whose results it reads.

mod child;
mod criterion_results;
mod measure;
mod table;

use anyhow::Context;
use clap::{Parser, Subcommand};
use measure::{http, idle, kafka, lag, startup, steps};
use std::time::Duration;

/// Measures the engine
#[derive(Debug, Parser)]
struct Arguments {
    /// What to measure; everything when nothing is named
    #[arg(value_enum)]
    measures: Vec<Measure>,
    /// Rounds of each measure, of which the median is shown
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    #[command(subcommand)]
    part: Option<Part>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Measure {
    /// Steps and joins, from the results of `cargo bench -p bench`
    Benchmarks,
    /// Memory of idle minions
    Idle,
    /// Lateness of releases at 70 % CPU
    Lag,
    /// Start of the runner to the first minion
    Startup,
    /// HTTP requests against oha
    Http,
    /// A join on Kafka against a bare consumer
    Kafka,
}

const ALL: [Measure; 6] =
    [Measure::Benchmarks, Measure::Idle, Measure::Lag, Measure::Startup, Measure::Http, Measure::Kafka];

/// Parts that need a process of their own
#[derive(Debug, Subcommand)]
#[command(hide = true)]
enum Part {
    /// Hosts idle minions
    IdleMinions { minions: u32 },
    /// Releases minions that burn CPU
    Releases { percent: u32 },
    /// The same without the engine
    BareReleases { percent: u32 },
    /// Answers HTTP requests until it is ended
    HttpServer,
    /// Sends HTTP requests
    HttpLoad { address: String, minions: u32, seconds: u64 },
    /// Sends a fixed number of HTTP requests
    HttpCount { address: String, minions: u32, requests_each: u32 },
    /// Joins records of a topic
    KafkaJoin { bootstrap: String },
    /// Reads the same records with a bare consumer
    KafkaBare { bootstrap: String },
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    if let Some(part) = arguments.part {
        let result = runtime.block_on(async {
            match part {
                Part::IdleMinions { minions } => idle::part(minions).await,
                Part::Releases { percent } => lag::part(percent).await,
                Part::BareReleases { percent } => lag::bare(percent),
                Part::KafkaJoin { bootstrap } => kafka::join(&bootstrap).await,
                Part::KafkaBare { bootstrap } => kafka::bare(&bootstrap),
                Part::HttpServer => http::serve().await,
                Part::HttpCount { address, minions, requests_each } => {
                    http::count(&address, minions, requests_each).await;
                    Ok(())
                }
                Part::HttpLoad { address, minions, seconds } => {
                    http::load(&address, minions, Duration::from_secs(seconds)).await
                }
            }
        });
        runtime.shutdown_background();
        return result;
    }
    let measures = if arguments.measures.is_empty() { ALL.to_vec() } else { arguments.measures };
    let mut rows = Vec::new();
    for measure in measures {
        eprintln!("measuring {measure:?}, {} rounds", arguments.rounds);
        let measured = match measure {
            Measure::Benchmarks => steps::rows(),
            Measure::Idle => idle::rows(arguments.rounds),
            Measure::Lag => lag::rows(arguments.rounds),
            Measure::Startup => startup::rows(arguments.rounds),
            Measure::Http => http::rows(arguments.rounds),
            Measure::Kafka => kafka::rows(arguments.rounds),
        };
        rows.extend(measured.with_context(|| format!("failed to measure {measure:?}"))?);
    }
    print!("{}", table::render(&rows));
    Ok(())
}
