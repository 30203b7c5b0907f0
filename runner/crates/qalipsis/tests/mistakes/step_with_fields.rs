use qalipsis::prelude::*;

#[derive(Steps)]
enum Order {
    Place,
    Fulfilled(u64),
}

fn main() {}
