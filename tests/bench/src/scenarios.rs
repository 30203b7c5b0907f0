//! The scenario executable of which the start is measured.

use qalipsis::prelude::*;
use std::time::SystemTime;

#[derive(Steps)]
enum First {
    /// writes when it was reached
    Reached,
}

#[derive(Properties)]
struct Settings {
    /// File that gets the instant, in nanoseconds since 1970
    #[property(default = "")]
    stamp: String,
}

fn main() -> ExitCode {
    qalipsis::main([
        Scenario::new("first-minion", open, iteration).description("the first iteration prints when it ran")
    ])
}

async fn open(setup: Setup<Settings>) -> Result<Settings, SetupError> {
    Ok(setup.properties)
}

async fn iteration(minion: Minion<First>, settings: Arc<Settings>) -> Outcome {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    minion.step(First::Reached, async { std::fs::write(&settings.stamp, now.as_nanos().to_string()) }).await
}
