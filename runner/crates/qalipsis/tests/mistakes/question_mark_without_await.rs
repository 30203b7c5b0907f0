use qalipsis::prelude::*;

#[derive(Steps)]
enum Order {
    Place,
}

async fn e13(minion: Minion<Order>, _: Arc<()>) -> Outcome {
    minion.step(Order::Place, async { Ok::<_, Fault>(()) })?;
    Ok(())
}

fn main() {
    let _ = e13;
}
