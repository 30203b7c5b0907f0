use qalipsis::prelude::*;

#[derive(Steps)]
enum Order {
    Place,
}

async fn pass(minion: Minion<Order>, _: Arc<()>) -> Outcome {
    minion.step(Order::Place, async { Err::<(), &str>("no") }).await
}

fn main() {
    let _ = pass;
}
