//! A scenario executable for the tests of the command line: scenarios that behave, and scenarios
//! that misbehave in every way that a runner must survive.

use qalipsis::prelude::*;

#[derive(Steps)]
enum Step {
    /// does something
    Act,
    /// looks at what was done
    Check,
}

/// Everything that JUnit, HTML and terminals may trip over.
const HOSTILE: &str = "quotes \" ' ]]> <&> \u{1b}[31m \u{0} \u{fffe} é 🎉";

fn main() -> ExitCode {
    qalipsis::main([
        Scenario::new("green", nothing, green).description("everything holds").minions(10),
        Scenario::new("red", nothing, red)
            .description("37 of 1000 minions see a wrong answer")
            .minions(1_000)
            .profile(Profile::timeframe(millis(10), millis(500))),
        Scenario::new("slow", nothing, slow)
            .minions(10)
            .expect(Step::Act.service_time().p(95).below(millis(10))),
        Scenario::new("panics", nothing, panics).minions(3),
        Scenario::new("aborts", nothing, aborts).minions(3),
        Scenario::new("allocates", nothing, allocates),
        Scenario::new("never-returns", nothing, never_returns).minions(2),
        Scenario::new("blocks", nothing, blocks),
        Scenario::new("long", nothing, long)
            .minions(20)
            .profile(Profile::stages([Stage::percent(100).ramp_up(millis(100)).total(secs(600))])),
        Scenario::new("skips", nothing, skips),
        Scenario::new("cannot-open", cannot_open, green),
        Scenario::new("hostile \"name\" ]]> é 🎉", nothing, hostile).description(HOSTILE).minions(3),
        Scenario::new("huge", nothing, huge).minions(200),
        Scenario::new("configured", configured, green).minions(2),
    ])
}

async fn nothing(_: Setup) -> Result<(), SetupError> {
    Ok(())
}

async fn green(minion: Minion<Step>, _: Arc<()>) -> Outcome {
    minion.step(Step::Act, async { Ok::<_, Fault>(()) }).await?;
    minion.verify(Step::Check, |v| v.equal("sum", 1 + 1, 2))
}

async fn red(minion: Minion<Step>, _: Arc<()>) -> Outcome {
    minion.step(Step::Act, async { Ok::<_, Fault>(()) }).await?;
    let status = if minion.index() < 37 { 503 } else { 202 };
    minion.verify(Step::Check, |v| v.equal("status", status, 202))
}

async fn slow(minion: Minion<Step>, _: Arc<()>) -> Outcome {
    minion.step(Step::Act, wait(millis(100))).await?;
    minion.verify(Step::Check, |_| {})
}

async fn panics(minion: Minion<Step>, _: Arc<()>) -> Outcome {
    minion.step(Step::Act, async { panic!("the scenario is broken") as Result<(), Fault> }).await
}

async fn aborts(minion: Minion<Step>, _: Arc<()>) -> Outcome {
    minion.verify(Step::Check, |_| {})?;
    minion.step(Step::Act, wait(millis(1_500))).await?;
    eprintln!("about to abort");
    std::process::abort()
}

async fn allocates(minion: Minion<Step>, _: Arc<()>) -> Outcome {
    minion.verify(Step::Check, |_| {})?;
    let mut hoard: Vec<Vec<u8>> = Vec::new();
    loop {
        hoard.push(vec![1; 16 * 1024 * 1024]);
        minion.step(Step::Act, wait(millis(1))).await?;
    }
}

async fn never_returns(minion: Minion<Step>, _: Arc<()>) -> Outcome {
    if minion.index() == 0 {
        minion.step(Step::Act, std::future::pending::<Result<(), Fault>>()).await
    } else {
        std::future::pending().await
    }
}

async fn blocks(minion: Minion<Step>, _: Arc<()>) -> Outcome {
    let spin = async {
        std::thread::sleep(secs(3600));
        Ok::<_, Fault>(())
    };
    minion.step(Step::Act, spin).await
}

async fn long(minion: Minion<Step>, _: Arc<()>) -> Outcome {
    minion.step(Step::Act, wait(millis(200))).await?;
    minion.verify(Step::Check, |_| {})
}

async fn skips(minion: Minion<Step>, _: Arc<()>) -> Outcome {
    minion.step(Step::Act, async { Ok::<_, Fault>(()) }).await
}

async fn cannot_open(_: Setup) -> Result<(), SetupError> {
    Err(SetupError::new("the database at 127.0.0.1:1 is unreachable: connection refused"))
}

async fn hostile(minion: Minion<Step>, _: Arc<()>) -> Outcome {
    minion.step(Step::Act, async { Ok::<_, Fault>(()) }).await?;
    minion.verify(Step::Check, |v| {
        v.equal(HOSTILE, HOSTILE, "something else");
        v.that("another", false);
    })
}

async fn huge(minion: Minion<Step>, _: Arc<()>) -> Outcome {
    let line = "🎉".repeat(262_144);
    minion.step(Step::Act, async { Err::<(), _>(Fault::error(line.clone())) }).await.or_else(|_failed| {
        minion.verify(Step::Check, |v| v.equal("line", &*line, ""))
    })
}

#[derive(Properties)]
struct Settings {
    /// What greets
    #[property(default = "hello")]
    greeting: String,
    /// How long to wait
    #[property(default = "1ms")]
    pause: Duration,
    /// Never shown
    token: Option<Secret>,
}

async fn configured(setup: Setup<Settings>) -> Result<(), SetupError> {
    let Settings { greeting, pause, token } = setup.properties;
    println!("{greeting} after {pause:?} with {token:?}");
    Ok(())
}

async fn wait(duration: Duration) -> Result<(), Fault> {
    tokio::time::sleep(duration).await;
    Ok(())
}
