//! An accepted order is stored within 5 s, unchanged, and the stock is what was not sold.

use crate::order::NewOrder;
use qalipsis::prelude::*;
use qalipsis_http::Http;
use qalipsis_postgres::Postgres;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Mutex;
use uuid::Uuid;

#[derive(Steps)]
enum Order {
    /// POST /orders
    Place,
    /// the shop answers 202
    Accepted,
    /// the row is in the database
    Stored,
    /// the row contains what was ordered
    StoredUnchanged,
    /// once all is done: stock = start - sold
    StockBalanced,
}

pub(crate) fn scenario() -> Scenario {
    Scenario::with_closing_check("checkout-stored", World::open, place_order, balance_stock)
        .description("an accepted order is stored, unchanged, and taken from the stock")
        .minions(1_000)
        .profile(Profile::timeframe(millis(10), secs(5)))
        .expect(Order::Place.response_time().p(95).below(millis(500)))
        .expect(Order::Stored.latency().p(95).below(secs(2)))
}

#[derive(Properties)]
struct Settings {
    /// Address of the shop
    #[property(default = "http://127.0.0.1:8080")]
    shop: String,
    /// Database of the shop: postgres://user:password@host:port/name
    database: Secret,
    /// How long an accepted order may take to be stored
    #[property(default = "5s")]
    stored_within: Duration,
}

#[derive(Serialize, Deserialize)]
struct Row {
    id: Uuid,
    product: String,
    quantity: u32,
}

#[derive(Serialize, Deserialize)]
struct Stock {
    product: String,
    start: i64,
    stock: i64,
}

struct World {
    shop: Http,
    database: Postgres,
    rows: Join<Uuid, Row>,
    /// Pieces of each product in accepted orders.
    sold: Mutex<BTreeMap<String, i64>>,
    stored_within: Duration,
}

impl World {
    async fn open(setup: Setup<Settings>) -> Result<Self, SetupError> {
        let shop = Http::new(&setup.properties.shop)?;
        shop.check().await?;
        let database = Postgres::connect(setup.properties.database.expose()).await?;
        let orders = database.poll("select id, product, quantity, updated_at from orders");
        let rows = setup.join(orders.after(["updated_at", "id"]).rows::<Row>(), |row| row.id);
        let stored_within = setup.properties.stored_within;
        Ok(Self { shop, database, rows, sold: Mutex::default(), stored_within })
    }
}

async fn place_order(minion: Minion<Order>, world: Arc<World>) -> Outcome {
    let order = NewOrder::random(&minion);
    let stored = world.rows.expect(order.id).within(world.stored_within);

    let answer = minion.step(Order::Place, world.shop.post("/orders").json(&order)).timeout(secs(5)).await?;
    minion.verify(Order::Accepted, |v| v.equal("status", answer.status, 202))?;
    if let Ok(mut sold) = world.sold.lock() {
        *sold.entry(order.product.clone()).or_default() += i64::from(order.quantity);
    }

    let row = minion.step(Order::Stored, stored).await?;
    minion.verify(Order::StoredUnchanged, |v| {
        v.equal("product", &row.product, &order.product);
        v.equal("quantity", row.quantity, order.quantity);
    })
}

/// No minion sees a lost update: each of them was answered that its order is fulfilled.
async fn balance_stock(minion: Minion<Order>, world: Arc<World>) -> Outcome {
    let sold = world.sold.lock().map(|sold| sold.clone()).unwrap_or_default();
    let stocks = world.database.search("select product, start, stock from stock", &[]).rows::<Stock>().await;
    minion.verify(Order::StockBalanced, |v| {
        let Some(stocks) = v.ok("stock table", stocks) else { return };
        v.equal("products sold", stocks.len(), sold.len());
        for stock in stocks.iter() {
            let sold = sold.get(&stock.product).copied().unwrap_or(0);
            v.equal(&format!("stock of {}", stock.product), stock.stock, stock.start - sold);
        }
    })
}
