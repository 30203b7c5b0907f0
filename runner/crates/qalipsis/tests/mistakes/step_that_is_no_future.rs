use qalipsis::prelude::*;

#[derive(Steps)]
enum Order {
    Place,
}

async fn iterate(minion: Minion<Order>, _: Arc<()>) -> Outcome {
    minion.step(Order::Place, 42).await?;
    Ok(())
}

fn main() {
    let _ = iterate;
}
