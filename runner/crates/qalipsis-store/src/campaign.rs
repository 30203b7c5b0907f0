//! What is kept of a campaign, and how campaigns are found.

use crate::slice::bound;
use crate::value::{Row, Statement, UnexpectedValue, Value};
use qalipsis_model::timestamp::Timestamp;
use qalipsis_model::verdict::Status;
use std::fmt;

/// Where a campaign is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CampaignStatus {
    /// It waits for others to end.
    Queued,
    /// It is prepared, runs or is drained.
    Running,
    /// It has its verdict.
    Ended(Status),
}

impl CampaignStatus {
    /// All there are.
    pub const ALL: [Self; 7] = [
        Self::Queued,
        Self::Running,
        Self::Ended(Status::Successful),
        Self::Ended(Status::Warning),
        Self::Ended(Status::Failed),
        Self::Ended(Status::Aborted),
        Self::Ended(Status::Invalid),
    ];

    /// The status of this name, as it is shown.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.to_string() == name)
    }
}

impl fmt::Display for CampaignStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Queued => f.write_str("QUEUED"),
            Self::Running => f.write_str("RUNNING"),
            Self::Ended(status) => status.fmt(f),
        }
    }
}

/// A campaign, as lists show it.
#[derive(Debug, Clone, PartialEq)]
pub struct CampaignRecord {
    /// Its key, which no other campaign has.
    pub key: String,
    /// The name that the user gave.
    pub name: String,
    /// Where it is in its life.
    pub status: CampaignStatus,
    /// When it was asked for.
    pub queued: Timestamp,
    /// When its load started.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// The seed that its random values come from.
    pub seed: u64,
    /// The code that a process which ran it alone would exit with.
    pub exit_code: Option<u8>,
    /// Its zones, when it has several.
    pub zones: Vec<String>,
    /// The causes of the verdict, one line each.
    pub causes: Vec<String>,
    /// Key of the campaign that it repeats.
    pub replay_of: Option<String>,
    /// Its scenarios, each name once.
    pub scenarios: Vec<ScenarioRecord>,
}

/// What one scenario of a campaign did, in short: enough for a list and for the trend over several campaigns.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScenarioRecord {
    /// Its name.
    pub name: String,
    /// Minions released.
    pub minions: u64,
    /// Executions of all its steps.
    pub executions: u64,
    /// Those that did not succeed.
    pub failures: u64,
    /// Durations of its iterations or of the steps that stand for it; none before there are any.
    pub times: Option<TimesRecord>,
}

/// Percentiles of durations in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimesRecord {
    /// Half of them are not longer.
    pub p50_ns: u64,
    /// 95 % of them are not longer.
    pub p95_ns: u64,
    /// 99 % of them are not longer.
    pub p99_ns: u64,
    /// The longest.
    pub max_ns: u64,
}

/// Which campaigns are listed, and in which order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CampaignQuery {
    /// Only those with this text in their key, their name or the name of a scenario, in any case of ASCII letters.
    pub text: Option<String>,
    /// Only those with one of these; empty for all.
    pub statuses: Vec<CampaignStatus>,
    /// Only those with a scenario of this name.
    pub scenario: Option<String>,
    /// Only those that started (or, before they start, were asked for) at this time or later.
    pub from: Option<Timestamp>,
    /// Only those that started (or were asked for) before this time.
    pub to: Option<Timestamp>,
    /// What they are ordered by; campaigns that are alike in it by their key, so that no page repeats one.
    pub sort: CampaignSort,
    /// Whether the order is reversed.
    pub descending: bool,
    /// Number of the page, from 0.
    pub page: u32,
    /// Campaigns of a page.
    pub size: u32,
}

impl Default for CampaignQuery {
    /// The first 50 of all campaigns, the latest first.
    fn default() -> Self {
        Self {
            text: None,
            statuses: Vec::new(),
            scenario: None,
            from: None,
            to: None,
            sort: CampaignSort::Started,
            descending: true,
            page: 0,
            size: 50,
        }
    }
}

/// What campaigns are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CampaignSort {
    /// When they started; before they start, when they were asked for.
    #[default]
    Started,
    /// When they ended; those that have not come last.
    Ended,
    /// Their name.
    Name,
    /// The name of their status.
    Status,
}

impl CampaignSort {
    fn column(self) -> &'static str {
        match self {
            Self::Started => SINCE,
            Self::Ended => "coalesce(ended_ns, 9223372036854775807)",
            Self::Name => "name",
            Self::Status => "status",
        }
    }
}

/// A page of campaigns.
#[derive(Debug, Clone, PartialEq)]
pub struct CampaignPage {
    /// In the order that was asked for.
    pub campaigns: Vec<CampaignRecord>,
    /// How many there are on all pages.
    pub total: u64,
}

/// A run of a scenario among the last ones.
#[derive(Debug, Clone, PartialEq)]
pub struct TrendPoint {
    /// Key of the campaign.
    pub campaign: String,
    /// Name of the campaign.
    pub name: String,
    /// The verdict on the campaign.
    pub status: Status,
    /// When its load started.
    pub started: Timestamp,
    /// What the scenario did in it.
    pub scenario: ScenarioRecord,
}

/// When a campaign began, for lists.
const SINCE: &str = "coalesce(started_ns, queued_ns)";

/// Of campaigns that wait or run.
const OPEN: &str = "status IN ('QUEUED', 'RUNNING')";

const COLUMNS: &str =
    "key, name, status, queued_ns, started_ns, ended_ns, seed, exit_code, zones, causes, replay_of";

const SCENARIO_COLUMNS: &str = "name, minions, executions, failures, p50_ns, p95_ns, p99_ns, max_ns";

/// What makes the stored campaign be this one.
pub(crate) fn write(campaign: &CampaignRecord, head: &str) -> Vec<Statement> {
    let CampaignRecord { key, name, status, queued, started, ended, seed, exit_code, .. } = campaign;
    let mut statements = vec![
        Statement::new(
            "INSERT INTO campaigns \
             (key, name, status, head, queued_ns, started_ns, ended_ns, seed, exit_code, zones, causes, \
             replay_of) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
             ON CONFLICT (key) DO UPDATE SET name = excluded.name, status = excluded.status, \
             head = excluded.head, queued_ns = excluded.queued_ns, started_ns = excluded.started_ns, \
             ended_ns = excluded.ended_ns, seed = excluded.seed, exit_code = excluded.exit_code, \
             zones = excluded.zones, causes = excluded.causes, replay_of = excluded.replay_of",
            [
                key.as_str().into(),
                name.as_str().into(),
                status.to_string().into(),
                head.into(),
                queued.0.into(),
                started.map(|at| at.0).into(),
                ended.map(|at| at.0).into(),
                (*seed).into(),
                exit_code.map(u64::from).into(),
                list(&campaign.zones).into(),
                list(&campaign.causes).into(),
                campaign.replay_of.as_deref().into(),
            ],
        ),
        Statement::new("DELETE FROM scenarios WHERE campaign = $1", [key.as_str().into()]),
    ];
    for (position, scenario) in campaign.scenarios.iter().enumerate() {
        let time = |of: fn(TimesRecord) -> u64| Value::from(scenario.times.map(of));
        statements.push(Statement::new(
            "INSERT INTO scenarios (campaign, position, name, minions, executions, failures, p50_ns, p95_ns, \
             p99_ns, max_ns) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING",
            [
                key.as_str().into(),
                (position as u64).into(),
                scenario.name.as_str().into(),
                scenario.minions.into(),
                scenario.executions.into(),
                scenario.failures.into(),
                time(|times| times.p50_ns),
                time(|times| times.p95_ns),
                time(|times| times.p99_ns),
                time(|times| times.max_ns),
            ],
        ));
    }
    statements
}

/// Ends campaigns whose head is in the store no more.
pub(crate) fn abort_those_of_lost_heads() -> Statement {
    Statement::new(
        format!(
            "UPDATE campaigns SET status = 'ABORTED', exit_code = 5, \
             causes = CASE status WHEN 'RUNNING' THEN '[\"the head ended while it ran\"]' \
             ELSE '[\"the head ended before it started\"]' END, \
             ended_ns = coalesce((SELECT max(at_ns) FROM slices WHERE campaign = key), started_ns, queued_ns) \
             WHERE {OPEN} AND head NOT IN (SELECT id FROM heads)"
        ),
        [],
    )
}

/// Opens campaigns of a head again that were ended because it seemed lost.
pub(crate) fn revive(head: &str) -> Statement {
    Statement::new(
        "UPDATE campaigns SET status = CASE WHEN causes LIKE '%before it started%' THEN 'QUEUED' ELSE 'RUNNING' END, \
         exit_code = NULL, ended_ns = NULL, causes = '[]' WHERE head = $1 AND status = 'ABORTED' AND \
         causes IN ('[\"the head ended while it ran\"]', '[\"the head ended before it started\"]')",
        [head.into()],
    )
}

/// The campaign of this key, and its scenarios.
pub(crate) fn one(key: &str) -> [Statement; 2] {
    [
        Statement::new(format!("SELECT {COLUMNS} FROM campaigns WHERE key = $1"), [key.into()]),
        Statement::new(
            format!(
                "SELECT campaign, {SCENARIO_COLUMNS} FROM scenarios WHERE campaign = $1 ORDER BY position"
            ),
            [key.into()],
        ),
    ]
}

/// A page of campaigns, the scenarios of those, and how many there are on all pages.
pub(crate) fn page(query: &CampaignQuery) -> [Statement; 3] {
    let mut parameters = Vec::new();
    let mut conditions = vec!["1 = 1".to_owned()];
    let mut parameter = |value: Value| {
        parameters.push(value);
        format!("${}", parameters.len())
    };
    if let Some(text) = &query.text {
        let pattern = parameter(contains(text).into());
        let like = |column: &str| format!("lower({column}) LIKE lower({pattern}) ESCAPE '\\'");
        conditions.push(format!(
            "({} OR {} OR EXISTS (SELECT 1 FROM scenarios WHERE campaign = key AND {}))",
            like("key"),
            like("campaigns.name"),
            like("scenarios.name"),
        ));
    }
    if !query.statuses.is_empty() {
        let names: Vec<String> =
            query.statuses.iter().map(|status| parameter(status.to_string().into())).collect();
        conditions.push(format!("status IN ({})", names.join(", ")));
    }
    if let Some(scenario) = &query.scenario {
        let name = parameter(scenario.as_str().into());
        conditions.push(format!(
            "EXISTS (SELECT 1 FROM scenarios WHERE campaign = key AND scenarios.name = {name})"
        ));
    }
    if let Some(from) = query.from {
        conditions.push(format!("{SINCE} >= {}", parameter(bound(from).into())));
    }
    if let Some(to) = query.to {
        conditions.push(format!("{SINCE} < {}", parameter(bound(to).into())));
    }
    let conditions = conditions.join(" AND ");
    let total = Statement::new(
        format!("SELECT count(*) FROM campaigns WHERE {conditions}"),
        parameters.iter().cloned(),
    );
    let direction = if query.descending { "DESC" } else { "ASC" };
    let (size, skipped) = (i64::from(query.size), i64::from(query.page) * i64::from(query.size));
    let selected = format!(
        "FROM campaigns WHERE {conditions} ORDER BY {} {direction}, key {direction} \
         LIMIT {size} OFFSET {skipped}",
        query.sort.column(),
    );
    let campaigns = Statement::new(format!("SELECT {COLUMNS} {selected}"), parameters.iter().cloned());
    let scenarios = Statement::new(
        format!(
            "SELECT campaign, {SCENARIO_COLUMNS} FROM scenarios WHERE campaign IN (SELECT key {selected}) \
             ORDER BY campaign, position"
        ),
        parameters,
    );
    [campaigns, scenarios, total]
}

/// The last ended runs of a scenario, the latest first.
pub(crate) fn trend(scenario: &str, last: u32) -> Statement {
    let columns: Vec<String> =
        SCENARIO_COLUMNS.split(", ").map(|column| format!("scenarios.{column}")).collect();
    Statement::new(
        format!(
            "SELECT key, campaigns.name, status, started_ns, {} FROM scenarios \
             JOIN campaigns ON campaigns.key = scenarios.campaign \
             WHERE scenarios.name = $1 AND NOT {OPEN} AND started_ns IS NOT NULL \
             ORDER BY started_ns DESC, key DESC LIMIT {last}",
            columns.join(", ")
        ),
        [scenario.into()],
    )
}

pub(crate) fn read_trend(mut row: Row) -> Result<TrendPoint, UnexpectedValue> {
    let (campaign, name) = (row.text()?, row.text()?);
    let CampaignStatus::Ended(status) = read_status(&row.text()?)? else {
        return Err(unexpected("a verdict", "a campaign that has none"));
    };
    let started = Timestamp(row.unsigned()?);
    Ok(TrendPoint { campaign, name, status, started, scenario: read_scenario(&mut row)? })
}

/// Removes the campaign of this key with all that belongs to it.
pub(crate) fn delete(key: &str) -> Statement {
    Statement::new("DELETE FROM campaigns WHERE key = $1", [key.into()])
}

/// Removes ended campaigns but the latest `count`.
pub(crate) fn delete_beyond(count: u64) -> Statement {
    Statement::new(
        format!(
            "DELETE FROM campaigns WHERE key IN (SELECT key FROM campaigns WHERE NOT {OPEN} \
             ORDER BY {SINCE} DESC, key DESC LIMIT 9223372036854775807 OFFSET $1) AND NOT {OPEN}"
        ),
        [count.into()],
    )
}

/// Removes campaigns that ended before this time.
pub(crate) fn delete_before(time: Timestamp) -> Statement {
    Statement::new(format!("DELETE FROM campaigns WHERE NOT {OPEN} AND ended_ns < $1"), [time.0.into()])
}

/// The campaigns of these rows, each with its scenarios.
pub(crate) fn read(campaigns: Vec<Row>, scenarios: Vec<Row>) -> Result<Vec<CampaignRecord>, UnexpectedValue> {
    let mut read = Vec::with_capacity(campaigns.len());
    for row in campaigns {
        read.push(read_campaign(row)?);
    }
    for mut row in scenarios {
        let campaign = row.text()?;
        let scenario = read_scenario(&mut row)?;
        if let Some(found) = read.iter_mut().find(|record: &&mut CampaignRecord| record.key == campaign) {
            found.scenarios.push(scenario);
        }
    }
    Ok(read)
}

fn read_campaign(mut row: Row) -> Result<CampaignRecord, UnexpectedValue> {
    let time = |ns: Option<u64>| ns.map(Timestamp);
    Ok(CampaignRecord {
        key: row.text()?,
        name: row.text()?,
        status: read_status(&row.text()?)?,
        queued: Timestamp(row.unsigned()?),
        started: time(row.optional()?),
        ended: time(row.optional()?),
        seed: row.unsigned()?,
        exit_code: row.optional()?.map(|code| u8::try_from(code).unwrap_or(u8::MAX)),
        zones: read_list(&row.text()?)?,
        causes: read_list(&row.text()?)?,
        replay_of: row.optional_text()?,
        scenarios: Vec::new(),
    })
}

fn read_scenario(row: &mut Row) -> Result<ScenarioRecord, UnexpectedValue> {
    let name = row.text()?;
    let (minions, executions, failures) = (row.unsigned()?, row.unsigned()?, row.unsigned()?);
    let times = (row.optional()?, row.optional()?, row.optional()?, row.optional()?);
    let times = match times {
        (Some(p50_ns), Some(p95_ns), Some(p99_ns), Some(max_ns)) => {
            Some(TimesRecord { p50_ns, p95_ns, p99_ns, max_ns })
        }
        _ => None,
    };
    Ok(ScenarioRecord { name, minions, executions, failures, times })
}

fn read_status(name: &str) -> Result<CampaignStatus, UnexpectedValue> {
    CampaignStatus::parse(name).ok_or_else(|| unexpected("a status", name))
}

fn list(texts: &[String]) -> String {
    serde_json::Value::from(texts).to_string()
}

fn read_list(json: &str) -> Result<Vec<String>, UnexpectedValue> {
    serde_json::from_str(json).map_err(|_| unexpected("a list of texts", json))
}

fn unexpected(expected: &'static str, found: &str) -> UnexpectedValue {
    UnexpectedValue { expected, found: format!("'{found}'") }
}

/// The pattern of texts that contain this one; its own wildcards are letters.
fn contains(text: &str) -> String {
    let mut pattern = String::from("%");
    for letter in text.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter.to_ascii_lowercase());
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_is_read_by_its_name() {
        for status in CampaignStatus::ALL {
            assert_eq!(CampaignStatus::parse(&status.to_string()), Some(status));
        }
        assert_eq!(CampaignStatus::parse("running"), None);
    }

    #[test]
    fn wildcards_of_a_filter_are_letters() {
        assert_eq!(contains("50%_A\\"), "%50\\%\\_a\\\\%");
    }
}
