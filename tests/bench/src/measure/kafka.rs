//! Records that a join reads from Kafka per CPU-second, against a bare rdkafka consumer.

use crate::child;
use crate::table::{Figure, Goal, Row, median};
use anyhow::Context;
use bench::{Load, cpu};
use qalipsis::core::join::Expectation;
use qalipsis::prelude::*;
use qalipsis_kafka::{Kafka, Position, Record};
use qalipsis_testkit::KafkaBroker;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};
use serde::{Deserialize, Serialize};
use std::sync::Mutex;
use std::time::Instant;
use uuid::Uuid;

const TOPIC: &str = "orders.fulfilled";
/// Records in the topic, of which every one is awaited.
const RECORDS: u64 = 300_000;
/// How long reading them may take.
const LIMIT: Duration = secs(120);

#[derive(Steps)]
enum Work {
    Last,
}

#[derive(Serialize, Deserialize)]
struct Event {
    order_id: Uuid,
    product: String,
    quantity: u32,
    customer: String,
}

fn order(record: u64) -> Uuid {
    Uuid::from_u64_pair(record.wrapping_mul(0x9e37_79b9_7f4a_7c15), record)
}

pub(crate) fn rows(rounds: usize) -> anyhow::Result<Vec<Row>> {
    let broker = KafkaBroker::start_own()?;
    broker.create_topic(TOPIC, 1)?;
    fill(broker.bootstrap())?;
    let per_second = |part: &str| -> anyhow::Result<[f64; 2]> {
        let (printed, _cpu) = child::run(&mut child::part(&[part, broker.bootstrap()])?)?;
        let [cpu, wall] = child::numbers(&printed)?;
        Ok([RECORDS as f64 / cpu, RECORDS as f64 / wall])
    };
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    // In turns, so that whatever else the machine does meets both.
    for _ in 0..rounds {
        ours.push(per_second("kafka-join")?);
        bare.push(per_second("kafka-bare")?);
    }
    let row = |name: &str, index: usize| {
        let column = |rounds: &[[f64; 2]]| median(rounds.iter().map(|round| round[index]).collect());
        Row {
            measure: format!("Kafka records joined per {name}"),
            result: Figure { value: column(&ours), unit: "/s" },
            reference: Some(("rdkafka".to_owned(), Figure { value: column(&bare), unit: "/s" })),
            goal: Some(Goal::RatioAtLeast(0.8)),
        }
    };
    // A join has a thread that reads and one that runs minions, so the two measure different things.
    Ok(vec![row("second", 1), row("CPU-second", 0)])
}

fn fill(bootstrap: &str) -> anyhow::Result<()> {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("queue.buffering.max.messages", (RECORDS + 1).to_string())
        .create()?;
    for record in 0..RECORDS {
        let event = Event {
            order_id: order(record),
            product: "lamp".to_owned(),
            quantity: (record % 9 + 1) as u32,
            customer: format!("customer-{record}"),
        };
        let (key, value) = (event.order_id.to_string(), serde_json::to_string(&event)?);
        producer.send(BaseRecord::to(TOPIC).key(&key).payload(&value)).map_err(|(error, _record)| error)?;
        producer.poll(Duration::ZERO);
    }
    producer.flush(LIMIT)?;
    Ok(())
}

/// The time from the opening of the world to the last match.
fn print(started: (Duration, Instant)) {
    println!("{} {}", (cpu::of_process() - started.0).as_secs_f64(), started.1.elapsed().as_secs_f64());
}

struct World {
    started: (Duration, Instant),
    /// All awaited before the source starts, as if the requests had just been sent.
    awaited: Mutex<Vec<Expectation<Uuid, Record<Event>>>>,
}

/// Prints CPU seconds and seconds for all records, each matched with its expectation.
pub(crate) async fn join(bootstrap: &str) -> anyhow::Result<()> {
    let kafka = Kafka::new(bootstrap);
    let open = move |setup: Setup| {
        let fulfilled =
            setup.join(kafka.consume(TOPIC).from(Position::Earliest).json::<Event>(), |r| r.value.order_id);
        let awaited = (0..RECORDS).map(|record| fulfilled.expect(order(record)).within(LIMIT)).collect();
        let started = (cpu::of_process(), Instant::now());
        async move { Ok(World { started, awaited: Mutex::new(awaited) }) }
    };
    let scenario = Scenario::new("kafka", open, iteration);
    let figures = Load { workers: Some(1), ..Load::default() }.run(scenario, |_| false).await?;
    let matched = figures.steps.get(&0).context("nothing was awaited")?.executions();
    anyhow::ensure!(matched == RECORDS, "expected {RECORDS} matches, observed {matched}");
    Ok(())
}

async fn iteration(minion: Minion<Work>, world: Arc<World>) -> Outcome {
    let awaited = std::mem::take(&mut *world.awaited.lock().expect("nobody panics with it"));
    for expectation in awaited {
        let _record = minion.step(Work::Last, expectation).await?;
    }
    print(world.started);
    Ok(())
}

/// The same topic, read and decoded without anything of ours.
pub(crate) fn bare(bootstrap: &str) -> anyhow::Result<()> {
    let consumer: BaseConsumer =
        ClientConfig::new().set("bootstrap.servers", bootstrap).set("group.id", "bare").create()?;
    let mut partitions = TopicPartitionList::new();
    partitions.add_partition_offset(TOPIC, 0, Offset::Beginning)?;
    let started = (cpu::of_process(), Instant::now());
    consumer.assign(&partitions)?;
    let mut read = 0;
    while read < RECORDS {
        match consumer.poll(LIMIT) {
            Some(Ok(record)) => {
                let event: Event = serde_json::from_slice(record.payload().unwrap_or_default())?;
                std::hint::black_box(event);
                read += 1;
            }
            Some(Err(KafkaError::MessageConsumption(RDKafkaErrorCode::BrokerTransportFailure))) => {}
            Some(Err(error)) => return Err(error.into()),
            None => anyhow::bail!("expected {RECORDS} records, observed {read}"),
        }
    }
    print(started);
    Ok(())
}
