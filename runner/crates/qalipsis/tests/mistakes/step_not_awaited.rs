#![deny(unused_must_use)]

use qalipsis::prelude::*;

#[derive(Steps)]
enum Order {
    Place,
}

async fn iterate(minion: Minion<Order>, _: Arc<()>) -> Outcome {
    minion.step(Order::Place, async { Ok::<_, Fault>(()) });
    Ok(())
}

fn main() {
    let _ = iterate;
}
