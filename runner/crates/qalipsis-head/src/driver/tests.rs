//! The driver with factories of which each test is the author, in paused time.

use super::*;
use crate::command::Control;
use crate::fixture::{START, campaign, not_ready, plan, reasons, secs, snapshot};
use crate::{EVENTS, EventSink};
use qalipsis_cluster::{Arrival, FactoryEnd, HEARTBEAT, InProcess, Outbox, Received, ToFactory, ToHead};
use qalipsis_model::control::Marker;
use qalipsis_model::event::{Event, Level, Value};
use qalipsis_model::plan::{CONTRACT, EventsPlan, FactoryPlan, Limits, Stop};
use qalipsis_model::verdict::Status;
use tokio::sync::broadcast;
use tokio::task::JoinHandle;
use tokio::time::{advance, sleep};

/// A factory's end of a campaign.
struct Factory {
    outbox: Outbox,
    end: FactoryEnd,
    snapshots: u64,
}

impl Factory {
    async fn send(&mut self, message: ToHead) {
        let message = self.outbox.number(message);
        self.end.to_head.send(Arrival::Message(Box::new(message))).await.unwrap();
    }

    async fn send_snapshot(&mut self, released: u64) {
        let snapshot = snapshot(self.snapshots, START, "checkout", released);
        self.snapshots += 1;
        self.send(snapshot).await;
    }

    /// The next directive.
    async fn directive(&mut self) -> ToFactory {
        loop {
            let message = self.end.from_head.recv().await.expect("the head is there");
            if let Received::Directive(directive) = self.outbox.receive(message) {
                return directive;
            }
        }
    }

    async fn prepare(&mut self) {
        self.send(ToHead::Hello { contract: CONTRACT, name: String::new() }).await;
        assert!(matches!(self.directive().await, ToFactory::Prepare(_)));
    }

    async fn stay_alive(&mut self, time: Duration) {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.send(ToHead::Heartbeat).await;
            sleep(HEARTBEAT.min(end - Instant::now())).await;
        }
    }
}

/// A campaign that is led.
struct Led {
    factories: Vec<Factory>,
    commands: mpsc::Sender<Command>,
    events: broadcast::Receiver<Arc<CampaignEvent>>,
    report: JoinHandle<Report>,
}

impl Led {
    fn start(names: &[&str]) -> Self {
        Self::start_with(campaign(plan(Limits::default()), names), Sinks::default())
    }

    fn start_with(campaign: Campaign, sinks: Sinks) -> Self {
        let (transport, ends) = InProcess::new(campaign.factories.len());
        let (commands, received) = mpsc::channel(2);
        let (sender, events) = broadcast::channel(EVENTS);
        let origin = Instant::now();
        // A wall clock that is paused as well.
        let clock = move || {
            let monotonic = origin.elapsed();
            Now { monotonic, wall: START.plus(monotonic), reading: Duration::ZERO }
        };
        let state = State::new(campaign, clock());
        let driver = Driver { state, transport, sinks, events: sender, clock, answer: None };
        let factory = |end| Factory { outbox: Outbox::new(1), end, snapshots: 0 };
        Self {
            factories: ends.into_iter().map(factory).collect(),
            commands,
            events,
            report: tokio::spawn(driver.run(received)),
        }
    }

    /// With all factories ready and the load started.
    async fn running(names: &[&str]) -> Self {
        let mut led = Self::start(names);
        led.start_load().await;
        led
    }

    async fn start_load(&mut self) {
        for factory in &mut self.factories {
            factory.prepare().await;
            factory.send(ToHead::Ready).await;
        }
        for factory in &mut self.factories {
            assert!(matches!(factory.directive().await, ToFactory::Start(_)));
        }
    }

    /// The only factory.
    fn factory(&mut self) -> &mut Factory {
        assert_eq!(self.factories.len(), 1);
        &mut self.factories[0]
    }
}

#[tokio::test(start_paused = true)]
async fn paused_head_does_not_take_its_factory_for_lost() {
    let mut led = Led::running(&["a"]).await;
    led.factory().stay_alive(secs(1)).await;
    // Nobody runs for that time, as after Ctrl-Z.
    advance(secs(60)).await;
    led.factory().stay_alive(secs(1)).await;
    led.factory().send_snapshot(10).await;
    led.factory().send(ToHead::Ended).await;
    let report = led.report.await.unwrap();
    assert_eq!((reasons(&report), report.scenarios[0].released), (vec![], 10));
    let is_noted = |warning: &String| warning.starts_with("the runner itself did not run for 60");
    assert!(report.warnings.iter().any(is_noted), "{:?}", report.warnings);
}

#[tokio::test(start_paused = true)]
async fn silent_factory_is_lost_after_its_limit() {
    let led = Led::running(&["a"]).await;
    let began = Instant::now();
    let report = led.report.await.unwrap();
    assert!(reasons(&report)[0].contains("did not answer for 10 s"), "{report:?}");
    let took = began.elapsed();
    assert!(secs(10) < took && took < secs(11), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn hard_stop_waits_for_a_factory_as_long_as_it_may_need() {
    let mut led = Led::running(&["a"]).await;
    led.commands.send(Command::Stop(Stop::Hard)).await.unwrap();
    assert_eq!(led.factory().directive().await, ToFactory::Stop(Stop::Hard));
    // Minions 1 s, sources 1 s, worker threads 2 s, one after the other.
    led.factory().stay_alive(Duration::from_millis(4_200)).await;
    led.factory().send_snapshot(7).await;
    led.factory().send(ToHead::Ended).await;
    let report = led.report.await.unwrap();
    assert_eq!((reasons(&report), report.scenarios[0].released), (vec!["stopped by the user"], 7));
}

#[tokio::test(start_paused = true)]
async fn hard_stop_of_a_paused_head_waits_for_the_last_figures() {
    let mut led = Led::running(&["a"]).await;
    led.commands.send(Command::Stop(Stop::Hard)).await.unwrap();
    assert_eq!(led.factory().directive().await, ToFactory::Stop(Stop::Hard));
    advance(secs(60)).await;
    led.factory().send_snapshot(7).await;
    led.factory().send(ToHead::Ended).await;
    let report = led.report.await.unwrap();
    assert_eq!((reasons(&report), report.scenarios[0].released), (vec!["stopped by the user"], 7));
}

#[tokio::test(start_paused = true)]
async fn hard_stop_reports_last_figures_that_do_not_come() {
    let mut led = Led::running(&["a"]).await;
    led.factory().send_snapshot(7).await;
    led.commands.send(Command::Stop(Stop::Hard)).await.unwrap();
    led.factory().stay_alive(secs(5)).await;
    let report = led.report.await.unwrap();
    assert_eq!(report.scenarios[0].released, 7);
    let expected = "factory 'a' did not report its last figures within 5 s of the stop: all after ";
    assert!(report.warnings.iter().any(|warning| warning.starts_with(expected)), "{:?}", report.warnings);
}

#[tokio::test(start_paused = true)]
async fn two_factories_that_cannot_get_ready_both_say_why() {
    let mut led = Led::start(&["a", "b", "c"]);
    for factory in &mut led.factories {
        factory.prepare().await;
    }
    led.factories[0].send(ToHead::Ready).await;
    led.factories[1].send(not_ready("no such host")).await;
    sleep(HEARTBEAT).await;
    led.factories[2].send(not_ready("no such topic")).await;
    assert_eq!(led.factories[0].directive().await, ToFactory::Stop(Stop::Hard));
    let report = led.report.await.unwrap();
    assert_eq!(reasons(&report), ["no such host", "no such topic"]);
}

#[tokio::test(start_paused = true)]
async fn loss_of_a_factory_delays_nothing() {
    let mut led = Led::running(&["a", "b"]).await;
    let began = Instant::now();
    // How its process ended is not known yet.
    drop(led.factories.remove(0));
    assert_eq!(led.factories[0].directive().await, ToFactory::Stop(Stop::Hard));
    led.factories[0].send_snapshot(4).await;
    led.factories[0].send(ToHead::Ended).await;
    while !matches!(led.factories[0].end.from_head.recv().await.unwrap().message, ToFactory::Acknowledge(_)) {
    }
    assert_eq!(began.elapsed(), Duration::ZERO, "the loop waits for nothing");
    let report = led.report.await.unwrap();
    assert!(reasons(&report)[0].ends_with("closed its connection"), "{report:?}");
    assert_eq!(report.scenarios[0].released, 4);
    assert!(began.elapsed() <= Duration::from_millis(700), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn subscriber_that_does_not_read_loses_events_and_delays_nothing() {
    let mut led = Led::running(&["a"]).await;
    let began = Instant::now();
    for _ in 0..2 * EVENTS {
        led.factory().send_snapshot(1).await;
    }
    led.factory().send(ToHead::Ended).await;
    let report = led.report.await.unwrap();
    assert_eq!(report.scenarios[0].released, 2 * EVENTS as u64);
    assert_eq!(began.elapsed(), Duration::ZERO);
    let first = led.events.recv().await;
    assert!(matches!(first, Err(broadcast::error::RecvError::Lagged(_))), "{first:?}");
    let mut last = led.events.recv().await;
    while let Ok(next) = led.events.recv().await {
        last = Ok(next);
    }
    assert!(matches!(last.as_deref(), Ok(CampaignEvent::Ended(_))), "{last:?}");
}

#[tokio::test(start_paused = true)]
async fn users_get_interim_reports_and_answers_while_the_campaign_goes_on() {
    let mut led = Led::running(&["a"]).await;
    led.factory().send_snapshot(10).await;
    let interim = async |led: &Led| {
        let (reader, report) = oneshot::channel();
        led.commands.send(Command::Report(reader)).await.unwrap();
        report.await.unwrap()
    };
    while interim(&led).await.scenarios[0].released < 10 {
        tokio::task::yield_now().await;
    }
    let mark = async |led: &Led, label: &str| {
        let (user, answer) = oneshot::channel();
        let control = Control::Mark { label: label.to_owned(), at: None };
        led.commands.send(Command::Control(control, user)).await.unwrap();
        answer.await.unwrap()
    };
    let at = mark(&led, "deployed").await.unwrap();
    assert_eq!(mark(&led, "").await, Err(Refusal::Label(0)));
    let report = interim(&led).await;
    assert_eq!(report.status, Status::Running);
    assert_eq!(report.controls.markers, [Marker { label: "deployed".into(), at }]);
    // A user who is gone before the answer.
    led.commands.send(Command::Report(oneshot::channel().0)).await.unwrap();
    led.factory().send(ToHead::Ended).await;
    let report = led.report.await.unwrap();
    assert_eq!((report.status, report.scenarios[0].released), (Status::Successful, 10));
    assert_eq!(report.controls.markers.len(), 1);
}

/// Has place for one event of each message.
#[derive(Debug)]
struct Narrow;

impl EventSink for Narrow {
    fn take(&mut self, factory: &FactoryPlan, events: Vec<Event>) -> u64 {
        assert_eq!(factory.factory, "a");
        events.len() as u64 - 1
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_sink_drops_is_counted() {
    let mut plan = plan(Limits::default());
    plan.events = Some(EventsPlan { level: Level::Info, buffer: 100 });
    let sinks = Sinks { events: Some(Box::new(Narrow)), ..Sinks::default() };
    let mut led = Led::start_with(campaign(plan, &["a"]), sinks);
    led.start_load().await;
    let event = Event {
        at: START,
        level: Level::Info,
        name: "paid".into(),
        value: Value::Bool(true),
        scenario: 0,
        step: None,
        minion: 0,
        iteration: 0,
    };
    led.factory().send(ToHead::Events(vec![event; 3])).await;
    led.factory().send(ToHead::Ended).await;
    let events = led.report.await.unwrap().events.unwrap();
    assert_eq!((events.received, events.dropped), (3, 2));
}
