//! A scenario executable for the tests of the command line: scenarios that behave, and scenarios
//! that misbehave in every way that a runner must survive.

mod backlog;
mod meters;

use futures::{StreamExt, stream};
use qalipsis::core::{execution, source, warm_up};
use qalipsis::prelude::*;
use qalipsis::rand::Rng as _;
use std::path::PathBuf;
use std::time::Instant;

#[derive(Steps)]
enum Step {
    /// does something
    Act,
    /// looks at what was done
    Check,
}

#[derive(Steps)]
enum Choice {
    /// is done by everybody
    Act,
    /// need not happen
    #[step(optional)]
    Rare,
}

#[derive(Steps)]
enum Hostile {
    /// is done by everybody
    Act,
    /// has a name that is hard to print
    #[step(name = "check \"this\" ]]> & \u{1b}[31m é 🎉")]
    Check,
}

#[derive(Steps)]
enum Order {
    /// asks for something
    Place,
    /// sees its effect
    Fulfilled,
}

#[derive(Steps)]
enum Draw {
    /// asks for a random quantity
    Ask,
    /// finds it right
    Enough,
    /// adds up what all did
    Sum,
}

#[derive(Steps)]
enum Monitored {
    /// is exported
    #[step(monitor)]
    Act,
    /// is exported, and fails for one
    #[step(monitor = "events")]
    Check,
    /// is not exported
    Silent,
}

#[derive(Steps)]
enum Region {
    /// orders something
    Order,
    /// looks at the answer
    Answered,
    /// sees its effect
    Stored,
}

/// Everything that JUnit, HTML and terminals may trip over.
const HOSTILE: &str = "quotes \" ' ]]> <&> \u{1b}[31m \u{0} \u{fffe} é 🎉";

fn main() -> ExitCode {
    if std::env::var_os("FIXTURE_SCENARIOS").is_some_and(|which| which == "other") {
        return qalipsis::main([
            Scenario::new("emits-too", nothing, emits).minions(5),
            Scenario::new("other-red", nothing, all_red).minions(5),
        ]);
    }
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
        Scenario::new("huge", nothing, huge).minions(10),
        Scenario::new("configured", configured, green).minions(2),
        Scenario::new("optional", nothing, optional),
        Scenario::new("duplicates", duplicated, duplicates).minions(3),
        Scenario::new("regional", regional, in_region).minions(120),
        Scenario::new("opens-slowly", opens_slowly, green),
        Scenario::new("waits", waits, green),
        Scenario::new("sleeps", nothing, sleeps)
            .minions(40)
            .profile(Profile::timeframe(millis(5), millis(200))),
        Scenario::new("mistaken", nothing, green).minions(5).expect(Step::Act.missing().at_most(0)),
        Scenario::new("busy", nothing, busy).minions(8),
        Scenario::new("burns", nothing, burns).minions(8),
        Scenario::new("prints", prints, green),
        Scenario::new("warms-up", nothing, warms_up)
            .minions(2)
            .profile(Profile::stages([Stage::percent(100).total(secs(4)), Stage::percent(0).total(secs(2))]))
            .expect(Step::Act.response_time().max().below(millis(1_900)).in_stage(2))
            .expect(Step::Act.throughput().at_least(2.0).after(secs(4))),
        Scenario::with_closing_check("draws", drawing, draws, sums)
            .minions(3)
            .profile(Profile::stages([Stage::percent(100).total(millis(800))]))
            .expect(Draw::Ask.count().at_least(20)),
        Scenario::new("deals", accounts, deals)
            .minions(3)
            .profile(Profile::stages([Stage::percent(100).total(millis(500))])),
        Scenario::new("streams", live, streams).minions(2),
        Scenario::new("breaks", nothing, breaks)
            .minions(2)
            .profile(Profile::stages([Stage::percent(100).total(secs(600))]))
            .expect(Step::Act.error_rate().at_most(0.1).abort_on_breach(secs(1))),
        Scenario::new("emits", nothing, emits).minions(20),
        Scenario::new("chatters", nothing, chatters),
        Scenario::new("crowded", timed, takes_its_time)
            .minions(60)
            .profile(Profile::timeframe(millis(5), millis(300)))
            .overload(Overload::Drop(15)),
        Scenario::new("timed", timed, takes_its_time)
            .minions(60)
            .profile(Profile::timeframe(millis(5), millis(300))),
        Scenario::new("shouts", nothing, shouts).minions(2),
        Scenario::new("opens-guarded", opens_guarded, green),
        Scenario::new("opens-blocking", opens_blocking, green),
        Scenario::new("arrives", nothing, green)
            .profile(Profile::arrivals([ArrivalRate::per_second(50).total(secs(20))]))
            .expect(Step::Act.count().at_least(1_000)),
        Scenario::new("reads", reading, reads).minions(2),
        Scenario::new("toggles", nothing, toggles),
        Scenario::new("identifies", nothing, identifies).minions(2),
        backlog::scenario(),
        meters::scenario(),
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

/// Slow in its first iteration.
async fn warms_up(minion: Minion<Step>, _: Arc<()>) -> Outcome {
    let warm = minion.iteration() > 0;
    minion.step(Step::Act, wait(millis(if warm { 20 } else { 2_000 }))).await?;
    minion.verify(Step::Check, |_| {})
}

async fn drawing(setup: Setup<Settings>) -> Result<String, SetupError> {
    let token = setup.properties.token.map_or("nobody", |_| "somebody");
    Ok(format!("{} from {token}", setup.properties.greeting))
}

/// Every iteration has data of its own; that of some is wrong.
async fn draws(minion: Minion<Draw>, greeting: Arc<String>) -> Outcome {
    let quantity = minion.rng().next_u64() % 100;
    println!("minion {} iteration {} asks for {quantity}", minion.index(), minion.iteration());
    let ask = async move {
        execution::remember(Arc::new(format!("POST /orders\n\n{greeting}: {quantity}")));
        wait(millis(5)).await
    };
    minion.step(Draw::Ask, ask).await?;
    minion.verify(Draw::Enough, |v| v.below("quantity", quantity, 80))
}

/// Records of each kind that can be read again.
struct Accounts {
    file: Data<(u32,)>,
    list: Data<u32>,
    stream: Data<u32>,
}

/// Properties of `deals`.
#[derive(Properties)]
struct Files {
    /// A CSV file with numbers.
    #[property(default = "accounts.csv")]
    accounts: PathBuf,
}

async fn accounts(setup: Setup<Files>) -> Result<Accounts, SetupError> {
    let stream = stream::iter((0..1_000).map(Ok::<u32, Fault>));
    let file = csv::<(u32,)>(setup.properties.accounts)?;
    Ok(Accounts {
        file: file.each_once(),
        list: records("list", 0..70)?.cycle(),
        stream: Records::from_stream("stream", stream).await?.broadcast(),
    })
}

/// Iterations of a minion take one, two and every other time one.
async fn deals(minion: Minion<Step>, accounts: Arc<Accounts>) -> Outcome {
    minion.pause(millis(5)).await;
    let (file, list) = (accounts.file.next(&minion).await?.0, *accounts.list.next(&minion).await?);
    let next = *accounts.list.next(&minion).await?;
    let odd = if minion.iteration() % 2 == 1 { Some(*accounts.stream.next(&minion).await?) } else { None };
    println!(
        "minion {} iteration {} is dealt {file}, {list} and {next}, {odd:?}",
        minion.index(),
        minion.iteration()
    );
    minion.verify(Step::Act, |_| {})?;
    minion.verify(Step::Check, |v| v.that("iteration", minion.iteration() != 3))
}

async fn live(_: Setup) -> Result<Data<u32>, SetupError> {
    Data::from_stream("tickets", stream::iter((0..10).map(Ok::<u32, Fault>))).await
}

async fn streams(minion: Minion<Step>, tickets: Arc<Data<u32>>) -> Outcome {
    tickets.next(&minion).await?;
    green(minion, Arc::default()).await
}

/// No single minion can hold it.
async fn sums(minion: Minion<Draw>, _: Arc<String>) -> Outcome {
    minion.verify(Draw::Sum, |v| v.that("nothing is left", false))
}

async fn breaks(minion: Minion<Step>, _: Arc<()>) -> Outcome {
    minion.verify(Step::Check, |_| {})?;
    let broken = async {
        tokio::time::sleep(millis(50)).await;
        Err::<(), _>(Fault::error("the shop is closed"))
    };
    minion.step(Step::Act, broken).await
}

/// Emits events; the check of one minion of twenty fails.
async fn emits(minion: Minion<Monitored>, _: Arc<()>) -> Outcome {
    minion.event(Level::Debug, "begun", minion.iteration());
    let act = async {
        minion.event(Level::Info, "quantity", u64::from(minion.index()) * 2);
        wait(millis(2)).await
    };
    minion.step(Monitored::Act, act).await?;
    minion.event(Level::Warn, "shelf", format!("row {}", minion.index()));
    minion.event(Level::Info, "full", minion.index() == 0);
    minion.event(Level::Info, "weight", 0.5);
    minion.event(Level::Info, "age", millis(3));
    minion.verify(Monitored::Silent, |_| {})?;
    minion.verify(Monitored::Check, |v| v.below("index", minion.index(), 19))
}

/// More than any buffer takes, without ever waiting.
async fn chatters(minion: Minion<Step>, _: Arc<()>) -> Outcome {
    for number in 0..100_000 {
        minion.event(Level::Info, "number", number);
    }
    minion.step(Step::Act, async { Ok::<_, Fault>(()) }).await?;
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
        let wait = async {
            println!("waiting");
            std::future::pending::<Result<(), Fault>>().await
        };
        minion.step(Step::Act, wait).await
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
    if minion.index() == 0 {
        // So that a test knows how far the load is.
        println!("iteration {} begins", minion.iteration());
    }
    minion.step(Step::Act, wait(millis(200))).await?;
    minion.verify(Step::Check, |_| {})
}

async fn skips(minion: Minion<Step>, _: Arc<()>) -> Outcome {
    minion.step(Step::Act, async { Ok::<_, Fault>(()) }).await
}

async fn cannot_open(_: Setup) -> Result<(), SetupError> {
    Err(SetupError::new("the database at 127.0.0.1:1 is unreachable: connection refused"))
}

async fn hostile(minion: Minion<Hostile>, _: Arc<()>) -> Outcome {
    println!("{HOSTILE}");
    minion.step(Hostile::Act, async { Ok::<_, Fault>(()) }).await?;
    if minion.index() == 2 {
        panic!("{HOSTILE}");
    }
    minion.verify(Hostile::Check, |v| {
        v.equal(HOSTILE, HOSTILE, "something else");
        v.that("another", false);
    })
}

async fn huge(minion: Minion<Step>, _: Arc<()>) -> Outcome {
    let line = "🎉".repeat(262_144);
    minion
        .step(Step::Act, async { Err::<(), _>(Fault::error(line.clone())) })
        .await
        .or_else(|_failed| minion.verify(Step::Check, |v| v.equal("line", &*line, "")))
}

async fn optional(minion: Minion<Choice>, _: Arc<()>) -> Outcome {
    minion.step(Choice::Act, async { Ok::<_, Fault>(()) }).await?;
    if minion.index() > 0 {
        minion.verify(Choice::Rare, |_| {})?;
    }
    Ok(())
}

/// Every minion's effect, and that of minion 1 twice.
async fn duplicated(setup: Setup) -> Result<Join<u32, u32>, SetupError> {
    let effects = stream::once(wait(millis(300))).map(|_| stream::iter([0, 1, 1, 2])).flatten();
    Ok(setup.join(source::stream("effects in memory", effects), |effect| *effect))
}

async fn duplicates(minion: Minion<Order>, join: Arc<Join<u32, u32>>) -> Outcome {
    let fulfilled = join.expect(minion.index()).within(secs(30));
    minion.step(Order::Place, async { Ok::<_, Fault>(()) }).await?;
    minion.step(Order::Fulfilled, fulfilled).await.map(|_| ())
}

struct Regional {
    stored: Join<u32, u32>,
    orders: tokio::sync::mpsc::UnboundedSender<u32>,
}

/// Whether the factory is where everything is slow and every other answer is wrong.
fn is_far(zone: Option<&str>) -> bool {
    zone == Some("south")
}

async fn regional(setup: Setup) -> Result<Regional, SetupError> {
    let (orders, placed) = tokio::sync::mpsc::unbounded_channel();
    let takes = millis(if is_far(setup.zone()) { 500 } else { 5 });
    let placed = stream::unfold(placed, |mut placed| async { Some((placed.recv().await?, placed)) });
    let stored = placed
        .map(move |order| async move {
            tokio::time::sleep(takes).await;
            order
        })
        .buffer_unordered(1_000);
    Ok(Regional { stored: setup.join(source::stream("stored orders", stored), |order| *order), orders })
}

async fn in_region(minion: Minion<Region>, world: Arc<Regional>) -> Outcome {
    let is_far = is_far(minion.zone());
    let stored = world.stored.expect(minion.index()).within(secs(60));
    let order = async {
        wait(millis(if is_far { 1_000 } else { 5 })).await?;
        world.orders.send(minion.index()).map_err(|_| Fault::error("nobody stores orders"))
    };
    minion.step(Region::Order, order).await?;
    minion.step(Region::Stored, stored).await?;
    let answer = if is_far && minion.index().is_multiple_of(2) { 503 } else { 202 };
    minion.verify(Region::Answered, |v| v.equal("answer", answer, 202))
}

async fn opens_slowly(_: Setup) -> Result<(), SetupError> {
    println!("opening");
    tokio::time::sleep(secs(3600)).await;
    Ok(())
}

/// Says when it is closed.
struct Guard;

impl Drop for Guard {
    fn drop(&mut self) {
        println!("closed in order");
    }
}

async fn opens_guarded(_: Setup) -> Result<(), SetupError> {
    let _guard = Guard;
    println!("opening");
    tokio::time::sleep(secs(3600)).await;
    Ok(())
}

/// Connects to a target that accepts and never answers.
async fn waits(_: Setup) -> Result<(), SetupError> {
    let _waiting = warm_up::waiting_for(|| "the queue at 127.0.0.1:7".to_owned());
    tokio::time::sleep(secs(3600)).await;
    Ok(())
}

async fn opens_blocking(_: Setup) -> Result<(), SetupError> {
    println!("opening");
    std::thread::sleep(secs(3600));
    Ok(())
}

/// Properties of `reads`.
#[derive(Properties)]
struct Customers {
    /// A CSV file with names
    #[property(default = "data/customers.csv")]
    file: PathBuf,
}

async fn reading(setup: Setup<Customers>) -> Result<Data<(String,)>, SetupError> {
    Ok(csv::<(String,)>(setup.properties.file)?.broadcast())
}

async fn reads(minion: Minion<Step>, customers: Arc<Data<(String,)>>) -> Outcome {
    let customer = customers.next(&minion).await?;
    minion.step(Step::Act, async { Ok::<_, Fault>(()) }).await?;
    minion.verify(Step::Check, |v| v.equal("name", customer.0.as_str(), "Ann"))
}

/// Is wrong as long as a file lies in the current folder.
async fn toggles(minion: Minion<Step>, _: Arc<()>) -> Outcome {
    minion.step(Step::Act, async { Ok::<_, Fault>(()) }).await?;
    minion.verify(Step::Check, |v| v.that("whole", !std::path::Path::new("broken").exists()))
}

async fn identifies(minion: Minion<Step>, _: Arc<()>) -> Outcome {
    let (first, second) = (minion.unique_id(), minion.unique_id());
    println!("minion {} draws {} and is {first} or {second}", minion.index(), minion.rng().next_u64());
    minion.event(Level::Debug, "identified", first.to_string());
    green(minion, Arc::default()).await
}

async fn all_red(minion: Minion<Step>, _: Arc<()>) -> Outcome {
    minion.step(Step::Act, async { Ok::<_, Fault>(()) }).await?;
    minion.verify(Step::Check, |v| v.equal("answer", "no", "yes"))
}

/// Sleeps as no scenario should.
async fn sleeps(minion: Minion<Step>, _: Arc<()>) -> Outcome {
    minion.verify(Step::Check, |_| std::thread::sleep(millis(150)))?;
    minion.step(Step::Act, async { Ok::<_, Fault>(()) }).await
}

/// Keeps its worker from everything else for long, but never from other minions.
async fn busy(minion: Minion<Step>, _: Arc<()>) -> Outcome {
    minion.verify(Step::Check, |_| std::thread::sleep(millis(400)))?;
    minion.step(Step::Act, async { Ok::<_, Fault>(()) }).await
}

/// Leaves no CPU to anybody for some seconds, but lets other minions and the worker have their turns.
async fn burns(minion: Minion<Step>, _: Arc<()>) -> Outcome {
    minion.verify(Step::Check, |_| {})?;
    let burn = async {
        let started = Instant::now();
        while started.elapsed() < secs(5) {
            let turn = Instant::now();
            while turn.elapsed() < millis(5) {
                std::hint::spin_loop();
            }
            tokio::task::yield_now().await;
        }
        Ok::<_, Fault>(())
    };
    minion.step(Step::Act, burn).await
}

/// Fails so often at once that there cannot be evidence of each.
async fn shouts(minion: Minion<Step>, _: Arc<()>) -> Outcome {
    minion.step(Step::Act, async { Ok::<_, Fault>(()) }).await?;
    for turn in 0..15_000 {
        // It goes on, as a scenario may.
        let _ = minion.verify(Step::Check, |v| v.equal("turn", turn, -1));
    }
    Ok(())
}

async fn prints(_: Setup) -> Result<(), SetupError> {
    println!("{}", "x".repeat(1024 * 1024));
    println!("{HOSTILE}");
    Ok(())
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

#[derive(Properties)]
struct Timing {
    /// How long it takes
    #[property(default = "200ms")]
    takes: Duration,
    /// Whether what was done is wrong
    #[property(default = "false")]
    wrong: bool,
}

async fn timed(setup: Setup<Timing>) -> Result<Timing, SetupError> {
    Ok(setup.properties)
}

async fn takes_its_time(minion: Minion<Step>, timing: Arc<Timing>) -> Outcome {
    minion.step(Step::Act, wait(timing.takes)).await?;
    minion.verify(Step::Check, |v| v.equal("wrong", timing.wrong, false))
}

async fn wait(duration: Duration) -> Result<(), Fault> {
    tokio::time::sleep(duration).await;
    Ok(())
}
