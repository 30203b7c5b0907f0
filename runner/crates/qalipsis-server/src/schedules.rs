//! Schedules: campaigns that start by themselves, at an instant or again and again.

use crate::campaign::{Asked, now};
use crate::log::Log;
use crate::service::{CampaignService, Refused};
use qalipsis_calendar::Calendar;
use qalipsis_model::timestamp::Timestamp;
use qalipsis_store::{MissedRuns, Schedule};
use serde_json::Value;
use std::time::Duration;

/// How often schedules are looked at when nothing is due: another head may have changed them, and clocks are set.
const LOOK: Duration = Duration::from_secs(30);

/// A start that is later than this was missed: no head ran, or the machine slept.
const ON_TIME: Duration = Duration::from_secs(60);

/// What is to be done with a schedule now.
#[derive(Debug, PartialEq, Eq)]
struct Due {
    /// The time at which it was due, which a head claims.
    claimed: Timestamp,
    /// The time for which a campaign starts; `None` when it was missed and is left out.
    start: Option<Timestamp>,
    /// When it is due next.
    next: Option<Timestamp>,
}

/// What is to be done with a schedule at this time; nothing when it is not due.
fn due(schedule: &Schedule, calendar: &Calendar, now: Timestamp) -> Option<Due> {
    let claimed = schedule.next.filter(|next| schedule.enabled && *next <= now)?;
    // However many were missed, one campaign makes up for all of them.
    let latest = calendar.latest(claimed, now);
    let is_missed = now.since(latest) > ON_TIME;
    let start = (!is_missed || schedule.missed == MissedRuns::CatchUp).then_some(latest);
    Some(Due { claimed, start, next: calendar.next_after(now) })
}

/// Starts what is due, for as long as it is polled.
///
/// Heads that share a store share its schedules: each start is claimed by one of them.
pub async fn run(service: CampaignService, log: Log) {
    let mut is_silent = false;
    loop {
        let pause = match service.store().schedules().await {
            Ok(schedules) => {
                is_silent = false;
                for schedule in &schedules {
                    fire(&service, &log, schedule).await;
                }
                let now = now();
                // What was due a moment ago has moved on; its next time is found by looking again.
                let next = schedules.iter().filter(|one| one.enabled).filter_map(|one| one.next);
                next.map(|next| next.since(now)).min().map_or(LOOK, |pause| pause.min(LOOK))
            }
            Err(error) => {
                // Once: the store may be away for hours.
                if !std::mem::replace(&mut is_silent, true) {
                    log.line(&format!("schedules cannot be read, they are tried again: {error}"));
                }
                LOOK
            }
        };
        tokio::select! {
            // At least a moment, so that a clock that stands still keeps no core.
            () = tokio::time::sleep(pause.max(Duration::from_millis(50))) => {}
            () = service.schedules_changed() => {}
        }
    }
}

async fn fire(service: &CampaignService, log: &Log, schedule: &Schedule) {
    let name = &schedule.name;
    let calendar = match Calendar::of(&schedule.when) {
        Ok(calendar) => calendar,
        // It was checked when it was stored, by a head that knew its time zone.
        Err(error) => return log.line(&format!("schedule '{name}' does not start: {error}")),
    };
    let Some(due) = due(schedule, &calendar, now()) else { return };
    match service.store().claim_schedule(name, due.claimed, due.next).await {
        Ok(true) => {}
        // Another head has it.
        Ok(false) => return,
        Err(error) => return log.line(&format!("schedule '{name}' does not start: {error}")),
    }
    let Some(at) = due.start else {
        return log.line(&format!(
            "schedule '{name}' was missed at {} and is left out, next: {}",
            due.claimed.rfc3339(),
            due.next.map_or_else(|| "never".to_owned(), Timestamp::rfc3339)
        ));
    };
    match start(service, &schedule.request).await {
        Ok(key) => {
            log.line(&format!("schedule '{name}' of {} starts campaign {key}", at.rfc3339()));
            if let Err(error) = service.store().schedule_started(name, due.claimed, &key).await {
                log.line(&format!("schedule '{name}': its start is not stored: {error}"));
            }
        }
        Err(why) => log.line(&format!("schedule '{name}' of {} cannot start: {why}", at.rfc3339())),
    }
}

/// Starts the campaign of a schedule and gives its key, or why it cannot start.
async fn start(service: &CampaignService, request: &Value) -> Result<String, String> {
    let (order, problems) = service.read(request);
    if let Some(problem) = problems.first() {
        return Err(problem.to_string());
    }
    match service.start(&order, Asked { request: request.clone(), replay_of: None }).await {
        Ok(campaign) => Ok(campaign.key().to_owned()),
        Err(Refused::Invalid(problems)) => {
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            Err(lines.join("; "))
        }
        Err(Refused::Closing) => Err("the head is ending".to_owned()),
        Err(Refused::QueueFull) => Err("too many campaigns wait for their turn already".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use qalipsis_store::When;
    use serde_json::json;

    const HOUR: u64 = 3_600_000_000_000;

    fn at(hours: u64, seconds: u64) -> Timestamp {
        Timestamp(hours * HOUR + seconds * 1_000_000_000)
    }

    fn hourly(missed: MissedRuns) -> Schedule {
        Schedule {
            name: "hourly".into(),
            request: json!({}),
            when: When::Cron { expression: "0 * * * *".into(), time_zone: "UTC".into() },
            missed,
            enabled: true,
            next: Some(at(100, 0)),
            last: None,
        }
    }

    fn decided(schedule: &Schedule, now: Timestamp) -> Option<Due> {
        due(schedule, &Calendar::of(&schedule.when).unwrap(), now)
    }

    #[test]
    fn a_schedule_starts_at_its_time_and_moves_on() {
        let schedule = hourly(MissedRuns::Skip);
        assert_eq!(decided(&schedule, at(99, 3_599)), None);
        let expected = Due { claimed: at(100, 0), start: Some(at(100, 0)), next: Some(at(101, 0)) };
        assert_eq!(decided(&schedule, at(100, 0)), Some(expected));
        assert_eq!(decided(&Schedule { enabled: false, ..schedule }, at(100, 0)), None);
    }

    #[test]
    fn what_was_missed_is_left_out_or_made_up_for_once() {
        let night = at(107, 600);
        let expected = Due { claimed: at(100, 0), start: None, next: Some(at(108, 0)) };
        assert_eq!(decided(&hourly(MissedRuns::Skip), night), Some(expected));
        let expected = Due { claimed: at(100, 0), start: Some(at(107, 0)), next: Some(at(108, 0)) };
        assert_eq!(decided(&hourly(MissedRuns::CatchUp), night), Some(expected));
        // A head that comes back at the right moment has not missed that one.
        let expected = Due { claimed: at(100, 0), start: Some(at(107, 0)), next: Some(at(108, 0)) };
        assert_eq!(decided(&hourly(MissedRuns::Skip), at(107, 5)), Some(expected));
    }

    #[test]
    fn an_instant_starts_once() {
        let once = Schedule { when: When::At(at(100, 0)), ..hourly(MissedRuns::CatchUp) };
        let expected = Due { claimed: at(100, 0), start: Some(at(100, 0)), next: None };
        assert_eq!(decided(&once, at(200, 0)), Some(expected));
        assert_eq!(decided(&Schedule { next: None, ..once }, at(300, 0)), None);
    }
}
