//! Schedules, the same on every database.

use crate::fixtures::{open, second};
use qalipsis_store::{LastRun, MissedRuns, Schedule, Store, When};
use tempfile::tempdir;

/// A schedule comes back, and each start is taken once.
pub(crate) async fn are_kept(store: &Store) {
    let nightly = Schedule {
        name: "nightly".into(),
        request: serde_json::json!({"name": "x", "scenarios": {"checkout": {"minionsCount": 10}}}),
        when: When::Cron { expression: "0 3 * * *".into(), time_zone: "Europe/Vienna".into() },
        missed: MissedRuns::CatchUp,
        enabled: true,
        next: Some(second(100)),
        last: None,
    };
    let once = Schedule {
        name: "at once".into(),
        when: When::At(second(7)),
        missed: MissedRuns::Skip,
        enabled: false,
        next: None,
        last: Some(LastRun { at: second(7), campaign: None }),
        ..nightly.clone()
    };
    store.put_schedule(&nightly).await.unwrap();
    store.put_schedule(&once).await.unwrap();
    assert_eq!(store.schedules().await, Ok(vec![once.clone(), nightly.clone()]));
    assert_eq!(store.schedule("once").await, Ok(None));

    let due = second(100);
    assert_eq!(store.claim_schedule("nightly", second(99), None).await, Ok(false), "it is not due then");
    assert_eq!(store.claim_schedule("nightly", due, Some(second(200))).await, Ok(true));
    let again = store.claim_schedule("nightly", due, Some(second(200))).await;
    assert_eq!(again, Ok(true), "asked again, because the answer was lost, it is still this head's");
    store.schedule_started("nightly", due, "key-1").await.unwrap();
    assert_eq!(store.claim_schedule("nightly", due, Some(second(200))).await, Ok(false), "it was started");
    let last = Some(LastRun { at: due, campaign: Some("key-1".into()) });
    let moved = Schedule { next: Some(second(200)), last, ..nightly };
    assert_eq!(store.schedule("nightly").await, Ok(Some(moved.clone())));

    // Who replaces it has read it before another head moved it on.
    let request = serde_json::json!({"name": "y", "scenarios": {}});
    let stale = Schedule { request: request.clone(), next: Some(due), last: None, ..moved.clone() };
    store.put_schedule(&stale).await.unwrap();
    let moved = Schedule { request, ..moved };
    assert_eq!(store.schedule("nightly").await, Ok(Some(moved.clone())), "what was started is not due again");
    let other = When::Cron { expression: "0 4 * * *".into(), time_zone: "Europe/Vienna".into() };
    let later = Schedule { when: other, next: Some(second(150)), ..moved.clone() };
    store.put_schedule(&later).await.unwrap();
    assert_eq!(store.schedule("nightly").await, Ok(Some(later)), "other times are due at other times");
    store.put_schedule(&moved).await.unwrap();

    let disabled = Schedule { enabled: false, ..moved };
    store.put_schedule(&disabled).await.unwrap();
    assert_eq!(store.claim_schedule("nightly", second(200), None).await, Ok(false), "it is disabled");

    assert_eq!(store.delete_schedule("nightly").await, Ok(true));
    assert_eq!(store.delete_schedule("nightly").await, Ok(false));
    assert_eq!(store.schedules().await, Ok(vec![once]));
}

/// Adds a schedule that is due at the fifth second.
pub(crate) async fn due(store: &Store) {
    let schedule = Schedule {
        name: "due".into(),
        request: serde_json::Value::Null,
        when: When::At(second(5)),
        missed: MissedRuns::Skip,
        enabled: true,
        next: Some(second(5)),
        last: None,
    };
    store.put_schedule(&schedule).await.unwrap();
}

#[tokio::test]
async fn sqlite_keeps_schedules() {
    let folder = tempdir().unwrap();
    are_kept(&open(folder.path()).await.unwrap()).await;
}
