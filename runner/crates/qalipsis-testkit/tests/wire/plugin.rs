//! A plugin that keeps every rule, or breaks one of them.

use crate::server::Server;
use futures::future::BoxFuture;
use qalipsis_core::fault::Fault;
use qalipsis_core::model::timestamp::Timestamp;
use qalipsis_core::source::{Feed, Source};
use qalipsis_testkit::Proxy;
use qalipsis_testkit::plugin::wire::{Decoding, Rule, SECRET, Sources, Targets, Times};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, interval, sleep, timeout};

pub(crate) struct Fixture {
    broken: Option<Rule>,
    server: Server,
    proxy: Proxy,
}

impl Fixture {
    pub(crate) fn new(broken: Option<Rule>) -> Self {
        let server = Server::start();
        let proxy = Proxy::to(&server.address).unwrap();
        Self { broken, server, proxy }
    }

    fn breaks(&self, rule: Rule) -> bool {
        self.broken == Some(rule)
    }
}

type Connection = BufReader<TcpStream>;

async fn connect(address: &str) -> std::io::Result<Connection> {
    Ok(BufReader::new(TcpStream::connect(address).await?))
}

async fn ask(connection: &mut Connection, question: &str) -> std::io::Result<String> {
    connection.get_mut().write_all(format!("{question}\n").as_bytes()).await?;
    let mut answer = String::new();
    match connection.read_line(&mut answer).await? {
        0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(answer.trim().to_owned()),
    }
}

async fn ping(address: &str) -> std::io::Result<()> {
    ask(&mut connect(address).await?, "ping").await.map(drop)
}

impl Targets for Fixture {
    type Target = ();

    fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    async fn open(&self) -> Result<(), Fault> {
        Ok(())
    }

    fn act(&self, (): &()) -> BoxFuture<'static, Result<(), Fault>> {
        let address = self.proxy.address().to_owned();
        let leaks = self.breaks(Rule::CancelledLeavesNothing);
        Box::pin(async move {
            let pinging = async move {
                let mut connection = connect(&address).await?;
                ask(&mut connection, "ping").await?;
                Ok(if leaks { Some(connection) } else { None })
            };
            if !leaks {
                let pinged: std::io::Result<_> = pinging.await;
                return pinged.map(drop).map_err(|error| Fault::error(error.to_string()));
            }
            // It goes on whether or not somebody awaits it, and what it has stays open.
            let (done, answer) = oneshot::channel();
            tokio::spawn(async move {
                let pinged: std::io::Result<_> = pinging.await;
                let _ = done.send(());
                sleep(Duration::from_secs(600)).await;
                drop(pinged);
            });
            answer.await.map_err(|error| Fault::error(error.to_string()))
        })
    }

    async fn refusal(&self, address: &str) -> Option<Fault> {
        let limit = Duration::from_secs(if self.breaks(Rule::NothingHangs) { 600 } else { 2 });
        let cause = match timeout(limit, ping(address)).await {
            Ok(Ok(())) => return None,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer within 2 s".to_owned(),
        };
        Some(Fault::error(match self.broken {
            Some(Rule::SilentServerIsNamed) => format!("failed to connect: {cause}"),
            Some(Rule::SecretsAreRedacted) => format!("lines at {SECRET}@{address}: {cause}"),
            _ => format!("lines at {address}: {cause}"),
        }))
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Line {
    received: Instant,
    server: Timestamp,
}

pub(crate) struct Lines {
    address: String,
    broken: Option<Rule>,
    decoding: Decoding,
}

impl Sources for Fixture {
    type Source = Lines;
    const REPORTS_LAG: bool = true;

    async fn source(&self, decoding: Decoding) -> Lines {
        Lines { address: self.proxy.address().to_owned(), broken: self.broken, decoding }
    }

    async fn fill(&self, count: usize) {
        self.server.fill(count);
    }

    fn times(line: &Line) -> Times {
        Times { received: Some(line.received), server: Some(line.server) }
    }
}

impl Source for Lines {
    type Record = Line;

    fn name(&self) -> String {
        format!("lines at {}", self.address)
    }

    async fn run(self, feed: Feed<Line>) -> Result<(), Fault> {
        tokio::select! {
            ended = self.read(&feed) => ended.map_err(|error| Fault::error(error.to_string())),
            () = async {
                feed.stopped().await;
                if self.broken == Some(Rule::SourceStops) {
                    sleep(Duration::from_secs(3)).await;
                }
            } => Ok(()),
        }
    }
}

impl Lines {
    async fn read(&self, feed: &Feed<Line>) -> std::io::Result<()> {
        let mut asking = connect(&self.address).await?;
        let mut connection = connect(&self.address).await?;
        let mut read: usize = ask(&mut connection, "read").await?.parse().expect("a number");
        feed.ready();
        let unbounded = self.broken == Some(Rule::BufferIsBounded);
        let (sender, mut lines) = mpsc::channel(if unbounded { 1 << 20 } else { 8 });
        let reader = tokio::spawn(async move {
            let mut lines = connection.lines();
            while let Ok(Some(line)) = lines.next_line().await {
                if sender.send((line, Instant::now())).await.is_err() {
                    return;
                }
            }
        });
        let reader = AbortOnDrop(reader);
        let mut tick = interval(Duration::from_millis(50));
        loop {
            tokio::select! {
                _ = tick.tick() => {
                    let count: usize = ask(&mut asking, "count").await?.parse().expect("a number");
                    if self.broken != Some(Rule::LagIsReported) {
                        feed.lag((count - read) as u64);
                    }
                }
                line = lines.recv() => {
                    let Some((line, received)) = line else { break };
                    read += 1;
                    (self.decoding)();
                    let late = self.broken == Some(Rule::TimeIsKept);
                    let received = if late { Instant::now() } else { received };
                    let server = line.split(' ').next().and_then(|t| t.parse().ok()).expect("a time");
                    feed.record(Line { received, server: Timestamp(server) }, received);
                }
            }
        }
        drop(reader);
        Ok(())
    }
}

/// Ends a task with its owner.
struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
