//! Watching a probe for the whole campaign.

use crate::clock::Clock;
use crate::fault::Fault;
use crate::probe::Probe;
use parking_lot::Mutex;
use qalipsis_model::duration::human;
use qalipsis_model::meter::MeterFigures;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior};

/// The least time that a reading is given, however short the period.
const LEAST_LIMIT: Duration = Duration::from_secs(1);

/// The readings of a watched probe since the last drain, and what is known of it now.
#[derive(Debug)]
pub struct Meter {
    name: String,
    figures: Mutex<MeterFigures>,
    span: Mutex<Option<Span>>,
}

/// From the first reading of the campaign to the last.
#[derive(Debug, Clone, Copy)]
struct Span {
    first: f64,
    last: f64,
    /// When the last one was asked for.
    asked: Instant,
}

impl Meter {
    /// Its name in the scenario.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The readings since the last call.
    pub fn drain(&self) -> MeterFigures {
        let mut figures = self.figures.lock();
        let kept = MeterFigures {
            gauge: figures.gauge.clone(),
            unit: figures.unit.clone(),
            ..MeterFigures::default()
        };
        std::mem::replace(&mut *figures, kept)
    }

    /// Whether a reading asked for at or after `from` found it back where it was at its first reading.
    pub fn is_drained_since(&self, from: Instant) -> bool {
        self.span.lock().is_some_and(|span| span.asked >= from && span.last <= span.first)
    }
}

/// A probe that is about to be watched. The engine drives it.
pub struct OpenMeter {
    /// What it reads.
    pub name: String,
    /// Where its readings go.
    pub meter: Arc<Meter>,
    /// Becomes true after the first reading.
    pub ready: watch::Receiver<bool>,
    /// Reads until stopped; fails when the first reading does.
    pub run: Pin<Box<dyn Future<Output = Result<(), Fault>> + Send>>,
}

impl fmt::Debug for OpenMeter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenMeter").field("name", &self.name).finish_non_exhaustive()
    }
}

impl OpenMeter {
    pub(crate) fn new(name: String, probe: impl Probe, clock: Clock, stop: watch::Receiver<bool>) -> Self {
        let figures =
            MeterFigures { gauge: probe.name(), unit: probe.unit().to_owned(), ..MeterFigures::default() };
        let what = format!("meter {name}: {}", figures.gauge);
        let meter = Arc::new(Meter { name, figures: Mutex::new(figures), span: Mutex::new(None) });
        let (ready, is_ready) = watch::channel(false);
        let run = Box::pin(sample(probe, Arc::clone(&meter), clock, stop, ready));
        Self { name: what, meter, ready: is_ready, run }
    }
}

async fn sample(
    mut probe: impl Probe,
    meter: Arc<Meter>,
    clock: Clock,
    mut stop: watch::Receiver<bool>,
    ready: watch::Sender<bool>,
) -> Result<(), Fault> {
    let period = probe.period().max(Duration::from_millis(1));
    let limit = period.max(LEAST_LIMIT);
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            // The sender gone means that the engine is gone, which is the same.
            _ = stop.wait_for(|stop| *stop) => return Ok(()),
        }
        // A reading is as old as its question: its value may be from that moment.
        let (asked, at) = (Instant::now(), clock.now());
        let read = tokio::time::timeout(limit, probe.read()).await;
        let read = read.unwrap_or_else(|_| Err(Fault::timeout(format!("no answer within {}", human(limit)))));
        match read {
            Ok(reading) => {
                let mut figures = meter.figures.lock();
                figures.record(at, reading.total);
                figures.parts = reading.parts.into_iter().collect();
                drop(figures);
                let mut span = meter.span.lock();
                let first = span.map_or(reading.total, |span| span.first);
                *span = Some(Span { first, last: reading.total, asked });
                drop(span);
                ready.send_replace(true);
            }
            Err(fault) if !*ready.borrow() => return Err(fault),
            Err(fault) => {
                let mut figures = meter.figures.lock();
                figures.failures += 1;
                figures.last_failure = Some(fault.message.clone());
            }
        }
    }
}
