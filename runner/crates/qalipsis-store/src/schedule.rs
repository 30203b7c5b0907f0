//! Schedules: campaigns that start by themselves. The store keeps them; the head computes when they are due.

use crate::value::{Row, Statement, UnexpectedValue, Value};
use qalipsis_model::timestamp::Timestamp;

/// A campaign that starts by itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// Its name, which no other schedule has.
    pub name: String,
    /// What is asked for each time, as `POST /campaigns` takes it.
    pub request: serde_json::Value,
    /// When it starts.
    pub when: When,
    /// What becomes of times at which no head ran.
    pub missed: MissedRuns,
    /// Whether it starts at all.
    pub enabled: bool,
    /// When it starts next.
    pub next: Option<Timestamp>,
    /// When it last started.
    pub last: Option<LastRun>,
}

/// When a schedule starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// Once.
    At(Timestamp),
    /// Again and again.
    Cron {
        /// A cron expression.
        expression: String,
        /// Name of the time zone in which it is read: `Europe/Vienna`.
        time_zone: String,
    },
}

/// What becomes of times at which no head ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MissedRuns {
    /// They are left out.
    Skip,
    /// The latest of them is made up for as soon as a head runs.
    CatchUp,
}

impl MissedRuns {
    fn name(self) -> &'static str {
        match self {
            Self::Skip => "SKIP",
            Self::CatchUp => "CATCH_UP",
        }
    }
}

/// The last start of a schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastRun {
    /// When it was due.
    pub at: Timestamp,
    /// Key of its campaign, when one was started.
    pub campaign: Option<String>,
}

const COLUMNS: &str =
    "name, request, at_ns, cron, time_zone, missed, enabled, next_ns, last_ns, last_campaign";

pub(crate) fn write(schedule: &Schedule) -> Statement {
    let (at, cron, time_zone) = match &schedule.when {
        When::At(at) => (Some(at.0), None, None),
        When::Cron { expression, time_zone } => (None, Some(expression.as_str()), Some(time_zone.as_str())),
    };
    let last = schedule.last.as_ref();
    Statement::new(
        format!(
            "INSERT INTO schedules ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
             ON CONFLICT (name) DO UPDATE SET request = excluded.request, at_ns = excluded.at_ns, \
             cron = excluded.cron, time_zone = excluded.time_zone, missed = excluded.missed, \
             enabled = excluded.enabled, next_ns = CASE \
             WHEN schedules.at_ns IS NOT DISTINCT FROM excluded.at_ns \
             AND schedules.cron IS NOT DISTINCT FROM excluded.cron \
             AND schedules.time_zone IS NOT DISTINCT FROM excluded.time_zone \
             AND schedules.enabled = excluded.enabled THEN schedules.next_ns ELSE excluded.next_ns END"
        ),
        [
            schedule.name.as_str().into(),
            schedule.request.to_string().into(),
            at.into(),
            cron.into(),
            time_zone.into(),
            schedule.missed.name().into(),
            i64::from(schedule.enabled).into(),
            schedule.next.map(|at| at.0).into(),
            last.map(|last| last.at.0).into(),
            last.and_then(|last| last.campaign.as_deref()).into(),
        ],
    )
}

/// Moves a schedule on, unless another head did it before. Executed twice by one head, it gives the same.
pub(crate) fn claim(name: &str, due: Timestamp, next: Option<Timestamp>, head: &str) -> Statement {
    Statement::new(
        "UPDATE schedules SET next_ns = $1, last_ns = $2, last_head = $3, last_campaign = NULL \
         WHERE name = $4 AND enabled = 1 \
         AND (next_ns = $2 OR last_ns = $2 AND last_head = $3 AND last_campaign IS NULL)",
        [next.map(|at| at.0).into(), due.0.into(), head.into(), name.into()],
    )
}

/// Notes the campaign that the last start of a schedule became.
pub(crate) fn started(name: &str, due: Timestamp, campaign: &str) -> Statement {
    Statement::new(
        "UPDATE schedules SET last_campaign = $1 WHERE name = $2 AND last_ns = $3",
        [campaign.into(), name.into(), due.0.into()],
    )
}

pub(crate) fn delete(name: &str) -> Statement {
    Statement::new("DELETE FROM schedules WHERE name = $1", [name.into()])
}

pub(crate) fn all() -> Statement {
    Statement::new(format!("SELECT {COLUMNS} FROM schedules ORDER BY name"), [])
}

pub(crate) fn one(name: &str) -> Statement {
    Statement::new(format!("SELECT {COLUMNS} FROM schedules WHERE name = $1"), [Value::from(name)])
}

pub(crate) fn read(mut row: Row) -> Result<Schedule, UnexpectedValue> {
    let name = row.text()?;
    let request = row.text()?;
    let request = serde_json::from_str(&request)
        .map_err(|_| UnexpectedValue { expected: "a request as JSON", found: format!("'{request}'") })?;
    let when = match (row.optional()?, row.optional_text()?, row.optional_text()?) {
        (Some(at), ..) => When::At(Timestamp(at)),
        (None, Some(expression), Some(time_zone)) => When::Cron { expression, time_zone },
        _ => {
            return Err(UnexpectedValue {
                expected: "an instant or a cron expression",
                found: "neither".into(),
            });
        }
    };
    let missed = row.text()?;
    let missed =
        [MissedRuns::Skip, MissedRuns::CatchUp]
            .into_iter()
            .find(|policy| policy.name() == missed)
            .ok_or_else(|| UnexpectedValue { expected: "SKIP or CATCH_UP", found: format!("'{missed}'") })?;
    let enabled = row.integer()? != 0;
    let next = row.optional()?.map(Timestamp);
    let (last, campaign) = (row.optional()?, row.optional_text()?);
    let last = last.map(|at| LastRun { at: Timestamp(at), campaign });
    Ok(Schedule { name, request, when, missed, enabled, next, last })
}
