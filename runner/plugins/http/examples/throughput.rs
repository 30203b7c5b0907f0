//! Requests per CPU-second of the client: `cargo run --release -p qalipsis-http --example throughput`.
//!
//! The server is a process of its own on one core, the client one thread on another, with 64
//! connections; `taskset` pins both. Client and server are always compared with hyper's own
//! clients in the same run, because absolute figures differ between machines.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use qalipsis_core::clock::Clock;
use qalipsis_core::evidence::EvidenceKeeper;
use qalipsis_core::minion::{Minion, MinionState, ScenarioContext, Worker};
use qalipsis_core::recorder::Recorder;
use qalipsis_core::scenario::Scenario;
use qalipsis_core::setup::{Setup, SetupContext, SetupError};
use qalipsis_core::source::Reader;
use qalipsis_core::steps::{Monitor, StepSpec, Steps};
use qalipsis_http::Http;
use std::convert::Infallible;
use std::error::Error;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};

const CONNECTIONS: usize = 64;
const DURATION: Duration = Duration::from_secs(5);

type Failed = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Failed> {
    let arguments: Vec<String> = std::env::args().collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match arguments.get(1).map(String::as_str) {
        Some("serve") => runtime.block_on(serve()),
        Some("client") => runtime.block_on(client(&arguments[2], &arguments[3])),
        only => compare(only),
    }
}

/// Runs each client three times and prints the best, which disturbances spoil least.
fn compare(only: Option<&str>) -> Result<(), Failed> {
    let me = std::env::current_exe()?;
    let pinned = |core: &str| {
        let mut command = Command::new("taskset");
        command.args(["-c", core]).arg(&me).stdout(Stdio::piped());
        command
    };
    let mut server = pinned("1").arg("serve").spawn()?;
    let mut address = String::new();
    BufReader::new(server.stdout.take().ok_or("no output")?).read_line(&mut address)?;
    let kinds = ["plugin", "hyper-util", "hyper"];
    for kind in kinds.iter().filter(|kind| only.is_none_or(|only| only == **kind)) {
        let mut best = 0.0_f64;
        for _round in 0..3 {
            let output = pinned("0").args(["client", kind, address.trim()]).output()?;
            best = best.max(String::from_utf8(output.stdout)?.trim().parse()?);
        }
        println!("{kind:12} {best:8.0} requests per CPU-second");
    }
    server.kill()?;
    server.wait()?;
    Ok(())
}

async fn serve() -> Result<(), Failed> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let service = service_fn(|_request| async {
            let body = Full::new(Bytes::from_static(b"{\"status\":\"accepted\"}"));
            Ok::<_, Infallible>(
                hyper::Response::builder()
                    .header("content-type", "application/json")
                    .body(body)
                    .expect("valid"),
            )
        });
        tokio::spawn(
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
        );
    }
}

async fn client(kind: &str, address: &str) -> Result<(), Failed> {
    let end = Instant::now() + DURATION;
    let before = cpu_seconds()?;
    let tasks: Vec<tokio::task::JoinHandle<Result<u64, Failed>>> = match kind {
        "plugin" => plugin(address, end).await?,
        "hyper-util" => {
            let client = Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .build_http::<Full<Bytes>>();
            let uri: http::Uri = format!("{address}/orders").parse()?;
            spawn(move || {
                let (client, uri) = (client.clone(), uri.clone());
                async move {
                    let mut count = 0;
                    while Instant::now() < end {
                        let answer = client.get(uri.clone()).await?;
                        answer.into_body().collect().await?;
                        count += 1;
                    }
                    Ok(count)
                }
            })
        }
        _ => {
            let authority = address.trim_start_matches("http://").to_owned();
            spawn(move || {
                let authority = authority.clone();
                async move {
                    let stream = TcpStream::connect(&authority).await?;
                    stream.set_nodelay(true)?;
                    let (mut sender, connection) =
                        hyper::client::conn::http1::handshake::<_, Full<Bytes>>(TokioIo::new(stream)).await?;
                    tokio::spawn(connection);
                    let mut count = 0;
                    while Instant::now() < end {
                        let request =
                            http::Request::get("/orders").header("host", &authority).body(Full::default())?;
                        sender.ready().await?;
                        sender.send_request(request).await?.into_body().collect().await?;
                        count += 1;
                    }
                    Ok(count)
                }
            })
        }
    };
    let mut count = 0;
    for task in tasks {
        count += task.await??;
    }
    println!("{}", count as f64 / (cpu_seconds()? - before));
    Ok(())
}

fn spawn<F>(work: impl Fn() -> F) -> Vec<tokio::task::JoinHandle<Result<u64, Failed>>>
where
    F: Future<Output = Result<u64, Failed>> + Send + 'static,
{
    (0..CONNECTIONS).map(|_| tokio::spawn(work())).collect()
}

#[derive(Clone, Copy)]
struct Get;

impl Steps for Get {
    const CRATE: (&'static str, &'static str) = ("throughput", "");
    const ALL: &'static [StepSpec] =
        &[StepSpec { name: "get", description: "", monitor: Monitor::None, optional: false }];

    fn index(self) -> u32 {
        0
    }
}

/// Minions that execute one step for each pass, as in a factory: everything is recorded.
async fn plugin(
    address: &str,
    end: Instant,
) -> Result<Vec<tokio::task::JoinHandle<Result<u64, Failed>>>, Failed> {
    let address = address.to_owned();
    let open = move |_setup: Setup<()>| {
        let shop = Http::new(&address);
        async move { Ok::<_, SetupError>(shop?) }
    };
    let scenario = Scenario::new("throughput", open, |minion: Minion<Get>, shop: Arc<Http>| async move {
        minion.step(Get, shop.get("/orders")).await.map(|_answer| ())
    });
    let (evidence, _receiver) = EvidenceKeeper::new(5);
    let context = Arc::new(ScenarioContext {
        index: 0,
        name: "throughput".to_owned(),
        steps: scenario.steps(),
        seed: 1,
        campaign: 1,
        clock: Clock::start(),
        zone: None,
        evidence: Arc::new(evidence),
        side: Arc::new(Recorder::new([1])),
        iteration_limit: Duration::from_secs(60),
    });
    let (_stop, stopped) = tokio::sync::watch::channel(false);
    let setup = Arc::new(SetupContext {
        scenario: Arc::clone(&context),
        reader: Reader {
            campaign: "c".to_owned(),
            factory: "f".to_owned(),
            scenario: "throughput".to_owned(),
        },
        stop: stopped,
        sources: Default::default(),
    });
    let iterate = scenario.open(Default::default(), setup).await.map_err(|e| e.to_string())?;
    let worker = Arc::new(Worker::new(0, Recorder::new([1])));
    Ok((0..CONNECTIONS)
        .map(|index| {
            let state = Arc::new(MinionState::new(Arc::clone(&context), Arc::clone(&worker), index as u32));
            let iterate = Arc::clone(&iterate);
            tokio::spawn(async move {
                let mut count = 0;
                while Instant::now() < end {
                    state.begin(count, Duration::ZERO);
                    iterate(Arc::clone(&state)).await?;
                    count += 1;
                }
                Ok(count)
            })
        })
        .collect())
}

/// User and system time of this process, from `/proc/self/stat`, in hundredths.
fn cpu_seconds() -> Result<f64, Failed> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let after_name = stat.rsplit_once(')').ok_or("no name")?.1;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    Ok((fields[11].parse::<f64>()? + fields[12].parse::<f64>()?) / 100.0)
}
