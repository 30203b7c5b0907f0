use qalipsis::prelude::*;

#[derive(Steps)]
enum Order {
    Place,
}

async fn iterate(minion: Minion<Order>, _: Arc<()>) -> Outcome {
    minion.step(Order::Place, async { Err::<(), &str>("no") }).await
}

fn main() {
    let _ = iterate;
}
