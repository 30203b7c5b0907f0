use qalipsis::prelude::*;

#[derive(Steps)]
enum Order {
    Fulfilled,
}

async fn iterate(minion: Minion<Order>, events: Arc<Join<u64, u64>>) -> Outcome {
    minion.step(Order::Fulfilled, events.expect(1)).await?;
    Ok(())
}

fn main() {
    let _ = iterate;
}
