//! Watching queues: how many messages wait, and how many consumers there are.

use crate::client::RabbitMq;
use crate::text::cause;
use lapin::Channel;
use lapin::options::QueueDeclareOptions;
use lapin::types::{FieldTable, ShortString};
use qalipsis_core::clock;
use qalipsis_core::fault::Fault;
use qalipsis_core::model::duration::human;
use qalipsis_core::probe::{Probe, Reading};
use std::fmt;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

const PERIOD: Duration = Duration::from_secs(1);

/// A queue, to be watched.
#[derive(Debug, Clone)]
#[must_use = "choose what to watch: `.depth()` or `.consumers()`"]
pub struct Queue {
    client: RabbitMq,
    name: String,
}

impl Queue {
    pub(crate) fn new(client: RabbitMq, name: String) -> Self {
        Self { client, name }
    }

    /// How many messages are ready to be delivered. Those that consumers have got and not acknowledged
    /// are not among them.
    pub fn depth(&self) -> QueueProbe {
        self.probe(Figure::Depth)
    }

    /// How many consumers the queue has.
    pub fn consumers(&self) -> QueueProbe {
        self.probe(Figure::Consumers)
    }

    fn probe(&self, figure: Figure) -> QueueProbe {
        QueueProbe { queue: self.clone(), figure, period: PERIOD, channel: None }
    }
}

#[derive(Debug, Clone, Copy)]
enum Figure {
    Depth,
    Consumers,
}

/// A figure of a queue: `setup.watch("backlog", rabbit.queue("orders").depth())`. The broker is asked by a
/// passive declaration, which changes nothing.
pub struct QueueProbe {
    queue: Queue,
    figure: Figure,
    period: Duration,
    /// Kept from reading to reading; a broker closes it over a queue that does not exist.
    channel: Option<Channel>,
}

impl fmt::Debug for QueueProbe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueueProbe")
            .field("queue", &self.queue)
            .field("figure", &self.figure)
            .field("period", &self.period)
            .finish_non_exhaustive()
    }
}

impl QueueProbe {
    /// How often it is read. Default: every second.
    #[must_use]
    pub fn every(mut self, period: Duration) -> Self {
        self.period = period;
        self
    }

    async fn ask(&mut self, deadline: Instant) -> Result<Reading, Fault> {
        let channel = match self.channel.take().filter(|channel| channel.status().connected()) {
            Some(channel) => channel,
            None => {
                let link = self.queue.client.0.watching.get(deadline).await?;
                link.channel().await.map_err(|error| refused(&error))?
            }
        };
        let name = ShortString::try_new(self.queue.name.as_str())
            .map_err(|_| Fault::error("the name of a queue has 255 bytes at most").code("too-long"))?;
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let queue = channel.queue_declare(name, passive, FieldTable::default()).await;
        let queue = queue.map_err(|error| refused(&error))?;
        self.channel = Some(channel);
        Ok(Reading::from(f64::from(match self.figure {
            Figure::Depth => queue.message_count(),
            Figure::Consumers => queue.consumer_count(),
        })))
    }
}

fn refused(error: &lapin::Error) -> Fault {
    let (text, code) = cause(error);
    Fault::error(text).code(code)
}

impl Probe for QueueProbe {
    fn name(&self) -> String {
        let what = match self.figure {
            Figure::Depth => "depth",
            Figure::Consumers => "consumers",
        };
        format!("{what} of rabbitmq queue {} at {}", self.queue.name, self.queue.client.0.target)
    }

    fn period(&self) -> Duration {
        self.period
    }

    fn unit(&self) -> &'static str {
        match self.figure {
            Figure::Depth => "messages",
            Figure::Consumers => "consumers",
        }
    }

    async fn read(&mut self) -> Result<Reading, Fault> {
        let limit = self.period.min(self.queue.client.0.target.timeout);
        let deadline = clock::after(Instant::now(), limit);
        let answered = timeout_at(deadline, self.ask(deadline)).await;
        answered
            .unwrap_or_else(|_| {
                Err(Fault::timeout(format!("no answer within {}", human(limit))).code("unreachable"))
            })
            .map_err(|mut fault| {
                fault.message = format!("{}: {}", self.name(), fault.message);
                fault
            })
    }
}
