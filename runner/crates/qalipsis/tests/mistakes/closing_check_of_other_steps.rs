use qalipsis::prelude::*;

#[derive(Steps)]
enum Sale {
    Sell,
}

#[derive(Steps)]
enum Stock {
    Balanced,
}

struct Shop;

async fn open(_: Setup) -> Result<Shop, SetupError> {
    Ok(Shop)
}

async fn sell(minion: Minion<Sale>, _: Arc<Shop>) -> Outcome {
    minion.verify(Sale::Sell, |_| {})
}

async fn balanced(minion: Minion<Stock>, _: Arc<Shop>) -> Outcome {
    minion.verify(Stock::Balanced, |_| {})
}

fn main() {
    let _ = Scenario::with_closing_check("sale", open, sell, balanced);
}
