//! What is watched behind the API while the load runs: backlogs, depths, counts.

use crate::fault::Fault;
use std::time::Duration;

/// One reading of a probe.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reading {
    /// The value as a whole: all partitions, all queues.
    pub total: f64,
    /// Its parts by name, where it has any: `orders.placed/0`.
    pub parts: Vec<(String, f64)>,
}

impl From<f64> for Reading {
    fn from(total: f64) -> Self {
        Self { total, parts: Vec::new() }
    }
}

/// Something that has a value at any time, to be sampled during a campaign.
///
/// A probe MUST answer or fail within its period, MUST NOT change what it reads, and MUST name target
/// and cause in its faults, without secrets.
pub trait Probe: Send + 'static {
    /// Names what is read and from where: `lag of group fulfilment`.
    fn name(&self) -> String;

    /// How often it is read. Default: every second.
    fn period(&self) -> Duration {
        Duration::from_secs(1)
    }

    /// The unit of the value: `records`, `messages`, `s`. Default: none.
    fn unit(&self) -> &'static str {
        ""
    }

    /// Reads it once.
    ///
    /// # Errors
    /// When it cannot be read; the next reading is tried all the same.
    fn read(&mut self) -> impl Future<Output = Result<Reading, Fault>> + Send;
}
