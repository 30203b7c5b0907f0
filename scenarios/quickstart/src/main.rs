//! An accepted order is fulfilled on Kafka within 2 s, unchanged. Needs nothing installed but Rust:
//! the shop and its Kafka are started with the scenario, and end with it.

use qalipsis::prelude::*;
use qalipsis::rand::RngExt;
use qalipsis_http::Http;
use qalipsis_kafka::{Kafka, Record};
use serde::{Deserialize, Serialize};
use shop::{Launcher, Running};
use uuid::Uuid;

#[derive(Steps)]
enum Order {
    /// POST /orders
    Place,
    /// the shop answers 202
    Accepted,
    /// the event arrives on Kafka
    Fulfilled,
    /// the event contains what was ordered
    FulfilledUnchanged,
}

fn main() -> ExitCode {
    qalipsis::main([quickstart()])
}

fn quickstart() -> Scenario {
    Scenario::new("quickstart", World::open, place_order)
        .description("an accepted order is fulfilled on Kafka, unchanged")
        .minions(500)
        .profile(Profile::regular(5, millis(50)))
        .expect(Order::Place.response_time().p(95).below(millis(250)))
        .expect(Order::Fulfilled.latency().p(95).below(millis(500)))
}

#[derive(Properties)]
struct Settings {
    /// Flags of the shop that is started, for example `--drop 10`: see a fault being caught
    #[property(default = "")]
    shop_flags: String,
}

struct World {
    shop: Http,
    fulfilled: Join<Uuid, Record<Event>>,
    /// Dropping it ends the shop.
    _running: Running,
}

impl World {
    async fn open(setup: Setup<Settings>) -> Result<Self, SetupError> {
        let shop = std::env::current_exe()?.with_file_name("quickstart-shop");
        let running = Launcher::new(shop)
            .arg("--embedded-kafka")
            .args(setup.properties.shop_flags.split_whitespace())
            .start()
            .map_err(|error| SetupError::new(format!("the shop did not start: {error:#}")))?;
        let kafka = Kafka::new(running.kafka());
        Ok(Self {
            shop: Http::new(running.http())?,
            fulfilled: setup
                .join(kafka.consume("orders.fulfilled").json::<Event>(), |record| record.value.order_id),
            _running: running,
        })
    }
}

#[derive(Serialize)]
struct NewOrder {
    id: Uuid,
    product: &'static str,
    quantity: u32,
    customer: String,
}

#[derive(Deserialize)]
struct Event {
    order_id: Uuid,
    product: String,
    quantity: u32,
}

async fn place_order(minion: Minion<Order>, world: Arc<World>) -> Outcome {
    let mut rng = minion.rng();
    let order = NewOrder {
        id: minion.unique_id(),
        product: ["lamp", "chair", "table"][rng.random_range(0..3)],
        quantity: rng.random_range(1..10),
        customer: format!("customer-{}", minion.index()),
    };
    // Before the request goes out: the event may overtake the answer.
    let fulfilled = world.fulfilled.expect(order.id).within(secs(2));

    let answer = minion.step(Order::Place, world.shop.post("/orders").json(&order)).timeout(secs(2)).await?;
    minion.verify(Order::Accepted, |v| v.equal("status", answer.status, 202))?;

    let event = minion.step(Order::Fulfilled, fulfilled).await?.value;
    minion.verify(Order::FulfilledUnchanged, |v| {
        v.equal("product", &*event.product, order.product);
        v.equal("quantity", event.quantity, order.quantity);
    })
}
