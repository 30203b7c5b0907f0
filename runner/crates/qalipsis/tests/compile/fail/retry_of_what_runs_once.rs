use qalipsis::prelude::*;

#[derive(Steps)]
enum Order {
    Place,
}

async fn pass(minion: Minion<Order>) -> Outcome {
    minion.step(Order::Place, async { Ok::<_, Fault>(()) }).retry(Retry::attempts(3)).await
}

fn main() {
    let _ = pass;
}
