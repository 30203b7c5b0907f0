//! A real Apache Kafka broker.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use parking_lot::Mutex;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use tempfile::TempDir;

use crate::jars::kafka_jars;
use crate::java::java;
use crate::port::free_port;
use crate::process::Process;

/// Environment variable with the address (`host:port`) of a running broker to use instead of starting one.
pub const KAFKA_ADDRESS: &str = "QALIPSIS_TEST_KAFKA";

/// Far longer than a broker needs (3 s), for machines that are busy with other tests.
const START_WITHIN: Duration = Duration::from_secs(90);

/// How long a started broker may take to answer a request.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// How long a broker that somebody else runs may take to answer: it should be there already.
const GIVEN_ANSWERS_WITHIN: Duration = Duration::from_secs(5);

/// What all brokers have in common.
const PROPERTIES: &str = include_str!("../kafka/server.properties");

/// Any 16 bytes in base64 do. Fixed, because a cluster of one is never confused with another.
const CLUSTER_ID: &str = "4L6g3nShT-eMCtK--X86sw";

/// A small heap, and no time spent on optimising code that runs for seconds.
const JVM_OPTIONS: &[&str] = &[
    "-Xms128m",
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info",
];

/// Apache Kafka as a single node (KRaft, no ZooKeeper), on a free port of 127.0.0.1, with its data in a
/// temporary directory. Topics are created when first used. It ends with its handle.
#[derive(Debug)]
pub struct KafkaBroker {
    bootstrap: String,
    /// `None` for a broker that somebody else runs.
    node: Option<Node>,
}

/// What the properties of a broker say beyond those of all.
#[derive(Default)]
pub(crate) struct Further {
    /// Name, protocol and address.
    pub(crate) listeners: Vec<(&'static str, &'static str, String)>,
    /// Whole lines.
    pub(crate) properties: String,
    /// Arguments for the tool that makes the data directory.
    pub(crate) format: Vec<String>,
}

/// A broker that was started here.
#[derive(Debug)]
struct Node {
    java: PathBuf,
    class_path: String,
    // Declared before the directory, so that the process ends before its files are removed.
    process: Mutex<Option<Process>>,
    directory: TempDir,
}

impl KafkaBroker {
    /// A broker of this test's own, or the one that [`KAFKA_ADDRESS`] names. Takes 3 s; the first
    /// consumer group of a broker takes as long again, because Kafka then creates the topic for offsets.
    ///
    /// # Errors
    ///
    /// When Java or Maven is missing (with the package to install), the jars can't be had, or the broker
    /// does not start or answer.
    pub fn start() -> anyhow::Result<Self> {
        match std::env::var(KAFKA_ADDRESS) {
            Ok(address) if !address.is_empty() => Self::running_at(&address),
            _ => Self::start_own(),
        }
    }

    /// A broker of this test's own in any case, for tests that [`stop`](Self::stop) it.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn start_own() -> anyhow::Result<Self> {
        Self::start_behind(|address| Ok(address.to_owned()))
    }

    /// A broker that advertises another address to its clients: `way` makes it from the address of the broker.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start), and when there is no way.
    pub fn start_behind(way: impl FnOnce(&str) -> anyhow::Result<String>) -> anyhow::Result<Self> {
        Self::launch(way, |_| Ok(Further::default()))
    }

    /// Starts one, with what else its properties say.
    pub(crate) fn launch(
        way: impl FnOnce(&str) -> anyhow::Result<String>,
        further: impl FnOnce(&Path) -> anyhow::Result<Further>,
    ) -> anyhow::Result<Self> {
        let java = java()?;
        let class_path = format!("{}/*", kafka_jars()?.display());
        let directory = tempfile::Builder::new()
            .prefix("qalipsis-kafka-")
            .tempdir()
            .context("failed to create a directory for the Kafka broker")?;
        let (port, controller_port) = (free_port()?, free_port()?);
        let bootstrap = format!("127.0.0.1:{port}");
        let advertised = way(&bootstrap)?;
        let further = further(directory.path())?;
        let (mut listeners, mut protocols) = (String::new(), String::new());
        for (name, protocol, address) in &further.listeners {
            listeners.push_str(&format!(",{name}://{address}"));
            protocols.push_str(&format!(",{name}:{protocol}"));
        }
        let properties = format!(
            "{PROPERTIES}\n\
             listeners=PLAINTEXT://{bootstrap},CONTROLLER://127.0.0.1:{controller_port}{listeners}\n\
             advertised.listeners=PLAINTEXT://{advertised}{listeners}\n\
             listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT{protocols}\n\
             controller.quorum.voters=1@127.0.0.1:{controller_port}\n\
             log.dirs={}\n{}",
            directory.path().join("data").display(),
            further.properties
        );
        let node = Node { java, class_path, process: Mutex::new(None), directory };
        fs::write(node.properties(), properties).context("failed to write the Kafka broker's properties")?;
        node.format(&further.format)?;
        let broker = Self { bootstrap, node: Some(node) };
        broker.restart()?;
        Ok(broker)
    }

    /// One broker for all tests of a test binary, started by the first that asks. It ends with the test
    /// binary. Tests that share it need topics and groups of their own, and must not stop it.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start), the same for every caller.
    pub fn shared() -> anyhow::Result<&'static Self> {
        static SHARED: LazyLock<anyhow::Result<KafkaBroker>> = LazyLock::new(KafkaBroker::start);
        SHARED.as_ref().map_err(|error| anyhow!("{error:#}"))
    }

    fn running_at(address: &str) -> anyhow::Result<Self> {
        let broker = Self { bootstrap: address.to_owned(), node: None };
        broker.answer(GIVEN_ANSWERS_WITHIN).with_context(|| {
            format!("no Kafka broker at {address}, which {KAFKA_ADDRESS} names; unset it to have one started")
        })?;
        Ok(broker)
    }

    /// The address to connect to, as `host:port`.
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// Process id of the broker; `None` while it is stopped, or if somebody else runs it.
    pub fn pid(&self) -> Option<u32> {
        self.node.as_ref()?.process.lock().as_ref().map(Process::pid)
    }

    /// Creates a topic, and returns when the leader of each of its partitions serves it.
    ///
    /// # Errors
    ///
    /// When the topic exists already, or the broker refuses or does not answer.
    pub fn create_topic(&self, name: &str, partitions: u32) -> anyhow::Result<()> {
        let admin = self.admin()?;
        let count = i32::try_from(partitions).context("too many partitions")?;
        let topic = NewTopic::new(name, count, TopicReplication::Fixed(1));
        let options = AdminOptions::new().operation_timeout(Some(ANSWER_WITHIN));
        let results = futures::executor::block_on(admin.create_topics([&topic], &options))
            .with_context(|| format!("failed to create the topic {name} on {}", self.bootstrap))?;
        for result in results {
            result.map_err(|(topic, code)| anyhow!("failed to create the topic {topic}: {code}"))?;
        }
        let deadline = Instant::now() + ANSWER_WITHIN;
        loop {
            // Every round is a request, so this does not spin faster than the broker answers.
            let metadata = admin.inner().fetch_metadata(Some(name), ANSWER_WITHIN)?;
            let led = metadata
                .topics()
                .iter()
                .filter(|topic| topic.name() == name)
                .flat_map(|topic| topic.partitions())
                .filter(|partition| partition.leader() >= 0)
                .count();
            // A leader is named before it serves: until then readers get "not leader for partition".
            let is_served =
                |partition| admin.inner().fetch_watermarks(name, partition, ANSWER_WITHIN).is_ok();
            if led == partitions as usize && (0..count).all(is_served) {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!(
                    "{led} of {partitions} partitions of {name} have a leader, and not all are served, after {ANSWER_WITHIN:?}"
                );
            }
        }
    }

    /// Kills the broker. Its port stays closed and its data stay, for [`restart`](Self::restart).
    ///
    /// # Errors
    ///
    /// When somebody else runs the broker.
    pub fn stop(&self) -> anyhow::Result<()> {
        // Dropping the process waits for its end.
        drop(self.node()?.process.lock().take());
        Ok(())
    }

    /// Starts the broker again on the same port with the same data, after killing it if it runs.
    ///
    /// # Errors
    ///
    /// When somebody else runs the broker, or it does not start or answer.
    pub fn restart(&self) -> anyhow::Result<()> {
        let node = self.node()?;
        let mut process = node.process.lock();
        drop(process.take());
        let started = node.run("kafka.Kafka", &[])?;
        started
            .wait_for_line(|line| line.contains("Kafka Server started"), START_WITHIN)
            .context("the Kafka broker did not start")?;
        *process = Some(started);
        self.answer(ANSWER_WITHIN)
    }

    fn node(&self) -> anyhow::Result<&Node> {
        self.node.as_ref().with_context(|| {
            format!(
                "the Kafka broker at {} is not the test's own ({KAFKA_ADDRESS} is set): use start_own()",
                self.bootstrap
            )
        })
    }

    fn admin(&self) -> anyhow::Result<AdminClient<DefaultClientContext>> {
        ClientConfig::new()
            .set("bootstrap.servers", &self.bootstrap)
            .create()
            .context("failed to create a Kafka client")
    }

    /// Has the broker answer a request.
    fn answer(&self, within: Duration) -> anyhow::Result<()> {
        let metadata = self
            .admin()?
            .inner()
            .fetch_metadata(None, within)
            .with_context(|| format!("the Kafka broker at {} does not answer", self.bootstrap))?;
        if metadata.brokers().is_empty() {
            bail!("the Kafka broker at {} lists no broker, not even itself", self.bootstrap);
        }
        Ok(())
    }
}

impl Node {
    fn properties(&self) -> PathBuf {
        self.directory.path().join("server.properties")
    }

    /// Makes the data directory a KRaft one, which Kafka wants done before the first start.
    fn format(&self, further: &[String]) -> anyhow::Result<()> {
        let mut format = vec!["format", "--cluster-id", CLUSTER_ID];
        format.extend(further.iter().map(String::as_str));
        format.push("--config");
        let finished = self.run("kafka.tools.StorageTool", &format)?.wait(START_WITHIN)?;
        if !finished.status.success() {
            bail!("failed to format the Kafka broker's storage: {finished}");
        }
        Ok(())
    }

    /// Starts a Java program of Kafka, whose last argument is the properties file.
    fn run(&self, class: &str, arguments: &[&str]) -> anyhow::Result<Process> {
        let directory: &Path = self.directory.path();
        let mut command = Command::new(&self.java);
        command.args(JVM_OPTIONS).args(["-cp", &self.class_path, class]).args(arguments);
        command.arg(self.properties()).current_dir(directory);
        // Options meant for other Java programs must not change this one.
        command.env_remove("JAVA_TOOL_OPTIONS").env_remove("KAFKA_OPTS");
        Process::spawn_with_directory(&mut command, Some(directory))
    }
}
