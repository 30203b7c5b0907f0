//! Puts the pieces together, says when they are ready, and ends them.

use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;
use std::process::{self, ExitCode};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use axum::serve::ListenerExt as _;
use clap::Parser as _;
use clap::error::ErrorKind;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{oneshot, watch};
use tokio::time::{sleep, timeout};

use crate::embedded::EmbeddedKafka;
use crate::front::{self, Front, Pace};
use crate::kafka;
use crate::options::{self, Options};
use crate::order::{FULFILLED, PLACED};
use crate::publisher::Publisher;
use crate::sinks::Sinks;
use crate::state::State;
use crate::worker::{self, Fulfilment, InFlight, Speed, Worker};

/// The shop ended as it was asked to.
const ENDED: u8 = 0;
/// The shop could not start or could not go on.
const FAILED: u8 = 1;
/// A flag was wrong; nothing was started.
const USAGE: u8 = 2;

/// How long a placed order is offered to Kafka. With librdkafka's check once a second, what is answered
/// 503 after two seconds is not published later (unless only its acknowledgement got lost).
const PLACED_GIVEN_UP_AFTER: Duration = Duration::from_millis(950);
/// How long a fulfilled event is offered to Kafka: longer than any outage worth a test.
const FULFILLED_GIVEN_UP_AFTER: Duration = Duration::from_secs(300);
/// How long running requests may take after the shop was asked to end.
const REQUESTS_END_WITHIN: Duration = Duration::from_millis(300);
/// How long orders on their way to the sinks may take after that.
const ORDERS_END_WITHIN: Duration = Duration::from_millis(200);
/// How long the rest may take to end after that: a healthy broker needs 0.2 s, a dead one is not waited for.
const END_WITHIN: Duration = Duration::from_millis(400);

/// Runs the shop with the flags of this process.
///
/// Returns 0 when it was asked to end, 1 when it could not start (a server unreachable, address taken), and
/// 2 on wrong flags. Both errors are one line on stderr.
pub fn main() -> ExitCode {
    let options = match Options::try_parse() {
        Ok(options) => options,
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            // A closed stdout is no reason to fail.
            let _ = error.print();
            return ENDED.into();
        }
        Err(error) => {
            eprintln!("shop: {}", options::usage_error(&error));
            return USAGE.into();
        }
    };
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => match runtime.block_on(run(options)) {
            Ok(code) => code.into(),
            Err(error) => {
                eprintln!("shop: {error:#}");
                FAILED.into()
            }
        },
        Err(error) => {
            eprintln!("shop: cannot start the runtime: {error}");
            FAILED.into()
        }
    }
}

async fn run(options: Options) -> anyhow::Result<u8> {
    let end = asked_to_end(options.exit_with_stdin)?;
    let embedded = match options.embedded_kafka {
        true => Some(EmbeddedKafka::start(options.partitions)?),
        false => None,
    };
    serve(&options, embedded.as_ref(), end).await
}

/// Serves until the shop is asked to end; the exit code. A failure that is an exit code was reported.
async fn serve(
    options: &Options,
    embedded: Option<&EmbeddedKafka>,
    end: watch::Receiver<bool>,
) -> anyhow::Result<u8> {
    let bootstrap = embedded.map(EmbeddedKafka::bootstrap).or(options.kafka.as_deref());
    let bootstrap = bootstrap.context("neither --kafka nor --embedded-kafka was given")?.to_owned();
    let listener = TcpListener::bind(options.listen)
        .await
        .with_context(|| format!("cannot listen on {}; choose another --listen", options.listen))?;
    let http = listener.local_addr().context("cannot read the address of the front")?;

    let state = Arc::new(State::new(options.stock));
    let faults = Arc::new(options.faults());
    let sinks = Arc::new(Sinks::open(options, Arc::clone(&faults), Arc::clone(&state)).await?);
    if embedded.is_none() {
        kafka::create_topics(&bootstrap, options.partitions).await?;
    }
    let placed = Publisher::connect(&bootstrap, PLACED_GIVEN_UP_AFTER, embedded.is_none())?;
    let fulfilled = Publisher::connect(&bootstrap, FULFILLED_GIVEN_UP_AFTER, embedded.is_none())?;
    placed.warm_up(PLACED)?;
    fulfilled.warm_up(FULFILLED)?;

    let worker = match embedded {
        Some(_) => Worker::assign(&bootstrap, options.partitions)?,
        None => Worker::subscribe(&bootstrap)?,
    };
    let assigned = worker.assigned();
    let period = options.worker_rate.map_or(Duration::ZERO, |rate| Duration::from_secs_f64(1.0 / rate));
    let speed = Speed { delay: options.worker_delay(), period };
    let in_flight = InFlight::new();
    let fulfilment = Fulfilment {
        state: Arc::clone(&state),
        publisher: fulfilled,
        sinks: Arc::clone(&sinks),
        faults: Arc::clone(&faults),
        late_by: options.late_by(),
        in_flight: in_flight.clone(),
    };
    let pace = Pace { base: options.base_delay(), factor: options.slowdown, extra: options.answer_delay() };
    let front = Front { state, publisher: placed, faults, pace };
    let far = match options.far_delay() {
        Some(delay) => {
            let any = SocketAddr::new(options.listen.ip(), 0);
            let listener = TcpListener::bind(any)
                .await
                .with_context(|| format!("cannot listen on {any} for --far-delay"))?;
            let address = listener.local_addr().context("cannot read the far address of the front")?;
            Some((listener, address, front::router(front.farther(delay))))
        }
        None => None,
    };
    let mut addresses = sinks.addresses.clone();
    let far = far.map(|(listener, address, router)| {
        addresses.push(("far", address.to_string()));
        tokio::spawn(axum::serve(listener, router).into_future())
    });
    let front = front::router(front);

    let opened = async {
        worker::wait_for(assigned).await?;
        say_ready(&http.to_string(), &bootstrap, &addresses)?;
        outage(options.outage(), embedded).await
    };
    let listener = listener.tap_io(|connection| {
        // Without it small answers may wait for the acknowledgement of the one before.
        if let Err(error) = connection.set_nodelay(true) {
            eprintln!("shop: cannot set TCP_NODELAY: {error}");
        }
    });
    let server = axum::serve(listener, front).with_graceful_shutdown(ended(end.clone()));
    let serving = async {
        tokio::select! {
            result = server.into_future() => result.context("the front failed"),
            // Hung requests would hold the front for ever.
            () = async { ended(end.clone()).await; sleep(REQUESTS_END_WITHIN).await } => Ok(()),
        }
    };
    let result = async {
        tokio::select! {
            result = serving => result,
            () = worker.run(fulfilment, speed) => Ok(()),
            result = opened => result,
        }
    };
    let result = result.await;
    if let Some(far) = far {
        far.abort();
    }
    let Err(error) = result else {
        // Their offsets are committed, so that no other worker would write them.
        let _ = timeout(ORDERS_END_WITHIN, in_flight.drained()).await;
        return Ok(ENDED);
    };
    // Reported here, because the worker may take long to leave its group.
    eprintln!("shop: {error:#}");
    exit_within(END_WITHIN, FAILED);
    Ok(FAILED)
}

/// The one line on stdout.
fn say_ready(http: &str, kafka: &str, sinks: &[(&str, String)]) -> anyhow::Result<()> {
    let mut line = Map::from_iter(sinks.iter().map(|(name, address)| ((*name).to_owned(), json!(address))));
    line.extend([
        ("http".to_owned(), json!(http)),
        ("kafka".to_owned(), json!(kafka)),
        ("pid".to_owned(), json!(process::id())),
    ]);
    let mut out = io::stdout().lock();
    writeln!(out, "{}", Value::Object(line)).and_then(|()| out.flush()).context("cannot print the ready line")
}

/// Takes the embedded Kafka down and up again when asked to; then waits for ever.
async fn outage(
    outage: Option<(Duration, Option<Duration>)>,
    embedded: Option<&EmbeddedKafka>,
) -> anyhow::Result<()> {
    if let (Some((after, back_after)), Some(kafka)) = (outage, embedded) {
        sleep(after).await;
        kafka.down();
        if let Some(back_after) = back_after {
            sleep(back_after).await;
            kafka.up();
        }
    }
    std::future::pending().await
}

/// Becomes true on SIGTERM, SIGINT and, if asked for, when stdin closes.
fn asked_to_end(with_stdin: bool) -> anyhow::Result<watch::Receiver<bool>> {
    let (sender, end) = watch::channel(false);
    let mut terminate = signal(SignalKind::terminate()).context("cannot watch SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot watch SIGINT")?;
    let (closed, stdin) = oneshot::channel::<()>();
    if with_stdin {
        // A thread of its own: a read of tokio's stdin would keep the runtime from ending.
        thread::Builder::new()
            .name("stdin".to_owned())
            .spawn(move || {
                let mut buffer = [0; 256];
                while matches!(io::stdin().read(&mut buffer), Ok(1..)) {}
                drop(closed);
            })
            .context("cannot start the thread that watches stdin")?;
    }
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = stdin, if with_stdin => {}
        }
        exit_within(REQUESTS_END_WITHIN + ORDERS_END_WITHIN + END_WITHIN, ENDED);
        sender.send_replace(true);
    });
    Ok(end)
}

async fn ended(mut end: watch::Receiver<bool>) {
    // The sender only goes away with the runtime, and then there is nothing left to end.
    let _ = end.wait_for(|end| *end).await;
}

/// Ends the process with `code` if the clients of Kafka have not let go of it in time.
fn exit_within(limit: Duration, code: u8) {
    thread::spawn(move || {
        thread::sleep(limit);
        process::exit(i32::from(code));
    });
}
