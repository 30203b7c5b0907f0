//! The ledger beyond one record for one key: cardinality, left joins, buffers, order, near misses.

use crate::support::{Run, counts, step};
use futures::channel::mpsc::{UnboundedSender, unbounded};
use qalipsis::core::join::Limits;
use qalipsis::core::model::evidence::FailureKind;
use qalipsis::core::model::verdict::Status;
use qalipsis::core::source::{Feed, Source, stream};
use qalipsis::prelude::*;
use qalipsis_judge::report::Report;

#[derive(Steps)]
enum Step {
    Trigger,
    Await,
    #[step(optional)]
    Check,
}

/// A key and a place in its order.
type Event = (String, u64);

struct World {
    events: Join<String, Event>,
    other: Join<String, Event>,
    to_events: UnboundedSender<Event>,
    to_other: UnboundedSender<Event>,
}

async fn open(setup: Setup) -> Result<World, SetupError> {
    let (to_events, events) = unbounded();
    let (to_other, other) = unbounded();
    Ok(World {
        events: setup.join_ordered(stream("events", events), |e: &Event| e.0.clone(), |e| e.1),
        other: setup.join(stream("other events", other), |e: &Event| e.0.clone()),
        to_events,
        to_other,
    })
}

fn key(minion: &Minion<Step>) -> String {
    format!("order-{}", minion.index())
}

async fn send(minion: &Minion<Step>, to: &UnboundedSender<Event>, places: &[u64]) -> Outcome {
    let key = key(minion);
    let sent = async {
        places.iter().for_each(|place| to.unbounded_send((key.clone(), *place)).unwrap());
        Ok::<_, Fault>(())
    };
    minion.step(Step::Trigger, sent).await
}

fn run<F>(iterate: fn(Minion<Step>, Arc<World>) -> F) -> Report
where
    F: Future<Output = Outcome> + Send + 'static,
{
    Run::default().of(|| Scenario::new("s", open, iterate).minions(10))
}

#[test]
fn several_records_of_one_key_are_awaited_and_a_further_one_is_a_duplicate() {
    let report = run(|minion, world| async move {
        let three = world.events.expect(key(&minion)).times(3).within(millis(300));
        let places: &[u64] = match minion.index() {
            0 => &[1, 2],
            1 => &[1, 2, 3, 4],
            2 => &[3, 1, 2],
            _ => &[1, 2, 3],
        };
        send(&minion, &world.to_events, places).await?;
        let records = minion.step(Step::Await, three).await?;
        minion.verify(Step::Check, |v| v.equal("records", records.len(), 3))
    });
    assert_eq!(counts(&report, "await"), (10, 1, vec![(FailureKind::JoinMissing, 1)]));
    assert_eq!(
        step(&report, "await").failures[0].message,
        "expected 3 records of key \"order-0\" on events within 300 ms, observed 2"
    );
    let join = &report.scenarios[0].joins[0];
    assert_eq!((join.duplicates, join.out_of_order, join.orphans), (1, 2, 0));
}

#[test]
fn a_left_join_gives_none_and_fails_nothing() {
    let report = run(|minion, world| async move {
        let maybe = world.events.expect(key(&minion)).within(millis(100)).or_none();
        send(&minion, &world.to_events, if minion.index() < 4 { &[1] } else { &[] }).await?;
        let record = minion.step(Step::Await, maybe).await?;
        minion.verify(Step::Check, |v| v.equal("came", record.is_some(), minion.index() < 4))
    });
    assert_eq!(report.status, Status::Successful, "{:?}", report.reasons);
    assert_eq!(counts(&report, "check"), (10, 0, vec![]));
    assert!(report.duration < secs(3), "nothing is awaited at the end: {:?}", report.duration);
}

#[test]
fn two_sources_are_zipped() {
    let report = run(|minion, world| async move {
        let first = world.events.expect(key(&minion)).within(millis(300));
        let second = world.other.expect(key(&minion)).within(millis(300));
        send(&minion, &world.to_events, &[7]).await?;
        if minion.index() != 3 {
            send(&minion, &world.to_other, &[8]).await?;
        }
        let (a, b) = minion.step(Step::Await, zip(first, second)).await?;
        minion.verify(Step::Check, |v| v.equal("places", (a.1, b.1), (7, 8)))
    });
    assert_eq!(counts(&report, "await"), (10, 1, vec![(FailureKind::JoinMissing, 1)]));
    assert!(step(&report, "await").failures[0].message.contains("on other events"));
}

#[test]
fn a_missing_key_is_shown_with_the_nearest_that_no_minion_expected() {
    let report = run(|minion, world| async move {
        let event = world.events.expect(key(&minion)).within(millis(100));
        let wrong = async {
            let _ = world.to_events.unbounded_send((format!("0rder-{}", minion.index()), 1));
            Ok::<_, Fault>(())
        };
        minion.step(Step::Trigger, wrong).await?;
        minion.step(Step::Await, event).await?;
        Ok(())
    });
    let evidence = &step(&report, "await").failures[0].evidence[0];
    let minion = evidence.minion.unwrap();
    assert_eq!(evidence.checks[0].observed, format!("\"0rder-{minion}\""));
    assert_eq!(report.scenarios[0].joins[0].orphans, 10);
}

struct Ids {
    events: Join<u64, u64>,
    to_events: UnboundedSender<u64>,
}

/// The system chooses the key, and sends it only with its answer: the record may be there before.
#[test]
fn a_buffered_join_finds_what_came_before_its_key_was_known() {
    let open = |setup: Setup| async move {
        let (to_events, events) = unbounded();
        let limits = Limits { records: 1_000, age: secs(60) };
        Ok(Ids { events: setup.join_buffered(stream("events", events), |id| *id, limits), to_events })
    };
    let iterate = |minion: Minion<Step>, world: Arc<Ids>| async move {
        let answer = async {
            let id = u64::from(minion.index()) + 1_000;
            world.to_events.unbounded_send(id).unwrap();
            tokio::time::sleep(millis(100)).await;
            Ok::<_, Fault>(id)
        };
        let id = minion.step(Step::Trigger, answer).await?;
        minion.step(Step::Await, world.events.expect(id).within(millis(80))).await?;
        Ok(())
    };
    let report = Run::default().of(|| Scenario::new("s", open, iterate).minions(50));
    assert_eq!(report.status, Status::Successful, "{:?}", report.reasons);
    let latency = step(&report, "await").figures.latency.clone().unwrap();
    assert_eq!(latency.count(), 50);
    assert!(latency.max_ns() < Some(80_000_000), "from the trigger to the arrival: {latency:?}");
}

/// A million records that no minion expects.
struct Flood;

impl Source for Flood {
    type Record = (u64, [u8; 200]);

    fn name(&self) -> String {
        "flood".to_owned()
    }

    async fn run(self, feed: Feed<Self::Record>) -> Result<(), Fault> {
        feed.ready();
        for id in 0..1_000_000 {
            feed.record((id, [0; 200]), tokio::time::Instant::now());
        }
        feed.stopped().await;
        Ok(())
    }
}

fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap();
    status.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

#[test]
fn a_million_orphans_stay_within_the_buffer_and_are_counted() {
    let open = |setup: Setup| async move {
        let limits = Limits { records: 1_600, age: secs(60) };
        Ok((setup.join_buffered(Flood, |(id, _)| *id, limits), setup.join(Flood, |(id, _)| *id)))
    };
    type Worlds = (Join<u64, (u64, [u8; 200])>, Join<u64, (u64, [u8; 200])>);
    let iterate = |minion: Minion<Step>, _: Arc<Worlds>| async move {
        let wait = async {
            tokio::time::sleep(secs(4)).await;
            Ok::<_, Fault>(())
        };
        minion.step(Step::Trigger, wait).await?;
        minion.step(Step::Await, async { Ok::<_, Fault>(()) }).await
    };
    let before = resident_bytes();
    let report = Run::default().of(|| Scenario::new("s", open, iterate));
    let grown = resident_bytes().saturating_sub(before);
    for join in &report.scenarios[0].joins {
        assert_eq!((join.records, join.orphans), (1_000_000, 1_000_000), "{join:?}");
    }
    assert_eq!(report.scenarios[0].joins[0].evicted, 1_000_000 - 1_600);
    assert_eq!(report.status, Status::Warning);
    // The records alone would be 200 MB each.
    assert!(grown < 60_000_000, "{grown} bytes");
}

/// Has every record at once, and reads one every 20 ms.
struct Slow {
    server: Arc<std::sync::Mutex<std::collections::VecDeque<Event>>>,
}

impl Source for Slow {
    type Record = Event;

    fn name(&self) -> String {
        "a slow reader".to_owned()
    }

    async fn run(self, feed: Feed<Event>) -> Result<(), Fault> {
        feed.ready();
        let mut tick = tokio::time::interval(millis(20));
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                () = feed.stopped() => return Ok(()),
            }
            let mut server = self.server.lock().unwrap();
            feed.lag(server.len() as u64);
            if let Some(event) = server.pop_front() {
                feed.record(event, tokio::time::Instant::now());
            }
        }
    }
}

#[test]
fn a_load_generator_that_is_late_itself_says_so() {
    let open = |setup: Setup| async move {
        let server = Arc::default();
        let slow = Slow { server: Arc::clone(&server) };
        Ok((setup.join(slow, |e: &Event| e.0.clone()), server))
    };
    type World = (Join<String, Event>, Arc<std::sync::Mutex<std::collections::VecDeque<Event>>>);
    let iterate = |minion: Minion<Step>, world: Arc<World>| async move {
        let event = world.0.expect(key(&minion)).within(millis(200));
        let sent = async {
            world.1.lock().unwrap().push_back((key(&minion), 0));
            Ok::<_, Fault>(())
        };
        minion.step(Step::Trigger, sent).await?;
        minion.step(Step::Await, event).await.map(|_| ())
    };
    let report = Run::default().of(|| Scenario::new("s", open, iterate).minions(60));
    let (_, failed, kinds) = counts(&report, "await");
    assert!(failed > 20 && kinds[0].0 == FailureKind::JoinLate, "{kinds:?}");
    let warning = report.warnings.iter().find(|warning| warning.contains("the load generator may be late"));
    let warning = warning.unwrap_or_else(|| panic!("{:?}", report.warnings));
    assert!(
        warning.starts_with("s: a slow reader: ") && warning.contains("records waited to be read"),
        "{warning}"
    );
}
