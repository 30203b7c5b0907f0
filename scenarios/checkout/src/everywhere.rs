//! An accepted order reaches all that stands behind the shop: event, row, message and cache.

use crate::order::{Event, NewOrder};
use qalipsis::prelude::*;
use qalipsis_http::Http;
use qalipsis_kafka::{Kafka, Record};
use qalipsis_postgres::Postgres;
use qalipsis_rabbitmq::{Message, RabbitMq};
use qalipsis_redis::Redis;
use serde::{Deserialize, Serialize};
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
    /// the row is in the database
    Stored,
    /// the row contains what was ordered
    StoredUnchanged,
    /// the message arrives on RabbitMQ
    Announced,
    /// the message contains what was ordered
    AnnouncedUnchanged,
    /// the order is read from the cache
    Cached,
    /// the cache contains what was ordered
    CachedUnchanged,
}

pub(crate) fn scenario() -> Scenario {
    Scenario::new("checkout-everywhere", World::open, place_order)
        .description("an accepted order reaches Kafka, PostgreSQL, RabbitMQ and Redis, unchanged")
        .minions(1_000)
        .profile(Profile::regular(3, millis(10)))
        .expect(Order::Place.response_time().p(95).below(millis(500)))
}

#[derive(Properties)]
struct Settings {
    /// Address of the shop
    #[property(default = "http://127.0.0.1:8080")]
    shop: String,
    /// Kafka brokers, separated by commas
    #[property(default = "127.0.0.1:9092")]
    brokers: String,
    /// Database of the shop: postgres://user:password@host:port/name
    database: Secret,
    /// RabbitMQ of the shop: amqp://user:password@host:port/vhost
    rabbitmq: Secret,
    /// Redis of the shop: redis://:password@host:port/0
    redis: Secret,
    /// How long each effect of an accepted order may take
    #[property(default = "5s")]
    within: Duration,
    /// How long the shop may take to answer
    #[property(default = "5s")]
    answer_within: Duration,
}

#[derive(Meters)]
struct Measures {
    /// From the answer of the shop to the last effect of the order
    settled: Timer,
}

#[derive(Serialize, Deserialize)]
struct Row {
    id: Uuid,
    product: String,
    quantity: u32,
    customer: String,
}

struct World {
    shop: Http,
    events: Join<Uuid, Record<Event>>,
    rows: Join<Uuid, Row>,
    messages: Join<Uuid, Message<Event>>,
    cache: Redis,
    meters: Measures,
    within: Duration,
    answer_within: Duration,
}

impl World {
    async fn open(setup: Setup<Settings, Measures>) -> Result<Self, SetupError> {
        let settings = &setup.properties;
        let shop = Http::new(&settings.shop)?;
        shop.check().await?;
        let kafka = Kafka::new(&settings.brokers);
        let database = Postgres::connect(settings.database.expose()).await?;
        let rabbit = RabbitMq::connect(settings.rabbitmq.expose()).await?;
        let cache = Redis::connect(settings.redis.expose()).await?;
        let orders = database.poll("select id, product, quantity, customer, updated_at from orders");
        let messages = rabbit.consume_exchange("orders", "orders.fulfilled.#").json::<Event>();
        Ok(Self {
            shop,
            events: setup
                .join(kafka.consume("orders.fulfilled").json::<Event>(), |record| record.value.order_id),
            rows: setup.join(orders.after(["updated_at", "id"]).rows::<Row>(), |row| row.id),
            messages: setup.join(messages, |message| message.value.order_id),
            cache,
            meters: setup.meters(),
            within: settings.within,
            answer_within: settings.answer_within,
        })
    }
}

async fn place_order(minion: Minion<Order>, world: Arc<World>) -> Outcome {
    let order = NewOrder::random(&minion);
    let event = world.events.expect(order.id).within(world.within);
    let row = world.rows.expect(order.id).within(world.within);
    let message = world.messages.expect(order.id).within(world.within);

    let answer = minion
        .step(Order::Place, world.shop.post("/orders").json(&order))
        .timeout(world.answer_within)
        .await?;
    minion.verify(Order::Accepted, |v| v.equal("status", answer.status, 202))?;

    let on_kafka = async {
        let event = minion.step(Order::Fulfilled, event).await?.value;
        minion.verify(Order::FulfilledUnchanged, |v| unchanged(v, &event, &order))
    };
    let in_database = async {
        let row = minion.step(Order::Stored, row).await?;
        minion.verify(Order::StoredUnchanged, |v| {
            v.equal("product", &row.product, &order.product);
            v.equal("quantity", row.quantity, order.quantity);
            v.equal("customer", &row.customer, &order.customer);
        })
    };
    let on_rabbitmq = async {
        let event = minion.step(Order::Announced, message).await?.value;
        minion.verify(Order::AnnouncedUnchanged, |v| unchanged(v, &event, &order))
    };
    let settled = both(both(on_kafka, on_rabbitmq), in_database);
    let effects = world.meters.settled.time(settled).await;

    // The shop caches an order before it announces it. Whatever else failed, the cache is looked at.
    let cached = async {
        let fields = minion.step(Order::Cached, world.cache.hash(format!("order:{}", order.id))).await?;
        minion.verify(Order::CachedUnchanged, |v| {
            v.equal("product", fields.get("product"), Some(&order.product));
            v.equal("quantity", fields.get("quantity"), Some(&order.quantity.to_string()));
        })
    };
    effects.and(cached.await)
}

fn unchanged(v: &mut Verify, event: &Event, order: &NewOrder) {
    v.equal("product", &event.product, &order.product);
    v.equal("quantity", event.quantity, order.quantity);
    v.equal("customer", &event.customer, &order.customer);
}
