//! Membership in a consumer group.

use crate::entry::{EntryId, named, number, text};
use crate::server::Connection;
use qalipsis_core::source::SourceContext;
use redis::{Cmd, RedisResult, Value};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// One consumer of a group.
pub(crate) struct Member {
    stream: String,
    group: String,
    consumer: String,
    /// What was handed over and not acknowledged yet, so that it is not handed over again.
    unacknowledged: BTreeSet<EntryId>,
    /// After a new connection: where to go on with what the lost one may not have delivered.
    recovering: Option<EntryId>,
}

impl Member {
    pub(crate) fn new(stream: &str, group: &str, context: &SourceContext) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Relaxed);
        Self {
            stream: stream.to_owned(),
            group: group.to_owned(),
            consumer: format!(
                "qalipsis-{}-{}-{}-{count}",
                context.campaign, context.factory, context.scenario
            ),
            unacknowledged: BTreeSet::new(),
            recovering: None,
        }
    }

    /// Creates the group, to read what comes after `start`, unless there is one.
    pub(crate) async fn create(&self, connection: &mut Connection, start: EntryId) -> RedisResult<()> {
        let mut create = Cmd::new();
        create.arg("XGROUP").arg("CREATE").arg(&self.stream).arg(&self.group);
        match connection.query(create.arg(start.to_string()).arg("MKSTREAM")).await {
            Err(error) if error.code() != Some("BUSYGROUP") => Err(error),
            _ => Ok(()),
        }
    }

    /// The command that reads on.
    pub(crate) fn command(&self, count: usize, block_ms: u64) -> Cmd {
        let mut read = Cmd::new();
        read.arg("XREADGROUP").arg("GROUP").arg(&self.group).arg(&self.consumer).arg("COUNT").arg(count);
        match self.recovering {
            Some(after) => read.arg("STREAMS").arg(&self.stream).arg(after.to_string()),
            None => read.arg("BLOCK").arg(block_ms).arg("STREAMS").arg(&self.stream).arg(">"),
        };
        read
    }

    /// Notes what the server sent last, the id of the last entry of it.
    pub(crate) fn received(&mut self, last: Option<EntryId>) {
        if self.recovering.is_some() {
            self.recovering = last;
            if last.is_none() {
                // Whatever is left was acknowledged, only the answer to that was lost.
                self.unacknowledged.clear();
            }
        }
    }

    /// Whether an entry has not been handed over before. It is to be acknowledged in any case.
    pub(crate) fn takes(&mut self, id: EntryId) -> bool {
        self.unacknowledged.insert(id)
    }

    /// Acknowledges what was handed over.
    pub(crate) async fn acknowledge(&mut self, connection: &mut Connection) -> RedisResult<()> {
        if self.unacknowledged.is_empty() {
            return Ok(());
        }
        let mut acknowledge = Cmd::new();
        acknowledge.arg("XACK").arg(&self.stream).arg(&self.group);
        for id in &self.unacknowledged {
            acknowledge.arg(id.to_string());
        }
        connection.query(&acknowledge).await?;
        if self.recovering.is_none() {
            self.unacknowledged.clear();
        }
        Ok(())
    }

    /// There is a new connection.
    pub(crate) fn recover(&mut self) {
        self.recovering = Some(EntryId::default());
    }

    /// How many entries the group has not read yet, if the server can tell.
    pub(crate) async fn lag(&self, connection: &mut Connection) -> RedisResult<Option<u64>> {
        Ok(find(&groups(connection, &self.stream).await?, &self.group).and_then(|group| number(group, "lag")))
    }

    /// Removes the consumer, unless others have to take over what it did not acknowledge.
    pub(crate) async fn leave(&self, connection: &mut Connection) -> RedisResult<()> {
        let mut pending = Cmd::new();
        pending
            .arg("XPENDING")
            .arg(&self.stream)
            .arg(&self.group)
            .arg("-")
            .arg("+")
            .arg(1)
            .arg(&self.consumer);
        let pending = connection.query(&pending).await?;
        if pending.as_sequence().is_some_and(<[Value]>::is_empty) {
            let mut leave = Cmd::new();
            leave.arg("XGROUP").arg("DELCONSUMER").arg(&self.stream).arg(&self.group).arg(&self.consumer);
            connection.query(&leave).await?;
        }
        Ok(())
    }
}

/// What the server tells of a stream; `None` without such a stream.
pub(crate) async fn info(connection: &mut Connection, stream: &str) -> RedisResult<Option<Value>> {
    let mut info = Cmd::new();
    absent_is_none(connection.query(info.arg("XINFO").arg("STREAM").arg(stream)).await)
}

/// What the server tells of the groups of a stream.
pub(crate) async fn groups(connection: &mut Connection, stream: &str) -> RedisResult<Value> {
    let mut info = Cmd::new();
    let groups = connection.query(info.arg("XINFO").arg("GROUPS").arg(stream)).await;
    Ok(absent_is_none(groups)?.unwrap_or(Value::Array(Vec::new())))
}

fn absent_is_none(answer: RedisResult<Value>) -> RedisResult<Option<Value>> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.detail().is_some_and(|detail| detail.contains("no such key")) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A group by its name.
pub(crate) fn find<'a>(groups: &'a Value, name: &str) -> Option<&'a Value> {
    groups.as_sequence()?.iter().find(|group| named(group, "name").and_then(text).as_deref() == Some(name))
}

/// The id of this name in what the server tells.
pub(crate) fn id(value: &Value, name: &str) -> Option<EntryId> {
    text(named(value, name)?)?.parse().ok()
}
