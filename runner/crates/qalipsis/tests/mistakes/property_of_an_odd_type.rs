use qalipsis::prelude::*;

#[derive(Properties)]
struct Settings {
    hosts: std::collections::HashMap<String, String>,
}

#[derive(Properties)]
struct Other {
    #[property(default = 5)]
    retries: u8,
}

fn main() {}
