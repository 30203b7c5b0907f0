use qalipsis::prelude::*;

#[derive(Meters)]
struct Shop {
    baskets: u64,
}

#[derive(Meters)]
struct Twice {
    baskets: Counter,
    #[meter(name = "baskets")]
    other: Counter,
}

#[derive(Meters)]
struct Odd {
    #[meter(description = "of all")]
    baskets: Counter,
}

#[derive(Meters)]
enum Wrong {
    Baskets,
}

fn main() {}
