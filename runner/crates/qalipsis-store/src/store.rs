//! The store as the rest of the product sees it.

use crate::campaign::{self, CampaignPage, CampaignQuery, CampaignRecord, TrendPoint};
use crate::database::{After, Answer, Database, Job, Losses, Lost};
use crate::error::{StoreError, StoreProblem};
use crate::file::{self, FileEntry, StoredFile};
use crate::keep::Keep;
use crate::location::Location;
use crate::marker::{self, Marker};
use crate::postgres::PostgresDatabase;
use crate::schedule::{self, Schedule};
use crate::slice::{self, Slice};
use crate::sqlite::SqliteDatabase;
use crate::value::{Row, Statement, UnexpectedValue};
use qalipsis_model::snapshot::ScenarioFigures;
use qalipsis_model::timestamp::Timestamp;
use std::collections::BTreeMap;
use std::ops::Range;
use std::panic::resume_unwind;
use std::process;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// How long anybody waits for what is written. It stays in the queue.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Where campaigns are kept. Clones are the same store.
#[derive(Debug, Clone)]
pub struct Store {
    database: Arc<dyn Database>,
    keep: Keep,
}

impl Store {
    /// Opens the store at this location, and creates it when there is none. What dead heads left open is ended as
    /// ABORTED, and campaigns that are not kept are removed, now and whenever one has ended.
    ///
    /// # Errors
    /// When it cannot be used: one line that says why.
    pub async fn open(location: &Location, keep: Keep) -> Result<Self, StoreError> {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let name = format!("process {}", process::id());
        // Two heads on two machines may have the same process id, but not at the same nanosecond.
        let head = format!("{}-{}", process::id(), since_epoch.as_nanos());
        let database: Arc<dyn Database> = match location {
            Location::Sqlite(file) => Arc::new(SqliteDatabase::open(file, &head, &name).await?),
            Location::Postgres(target) => Arc::new(PostgresDatabase::open(target, &head, &name).await?),
        };
        let store = Self { database, keep };
        store.remove_old();
        Ok(store)
    }

    /// Writes everything that waits, and closes the store: it takes nothing more, and another process may open its file.
    ///
    /// # Errors
    /// When it was closed before.
    pub async fn close(&self) -> Result<(), StoreError> {
        self.write(Vec::new(), After::Close).await.map(|_| ())
    }

    /// Keeps a campaign as it is now: adds it, or replaces what was known of it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn put_campaign(&self, campaign: &CampaignRecord) -> Result<(), StoreError> {
        self.write(campaign::write(campaign, self.database.head()), After::Nothing).await.map(|_| ())
    }

    /// The campaign of this key.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn campaign(&self, key: &str) -> Result<Option<CampaignRecord>, StoreError> {
        let [campaigns, scenarios] = self.read(campaign::one(key)).await?;
        Ok(self.understood(campaign::read(campaigns, scenarios))?.pop())
    }

    /// A page of campaigns.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn campaigns(&self, query: &CampaignQuery) -> Result<CampaignPage, StoreError> {
        let [campaigns, scenarios, mut total] = self.read(campaign::page(query)).await?;
        let campaigns = self.understood(campaign::read(campaigns, scenarios))?;
        let total = total.pop().map_or(Ok(0), |mut row| row.unsigned());
        Ok(CampaignPage { campaigns, total: self.understood(total)? })
    }

    /// The last ended runs of a scenario, the latest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn trend(&self, scenario: &str, last: u32) -> Result<Vec<TrendPoint>, StoreError> {
        let [rows] = self.read([campaign::trend(scenario, last)]).await?;
        self.understood(rows.into_iter().map(campaign::read_trend).collect())
    }

    /// Removes a campaign with everything that is kept of it, and gives whether there was one.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub async fn delete_campaign(&self, key: &str) -> Result<bool, StoreError> {
        self.write(vec![campaign::delete(key)], After::Settle).await.map(|removed| removed > 0)
    }

    /// What the campaign of this key runs with: everything that is written while it runs goes through it.
    pub fn writer(&self, key: &str) -> CampaignWriter {
        CampaignWriter { store: self.clone(), key: key.to_owned(), seconds: 0, losses: Arc::default() }
    }

    /// The names and sizes of the files of a campaign.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn files(&self, campaign: &str) -> Result<Vec<FileEntry>, StoreError> {
        let [rows] = self.read([file::list(campaign)]).await?;
        self.understood(rows.into_iter().map(file::read_entry).collect())
    }

    /// The content of a file of a campaign.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn file(&self, campaign: &str, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let [mut rows] = self.read([file::content(campaign, name)]).await?;
        self.understood(rows.pop().map(file::read_content).transpose())
    }

    /// The markers of a campaign, in the order of their times.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn markers(&self, campaign: &str) -> Result<Vec<Marker>, StoreError> {
        let [rows] = self.read([marker::list(campaign)]).await?;
        self.understood(rows.into_iter().map(marker::read).collect())
    }

    /// Adds a marker to a campaign that has ended; one that runs has a [writer](Self::writer).
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn put_marker(&self, campaign: &str, marker: &Marker) -> Result<(), StoreError> {
        self.write(vec![marker::write(campaign, marker)], After::Nothing).await.map(|_| ())
    }

    /// A campaign that ended elsewhere, with its files and markers, to which its slices are added.
    pub fn import(&self, campaign: &CampaignRecord, files: &[StoredFile], markers: &[Marker]) -> Import {
        let key = &campaign.key;
        let mut statements = campaign::write(campaign, self.database.head());
        statements.extend(files.iter().map(|file| file::write(key, file)));
        statements.extend(markers.iter().map(|marker| marker::write(key, marker)));
        Import { key: key.clone(), statements, seconds: 0, last: None }
    }

    /// Keeps an imported campaign: all of it or, when that fails, nothing.
    ///
    /// # Errors
    /// When it cannot be written, or, after 10 s, when it still waits for the store ([`StoreProblem::Slow`]).
    pub async fn keep_import(&self, import: Import) -> Result<(), StoreError> {
        let kept = self.write(import.statements, After::Settle).await;
        self.remove_old();
        kept.map(|_| ())
    }

    /// Goes through the slices that begin in a window, in the order in which they were written, on a thread where this
    /// keeps nobody waiting. One slice is in memory at a time: its histograms take far more there than in the store.
    ///
    /// # Errors
    /// When the store cannot be read.
    ///
    /// # Panics
    /// When `add` does.
    pub async fn fold_slices<T: Send + 'static>(
        &self,
        campaign: &str,
        window: Range<Timestamp>,
        mut state: T,
        mut add: impl FnMut(&mut T, Slice) + Send + 'static,
    ) -> Result<T, StoreError> {
        let mut place = slice::Place::start();
        loop {
            let [rows] = self.read([slice::next(campaign, &window, &place)]).await?;
            let is_last = rows.len() < slice::BATCH;
            let adding = spawn_blocking(move || {
                for row in rows {
                    let (at, slice) = slice::read(row)?;
                    add(&mut state, slice);
                    place = at;
                }
                Ok((state, add, place))
            });
            let added = adding.await.unwrap_or_else(|error| resume_unwind(error.into_panic()));
            (state, add, place) = self.understood(added)?;
            if is_last {
                return Ok(state);
            }
        }
    }

    /// The figures of each scenario and zone in a window: exactly those of all its seconds together.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn window(
        &self,
        campaign: &str,
        window: Range<Timestamp>,
    ) -> Result<BTreeMap<(String, Option<String>), ScenarioFigures>, StoreError> {
        self.fold_slices(campaign, window, BTreeMap::new(), |merged, slice| {
            let figures: &mut ScenarioFigures = merged.entry((slice.scenario, slice.zone)).or_default();
            figures.merge(&slice.figures);
        })
        .await
    }

    /// Keeps a schedule: adds it, or replaces the one of the same name. What was started stays known, and while its times
    /// stay the same it is due next when it was: another head may have moved it on meanwhile.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn put_schedule(&self, schedule: &Schedule) -> Result<(), StoreError> {
        self.write(vec![schedule::write(schedule)], After::Settle).await.map(|_| ())
    }

    /// The schedule of this name.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn schedule(&self, name: &str) -> Result<Option<Schedule>, StoreError> {
        let [mut rows] = self.read([schedule::one(name)]).await?;
        self.understood(rows.pop().map(schedule::read).transpose())
    }

    /// All schedules, by name.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn schedules(&self) -> Result<Vec<Schedule>, StoreError> {
        let [rows] = self.read([schedule::all()]).await?;
        self.understood(rows.into_iter().map(schedule::read).collect())
    }

    /// Takes the start of a schedule that is due, and moves it on to the next one: true for one head only, however many
    /// share the store.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn claim_schedule(
        &self,
        name: &str,
        due: Timestamp,
        next: Option<Timestamp>,
    ) -> Result<bool, StoreError> {
        self.write(vec![schedule::claim(name, due, next, self.database.head())], After::Settle)
            .await
            .map(|changed| changed > 0)
    }

    /// Notes the campaign that a claimed start became.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn schedule_started(
        &self,
        name: &str,
        due: Timestamp,
        campaign: &str,
    ) -> Result<(), StoreError> {
        self.write(vec![schedule::started(name, due, campaign)], After::Nothing).await.map(|_| ())
    }

    /// Removes a schedule, and gives whether there was one.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub async fn delete_schedule(&self, name: &str) -> Result<bool, StoreError> {
        self.write(vec![schedule::delete(name)], After::Nothing).await.map(|removed| removed > 0)
    }

    /// Removes the campaigns that are not kept.
    fn remove_old(&self) {
        let statements = self.keep.statements(Timestamp::from_system(SystemTime::now()));
        if !statements.is_empty() {
            // What fails now is removed after the next campaign.
            let answer = Answer::Count(Arc::default());
            let _ = self.database.submit(Job { statements, answer, after: After::Settle });
        }
    }

    /// Queues statements without waiting, and counts them when they are lost.
    fn queue(&self, statements: Vec<Statement>, losses: &Arc<Losses>) {
        let answer = Answer::Count(Arc::clone(losses));
        let job = Job { statements, answer, after: After::Nothing };
        if let Err((error, job)) = self.database.submit(job) {
            job.answer.give(Err(error));
        }
    }

    async fn write(&self, statements: Vec<Statement>, after: After) -> Result<u64, StoreError> {
        let (reply, answer) = oneshot::channel();
        let job = Job { statements, answer: Answer::Reply(reply), after };
        self.database.submit(job).map_err(|(error, _)| error)?;
        let answer = timeout(ANSWER_WITHIN, answer)
            .await
            .map_err(|_| StoreError::new(self.database.place(), StoreProblem::Slow))?;
        answer.unwrap_or_else(|_| Err(StoreError::new(self.database.place(), StoreProblem::Closed)))
    }

    async fn read<const N: usize>(&self, statements: [Statement; N]) -> Result<[Vec<Row>; N], StoreError> {
        let answers = self.database.read(statements.into()).await?;
        let answers: Result<[Vec<Row>; N], _> = answers.try_into();
        Ok(answers.expect("a database answers each statement"))
    }

    fn understood<T>(&self, read: Result<T, UnexpectedValue>) -> Result<T, StoreError> {
        read.map_err(|error| {
            StoreError::new(self.database.place(), StoreProblem::Malformed(error.to_string()))
        })
    }
}

/// Writes one campaign while it runs. Nothing here waits for the store but [`finish`](Self::finish): what it cannot take
/// is counted.
#[derive(Debug)]
pub struct CampaignWriter {
    store: Store,
    key: String,
    seconds: u64,
    losses: Arc<Losses>,
}

impl CampaignWriter {
    /// Keeps the campaign as it is now.
    pub fn update(&self, campaign: &CampaignRecord) {
        self.store.queue(campaign::write(campaign, self.store.database.head()), &self.losses);
    }

    /// Keeps what was done in a second: a slice of each scenario, or of each scenario in each zone when there are
    /// several.
    pub fn second(&mut self, slices: &[Slice]) {
        let sequence = self.seconds;
        self.seconds += 1;
        let statements = slices.iter().map(|slice| slice::write(&self.key, sequence, slice)).collect();
        self.store.queue(statements, &self.losses);
    }

    /// Counts a second that never came here, since too much else happened.
    pub fn second_missed(&self) {
        self.losses.add(StoreError::new(self.store.database.place(), StoreProblem::Overrun));
    }

    /// Keeps a marker.
    pub fn marker(&self, marker: &Marker) {
        self.store.queue(vec![marker::write(&self.key, marker)], &self.losses);
    }

    /// Keeps the ended campaign with its files: all of it or, when that fails, nothing.
    ///
    /// # Errors
    /// When it cannot be written, or, after 10 s, when it still waits for the store ([`StoreProblem::Slow`]): then it is
    /// written once the store takes it.
    pub async fn finish(&self, campaign: &CampaignRecord, files: &[StoredFile]) -> Result<(), StoreError> {
        let mut statements = campaign::write(campaign, self.store.database.head());
        statements.extend(files.iter().map(|file| file::write(&self.key, file)));
        let finished = self.store.write(statements, After::Settle).await;
        self.store.remove_old();
        finished.map(|_| ())
    }

    /// What was not stored so far; after [`finish`](Self::finish) this is complete.
    pub fn lost(&self) -> Lost {
        self.losses.get()
    }
}

/// A campaign that ended elsewhere, before it is kept.
#[derive(Debug)]
pub struct Import {
    key: String,
    statements: Vec<Statement>,
    /// How many seconds it has so far.
    seconds: u64,
    /// When the last of them began.
    last: Option<Timestamp>,
}

impl Import {
    /// Adds the next slice, in the order of time: those that begin at the same instant are of the same second.
    pub fn add(&mut self, slice: &Slice) {
        self.seconds += u64::from(self.last.is_some_and(|last| last != slice.at));
        self.last = Some(slice.at);
        self.statements.push(slice::write(&self.key, self.seconds, slice));
    }
}
