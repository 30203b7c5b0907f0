use qalipsis::prelude::*;

#[derive(Steps)]
enum Order {
    Place,
}

async fn iterate(minion: Minion<Order>) -> Outcome {
    minion.step(Order::Place, async { Ok::<_, Fault>(()) }).retry(Retry::attempts(3)).await
}

fn main() {
    let _ = iterate;
}
