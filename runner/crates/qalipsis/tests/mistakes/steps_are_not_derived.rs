use qalipsis::prelude::*;

enum Order {
    Place,
}

async fn open(_: Setup) -> Result<(), SetupError> {
    Ok(())
}

async fn iterate(_: Minion<Order>, _: Arc<()>) -> Outcome {
    let _ = Order::Place;
    Ok(())
}

fn main() {
    let _ = Scenario::new("order", open, iterate);
}
