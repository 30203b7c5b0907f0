//! Reads a stream, from a position that is known before it says that it is ready.

use crate::entry::{self, Entry, EntryId, number};
use crate::evidence::field;
use crate::group::{Member, id, info};
use crate::outage::Outage;
use crate::record::StreamRecord;
use crate::server::{ANSWER_LIMIT, Connection, Server};
use crate::stream::{ConsumeStream, Decode, Position};
use crate::text::{cause, is_outage, quote};
use qalipsis_core::fault::Fault;
use qalipsis_core::source::{Feed, Recovery};
use qalipsis_plugin::reader::Ending;
use redis::{Cmd, RedisError, RedisResult};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// How long the server waits for an entry before it answers with none.
const BLOCK: Duration = Duration::from_millis(1000);

/// The most entries in one answer.
const BATCH: usize = 500;

/// How long a source that has to end goes on handing over what it has received.
const HAND_OVER_LIMIT: Duration = Duration::from_millis(300);

/// How long leaving a group may take at the end.
const LEAVE_LIMIT: Duration = Duration::from_millis(200);

/// How often the lag is reported.
const LAG_PERIOD: Duration = Duration::from_secs(1);

/// Longer than the first round on a new connection takes.
const UNTIL_OVER: Duration = Duration::from_secs(60);

struct Reading<T> {
    server: Arc<Server>,
    stream: String,
    position: Position,
    member: Option<Member>,
    decode: Decode<T>,
    feed: Arc<Feed<StreamRecord<T>>>,
    ending: Ending,
    /// Where reading started; entries up to here are not handed over.
    start: EntryId,
    /// The last entry that was handed over.
    last: EntryId,
    /// How many entries had been added to the stream up to the last one read, as the server counts them;
    /// `None` until that is known again.
    known: Option<u64>,
    lag_reported: Instant,
    /// Up to when it is known that nothing was lost.
    complete: Instant,
    /// Whether the stream was there when it was looked at last.
    present: bool,
    /// Whether it was deleted, and is not there again.
    deleted: bool,
}

/// Why a round failed.
enum Trouble {
    /// It may go better later.
    Outage(String),
    /// It will not.
    Fatal(Fault),
}

pub(crate) async fn read<T: Send + 'static>(
    source: ConsumeStream<T>,
    feed: Arc<Feed<StreamRecord<T>>>,
    ending: Ending,
) -> Result<(), Fault> {
    let ConsumeStream { redis, stream, position, group, name: _, decode } = source;
    let member = group.map(|group| Member::new(&stream, &group, feed.context()));
    let reading = Reading {
        server: Arc::clone(&redis.0.server),
        stream,
        position,
        member,
        decode,
        feed,
        ending,
        start: EntryId::default(),
        last: EntryId::default(),
        known: Some(0),
        lag_reported: Instant::now(),
        complete: Instant::now(),
        present: false,
        deleted: false,
    };
    reading.run().await
}

impl<T: Send + 'static> Reading<T> {
    async fn run(mut self) -> Result<(), Fault> {
        let ending = self.ending.clone();
        let server = Arc::clone(&self.server);
        // Nobody else uses this connection, so nobody else needs to notice its loss.
        let open = || server.open(BLOCK + ANSWER_LIMIT, crate::server::Lost::default());

        let Some(opened) = ending.unless(open()).await else { return Ok(()) };
        let mut connection = opened.map_err(|error| server.unreachable(&error))?;
        let Some(positioned) = ending.unless(self.find_position(&mut connection)).await else {
            return Ok(());
        };
        positioned?;
        self.complete = Instant::now();
        self.feed.ready();

        let mut outage = Outage::default();
        let mut heard = Instant::now();
        'reading: while !ending.is_set() {
            let reason = match self.round(&mut connection).await {
                Ok(()) => {
                    if outage.over() {
                        self.feed.resumed(Recovery::Complete);
                        // What a server that was started again has lost is known at once.
                        self.lag_reported = Instant::now();
                        if let Err(Trouble::Fatal(fault)) = self.account(&mut connection).await {
                            return Err(fault);
                        }
                    }
                    heard = Instant::now();
                    continue;
                }
                Err(Trouble::Outage(reason)) => reason,
                Err(Trouble::Fatal(fault)) => return Err(fault),
            };
            self.feed.interrupted_since(heard, server.redact(&reason));
            let mut pause = outage.failed(reason);
            connection = loop {
                if ending.unless(sleep(pause)).await.is_none() {
                    break 'reading;
                }
                match ending.unless(open()).await {
                    None => break 'reading,
                    Some(Ok(connection)) => break connection,
                    Some(Err(error)) if is_outage(&error) => pause = outage.failed(cause(&error)),
                    Some(Err(error)) => return Err(server.unreachable(&error)),
                }
            };
            if let Some(member) = &mut self.member {
                member.recover();
            }
            // Not before the outage is over: what was lost with it is an interval of its own.
            self.lag_reported = Instant::now() + UNTIL_OVER;
        }
        outage.verdict(&server)?;
        if self.member.is_none() && !outage.is_open() {
            // What was deleted in the last second before it was read; by a connection on which nothing blocks.
            let last = async {
                if let Ok(mut connection) = open().await {
                    let _ = self.account(&mut connection).await;
                }
            };
            let _ = timeout(LEAVE_LIMIT, last).await;
        }
        if let Some(member) = &self.member {
            // A consumer that stays behind harms nobody.
            let _ = timeout(LEAVE_LIMIT, member.leave(&mut connection)).await;
        }
        Ok(())
    }

    /// The id after which reading starts is a number, never "the end": the server would look that up when
    /// it is asked for entries, and what is added until then would be missed.
    async fn find_position(&mut self, connection: &mut Connection) -> Result<(), Fault> {
        let stream = match info(connection, &self.stream).await {
            Ok(stream) => stream,
            Err(error) => return Err(self.unpositioned("XINFO STREAM", connection, &error).await),
        };
        self.present = stream.is_some();
        if let Some(stream) = &stream {
            let added = number(stream, "entries-added").unwrap_or_default();
            match self.position {
                Position::Latest => {
                    let Some(last) = id(stream, "last-generated-id") else {
                        let answer = crate::text::show(stream);
                        let problem = format!("{}: no last id in the answer {}", self.coordinates(), answer);
                        return Err(Fault::error(problem).code("position"));
                    };
                    self.start = last;
                    self.known = Some(added);
                }
                Position::Earliest => {
                    self.known = added.checked_sub(number(stream, "length").unwrap_or_default());
                }
            }
        }
        self.last = self.start;
        if let (Some(member), Some(stream)) = (&mut self.member, &stream) {
            member.starts(stream);
        }
        if let Some(member) = &self.member
            && let Err(error) = member.create(connection, self.start).await
        {
            return Err(self.unpositioned("XGROUP CREATE", connection, &error).await);
        }
        Ok(())
    }

    async fn unpositioned(&self, command: &str, connection: &mut Connection, error: &RedisError) -> Fault {
        let mut fault = self.server.failed(&format!("{command} {}", quote(self.stream.as_bytes())), error);
        if fault.code == "wrongtype"
            && let Some(found) = connection.type_of(&self.stream).await
        {
            fault.message.push_str(&format!(", the key holds a {found}"));
        }
        fault
    }

    /// Reads once, and hands over what has come.
    async fn round(&mut self, connection: &mut Connection) -> Result<(), Trouble> {
        let waits = self.member.as_ref().map_or(BLOCK, Member::waits);
        let asked = Instant::now();
        let answer = match &self.member {
            Some(member) => connection.query(&member.command(BATCH)).await,
            None => {
                let command = self.command();
                match self.ending.unless(connection.query(&command)).await {
                    Some(answer) => answer,
                    None => return Ok(()),
                }
            }
        };
        let received = Instant::now();
        let answer = answer.map_err(|error| self.trouble(&error))?;
        self.feed.answered("the server", asked, received, waits);
        let sent = entry::read(&answer)
            .map_err(|problem| Trouble::Fatal(Fault::error(format!("{}: {problem}", self.coordinates()))))?;
        drop(answer);
        if !sent.is_empty() {
            self.there(received);
        }
        if let Some(member) = &mut self.member {
            member.received(sent.last().map(|(id, _)| *id));
        }
        for (id, entry) in sent {
            if self.ending.is_set() && received.elapsed() > HAND_OVER_LIMIT {
                break;
            }
            let is_new = self.member.as_mut().is_none_or(|member| member.takes(id)) && id > self.start;
            match entry {
                Some(entry) if is_new => self.hand_over(entry, received),
                // Only a member is sent the id of what is not there.
                None if is_new => {
                    let cause =
                        format!("entry {id} of the stream {} was deleted while it was pending", self.stream);
                    self.lost(received, cause);
                }
                _ => {}
            }
            self.last = self.last.max(id);
            if let Some(known) = self.known.as_mut().filter(|_| is_new) {
                *known += 1;
            }
            self.report_lag(connection).await?;
        }
        if let Some(member) = &mut self.member {
            let acknowledged = member.acknowledge(connection).await;
            acknowledged.map_err(|error| self.trouble(&error))?;
        }
        self.report_lag(connection).await
    }

    fn command(&self) -> Cmd {
        let mut read = Cmd::new();
        read.arg("XREAD").arg("COUNT").arg(BATCH).arg("BLOCK").arg(BLOCK.as_millis() as u64);
        read.arg("STREAMS").arg(&self.stream).arg(self.last.to_string());
        read
    }

    fn hand_over(&self, entry: Entry, received: Instant) {
        self.feed.bytes(entry.size());
        match (self.decode)(&entry) {
            Ok(value) => {
                let Entry { id, fields } = entry;
                let record = StreamRecord { stream: self.stream.clone(), id, fields, value, received };
                self.feed.record(record, received);
            }
            Err(problem) => {
                let fields = entry
                    .fields
                    .iter()
                    .map(|(name, value)| format!("{}: {}", quote(name.as_bytes()), field(name, value)))
                    .collect::<Vec<_>>();
                let place = format!("redis stream {} entry {}", self.stream, entry.id);
                let values = quote(fields.join(", ").as_bytes());
                let fault = Fault::undecodable(format!("{place}: {problem}, fields {values}"));
                self.feed.undecodable(fault.exchange(format!("{place}\n{}", fields.join("\n"))));
            }
        }
    }

    /// Reports how far behind it is, at most once per `LAG_PERIOD`.
    async fn report_lag(&mut self, connection: &mut Connection) -> Result<(), Trouble> {
        if self.lag_reported.elapsed() < LAG_PERIOD {
            return Ok(());
        }
        self.lag_reported = Instant::now();
        self.account(connection).await
    }

    /// Asks the server what there is to read, and says what was lost.
    async fn account(&mut self, connection: &mut Connection) -> Result<(), Trouble> {
        let asked = Instant::now();
        let lag = match &self.member {
            Some(_) => self.reached(connection, asked).await,
            None => info(connection, &self.stream).await.map(|stream| match stream {
                Some(stream) => self.behind(&stream, asked),
                None => {
                    self.gone();
                    Some(0)
                }
            }),
        };
        if lag.is_ok() {
            self.feed.answered("the server", asked, Instant::now(), Duration::ZERO);
        }
        match lag {
            Ok(Some(lag)) => self.feed.lag(lag),
            Ok(None) => {}
            Err(error) if is_outage(&error) => return Err(self.trouble(&error)),
            // A user that may read may not be allowed to ask.
            Err(_) => {}
        }
        Ok(())
    }

    /// How many entries the group has not read; says which ones it never will.
    async fn reached(&mut self, connection: &mut Connection, asked: Instant) -> RedisResult<Option<u64>> {
        let stream = info(connection, &self.stream).await?;
        let Some(member) = &mut self.member else { return Ok(None) };
        let reached = member.reached(connection).await?;
        let lost = stream.and_then(|stream| member.unread(&stream, &reached));
        let is_current = member.is_current();
        if let Some(cause) = lost {
            self.lost(asked, cause);
        } else if reached.lag == Some(0) && is_current {
            self.complete = asked;
        }
        Ok(reached.lag)
    }

    /// There is no such stream. One that was there and had entries was deleted, or its server has lost it.
    fn gone(&mut self) {
        if !std::mem::take(&mut self.present) {
            return;
        }
        self.deleted = true;
        self.feed.interrupted_since(self.complete, format!("the stream {} was deleted", self.stream));
        self.begin_again();
    }

    /// There is such a stream.
    fn there(&mut self, at: Instant) {
        if !std::mem::replace(&mut self.present, true) {
            if std::mem::take(&mut self.deleted) {
                // What came to it before it was deleted may be lost.
                self.feed.resumed(Recovery::Lossy);
            }
            self.complete = at;
        }
    }

    /// Everything in the stream that comes is new.
    fn begin_again(&mut self) {
        (self.start, self.last, self.known) = (EntryId::default(), EntryId::default(), Some(0));
    }

    /// How many entries were added that have not been read, if the server counts them (Redis 7).
    fn behind(&mut self, stream: &redis::Value, asked: Instant) -> Option<u64> {
        let added = number(stream, "entries-added");
        let newest = id(stream, "last-generated-id").unwrap_or_default();
        self.there(asked);
        // It is asked after reading, so that it cannot have counted less than was read.
        let counts_less = added.zip(self.known).is_some_and(|(added, known)| added < known);
        if counts_less || newest < self.last {
            let cause = format!(
                "the stream {} was made again, or its server lost data: its last entry is {newest}, and entry {} \
                 was read before",
                self.stream, self.last
            );
            self.lost(asked, cause);
            if newest < self.last {
                self.begin_again();
                return added;
            }
            self.known = None;
        }
        if newest > self.last {
            return Some(
                added.zip(self.known).map_or(1, |(added, known)| added.saturating_sub(known).max(1)),
            );
        }
        // All that is there was read. What was added beyond that was deleted before.
        if let Some((added, known)) = added.zip(self.known).filter(|(added, known)| added > known) {
            let lost = added - known;
            let cause =
                format!("{lost} entries of the stream {} were deleted before they were read", self.stream);
            self.lost(asked, cause);
        }
        self.complete = asked;
        self.known = added;
        Some(0)
    }

    /// Something that was added until now is never read.
    fn lost(&mut self, until: Instant, cause: String) {
        self.feed.gap(self.complete, until, Recovery::Lossy, cause);
        self.complete = until;
    }

    fn trouble(&self, error: &RedisError) -> Trouble {
        if is_outage(error) {
            return Trouble::Outage(cause(error));
        }
        let command = if self.member.is_some() { "XREADGROUP" } else { "XREAD" };
        Trouble::Fatal(self.server.failed(&format!("{command} {}", quote(self.stream.as_bytes())), error))
    }

    fn coordinates(&self) -> String {
        format!("redis stream {} at {}", self.stream, self.server.name)
    }
}
