//! Backlogs, as probes.

use crate::client::Redis;
use crate::entry::number;
use crate::group::{find, groups};
use crate::read::integer;
use crate::text::quote;
use qalipsis_core::fault::Fault;
use qalipsis_core::model::duration::human;
use qalipsis_core::probe::{Probe, Reading};
use redis::{Cmd, RedisResult, Value};
use std::time::Duration;
use tokio::time::timeout;

/// What waits in Redis, to be sampled during a campaign.
#[derive(Debug, Clone)]
pub struct Backlog {
    redis: Redis,
    of: Of,
    key: String,
    period: Duration,
}

#[derive(Debug, Clone)]
enum Of {
    Stream,
    List,
    Group(String),
}

impl Redis {
    /// The number of entries in a stream, read or not; 0 without such a stream.
    pub fn length_of_stream(&self, stream: impl Into<String>) -> Backlog {
        self.backlog(Of::Stream, stream.into())
    }

    /// The number of values in a list; 0 without such a list.
    pub fn length_of_list(&self, list: impl Into<String>) -> Backlog {
        self.backlog(Of::List, list.into())
    }

    /// The number of entries that a consumer group has not finished: `undelivered` are those that it has
    /// not read yet, `pending` those that it has read and not acknowledged. Needs Redis 7.
    pub fn lag_of_group(&self, stream: impl Into<String>, group: impl Into<String>) -> Backlog {
        self.backlog(Of::Group(group.into()), stream.into())
    }

    fn backlog(&self, of: Of, key: String) -> Backlog {
        Backlog { redis: self.clone(), of, key, period: Duration::from_secs(1) }
    }
}

impl Backlog {
    /// How often it is read. Default: every second.
    #[must_use]
    pub fn every(mut self, period: Duration) -> Self {
        self.period = period;
        self
    }

    fn command(&self) -> &'static str {
        match self.of {
            Of::Stream => "XLEN",
            Of::List => "LLEN",
            Of::Group(_) => "XINFO GROUPS",
        }
    }

    async fn ask(&self) -> Result<Reading, Fault> {
        let shown = format!("{} {}", self.command(), quote(self.key.as_bytes()));
        let server = &self.redis.0.server;
        let (mut connection, slot) = self.redis.0.connection().await?;
        let answer: RedisResult<Value> = match &self.of {
            Of::Stream | Of::List => connection.query(Cmd::new().arg(self.command()).arg(&self.key)).await,
            Of::Group(_) => groups(&mut connection, &self.key).await,
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                slot.note(&error);
                let mut fault = server.failed(&shown, &error);
                if fault.code == "wrongtype"
                    && let Some(found) = connection.type_of(&self.key).await
                {
                    fault.message.push_str(&format!(", the key holds a {found}"));
                }
                return Err(fault);
            }
        };
        let place = format!("redis at {}: {shown}", server.name);
        match &self.of {
            Of::Stream | Of::List => {
                let length =
                    integer(&answer).map_err(|problem| Fault::error(format!("{place}: {problem}")))?;
                Ok(Reading::from(length as f64))
            }
            Of::Group(name) => {
                let group = find(&answer, name).ok_or_else(|| {
                    Fault::error(format!("{place}: no group '{name}'")).code("unknown-group")
                })?;
                let pending = number(group, "pending").unwrap_or_default() as f64;
                // Redis does not know it once entries were deleted that the group has not read.
                let undelivered = number(group, "lag").ok_or_else(|| {
                    let problem = format!("the server does not know the lag of group '{name}'");
                    Fault::error(format!("{place}: {problem}")).code("unknown-lag")
                })? as f64;
                let parts = vec![("undelivered".to_owned(), undelivered), ("pending".to_owned(), pending)];
                Ok(Reading { total: undelivered + pending, parts })
            }
        }
    }
}

impl Probe for Backlog {
    fn name(&self) -> String {
        let (key, place) = (&self.key, self.redis.target());
        match &self.of {
            Of::Stream => format!("length of redis stream {key} at {place}"),
            Of::List => format!("length of redis list {key} at {place}"),
            Of::Group(group) => format!("lag of group {group} of redis stream {key} at {place}"),
        }
    }

    fn period(&self) -> Duration {
        self.period
    }

    fn unit(&self) -> &'static str {
        match self.of {
            Of::Stream | Of::Group(_) => "entries",
            Of::List => "values",
        }
    }

    async fn read(&mut self) -> Result<Reading, Fault> {
        // Earlier than the next reading is due.
        let limit = self.period.mul_f64(0.9);
        timeout(limit, self.ask()).await.unwrap_or_else(|_| {
            let (place, limit) = (self.redis.target(), human(limit));
            let shown = format!("{} {}", self.command(), quote(self.key.as_bytes()));
            Err(Fault::timeout(format!("redis at {place}: {shown}: no answer within {limit}"))
                .code("timeout"))
        })
    }
}
