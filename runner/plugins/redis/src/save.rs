//! Writes.

use crate::call::{Body, Call, Command};
use crate::client::Redis;
use crate::entry::{EntryId, text};
use crate::evidence::field;
use crate::read::integer;
use crate::text::quote;
use futures::future::BoxFuture;
use qalipsis_core::execution;
use qalipsis_core::fault::Fault;
use redis::{Cmd, Pipeline};
use serde::Serialize;
use std::fmt;
use std::time::Duration;

/// The longest expiry in milliseconds, half of what an integer of the server holds.
const LONGEST: u64 = i64::MAX as u64 / 2;

/// A value to be saved under a key: the action of a step.
#[must_use = "a value is saved when this is awaited"]
pub struct Save {
    redis: Redis,
    key: String,
    value: Result<Saved, String>,
    expire: Option<Duration>,
}

enum Saved {
    String(Vec<u8>),
    Hash(Vec<(String, Vec<u8>)>),
}

/// An entry to be added to a stream: the action of a step. It gives the entry's id.
///
/// When awaited in a step, the trace goes on in its field `traceparent`, unless it has one.
#[must_use = "an entry is added when this is awaited"]
pub struct Add {
    redis: Redis,
    stream: String,
    fields: Vec<(String, Vec<u8>)>,
    max_length: Option<u64>,
}

impl Redis {
    /// Saves a value, in place of what is at the key.
    pub fn save(&self, key: impl Into<String>, value: impl Into<Vec<u8>>) -> Save {
        let value = Ok(Saved::String(value.into()));
        Save { redis: self.clone(), key: key.into(), value, expire: None }
    }

    /// Saves a value as JSON, in place of what is at the key. What can't be JSON fails the step.
    pub fn save_json<V: Serialize + ?Sized>(&self, key: impl Into<String>, value: &V) -> Save {
        let value = serde_json::to_vec(value).map(Saved::String).map_err(|error| error.to_string());
        Save { redis: self.clone(), key: key.into(), value, expire: None }
    }

    /// Sets fields of a hash. Its other fields stay.
    pub fn save_hash<N: Into<String>, V: Into<Vec<u8>>>(
        &self,
        key: impl Into<String>,
        fields: impl IntoIterator<Item = (N, V)>,
    ) -> Save {
        let value = Ok(Saved::Hash(owned(fields)));
        Save { redis: self.clone(), key: key.into(), value, expire: None }
    }

    /// Publishes a message. Gives how many subscribers got it, in a cluster those of one node.
    ///
    /// A message of a channel has no place for a trace, so none goes on.
    pub fn publish(&self, channel: impl Into<String>, message: impl Into<Vec<u8>>) -> Call<u64> {
        let message = message.into();
        let mut command = Command::about("PUBLISH", channel).arg(&message[..]);
        command.input = quote(&message);
        // A channel is not a key.
        command.key = None;
        Call::new(self, command, |value| u64::try_from(integer(value)?).map_err(|error| error.to_string()))
    }

    /// Adds an entry to a stream.
    pub fn add_to_stream<N: Into<String>, V: Into<Vec<u8>>>(
        &self,
        stream: impl Into<String>,
        fields: impl IntoIterator<Item = (N, V)>,
    ) -> Add {
        Add { redis: self.clone(), stream: stream.into(), fields: owned(fields), max_length: None }
    }
}

fn owned<N: Into<String>, V: Into<Vec<u8>>>(
    fields: impl IntoIterator<Item = (N, V)>,
) -> Vec<(String, Vec<u8>)> {
    fields.into_iter().map(|(name, value)| (name.into(), value.into())).collect()
}

fn shown(fields: &[(String, Vec<u8>)]) -> String {
    let fields =
        fields.iter().map(|(name, value)| format!("{}={}", quote(name.as_bytes()), field(name, value)));
    fields.collect::<Vec<_>>().join(" ")
}

impl Save {
    /// The key expires after this time, from the moment it is saved. Milliseconds count. Default: a
    /// saved value never expires, and a hash expires as before.
    pub fn expire(mut self, after: Duration) -> Self {
        self.expire = Some(after);
        self
    }

    async fn deliver(self) -> Result<(), Fault> {
        // An expiry beyond what the server's clock can count is none.
        let millis = self
            .expire
            .and_then(|after| u64::try_from(after.as_millis()).ok())
            .filter(|millis| *millis < LONGEST);
        let value = self.value.map_err(|problem| {
            let place = &self.redis.0.server.name;
            let message = format!("redis at {place}: SET {}: the value can't be JSON: {problem}", self.key);
            Fault::error(message).code("json")
        })?;
        let command = match value {
            Saved::String(value) => {
                let mut command = Command::about("SET", self.key).arg(&value[..]);
                command.input = quote(&value);
                match millis {
                    Some(millis) => command.arg("PX").arg(millis),
                    None => command,
                }
            }
            Saved::Hash(fields) => {
                let mut command = Command::about("HSET", self.key.clone());
                command.input = shown(&fields);
                let mut set = Cmd::new();
                set.arg("HSET").arg(&self.key);
                for (name, value) in &fields {
                    set.arg(name).arg(&value[..]);
                }
                command.body = match millis {
                    None => Body::One(set),
                    // Together, so that nobody sees it without its expiry.
                    Some(millis) => {
                        let mut commands = Pipeline::new();
                        commands.atomic().add_command(set).cmd("PEXPIRE").arg(&self.key).arg(millis);
                        Body::Transaction(commands)
                    }
                };
                command
            }
        };
        command.send(&self.redis).await.map(drop)
    }
}

impl Add {
    /// Has the server drop the oldest entries beyond about so many. Default: it keeps all.
    pub fn max_length(mut self, entries: u64) -> Self {
        self.max_length = Some(entries);
        self
    }

    async fn deliver(mut self) -> Result<EntryId, Fault> {
        if !self.fields.iter().any(|(name, _)| name == "traceparent")
            && let Some(trace) = execution::traceparent()
        {
            self.fields.push(("traceparent".to_owned(), trace.into()));
        }
        let mut command = Command::about("XADD", self.stream);
        command.input = shown(&self.fields);
        if let Some(entries) = self.max_length {
            command = command.arg("MAXLEN").arg("~").arg(entries);
        }
        command = command.arg("*");
        for (name, value) in &self.fields {
            command = command.arg(name).arg(&value[..]);
        }
        let id = |value: &redis::Value| text(value).ok_or("not an id")?.parse();
        Call::new(&self.redis, command, id).await
    }
}

impl IntoFuture for Save {
    type Output = Result<(), Fault>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.deliver())
    }
}

impl IntoFuture for Add {
    type Output = Result<EntryId, Fault>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.deliver())
    }
}

impl fmt::Debug for Save {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Save").field("key", &self.key).field("expire", &self.expire).finish_non_exhaustive()
    }
}

impl fmt::Debug for Add {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Add").field("stream", &self.stream).finish_non_exhaustive()
    }
}
