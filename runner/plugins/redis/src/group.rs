//! Membership in a consumer group.

use crate::entry::{EntryId, named, number, text};
use crate::server::Connection;
use qalipsis_core::source::SourceContext;
use redis::{Cmd, RedisResult, Value};
use std::collections::BTreeSet;
use std::time::Duration;

/// How long the server waits for an entry before it answers with none. A member must not turn away while the server
/// waits: what the server then delivers would be nobody's. So this is also how long its end may take.
const BLOCK: Duration = Duration::from_millis(200);

/// One consumer of a group.
pub(crate) struct Member {
    stream: String,
    group: String,
    consumer: String,
    /// What was handed over and not acknowledged yet, so that it is not handed over again.
    unacknowledged: BTreeSet<EntryId>,
    /// After a new connection: where to go on with what the lost one may not have delivered.
    recovering: Option<EntryId>,
    /// The last entry that was deleted, as far as is known.
    deleted: EntryId,
    /// How many entries that are not there the server counts as unread, as far as was said.
    gone: u64,
}

/// How far a group has come.
#[derive(Debug, Default)]
pub(crate) struct Reached {
    /// How many entries it has not read yet, if the server knows.
    pub(crate) lag: Option<u64>,
    /// How many entries of all that were ever added it has read.
    read: Option<u64>,
    /// The last entry that it was sent.
    last: Option<EntryId>,
}

impl Member {
    pub(crate) fn new(stream: &str, group: &str, context: &SourceContext) -> Self {
        Self {
            stream: stream.to_owned(),
            group: group.to_owned(),
            consumer: context.unique_name(),
            unacknowledged: BTreeSet::new(),
            recovering: None,
            deleted: EntryId::default(),
            gone: 0,
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
    pub(crate) fn command(&self, count: usize) -> Cmd {
        let mut read = Cmd::new();
        read.arg("XREADGROUP").arg("GROUP").arg(&self.group).arg(&self.consumer).arg("COUNT").arg(count);
        match self.recovering {
            Some(after) => read.arg("STREAMS").arg(&self.stream).arg(after.to_string()),
            None => read.arg("BLOCK").arg(BLOCK.as_millis() as u64).arg("STREAMS").arg(&self.stream).arg(">"),
        };
        read
    }

    /// How long the server waits before it answers that.
    pub(crate) fn waits(&self) -> Duration {
        if self.recovering.is_some() { Duration::ZERO } else { BLOCK }
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

    /// How far the group has come.
    pub(crate) async fn reached(&self, connection: &mut Connection) -> RedisResult<Reached> {
        let groups = groups(connection, &self.stream).await?;
        let group = find(&groups, &self.group);
        Ok(Reached {
            lag: group.and_then(|group| number(group, "lag")),
            read: group.and_then(|group| number(group, "entries-read")),
            last: group.and_then(|group| id(group, "last-delivered-id")),
        })
    }

    /// What was deleted before the group read it, and was not said before: of `stream`, which was asked before
    /// `reached` was. Redis counts it since its version 7.
    pub(crate) fn unread(&mut self, stream: &Value, reached: &Reached) -> Option<String> {
        let (name, group) = (&self.stream, &self.group);
        let deleted = id(stream, "max-deleted-entry-id").unwrap_or_default();
        let is_lost = deleted > self.deleted && reached.last.is_some_and(|last| deleted > last);
        let mut lost = is_lost.then(|| {
            format!("entry {deleted} of the stream {name} was deleted before the group {group} read it")
        });
        self.deleted = self.deleted.max(deleted);
        if let (Some(added), Some(length), Some(read)) =
            (number(stream, "entries-added"), number(stream, "length"), reached.read)
        {
            let unread = added.saturating_sub(read);
            // The oldest ones are trimmed first, so all that is there is unread if one of the unread is not there.
            let gone = unread.saturating_sub(length);
            if gone > self.gone {
                let count = gone - self.gone;
                lost = Some(format!(
                    "{count} entries of the stream {name} were deleted before the group {group} read them"
                ));
            }
            // The server goes on counting them as unread, or stops to when the group has read all others.
            self.gone = self.gone.max(gone).min(unread);
        }
        lost
    }

    /// What was deleted until now concerns nobody.
    pub(crate) fn starts(&mut self, stream: &Value) {
        self.deleted = id(stream, "max-deleted-entry-id").unwrap_or_default();
    }

    /// Whether it reads what comes, rather than what a lost connection may not have delivered.
    pub(crate) fn is_current(&self) -> bool {
        self.recovering.is_none()
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

/// What the server reports of a stream; `None` if there is no such stream.
pub(crate) async fn info(connection: &mut Connection, stream: &str) -> RedisResult<Option<Value>> {
    let mut info = Cmd::new();
    absent_is_none(connection.query(info.arg("XINFO").arg("STREAM").arg(stream)).await)
}

/// What the server reports of the groups of a stream.
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

/// The id of this name in what the server reports.
pub(crate) fn id(value: &Value, name: &str) -> Option<EntryId> {
    text(named(value, name)?)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member() -> Member {
        let context = SourceContext { campaign: "c".into(), factory: "f".into(), scenario: "s".into() };
        Member::new("orders", "g", &context)
    }

    fn stream(added: i64, length: i64, deleted: &str) -> Value {
        let text = |text: &str| Value::BulkString(text.into());
        Value::Map(vec![
            (text("entries-added"), Value::Int(added)),
            (text("length"), Value::Int(length)),
            (text("max-deleted-entry-id"), text(deleted)),
        ])
    }

    fn reached(read: u64, last: u64) -> Reached {
        Reached { lag: None, read: Some(read), last: Some(EntryId { millis: last, sequence: 0 }) }
    }

    #[test]
    fn law1_each_entry_that_a_group_did_not_read_is_said_once() {
        let mut member = member();
        assert_eq!(member.unread(&stream(10, 10, "0-0"), &reached(4, 4)), None);
        // Six were unread, of which two are left.
        let lost = member.unread(&stream(10, 2, "0-0"), &reached(4, 4));
        assert_eq!(lost.unwrap(), "4 entries of the stream orders were deleted before the group g read them");
        // The server counts those as unread for ever.
        assert_eq!(member.unread(&stream(10, 2, "0-0"), &reached(6, 10)), None);
        let lost = member.unread(&stream(11, 0, "0-0"), &reached(6, 10));
        assert_eq!(lost.unwrap(), "1 entries of the stream orders were deleted before the group g read them");
        // Or no longer.
        assert_eq!(member.unread(&stream(11, 0, "0-0"), &reached(11, 10)), None);
        let lost = member.unread(&stream(13, 0, "0-0"), &reached(11, 10));
        assert_eq!(lost.unwrap(), "2 entries of the stream orders were deleted before the group g read them");
    }

    #[test]
    fn law1_an_entry_that_is_deleted_after_it_was_read_is_no_loss() {
        let mut member = member();
        assert_eq!(member.unread(&stream(10, 9, "4-0"), &reached(4, 4)), None);
        let lost = member.unread(&stream(10, 8, "7-0"), &reached(4, 4));
        assert_eq!(lost.unwrap(), "entry 7-0 of the stream orders was deleted before the group g read it");
        assert_eq!(member.unread(&stream(10, 8, "7-0"), &reached(4, 4)), None);
    }
}
