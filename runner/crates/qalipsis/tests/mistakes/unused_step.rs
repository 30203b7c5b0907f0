#![deny(dead_code)]

use qalipsis::prelude::*;

#[derive(Steps)]
enum Order {
    Place,
    Forgotten,
}

async fn iterate(minion: Minion<Order>, _: Arc<()>) -> Outcome {
    minion.step(Order::Place, async { Ok::<_, Fault>(()) }).await
}

fn main() {
    let _ = iterate;
}
