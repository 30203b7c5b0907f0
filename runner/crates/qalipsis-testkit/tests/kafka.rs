//! The broker: that it is a real one, that it stops and comes back, and that nothing of it survives.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use qalipsis_testkit::{KafkaBroker, Process};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Headers, Message, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

const WITHIN: Duration = Duration::from_secs(30);

fn config(broker: &KafkaBroker) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", broker.bootstrap()).set("reconnect.backoff.max.ms", "200");
    config
}

fn produce(broker: &KafkaBroker, topic: &str, payloads: &[&str]) {
    let producer: BaseProducer = config(broker).create().unwrap();
    for payload in payloads {
        let headers =
            OwnedHeaders::new().insert(rdkafka::message::Header { key: "kind", value: Some("test") });
        producer.send(BaseRecord::to(topic).key("key").payload(*payload).headers(headers)).unwrap();
    }
    producer.flush(WITHIN).unwrap();
    assert_eq!(producer.in_flight_count(), 0);
}

/// Reads until `count` records have come.
fn poll(consumer: &BaseConsumer, count: usize) -> Vec<String> {
    let deadline = Instant::now() + WITHIN;
    let mut payloads = Vec::new();
    while payloads.len() < count {
        assert!(Instant::now() < deadline, "only {payloads:?} came");
        if let Some(record) = consumer.poll(Duration::from_millis(100)) {
            // A broker that was stopped is an error until the client has reconnected.
            let Ok(record) = record else { continue };
            assert_eq!(record.headers().unwrap().get_as::<str>(0).unwrap().value, Some("test"));
            payloads.push(record.payload_view::<str>().unwrap().unwrap().to_owned());
        }
    }
    payloads
}

#[test]
fn records_go_through_a_group() {
    let broker = KafkaBroker::shared().unwrap();
    broker.create_topic("through", 3).unwrap();
    let consumer: BaseConsumer = config(broker)
        .set("group.id", "through-group")
        .set("auto.offset.reset", "earliest")
        .create()
        .unwrap();
    consumer.subscribe(&["through"]).unwrap();
    produce(broker, "through", &["one", "two", "three"]);
    assert_eq!(poll(&consumer, 3), ["one", "two", "three"]);
    let metadata = consumer.fetch_metadata(Some("through"), WITHIN).unwrap();
    assert_eq!(metadata.topics()[0].partitions().len(), 3);
}

#[test]
fn a_topic_is_created_once_or_by_its_first_use() {
    let broker = KafkaBroker::shared().unwrap();
    broker.create_topic("once", 1).unwrap();
    let error = broker.create_topic("once", 1).unwrap_err().to_string();
    assert!(error.contains("once"), "{error}");
    produce(broker, "used", &["one"]);
}

#[test]
fn a_stopped_broker_comes_back_with_its_data() {
    let broker = KafkaBroker::start_own().unwrap();
    produce(&broker, "kept", &["before"]);
    let consumer: BaseConsumer = config(&broker).set("group.id", "unused").create().unwrap();
    let mut partition = TopicPartitionList::new();
    partition.add_partition_offset("kept", 0, Offset::Beginning).unwrap();
    consumer.assign(&partition).unwrap();
    assert_eq!(poll(&consumer, 1), ["before"]);

    let bootstrap = broker.bootstrap().to_owned();
    broker.stop().unwrap();
    assert_eq!(broker.pid(), None);
    assert!(std::net::TcpStream::connect(&bootstrap).is_err());
    broker.stop().unwrap();

    broker.restart().unwrap();
    assert_eq!(broker.bootstrap(), bootstrap);
    produce(&broker, "kept", &["after"]);
    assert_eq!(poll(&consumer, 1), ["after"]);
    assert_eq!(consumer.fetch_watermarks("kept", 0, WITHIN).unwrap(), (0, 2));
}

#[test]
fn a_dropped_broker_leaves_nothing_behind() {
    let broker = KafkaBroker::start_own().unwrap();
    let remains = Remains::of(broker.pid().unwrap());
    assert!(remains.any());
    drop(broker);
    assert!(!remains.any());
}

/// The process and the directory of a broker.
struct Remains {
    pid: u32,
    directory: PathBuf,
}

impl Remains {
    fn of(pid: u32) -> Self {
        let directory = std::fs::read_link(format!("/proc/{pid}/cwd")).unwrap();
        assert!(directory.join("server.properties").is_file());
        Self { pid, directory }
    }

    /// Prints where to look, for the process that started this one.
    fn print(&self) {
        println!("\nbroker {} {}", self.pid, self.directory.display());
    }

    fn any(&self) -> bool {
        // Empty for a process that is only waiting to be reaped.
        let command = std::fs::read_to_string(format!("/proc/{}/cmdline", self.pid)).unwrap_or_default();
        command.contains("kafka.Kafka") || self.directory.exists()
    }

    fn wait_until_gone(&self) {
        let deadline = Instant::now() + WITHIN;
        while self.any() {
            assert!(Instant::now() < deadline, "{} or {} is still there", self.pid, self.directory.display());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Set in the process that a test starts from its own executable, in order to see it end.
const VICTIM: &str = "TESTKIT_KAFKA_VICTIM";

fn victim(test: &str) -> Process {
    let executable = std::env::current_exe().unwrap();
    let mut command = Command::new(executable);
    command
        .args(["--exact", test, "--nocapture"])
        .env(VICTIM, "1")
        .env_remove(qalipsis_testkit::KAFKA_ADDRESS);
    Process::spawn(&mut command).unwrap()
}

/// What the victim printed about its broker.
fn remains(victim: &Process) -> Remains {
    let line = victim.wait_for_line(|line| line.starts_with("broker "), WITHIN * 4).unwrap();
    let (pid, directory) = line.trim_start_matches("broker ").split_once(' ').unwrap();
    Remains { pid: pid.parse().unwrap(), directory: directory.into() }
}

#[test]
fn a_killed_test_process_leaves_no_broker_behind() {
    if std::env::var_os(VICTIM).is_some() {
        let broker = KafkaBroker::start().unwrap();
        Remains::of(broker.pid().unwrap()).print();
        loop {
            std::thread::park();
        }
    }
    let victim = victim("a_killed_test_process_leaves_no_broker_behind");
    let remains = remains(&victim);
    victim.kill().unwrap();
    remains.wait_until_gone();
}

#[test]
fn a_shared_broker_ends_with_its_test_binary() {
    if std::env::var_os(VICTIM).is_some() {
        let broker = KafkaBroker::shared().unwrap();
        Remains::of(broker.pid().unwrap()).print();
        return;
    }
    let victim = victim("a_shared_broker_ends_with_its_test_binary");
    let remains = remains(&victim);
    assert!(victim.wait(WITHIN).unwrap().status.success());
    remains.wait_until_gone();
}

#[test]
fn a_given_address_is_used_and_must_answer() {
    if std::env::var_os(VICTIM).is_some() {
        match KafkaBroker::start() {
            Ok(broker) => {
                broker.create_topic("given", 1).unwrap();
                let stop = broker.stop().unwrap_err();
                println!("\nused {} {:?} {stop}", broker.bootstrap(), broker.pid());
            }
            Err(error) => println!("\nrefused {error:#}"),
        }
        return;
    }
    let run = |address: &str| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "a_given_address_is_used_and_must_answer", "--nocapture"]);
        command.env(VICTIM, "1").env(qalipsis_testkit::KAFKA_ADDRESS, address);
        Process::spawn(&mut command).unwrap().wait(WITHIN * 2).unwrap().stdout
    };
    let broker = KafkaBroker::start_own().unwrap();
    let answer = run(broker.bootstrap());
    let used = format!("used {} None the Kafka broker at {0} is not the test's own", broker.bootstrap());
    assert!(answer.contains(&used), "{answer}");

    let closed = format!("127.0.0.1:{}", qalipsis_testkit::free_port().unwrap());
    let answer = run(&closed);
    let refused = format!("refused no Kafka broker at {closed}, which QALIPSIS_TEST_KAFKA names");
    assert!(answer.contains(&refused), "{answer}");
}

#[test]
fn a_missing_java_names_the_package() {
    if std::env::var_os(VICTIM).is_some() {
        println!("\n{:#}", KafkaBroker::start().unwrap_err());
        return;
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "a_missing_java_names_the_package", "--nocapture"]).env(VICTIM, "1");
    command.env_remove(qalipsis_testkit::KAFKA_ADDRESS).env("JAVA_HOME", "/no/such/folder");
    let finished = Process::spawn(&mut command).unwrap().wait(WITHIN).unwrap();
    assert!(finished.stdout.contains("openjdk-17-jre-headless"), "{finished}");
}

#[test]
fn a_missing_maven_names_the_package() {
    if std::env::var_os(VICTIM).is_some() {
        println!("\n{:#}", KafkaBroker::start().unwrap_err());
        return;
    }
    // A machine with all but Maven, and a target directory without the jars.
    let machine = tempfile::tempdir().unwrap();
    for program in ["java", "cargo", "rustc", "sh"] {
        let path = std::env::var_os("PATH").unwrap();
        let found =
            std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file());
        std::os::unix::fs::symlink(found.unwrap(), machine.path().join(program)).unwrap();
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "a_missing_maven_names_the_package", "--nocapture"]).env(VICTIM, "1");
    command.env_remove(qalipsis_testkit::KAFKA_ADDRESS).env_remove("JAVA_HOME");
    command.env("PATH", machine.path()).env("CARGO_TARGET_DIR", machine.path());
    let finished = Process::spawn(&mut command).unwrap().wait(WITHIN).unwrap();
    assert!(finished.stdout.contains("--no-install-recommends maven"), "{finished}");
}
