//! Everything that a scenario can use.

use qalipsis::core::source::stream;
use qalipsis::prelude::*;
use qalipsis::rand::RngExt;

#[derive(Steps)]
enum Order {
    /// POST /orders
    Place,
    Accepted,
    #[step(monitor = "all")]
    Fulfilled,
    #[step(name = "unchanged", optional)]
    FulfilledUnchanged,
}

#[derive(Properties)]
struct Settings {
    /// Kafka brokers
    #[property(default = "localhost:9092")]
    brokers: String,
    #[property(default = "250ms")]
    pause: Duration,
    retries: Option<u8>,
    token: Secret,
}

#[derive(Meters)]
struct Measures {
    /// Baskets that were filled
    baskets: Counter,
    stock: Gauge,
    payment: Timer,
    #[meter(name = "basket-value", unit = "EUR")]
    value: Summary,
    accepted: Rate,
    rows: Throughput,
}

struct Row {
    id: u64,
}

struct World {
    rows: Data<Row>,
    batches: Collect<u64>,
    events: Join<u64, u64>,
    meters: Measures,
    settings: Settings,
}

impl World {
    async fn open(setup: Setup<Settings, Measures>) -> Result<Self, SetupError> {
        let port: u16 = "9092".parse()?;
        if port == 0 {
            return Err(SetupError::new("no port"));
        }
        let events = setup.join(stream("numbers", qalipsis_stream()), |n| *n);
        let rows = records("rows", (0..10).map(|id| Row { id }))?.each_once().at_end(AtEnd::StopMinion);
        let _other_ways = (
            json_lines::<u64>("rows.jsonl").map(Records::cycle),
            csv::<u64>("rows.csv").map(Records::broadcast),
        );
        let (batches, meters) = (Collect::new(10, secs(1)), setup.meters());
        Ok(Self { rows, batches, events, meters, settings: setup.properties })
    }
}

fn qalipsis_stream() -> impl futures::Stream<Item = u64> {
    futures::stream::iter(0..10)
}

async fn place(minion: Minion<Order>, world: Arc<World>) -> Outcome {
    let mut rng = minion.rng();
    let key: u64 = rng.random();
    let fulfilled = world.events.expect(key).within(secs(2));
    let _ = (
        &world.settings.brokers,
        world.settings.pause,
        world.settings.retries,
        world.settings.token.expose(),
    );

    let answer = minion.step(Order::Place, async { Ok::<_, std::io::Error>(202) }).timeout(secs(1)).await?;
    minion.verify(Order::Accepted, |v| {
        v.equal("status", answer, 202);
        assert!(answer > 200, "any assertion library works");
    })?;
    let again = repeat(|| async {
        let answer: u16 = async { Ok::<_, Fault>(202) }.await?;
        check(|v| v.equal("status", answer, 202))?;
        Ok::<_, Fault>(answer)
    });
    let policy = Retry::attempts(3)
        .backoff(millis(10), 1.5)
        .longest(secs(1))
        .jitter(0.2)
        .attempt_timeout(secs(1))
        .only(&[FailureKind::Timeout]);
    minion.step(Order::Place, again).retry(policy).tolerate(Tolerance::share(0.01)).timeout(secs(5)).await?;
    let row = world.rows.next(&minion).await?;
    let _: &Row = &row;
    let _batch: Option<Vec<u64>> = world.batches.add(&minion, row.id).await;
    world.meters.baskets.increment();
    world.meters.baskets.add(2);
    world.meters.stock.set(7);
    world.meters.stock.set(7.5);
    let paid: Result<u8, Fault> = world.meters.payment.time(async { Ok(1) }).await;
    world.meters.payment.record(millis(u64::from(paid.unwrap_or_default())));
    world.meters.value.record(49.99);
    world.meters.accepted.record(answer == 202);
    world.meters.accepted.add(1, 2);
    world.meters.rows.add(10);
    let _elsewhere = world.meters.rows.clone();
    let ready = std::future::ready::<Result<u16, Fault>>;
    minion
        .step(Order::Place, repeat(|| ready(Ok(202))))
        .retry(Retry::attempts(2).when(|f| f.code == "tls"))
        .await?;
    minion
        .verify_async(Order::Accepted, |mut v| async {
            v.that("up", true);
            v
        })
        .tolerate(Tolerance::count(1))
        .await?;
    minion.pause(millis(1)).await;
    minion.pause(millis(1)..millis(3)).await;
    minion.pause(millis(1)..=millis(3)).await;
    minion.pace(Pace::constant(millis(1))).await;
    minion.pace(Pace::accelerating(millis(10), 2.0, millis(1))).await;
    minion.pace(Pace::by(|past| past.unwrap_or(millis(8)) / 2)).await;
    let _two: u8 = minion
        .stage(Order::Accepted, async { minion.step(Order::Place, async { Ok::<u8, Fault>(2) }).await })
        .timeout(secs(1))
        .await?;
    let one = async {
        let event = minion.step(Order::Fulfilled, fulfilled).await?;
        minion.verify(Order::FulfilledUnchanged, |v| v.equal("event", event, key))
    };
    let other = async {
        match minion.step(Order::Place, async { Err::<(), _>(Fault::error("no")) }).await {
            Ok(()) => Ok(()),
            Err(failed) => {
                let _: &str = failed.step();
                Ok(())
            }
        }
    };
    both(one, other).await
}

fn scenario() -> Scenario {
    Scenario::new("order", World::open, place)
        .description("an order")
        .minions(1_000)
        .profile(Profile::stages([
            Stage::percent(40).ramp_up(secs(20)).total(secs(30)),
            Stage::percent(60).ramp_up(secs(20)).total(secs(30)),
        ]))
        .expect(Order::Place.response_time().p(95).below(millis(130)))
        .expect(Order::Fulfilled.latency().max().at_most(secs(1)))
        .expect(Order::Place.error_rate().below(0.01))
        .expect(Order::Place.count().at_least(1))
        .expect(Meter::named("baskets").total().at_least(1))
        .expect(Meter::named("stock").last().at_most(1_000))
        .expect(Meter::named("payment").time().p(95).below(millis(100)))
        .expect(Meter::named("basket-value").p(50).at_least(10))
        .expect(Meter::named("accepted").rate().at_least(0.99))
        .expect(Meter::named("rows").throughput().at_least(50).after(secs(10)))
}

/// What an executable's `main` is.
#[expect(dead_code, reason = "it would read the command line of the test")]
fn executable() -> ExitCode {
    qalipsis::main([scenario()])
}

#[test]
fn a_scenario_is_described_as_it_is_written() {
    let scenario = scenario();
    let described = scenario.describe();
    let steps: Vec<(&str, &str, bool)> =
        described.steps.iter().map(|s| (&*s.name, &*s.description, s.optional)).collect();
    assert_eq!(
        steps,
        [
            ("place", "POST /orders", false),
            ("accepted", "", false),
            ("fulfilled", "", false),
            ("unchanged", "", true)
        ]
    );
    let properties: Vec<(&str, &str, Option<&str>, bool, bool)> = described
        .properties
        .iter()
        .map(|p| (&*p.name, &*p.value_type, p.default.as_deref(), p.required, p.secret))
        .collect();
    assert_eq!(
        properties,
        [
            ("brokers", "string", Some("localhost:9092"), false, false),
            ("pause", "duration", Some("250ms"), false, false),
            ("retries", "integer", None, false, false),
            ("token", "secret", None, true, true),
        ]
    );
    assert_eq!(described.properties[0].description, "Kafka brokers");
    let meters: Vec<(&str, &str, &str, &str)> =
        described.meters.iter().map(|m| (&*m.name, m.kind.name(), &*m.unit, &*m.description)).collect();
    assert_eq!(
        meters,
        [
            ("baskets", "counter", "", "Baskets that were filled"),
            ("stock", "gauge", "", ""),
            ("payment", "timer", "", ""),
            ("basket-value", "summary", "EUR", ""),
            ("accepted", "rate", "", ""),
            ("rows", "throughput", "", ""),
        ]
    );
    assert_eq!(described.criteria[0].to_string(), "place response time p95 below 130 ms");
    assert!(described.criteria[0].location.file.ends_with("everything.rs"));
}
