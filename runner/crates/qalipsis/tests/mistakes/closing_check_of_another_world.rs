use qalipsis::prelude::*;

#[derive(Steps)]
enum Sale {
    Sell,
    Balanced,
}

struct Shop;

struct Warehouse;

async fn open(_: Setup) -> Result<Shop, SetupError> {
    Ok(Shop)
}

async fn sell(minion: Minion<Sale>, _: Arc<Shop>) -> Outcome {
    minion.verify(Sale::Sell, |_| {})
}

async fn balanced(minion: Minion<Sale>, _: Arc<Warehouse>) -> Outcome {
    minion.verify(Sale::Balanced, |_| {})
}

fn main() {
    let _ = Scenario::with_closing_check("sale", open, sell, balanced);
}
