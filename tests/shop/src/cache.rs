//! Orders as hashes in Redis.

use anyhow::Context as _;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client};

use crate::order::Order;
use crate::sink::{Failure, Job, Target};

/// How long an order stays in the cache.
const EXPIRE_S: u64 = 3_600;
/// Orders written in one round trip at most.
const BATCH_MAX: usize = 256;

/// A Redis to cache orders in, as the hash `order:{id}`.
pub(crate) struct Cache {
    client: Client,
    address: String,
}

impl Cache {
    pub(crate) fn new(url: &str) -> anyhow::Result<Self> {
        // The error names what is wrong, never the URL, which may hold a password.
        let client = Client::open(url).context("cannot use --redis")?;
        let address = client.get_connection_info().addr().to_string();
        Ok(Self { client, address })
    }
}

impl Target for Cache {
    type Item = Order;
    type Connection = MultiplexedConnection;

    const NAME: &'static str = "redis";

    fn address(&self) -> &str {
        &self.address
    }

    fn batch_max(&self) -> usize {
        BATCH_MAX
    }

    async fn connect(&self) -> anyhow::Result<MultiplexedConnection> {
        // The sink limits the time itself, to one that a busy machine keeps.
        let config = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        Ok(self.client.get_multiplexed_async_connection_with_config(&config).await?)
    }

    async fn write(
        &self,
        connection: &mut MultiplexedConnection,
        jobs: &mut [Job<Order>],
    ) -> Result<(), Failure> {
        let mut pipe = redis::pipe();
        // One transaction, so that no hash stays without its expiry.
        pipe.atomic();
        for Job { item: order, .. } in jobs.iter() {
            let key = format!("order:{}", order.id);
            pipe.cmd("HSET").arg(&key);
            pipe.arg("product").arg(&order.product).arg("quantity").arg(order.quantity);
            pipe.arg("customer").arg(&order.customer).arg("status").arg("fulfilled").ignore();
            pipe.cmd("EXPIRE").arg(&key).arg(EXPIRE_S).ignore();
        }
        pipe.query_async::<()>(connection).await.map_err(|error| match error.code() {
            Some("WRONGTYPE") => Failure::Unwritable(error.into()),
            _ => Failure::Lost(error.into()),
        })
    }
}
