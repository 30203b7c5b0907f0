use qalipsis::prelude::*;

#[derive(Steps)]
enum Order {
    Place,
    #[step(name = "place")]
    Again,
    #[step(monitor = "everything")]
    Other,
}

#[derive(Steps)]
enum Other {
    #[step(monitor = "everything")]
    Place,
}

#[derive(Steps)]
struct Steps;

fn main() {}
