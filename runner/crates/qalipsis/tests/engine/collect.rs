//! Batches that minions fill together.

use crate::support::{Run, assert_nothing_failed};
use parking_lot::Mutex;
use qalipsis::core::model::plan::Stop;
use qalipsis::prelude::*;

#[derive(Steps)]
enum Step {
    Send,
}

/// The batches of ten minions, each as large as said; sizes, the largest first, and all items.
fn batches(
    size: usize,
    within: Duration,
    profile: Profile,
    stop: Option<(Duration, Stop)>,
) -> (Vec<usize>, Vec<u32>) {
    let sent: Arc<Mutex<Vec<Vec<u32>>>> = Arc::default();
    let batches_sent = Arc::clone(&sent);
    let scenario = move || {
        let batches_sent = Arc::clone(&batches_sent);
        let open = move |_: Setup| async move { Ok(Collect::new(size, within)) };
        let iterate = move |minion: Minion<Step>, batches: Arc<Collect<u32>>| {
            let batches_sent = Arc::clone(&batches_sent);
            async move {
                if let Some(batch) = batches.add(&minion, minion.index()).await {
                    batches_sent.lock().push(batch);
                    minion.step(Step::Send, async { Ok::<_, Fault>(()) }).await?;
                }
                Ok(())
            }
        };
        Scenario::new("s", open, iterate).minions(10).profile(profile.clone())
    };
    let report = Run { stop, ..Run::default() }.of(scenario);
    assert_nothing_failed(&report, stop.is_some());
    let sent = sent.lock();
    let mut items: Vec<u32> = sent.iter().flatten().copied().collect();
    items.sort_unstable();
    let mut sizes: Vec<usize> = sent.iter().map(Vec::len).collect();
    // Two workers send their batches in any order.
    sizes.sort_unstable_by_key(|size| std::cmp::Reverse(*size));
    (sizes, items)
}

#[test]
fn the_last_batch_is_released_once_nobody_can_add_to_it() {
    let minutes = secs(3_000);
    assert_eq!(batches(4, minutes, Profile::immediate(), None), (vec![4, 4, 2], Vec::from_iter(0..10)));
    // Those that are still to be released can.
    let slowly = Profile::regular(1, millis(30));
    assert_eq!(batches(4, minutes, slowly, None), (vec![4, 4, 2], Vec::from_iter(0..10)));
}

#[test]
fn a_batch_is_released_when_its_time_is_over() {
    let (sizes, items) = batches(8, millis(50), Profile::regular(1, millis(200)), None);
    assert!(sizes.len() > 2, "{sizes:?}");
    assert_eq!(items, Vec::from_iter(0..10));
}

#[test]
fn a_stop_releases_the_batch_at_once() {
    let stop = Some((secs(2), Stop::Graceful));
    // The last minion comes long after the stop.
    let late = Profile::batches([(secs(0), 9), (secs(3_000), 1)]);
    assert_eq!(batches(4, secs(3_000), late, stop), (vec![4, 4, 1], Vec::from_iter(0..9)));
}
