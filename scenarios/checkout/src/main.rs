//! An accepted order is fulfilled on Kafka within 2 s, unchanged: against a shop and a Kafka that
//! run elsewhere.

mod everywhere;
mod order;
mod stored;

use order::{Event, NewOrder};
use qalipsis::prelude::*;
use qalipsis::rand::RngExt;
use qalipsis_http::Http;
use qalipsis_kafka::{Kafka, Record};
use uuid::Uuid;

#[derive(Steps)]
enum Order {
    /// POST /orders
    Place,
    /// the shop answers 202
    Accepted,
    /// the event arrives on Kafka
    #[step(name = "order-fulfilled", monitor = "all")]
    Fulfilled,
    /// the event contains what was ordered
    FulfilledUnchanged,
}

fn main() -> ExitCode {
    qalipsis::main([checkout(), stored::scenario(), everywhere::scenario()])
}

fn checkout() -> Scenario {
    Scenario::new("checkout", World::open, place_order)
        .description("an accepted order is fulfilled on Kafka, unchanged")
        .minions(1_000)
        .profile(Profile::timeframe(millis(10), secs(5)))
        .expect(Order::Place.response_time().p(95).below(millis(500)))
        .expect(Order::Place.error_rate().at_most(0.0))
        .expect(Order::Fulfilled.latency().p(95).below(millis(1_000)))
        .expect(Order::Fulfilled.count().at_least(1))
        .expect(Meter::named("fulfilment-lag").below(500))
        .expect(Meter::named("fulfilment-lag").drains_within(secs(30)))
}

#[derive(Properties)]
struct Settings {
    /// Address of the shop
    #[property(default = "http://127.0.0.1:8080")]
    shop: String,
    /// Kafka brokers, separated by commas
    #[property(default = "127.0.0.1:9092")]
    brokers: String,
    /// How long an accepted order may take to be fulfilled
    #[property(default = "2s")]
    fulfilled_within: Duration,
    /// How long the shop may take to answer
    #[property(default = "5s")]
    answer_within: Duration,
    /// Whether a seed gives the same order ids again, for a shop that forgets its orders between two runs
    #[property(default = "false")]
    repeat_ids: bool,
}

struct World {
    shop: Http,
    fulfilled: Join<Uuid, Record<Event>>,
    settings: Settings,
}

impl World {
    async fn open(setup: Setup<Settings>) -> Result<Self, SetupError> {
        let shop = Http::new(&setup.properties.shop)?;
        shop.check().await?;
        let kafka = Kafka::new(&setup.properties.brokers);
        // What the worker has not read yet: it rises before the first order is late.
        setup.watch("fulfilment-lag", kafka.lag_of("fulfilment").topics("orders.placed"));
        let fulfilled =
            setup.join(kafka.consume("orders.fulfilled").json::<Event>(), |record| record.value.order_id);
        Ok(Self { shop, fulfilled, settings: setup.properties })
    }
}

async fn place_order(minion: Minion<Order>, world: Arc<World>) -> Outcome {
    let mut order = NewOrder::random(&minion);
    if world.settings.repeat_ids {
        order.id = Uuid::from_u128(minion.rng().random());
    }
    // Before the request goes out: the event may overtake the answer.
    let fulfilled = world.fulfilled.expect(order.id).within(world.settings.fulfilled_within);

    let answer = minion
        .step(Order::Place, world.shop.post("/orders").json(&order))
        .timeout(world.settings.answer_within)
        .await?;
    minion.verify(Order::Accepted, |v| v.equal("status", answer.status, 202))?;

    let event = minion.step(Order::Fulfilled, fulfilled).await?.value;
    minion.verify(Order::FulfilledUnchanged, |v| {
        v.equal("product", &event.product, &order.product);
        v.equal("quantity", event.quantity, order.quantity);
        v.equal("customer", &event.customer, &order.customer);
    })
}
