use super::*;
use qalipsis_cluster::{
    FactoryId, FactoryMessage, HeadConnection, HeadMessage, InProcess, ToFactory, ToHead, Transport,
};
use qalipsis_model::plan::Stop;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use tempfile::TempDir;
use tokio::sync::mpsc;

/// Where the test that is the factory of another one finds its socket.
const SOCKET: &str = "QALIPSIS_TEST_AGENT_SOCKET";

/// How long anything may take on a machine that is busy with other things.
const SOON: Duration = Duration::from_secs(30);

/// An agent with one factory, which is this shell script.
struct Fixture {
    agent: Agent,
    head: InProcess,
    printed: mpsc::Receiver<String>,
    _folder: TempDir,
}

impl Fixture {
    async fn new(script: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (text, executable) = (folder.path().join("text"), folder.path().join("scenario"));
        std::fs::write(&text, format!("#!/bin/sh\n{script}\n")).unwrap();
        // Another process makes the file: one that a test starts meanwhile would inherit it open for writing.
        let install =
            std::process::Command::new("install").args(["-m", "755"]).arg(&text).arg(&executable).status();
        assert!(install.unwrap().success());
        Self::of(executable, folder).await
    }

    async fn of(executable: PathBuf, folder: TempDir) -> Self {
        let (lines, printed) = mpsc::channel(1_000);
        let output = Output { lines, prefix: Some("eu".into()), dropped: Arc::new(AtomicU64::new(0)) };
        let (head, mut ends) = InProcess::new(1);
        let mut agent = Agent::default();
        let hosted = Hosted { executable, name: "checkout".into(), log: None, output };
        agent.host(hosted, ends.remove(0)).await.unwrap();
        Self { agent, head, printed, _folder: folder }
    }

    /// The next arrival of the factory.
    async fn arrival(&mut self) -> Arrival {
        tokio::time::timeout(SOON, self.head.receive()).await.unwrap().1
    }

    /// The next report, acknowledged.
    async fn report(&mut self) -> ToHead {
        loop {
            let Arrival::Message(message) = self.arrival().await else { panic!("the factory is gone") };
            let FactoryMessage { sequence, message, .. } = *message;
            if message.is_report() {
                self.send(ToFactory::Acknowledge(sequence + 1));
                return message;
            }
        }
    }

    /// How the connection and the process of the factory ended.
    async fn ends(&mut self) -> [String; 2] {
        let (mut closed, mut exited) = (None, None);
        while closed.is_none() || exited.is_none() {
            match self.arrival().await {
                Arrival::Message(_) => {}
                Arrival::Closed(why) => closed = Some(format!("closed: {why:?}")),
                Arrival::Exited(how) => exited = Some(how),
            }
        }
        [closed, exited].map(Option::unwrap)
    }

    fn send(&mut self, message: ToFactory) {
        self.head.send(FactoryId(0), HeadMessage { sequence: 0, message });
    }
}

/// The factory of the tests below: it greets, and ends when it is stopped.
#[tokio::test]
async fn factory() {
    let Some(socket) = std::env::var_os(SOCKET) else { return };
    let mut head = HeadConnection::open(socket.into()).await.unwrap();
    println!("connected");
    head.send(ToHead::Ready).await.unwrap();
    let message = head.receive().await.unwrap();
    assert_eq!(message, Some(ToFactory::Stop(Stop::Graceful)));
    head.send(ToHead::Ended).await.unwrap();
    head.close().await.unwrap();
}

/// A script that runs the test above in a process of its own.
fn as_factory() -> String {
    let tests = std::env::current_exe().unwrap();
    format!(
        "[ \"$1 $2 $3 $4\" = 'factory --name checkout --connect' ] || exit 2\n\
         {SOCKET}=\"$5\" exec '{}' --exact agent::tests::factory --nocapture",
        tests.display()
    )
}

#[tokio::test]
async fn a_factory_is_reached_through_its_agent_until_it_ends() {
    let mut fixture = Fixture::new(&as_factory()).await;
    assert_eq!(fixture.report().await, ToHead::Ready);
    fixture.send(ToFactory::Stop(Stop::Graceful));
    assert_eq!(fixture.report().await, ToHead::Ended);
    let ends = fixture.ends().await;
    assert_eq!(ends[0], "closed: None");
    assert!(ends[1].starts_with("its process ended with exit status: 0"), "{ends:?}");
    fixture.agent.end().await;
    let mut printed = Vec::new();
    while let Some(line) = fixture.printed.recv().await {
        printed.push(line);
    }
    assert!(printed.contains(&"eu | connected".to_owned()), "{printed:?}");
}

#[tokio::test]
async fn an_executable_that_cannot_be_started_is_a_lost_factory() {
    let mut fixture = Fixture::of("/nonexistent/scenario".into(), tempfile::tempdir().unwrap()).await;
    let Arrival::Closed(Some(why)) = fixture.arrival().await else { panic!("it is closed") };
    assert_eq!(why, "failed to start /nonexistent/scenario: No such file or directory (os error 2)");
}

#[tokio::test]
async fn a_process_that_ends_before_it_connects_is_a_lost_factory_with_its_last_output() {
    let mut fixture = Fixture::new("echo no licence >&2\nexit 9").await;
    let Arrival::Closed(Some(why)) = fixture.arrival().await else { panic!("it is closed") };
    assert_eq!(why, "its process ended with exit status: 9; its last output: no licence");
}

#[tokio::test]
async fn a_killed_factory_is_closed_and_says_how_it_ended() {
    let mut fixture = Fixture::new(&format!("echo $$\n{}", as_factory())).await;
    assert_eq!(fixture.report().await, ToHead::Ready);
    let process = fixture.printed.recv().await.unwrap();
    let process = process.strip_prefix("eu | ").unwrap();
    let killed = std::process::Command::new("kill").args(["-KILL", process]).status();
    assert!(killed.unwrap().success());
    let ends = fixture.ends().await;
    assert_eq!(ends[0], "closed: None");
    assert!(ends[1].starts_with("its process ended with signal: 9 (SIGKILL)"), "{ends:?}");
}

#[tokio::test]
async fn no_process_is_left_after_the_end_of_an_agent() {
    let mut fixture = Fixture::new(&format!("echo $$\n{}", as_factory())).await;
    assert_eq!(fixture.report().await, ToHead::Ready);
    let process = fixture.printed.recv().await.unwrap();
    let process = Path::new("/proc").join(process.strip_prefix("eu | ").unwrap());
    assert!(process.exists());
    tokio::time::timeout(SOON, fixture.agent.end()).await.unwrap();
    assert!(!process.exists());
}

#[tokio::test]
async fn factories_end_at_the_same_time() {
    let mut fixture = Fixture::new(&as_factory()).await;
    let mut other = Fixture::new(&as_factory()).await;
    assert_eq!((fixture.report().await, other.report().await), (ToHead::Ready, ToHead::Ready));
    fixture.agent.factories.append(&mut other.agent.factories);
    // Neither ends by itself: each is killed at its limit, which passes at once.
    tokio::time::pause();
    let began = tokio::time::Instant::now();
    fixture.agent.end().await;
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}
