//! A scenario whose own source reads slower than records come.

use qalipsis::core::source::{Feed, Source};
use qalipsis::prelude::*;
use std::time::Instant;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

#[derive(Steps)]
enum Order {
    /// asks for something
    Place,
    /// sees its effect
    Fulfilled,
}

struct World {
    orders: UnboundedSender<u32>,
    fulfilled: Join<u32, u32>,
}

/// Reads one record every 100 ms, and reports how many it has not read.
struct Backlog(UnboundedReceiver<u32>);

impl Source for Backlog {
    type Record = u32;

    fn name(&self) -> String {
        "backlog in memory".to_owned()
    }

    async fn run(mut self, feed: Feed<u32>) -> Result<(), Fault> {
        feed.ready();
        let read = async {
            while let Some(order) = self.0.recv().await {
                feed.record(order, Instant::now().into());
                tokio::time::sleep(millis(100)).await;
                feed.lag(self.0.len() as u64);
            }
        };
        tokio::select! {
            () = read => Ok(()),
            () = feed.stopped() => Ok(()),
        }
    }
}

pub(crate) fn scenario() -> Scenario {
    Scenario::new("backlog", open, order).minions(200)
}

async fn open(setup: Setup) -> Result<World, SetupError> {
    let (orders, placed) = unbounded_channel();
    Ok(World { orders, fulfilled: setup.join(Backlog(placed), |order| *order) })
}

async fn order(minion: Minion<Order>, world: Arc<World>) -> Outcome {
    let fulfilled = world.fulfilled.expect(minion.index()).within(millis(500));
    let place = async { world.orders.send(minion.index()).map_err(|_| Fault::error("nobody reads orders")) };
    minion.step(Order::Place, place).await?;
    minion.step(Order::Fulfilled, fulfilled).await.map(|_| ())
}
