//! A system that freezes, or a generator that is blocked, cannot hide in the response times (coordinated omission).

use crate::support::{Run, step};
use parking_lot::Mutex;
use qalipsis::core::model::histogram::Histogram;
use qalipsis::core::model::plan::Limits;
use qalipsis::prelude::*;
use qalipsis_judge::report::Report;
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

#[derive(Steps)]
enum Step {
    Ask,
}

/// Arrivals a second, and for how long.
const RATE: u32 = 400;
const LOAD: Duration = Duration::from_millis(3_000);
/// Response times are looked at above these; a busy machine may take the first of them for any answer.
const LIMITS: [Duration; 4] = [
    Duration::from_millis(60),
    Duration::from_millis(210),
    Duration::from_millis(360),
    Duration::from_millis(510),
];
/// A fifth of the load.
const FREEZE: Duration = Duration::from_millis(600);
const FROZEN_FROM: Duration = Duration::from_millis(1_000);

/// Answers whoever connects, but while it is frozen, some time after the first, answers nobody.
async fn serve(listener: std::net::TcpListener) {
    let listener = TcpListener::from_std(listener).expect("it is non-blocking");
    let mut first = None;
    while let Ok((mut client, _)) = listener.accept().await {
        let begun = *first.get_or_insert_with(Instant::now);
        tokio::spawn(async move {
            let mut question = [0; 1];
            let asked = client.read_exact(&mut question).await;
            if (FROZEN_FROM..FROZEN_FROM + FREEZE).contains(&begun.elapsed()) {
                tokio::time::sleep_until((begun + FROZEN_FROM + FREEZE).into()).await;
            }
            if asked.is_ok() {
                let _ = client.write_all(b"!").await;
            }
        });
    }
}

async fn ask(port: u16) -> std::io::Result<()> {
    let mut server = TcpStream::connect(("127.0.0.1", port)).await?;
    server.write_all(b"?").await?;
    server.read_exact(&mut [0; 1]).await.map(drop)
}

/// The share of samples above `limit`.
fn share_above(times: &Histogram, limit: Duration) -> f64 {
    let above: u64 = times.counts().filter(|(ns, _)| *ns > limit.as_nanos() as u64).map(|(_, n)| n).sum();
    above as f64 / times.count() as f64
}

/// Of arrivals at an even rate, those in the first FREEZE - limit of the freeze wait longer than `limit`.
fn on_paper(limit: Duration) -> f64 {
    (FREEZE - limit).as_secs_f64() / LOAD.as_secs_f64()
}

/// A busy machine makes waits longer, never shorter, so paper is the least that must be seen.
fn at_least_as_on_paper(times: &Histogram) {
    for limit in LIMITS {
        let (seen, expected) = (share_above(times, limit), on_paper(limit));
        assert!(seen > expected - 0.01, "{seen} above {limit:?}, on paper {expected}");
    }
}

/// No more and no less than what the iterations noted themselves.
fn as_noted(times: &Histogram, noted: &Histogram) {
    for limit in LIMITS {
        let (seen, expected) = (share_above(times, limit), share_above(noted, limit));
        assert!((seen - expected).abs() < 0.03, "{seen} above {limit:?}, noted {expected}");
    }
}

/// When each iteration started and ended, by the index of its minion.
type Notes = Arc<Mutex<Vec<(u32, Instant, Instant)>>>;

/// The response and service times of these iterations, without any clock of the engine.
fn noted(notes: &Notes) -> (Histogram, Histogram) {
    let notes = notes.lock();
    let offset = |minion: u32| Duration::from_secs(1) * minion / RATE;
    // The iteration that was the least late shows when the load started.
    let start =
        notes.iter().map(|(minion, started, _)| *started - offset(*minion)).min().expect("iterations ran");
    let (mut response, mut service) = (Histogram::default(), Histogram::default());
    for (minion, started, ended) in notes.iter() {
        response.record((*ended - (start + offset(*minion))).as_nanos() as u64);
        service.record((*ended - *started).as_nanos() as u64);
    }
    (response, service)
}

fn arrivals() -> Profile {
    Profile::arrivals([ArrivalRate::per_second(RATE).total(LOAD)])
}

fn times(report: &Report) -> (&Histogram, &Histogram) {
    let times = step(report, "ask").figures.success.as_ref().expect("executions passed");
    assert_eq!(times.response.count(), (LOAD * RATE).as_secs());
    (&times.response, &times.service)
}

/// Late releases are what is looked at here, so they make nothing invalid.
fn run() -> Run {
    Run { limits: Limits { release_lag: Duration::MAX, ..Limits::default() }, ..Run::default() }
}

#[test]
fn who_arrives_while_the_system_is_frozen_waits_for_the_rest_of_the_freeze() {
    async fn open(_: Setup) -> Result<u16, SetupError> {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
        listener.set_nonblocking(true).expect("a socket can be non-blocking");
        let port = listener.local_addr().expect("it is bound").port();
        // A thread of its own, as a system under test has; it ends with the process.
        std::thread::spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(serve(listener));
        });
        Ok(port)
    }
    let notes = Notes::default();
    let report = run().of(|| {
        let notes = Arc::clone(&notes);
        let iterate = move |minion: Minion<Step>, port: Arc<u16>| {
            let notes = Arc::clone(&notes);
            async move {
                let started = Instant::now();
                let asked = minion.step(Step::Ask, ask(*port)).await;
                notes.lock().push((minion.index(), started, Instant::now()));
                asked
            }
        };
        Scenario::new("frozen", open, iterate).profile(arrivals())
    });
    let (response, service) = times(&report);
    at_least_as_on_paper(response);
    let (noted_response, noted_service) = noted(&notes);
    as_noted(response, &noted_response);
    as_noted(service, &noted_service);
}

#[test]
fn who_arrives_while_the_generator_is_blocked_has_waited_too() {
    async fn open(_: Setup) -> Result<(), SetupError> {
        Ok(())
    }
    async fn iterate(minion: Minion<Step>, _: Arc<()>) -> Outcome {
        // Workers get minions in turns, so two in a row hold up both.
        let first = RATE * FROZEN_FROM.as_secs() as u32;
        let holds_up = (first..first + 2).contains(&minion.index());
        let work = async {
            if holds_up {
                std::thread::sleep(FREEZE);
            }
            Ok::<_, Fault>(())
        };
        minion.step(Step::Ask, work).await
    }
    let report = run().of(|| Scenario::new("blocked", open, iterate).profile(arrivals()));
    let (response, service) = times(&report);
    at_least_as_on_paper(response);
    // What a tool shows that starts the clock when it gets to it: next to nothing.
    let hidden = share_above(service, LIMITS[0]);
    assert!(hidden < 0.03, "{hidden}");
}
