//! A scenario that measures more than its steps.

use qalipsis::prelude::*;

#[derive(Steps)]
enum Step {
    /// asks for an offer
    Act,
}

#[derive(Properties)]
struct Settings {
    /// How many of the minions refuse
    #[property(default = "0")]
    refusing: u32,
}

#[derive(Meters)]
struct Shop {
    /// offers that were taken
    taken: Rate,
    #[meter(unit = "EUR")]
    price: Summary,
    thinking: Timer,
    items: Counter,
}

struct World {
    settings: Settings,
    shop: Shop,
}

pub(crate) fn scenario() -> Scenario {
    Scenario::new("measures", open, iterate)
        .minions(20)
        .profile(Profile::timeframe(millis(10), millis(500)))
        .expect(Meter::named("taken").rate().at_least(0.8))
        .expect(Meter::named("items").total().between(40, 40))
}

async fn open(setup: Setup<Settings, Shop>) -> Result<World, SetupError> {
    Ok(World { shop: setup.meters(), settings: setup.properties })
}

async fn iterate(minion: Minion<Step>, world: Arc<World>) -> Outcome {
    let (index, shop) = (minion.index(), &world.shop);
    shop.thinking.time(minion.step(Step::Act, async { Ok::<_, Fault>(()) })).await?;
    shop.taken.record(index >= world.settings.refusing);
    shop.price.record(f64::from(index) + 0.5);
    shop.items.add(2);
    Ok(())
}
