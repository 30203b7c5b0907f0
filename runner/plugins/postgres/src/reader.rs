//! The task that polls.

use crate::connection::Own;
use crate::error;
use crate::evidence::{Read, Source};
use crate::poll::Poll;
use crate::seen::{Hasher, MOST_SEEN, Seen};
use crate::text::quote;
use crate::window::{self, Bound, Query, Window};
use backon::{BackoffBuilder as _, ExponentialBuilder};
use futures::{StreamExt, pin_mut};
use parking_lot::Mutex;
use qalipsis_core::fault::Fault;
use qalipsis_core::model::duration::human;
use qalipsis_core::source::{Feed, Recovery, SLOW_ANSWER};
use serde::de::DeserializeOwned;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_postgres::types::Type;
use tokio_postgres::{Error, Row, RowStream, Statement};

/// How long the server may leave a question without any answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// The pauses before another connection is tried.
const RETRY: ExponentialBuilder = ExponentialBuilder::new()
    .with_min_delay(Duration::from_millis(100))
    .with_max_delay(Duration::from_secs(1))
    .without_max_times();

/// How long the server must have been away at the end for the source to have failed.
const OUTAGE: Duration = Duration::from_secs(1);

/// Begins the snapshot of one scan, in which nothing can be changed.
const BEGIN: &str = "begin isolation level repeatable read read only";

/// Since when, and why, nothing can be read.
type Outage = Mutex<Option<(Instant, Fault)>>;

/// How long it may take at the end to count the rows that no scan could read.
const LAST_COUNT: Duration = Duration::from_millis(500);

/// A period as good as none.
const LONGEST: Duration = Duration::from_secs(60 * 60 * 24 * 365);

/// From how long on a scan counts as slow, if it takes longer than the period as well.
const SLOW: Duration = Duration::from_millis(250);

/// Rows that have no place in the order of the key columns.
struct Unreadable {
    /// The statement that counts them.
    statement: String,
    /// How many there were at the start.
    before: i64,
}

pub(crate) async fn run<T: DeserializeOwned>(poll: Poll, feed: Feed<T>) -> Result<(), Fault> {
    let (outage, unreadable) = (Outage::default(), Mutex::default());
    tokio::select! {
        biased;
        () = feed.stopped() => {}
        ended = read(&poll, &feed, &outage, &unreadable) => return ended,
    }
    match outage.into_inner() {
        Some((since, fault)) if since.elapsed() >= OUTAGE => Err(Fault::error(format!(
            "nothing could be read for the last {} of the campaign: {fault}",
            human(since.elapsed())
        ))
        .code("unreachable")),
        Some(_) => Ok(()),
        None => {
            if let Some(unreadable) = unreadable.into_inner() {
                // A count that comes too late is no reason to end late.
                let counted = tokio::time::timeout(LAST_COUNT, count_unreadable(&poll, &feed, &unreadable));
                let why = match counted.await {
                    Ok(Ok(())) => return Ok(()),
                    Ok(Err(fault)) => format!(": {}", clause(&poll, &fault)),
                    Err(_) => format!(" within {}", human(LAST_COUNT)),
                };
                let keys = poll.keys.join(", ");
                feed.notice(
                    "unreadable-rows",
                    format!("rows with null or -infinity in ({keys}) were not counted{why}"),
                );
            }
            Ok(())
        }
    }
}

/// Says how many rows came that no scan could read.
async fn count_unreadable<T>(poll: &Poll, feed: &Feed<T>, unreadable: &Unreadable) -> Result<(), Fault> {
    let session = Session::open(poll).await?;
    let counted = session.unreadable(&unreadable.statement).await.map_err(PollError::into_fault)?;
    session.connection.busy.store(false, Relaxed);
    let Some((count, example)) = counted.filter(|(count, _)| *count > unreadable.before) else {
        return Ok(());
    };
    let count = count - unreadable.before;
    let rows = if count == 1 { "1 row has".to_owned() } else { format!("{count} rows have") };
    let keys = poll.keys.join(", ");
    let row = quote(&example.unwrap_or_default());
    feed.notice(
        "unreadable-rows",
        format!("{rows} null or -infinity in ({keys}) and cannot be read, for example {row}"),
    );
    Ok(())
}

async fn read<T: DeserializeOwned>(
    poll: &Poll,
    feed: &Feed<T>,
    outage: &Outage,
    unreadable: &Mutex<Option<Unreadable>>,
) -> Result<(), Fault> {
    let mut session = Session::open(poll).await?;
    let window = session.describe().await.map_err(PollError::into_fault)?;
    let mut progress = Progress::new(poll, &window);
    progress.start(&session).await.map_err(PollError::into_fault)?;
    // What is there already is read either to be handed over or to be known later.
    let receiver = poll.from_start.then_some(feed);
    progress.scan(&mut session, receiver).await.map_err(PollError::into_fault)?;
    let statement = window.unreadable();
    let counted = session.unreadable(&statement).await.map_err(PollError::into_fault)?;
    let before = if poll.from_start { 0 } else { counted.map_or(0, |(count, _)| count) };
    *unreadable.lock() = Some(Unreadable { statement, before });
    session.connection.busy.store(false, Relaxed);
    // What was slow until now was waited for.
    *session.slow.lock() = None;
    feed.ready();

    let mut ticks = tokio::time::interval(poll.every.clamp(Duration::from_millis(1), LONGEST));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut complete = Instant::now();
    loop {
        ticks.tick().await;
        let began = Instant::now();
        match progress.scan(&mut session, Some(feed)).await {
            Ok(()) => {
                if outage.lock().take().is_some() {
                    feed.resumed(Recovery::Complete);
                }
                if let Some((from, to)) = session.slow.lock().take() {
                    feed.answered("the server", from, to, Duration::ZERO);
                }
                complete = Instant::now();
                let took = began.elapsed();
                if took > poll.every && took >= SLOW {
                    let (took, every) = (human(took), human(poll.every));
                    feed.notice(
                        "slow-poll",
                        format!("a poll took {took}, longer than its period of {every}"),
                    );
                }
            }
            Err(PollError::Fatal(fault)) => return Err(fault),
            Err(PollError::Passing(fault)) => {
                feed.interrupted_since(complete, clause(poll, &fault));
                note(outage, fault);
                session = reopen(poll, outage).await;
            }
        }
    }
}

/// Why nothing can be read, without what the name of the source says already.
fn clause(poll: &Poll, fault: &Fault) -> String {
    let place = format!("{}: ", poll.postgres.0.target);
    fault.message.strip_prefix(&place).unwrap_or(&fault.message).to_owned()
}

fn note(outage: &Outage, fault: Fault) {
    let mut outage = outage.lock();
    let since = outage.as_ref().map_or_else(Instant::now, |(since, _)| *since);
    *outage = Some((since, fault));
}

/// A new connection, as soon as there is one.
async fn reopen<'a>(poll: &'a Poll, outage: &Outage) -> Session<'a> {
    let mut pauses = RETRY.build();
    loop {
        match Session::open(poll).await {
            Ok(session) => return session,
            Err(fault) => note(outage, fault),
        }
        tokio::time::sleep(pauses.next().expect("the pauses have no end")).await;
    }
}

/// Why one poll failed.
enum PollError {
    /// Another connection may do.
    Passing(Fault),
    /// It will not get better.
    Fatal(Fault),
}

impl PollError {
    fn into_fault(self) -> Fault {
        match self {
            Self::Passing(fault) | Self::Fatal(fault) => fault,
        }
    }
}

/// One connection with what is prepared on it.
struct Session<'a> {
    poll: &'a Poll,
    connection: Own,
    prepared: Mutex<HashMap<String, Statement>>,
    /// From when to when the server left slow questions without an answer.
    slow: Mutex<Option<(Instant, Instant)>>,
}

impl<'a> Session<'a> {
    async fn open(poll: &'a Poll) -> Result<Self, Fault> {
        let inner = &poll.postgres.0;
        let connection = Own::open(&inner.connector, &inner.target).await?;
        Ok(Self { poll, connection, prepared: Mutex::default(), slow: Mutex::default() })
    }

    fn problem(&self, error: &Error) -> PollError {
        let target = &self.poll.postgres.0.target;
        let fault = error::polled(target, &self.poll.statement, error);
        if error::passes(error) { PollError::Passing(fault) } else { PollError::Fatal(fault) }
    }

    fn fatal(&self, problem: &str, code: &'static str) -> PollError {
        let target = &self.poll.postgres.0.target;
        PollError::Fatal(error::local_poll(target, &self.poll.statement, problem, code))
    }

    /// An answer of the server, if there is one at all.
    async fn answer<T>(&self, asked: impl Future<Output = Result<T, Error>>) -> Result<T, PollError> {
        let began = Instant::now();
        let answer = tokio::time::timeout(ANSWER_WITHIN, asked).await;
        let ended = Instant::now();
        if ended - began >= SLOW_ANSWER {
            let mut slow = self.slow.lock();
            let from = slow.map_or(began, |(from, _)| from.min(began));
            *slow = Some((from, ended));
        }
        match answer {
            Ok(answer) => answer.map_err(|error| self.problem(&error)),
            Err(_) => {
                let target = &self.poll.postgres.0.target;
                let problem = format!("no answer within {}", human(ANSWER_WITHIN));
                Err(PollError::Passing(error::local_poll(target, &self.poll.statement, &problem, "timeout")))
            }
        }
    }

    /// A statement that is prepared, or nothing where statements are not.
    async fn prepare(&self, sql: &str) -> Result<Option<Statement>, PollError> {
        if !self.poll.postgres.0.prepared {
            return Ok(None);
        }
        let known = self.prepared.lock().get(sql).cloned();
        match known {
            Some(statement) => Ok(Some(statement)),
            None => {
                let statement = self.answer(self.connection.client().prepare(sql)).await?;
                self.prepared.lock().insert(sql.to_owned(), statement.clone());
                Ok(Some(statement))
            }
        }
    }

    /// Sends a query, whose parameters are all text.
    async fn send(&self, prepared: Option<&Statement>, query: &Query) -> Result<RowStream, Error> {
        let client = self.connection.client();
        match prepared {
            Some(statement) => client.query_raw(statement, &query.parameters).await,
            None => {
                let typed = query.parameters.iter().map(|parameter| (parameter, Type::TEXT));
                client.query_typed_raw(&query.sql, typed).await
            }
        }
    }

    /// The first row of an answer.
    async fn first(&self, rows: RowStream) -> Result<Option<Row>, PollError> {
        pin_mut!(rows);
        let mut first = None;
        // To its end, so that what comes next has an answer of its own.
        while let Some(row) = self.answer(async { rows.next().await.transpose() }).await? {
            first.get_or_insert(row);
        }
        Ok(first)
    }

    /// Learns the types of the key columns, and whether there are such columns.
    async fn describe(&mut self) -> Result<Window, PollError> {
        let poll = self.poll;
        if poll.keys.is_empty() {
            return Err(self.fatal("no key columns, name them by .after([...])", "configuration"));
        }
        let client = self.connection.client();
        // In a transaction, so that a pooler does not give the description another connection.
        self.answer(client.batch_execute("begin read only")).await?;
        let described = self.answer(client.prepare(&window::describing(&poll.statement, &poll.keys))).await;
        // What was prepared is dropped before the transaction ends, on the same connection.
        let types = described.map(|statement| {
            statement.columns().iter().map(|column| column.type_().clone()).collect::<Vec<_>>()
        });
        let ended = self.answer(client.batch_execute("rollback")).await;
        let types = types?;
        ended?;
        Ok(Window::new(&poll.statement, &poll.keys, &types, poll.overlap, poll.page))
    }

    /// How many rows no scan can read, and one of them.
    async fn unreadable(&self, statement: &str) -> Result<Option<(i64, Option<String>)>, PollError> {
        let query = Query { sql: statement.to_owned(), parameters: Vec::new() };
        let rows = self.answer(self.send(None, &query)).await?;
        let row = self.first(rows).await?;
        let read = |row: Row| Ok((row.try_get(0)?, row.try_get(1)?));
        row.map(read).transpose().map_err(|error| self.problem(&error))
    }

    async fn newest(&self, query: Query) -> Result<Option<Newest>, PollError> {
        let statement = self.prepare(&query.sql).await?;
        let rows = self.answer(self.send(statement.as_ref(), &query)).await?;
        let Some(row) = self.first(rows).await? else { return Ok(None) };
        let read = || Ok(Newest { ahead: row.try_get(0)?, now: row.try_get(1)?, key: key(&row, 2)? });
        Ok(Some(read().map_err(|error| self.problem(&error))?))
    }
}

/// The greatest key of a snapshot.
struct Newest {
    ahead: bool,
    now: String,
    key: Vec<String>,
}

fn key(row: &Row, first: usize) -> Result<Vec<String>, Error> {
    (first..row.len()).map(|column| row.try_get(column)).collect()
}

/// What was read so far.
struct Progress<'a> {
    poll: &'a Poll,
    window: &'a Window,
    /// From where on the next scan reads.
    bound: Bound,
    /// The greatest key ever read.
    high: Option<Vec<String>>,
    /// The greatest key at the start: what is inserted later is above it.
    initial: Option<Vec<String>>,
    /// The greatest keys of the past, and when the scan that read them began; for keys that are no time.
    history: VecDeque<(Instant, Vec<String>)>,
    /// All that was handed over and is after the bound.
    seen: Seen,
    hasher: Hasher,
    /// For evidence of rows.
    shown: Arc<Source>,
}

/// What one scan has read.
#[derive(Default)]
struct Scan {
    /// The bound of the scan after it, once known.
    next: Option<Bound>,
    /// What the scan after it will read again.
    current: Seen,
    /// The last row, since that bound is known.
    last: Option<Last>,
    /// The last key that was ahead, where a row follows that is above all keys to come.
    ahead: Option<Vec<String>>,
    /// Bytes since they were last reported.
    bytes: u64,
    rows: usize,
}

struct Last {
    key: Vec<String>,
    ahead: bool,
    kept: bool,
    /// Whether `kept` was judged by the bound of the next scan.
    judged: bool,
}

impl<'a> Progress<'a> {
    fn new(poll: &'a Poll, window: &'a Window) -> Self {
        Self {
            poll,
            window,
            bound: Bound::Everything,
            high: None,
            initial: None,
            history: VecDeque::new(),
            seen: Seen::default(),
            hasher: Hasher::new(),
            shown: Arc::new(Source {
                place: poll.postgres.0.target.to_string(),
                statement: poll.statement.clone(),
                keys: poll.keys.join(", "),
            }),
        }
    }

    /// Finds where to start.
    async fn start(&mut self, session: &Session<'_>) -> Result<(), PollError> {
        if self.poll.changes {
            return Ok(());
        }
        let began = Instant::now();
        let Some(newest) = session.newest(self.window.newest(None)).await? else { return Ok(()) };
        self.initial = Some(newest.key.clone());
        if !self.poll.from_start {
            self.bound = if self.window.is_time() {
                Bound::Since { key: newest.key[0].clone(), now: newest.now }
            } else {
                Bound::After(newest.key.clone())
            };
            self.history.push_back((began, newest.key.clone()));
            self.high = Some(newest.key);
        }
        Ok(())
    }

    /// Reads everything from the bound on, and hands over what is new.
    async fn scan<T: DeserializeOwned>(
        &mut self,
        session: &mut Session<'_>,
        feed: Option<&Feed<T>>,
    ) -> Result<(), PollError> {
        let mut scan = Scan::default();
        session.connection.busy.store(true, Relaxed);
        let read = self.read(session, feed, &mut scan).await;
        if read.is_ok() {
            session.connection.busy.store(false, Relaxed);
            self.seen = scan.current;
            return Ok(());
        }
        // The next scan reads again what this one has handed over, unless it was beyond the need for that.
        self.seen.merge(scan.current);
        if let (Some(next), Some(last)) = (scan.next, scan.last)
            && last.judged
        {
            self.bound = if last.kept { next } else { Bound::After(last.key) };
        }
        read
    }

    async fn read<T: DeserializeOwned>(
        &mut self,
        session: &Session<'_>,
        feed: Option<&Feed<T>>,
        scan: &mut Scan,
    ) -> Result<(), PollError> {
        let began = Instant::now();
        let client = session.connection.client();
        let clock = Query { sql: "select now()::text".to_owned(), parameters: Vec::new() };
        let asking_time = session.prepare(&clock.sql).await?;
        let query = self.window.rows(&self.bound, self.high.as_deref(), &Bound::Everything);
        let statement = session.prepare(&query.sql).await?;
        // Three messages, one round trip.
        let (begun, now, rows) = futures::join!(
            session.answer(client.batch_execute(BEGIN)),
            session.answer(session.send(asking_time.as_ref(), &clock)),
            session.answer(session.send(statement.as_ref(), &query)),
        );
        begun?;
        let now = session.first(now?).await?.map(|row| row.try_get(0)).transpose();
        let now: String = now.map_err(|error| session.problem(&error))?.unwrap_or_default();
        let mut full = self.page(session, feed, scan, rows?).await?;
        if full {
            scan.next = Some(self.next_bound(session, began, &now).await?);
        }
        while full {
            let (Some(next), Some(last)) = (&scan.next, &scan.last) else { break };
            let query = self.window.rows(&Bound::After(last.key.clone()), self.high.as_deref(), next);
            let statement = session.prepare(&query.sql).await?;
            let rows = session.answer(session.send(statement.as_ref(), &query)).await?;
            full = self.page(session, feed, scan, rows).await?;
        }
        session.answer(client.batch_execute("commit")).await?;

        if self.poll.changes {
            return Ok(());
        }
        let last = scan.last.take().filter(|last| last.ahead).map(|last| last.key);
        if let Some(greatest) = last.or_else(|| scan.ahead.take()) {
            self.history.push_back((began, greatest.clone()));
            self.high = Some(greatest);
        }
        if self.window.is_time() {
            self.history.clear();
            if let Some(high) = &self.high {
                self.bound = Bound::Since { key: high[0].clone(), now };
            }
        } else {
            self.bound = self.bound_of_the_past(began);
        }
        Ok(())
    }

    /// The bound of the next scan, as far as this one knows it before its end.
    async fn next_bound(
        &mut self,
        session: &Session<'_>,
        began: Instant,
        now: &str,
    ) -> Result<Bound, PollError> {
        if self.poll.changes {
            return Ok(Bound::Everything);
        }
        if !self.window.is_time() {
            return Ok(self.bound_of_the_past(began));
        }
        let newest = session.newest(self.window.newest(self.high.as_deref())).await?;
        let greatest = newest.filter(|newest| newest.ahead).map(|newest| newest.key);
        Ok(match greatest.as_ref().or(self.high.as_ref()) {
            Some(key) => Bound::Since { key: key[0].clone(), now: now.to_owned() },
            None => Bound::Everything,
        })
    }

    /// After the greatest key that was read the overlap before a scan began; for keys that are no time.
    fn bound_of_the_past(&mut self, began: Instant) -> Bound {
        let old =
            |entry: &(Instant, Vec<String>)| began.saturating_duration_since(entry.0) >= self.poll.overlap;
        while self.history.len() > 1 && old(&self.history[1]) {
            self.history.pop_front();
        }
        match self.history.front().filter(|entry| old(entry)) {
            Some((_, key)) => Bound::After(key.clone()),
            None => self.initial.clone().map_or(Bound::Everything, Bound::After),
        }
    }

    /// Hands over one page, and returns whether it was full.
    async fn page<T: DeserializeOwned>(
        &mut self,
        session: &Session<'_>,
        feed: Option<&Feed<T>>,
        scan: &mut Scan,
        rows: RowStream,
    ) -> Result<bool, PollError> {
        pin_mut!(rows);
        scan.rows = 0;
        let read = loop {
            match session.answer(async { rows.next().await.transpose() }).await {
                Ok(None) => break Ok(()),
                Ok(Some(row)) => {
                    scan.rows += 1;
                    if let Err(problem) = self.row(session, feed, scan, &row, Instant::now()) {
                        break Err(problem);
                    }
                }
                Err(problem) => break Err(problem),
            }
        };
        if let Some(feed) = feed {
            feed.bytes(std::mem::take(&mut scan.bytes));
        }
        read.map(|()| scan.rows == self.window.page())
    }

    fn row<T: DeserializeOwned>(
        &self,
        session: &Session<'_>,
        feed: Option<&Feed<T>>,
        scan: &mut Scan,
        row: &Row,
        arrived: Instant,
    ) -> Result<(), PollError> {
        let unreadable = |error: Error| session.problem(&error);
        let ahead: bool = row.try_get(0).map_err(unreadable)?;
        let kept: bool = row.try_get(1).map_err(unreadable)?;
        let json: &str = row.try_get(2).map_err(unreadable)?;
        let key = key(row, 3).map_err(unreadable)?;
        if scan.last.as_ref().is_some_and(|last| last.key == key) {
            let problem = format!(
                "two rows have the same ({}), ({}); name one more column by .after([...])",
                self.poll.keys.join(", "),
                key.join(", ")
            );
            return Err(session.fatal(&problem, "configuration"));
        }
        scan.bytes += json.len() as u64;
        let hash = self.hasher.hash(&key);
        let content = if self.poll.changes { self.hasher.content(json) } else { 0 };
        if !self.seen.contains(hash, content)
            && let Some(feed) = feed
        {
            match serde_json::from_str(json) {
                Ok(value) => feed.record_shown(value, arrived, Arc::new(Read::new(&self.shown, &key, json))),
                Err(problem) => feed.undecodable(
                    Fault::undecodable(format!(
                        "{}: the row with ({}) = ({}) can't be decoded: {problem}, row {}, in: {}",
                        self.poll.postgres.0.target,
                        self.poll.keys.join(", "),
                        key.join(", "),
                        quote(json),
                        quote(&self.poll.statement)
                    ))
                    .exchange(format!("{}\n\n{json}", self.poll.statement)),
                ),
            }
        }
        if kept {
            scan.current.insert(hash, content);
        }
        if !ahead && scan.last.as_ref().is_some_and(|last| last.ahead) {
            scan.ahead = scan.last.take().map(|last| last.key);
        }
        scan.last = Some(Last { key, ahead, kept, judged: scan.next.is_some() });
        if scan.current.len() > MOST_SEEN {
            let problem = if self.poll.changes {
                format!("more than {MOST_SEEN} rows, leave some out by a `where`")
            } else {
                let overlap = human(self.poll.overlap);
                format!(
                    "more than {MOST_SEEN} rows within the overlap of {overlap}, make that shorter by .overlap(...)"
                )
            };
            return Err(session.fatal(&problem, "overlap"));
        }
        Ok(())
    }
}
