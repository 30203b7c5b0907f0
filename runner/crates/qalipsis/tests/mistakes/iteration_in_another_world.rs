use qalipsis::prelude::*;

#[derive(Steps)]
enum Sale {
    Sell,
}

struct Shop;

struct Warehouse;

async fn open(_: Setup) -> Result<Shop, SetupError> {
    Ok(Shop)
}

async fn sell(minion: Minion<Sale>, _: Arc<Warehouse>) -> Outcome {
    minion.verify(Sale::Sell, |_| {})
}

fn main() {
    let _ = Scenario::new("sale", open, sell);
}
