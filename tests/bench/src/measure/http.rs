//! HTTP requests per CPU-second, against oha on the same server.

use crate::child;
use crate::table::{Figure, Goal, Row, median};
use anyhow::{Context, bail};
use bench::{Bare, Load};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use qalipsis::prelude::*;
use qalipsis_http::Http;
use std::convert::Infallible;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use tokio::net::TcpListener;
use tokio::task::LocalSet;

/// Connections and minions.
const CONNECTIONS: u32 = 64;
/// How long each side sends.
const SENT_FOR: Duration = Duration::from_secs(8);

#[derive(Steps)]
enum Work {
    Get,
}

pub(crate) fn rows(rounds: usize) -> anyhow::Result<Vec<Row>> {
    let server = Server::start()?;
    let oha = oha()?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    // In turns, so that whatever else the machine does meets both.
    for _ in 0..rounds {
        let seconds = SENT_FOR.as_secs().to_string();
        let load = child::part(&["http-load", &server.address, &CONNECTIONS.to_string(), &seconds])?;
        let (printed, cpu) = child::run(&mut child::pinned(0, &load))?;
        let [requests] = child::numbers(&printed)?;
        ours.push(requests / cpu.as_secs_f64());

        let mut load = Command::new(&oha);
        load.args(["--no-tui", "--output-format", "json", "-c", &CONNECTIONS.to_string()]).args([
            "-z",
            &format!("{seconds}s"),
            &server.address,
        ]);
        let (printed, cpu) = child::run(&mut child::pinned(0, &load))?;
        let result: serde_json::Value = serde_json::from_str(&printed)?;
        let answered =
            result["statusCodeDistribution"]["200"].as_f64().context("oha reports no answers of 200")?;
        theirs.push(answered / cpu.as_secs_f64());
    }
    Ok(vec![Row {
        measure: "HTTP requests per CPU-second of the factory".to_owned(),
        result: Figure { value: median(ours), unit: "/s" },
        reference: Some(("oha".to_owned(), Figure { value: median(theirs), unit: "/s" })),
        goal: Some(Goal::RatioAtLeast(1.0)),
    }])
}

/// Where `cargo xtask bench` installs it.
fn oha() -> anyhow::Result<PathBuf> {
    let program = std::env::current_exe()?;
    let target = program.ancestors().nth(2).context("the program is in no target directory")?;
    let oha = target.join("tools/bin/oha");
    if !oha.is_file() {
        bail!("{} is not there, `cargo xtask bench` installs it", oha.display());
    }
    Ok(oha)
}

/// A server in a process of its own, on the other core.
struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn start() -> anyhow::Result<Self> {
        let mut process = child::pinned(1, &child::part(&["http-server"])?)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let printed = process.stdout.take().context("the server has no output")?;
        let mut address = String::new();
        BufReader::new(printed).read_line(&mut address)?;
        Ok(Self { process, address: address.trim().to_owned() })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has nothing to lose, and it may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Prints its address and answers 200 with 11 bytes.
pub(crate) async fn serve() -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}/", listener.local_addr()?);
    loop {
        let (stream, _peer) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let answer = service_fn(|_request: Request<_>| async {
            Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"hello world"))))
        });
        tokio::spawn(async move {
            // A client that goes away is the end of its connection.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), answer)
                .await;
        });
    }
}

fn requests(address: &str) -> Scenario {
    let address = address.to_owned();
    let open = move |_setup: Setup| {
        let http = Http::new(&address).map_err(SetupError::from);
        async { http }
    };
    Scenario::new("requests", open, get)
}

/// Sends so many requests by each minion, all on this thread: what can be counted in instructions.
pub(crate) async fn count(address: &str, minions: u32, requests_each: u32) {
    let bare = Rc::new(Bare::open(&requests(address)).await);
    let requests = |index| {
        let bare = Rc::clone(&bare);
        async move {
            let minion = bare.minion(index);
            for _ in 0..requests_each {
                bare.iteration(&minion).await;
            }
        }
    };
    let set = LocalSet::new();
    let running: Vec<_> = (0..minions).map(|index| set.spawn_local(requests(index))).collect();
    set.await;
    for minion in running {
        minion.await.expect("no request fails");
    }
}

/// Prints how many requests were answered.
pub(crate) async fn load(address: &str, minions: u32, duration: Duration) -> anyhow::Result<()> {
    let scenario = requests(address)
        .minions(minions)
        .profile(Profile::stages([Stage::minions(minions).total(duration)]));
    let figures = Load { workers: Some(1), ..Load::default() }.run(scenario, |_| false).await?;
    let step = figures.steps.get(&0).context("no request was sent")?;
    println!("{}", step.executions() - step.failures());
    Ok(())
}

async fn get(minion: Minion<Work>, http: Arc<Http>) -> Outcome {
    let answer = minion.step(Work::Get, http.get("/")).await?;
    if answer.status != 200 {
        panic!("expected 200, observed {}", answer.status);
    }
    Ok(())
}
