//! The fold, step by step: time passes only where a test says so.

use super::*;
use crate::command::{Control, Refusal};
use crate::driver::TICK;
use crate::event::Part;
use crate::fixture::{START, campaign, not_ready, plan, reasons, secs, snapshot};
use qalipsis_cluster::{FactoryMessage, HeadMessage, Outbox, ToHead};
use qalipsis_judge::report::Report;
use qalipsis_model::control::{Marker, Pause};
use qalipsis_model::plan::{CONTRACT, Limits, LoadShare};
use qalipsis_model::verdict::Status;
use qalipsis_profile::segment::Segment;
use std::collections::BTreeMap;

/// A campaign under test, with the factories' ends of its messages.
struct Bench {
    state: State,
    now: Duration,
    outboxes: Vec<Outbox>,
    snapshots: Vec<u64>,
    sent: Vec<(FactoryId, HeadMessage)>,
    events: Vec<CampaignEvent>,
    answers: Vec<Result<Timestamp, Refusal>>,
}

impl Bench {
    fn new(factories: &[&str]) -> Self {
        Self::of(campaign(plan(Limits::default()), factories))
    }

    fn of(campaign: Campaign) -> Self {
        let now = Duration::from_secs(100);
        let count = campaign.factories.len();
        Self {
            state: State::new(campaign, at(now)),
            now,
            outboxes: (0..count).map(|_| Outbox::new(1)).collect(),
            snapshots: vec![0; count],
            sent: Vec::new(),
            events: Vec::new(),
            answers: Vec::new(),
        }
    }

    /// With all factories ready and the load started.
    fn running(factories: &[&str]) -> Self {
        let mut bench = Self::new(factories);
        bench.all_ready();
        bench
    }

    fn all_ready(&mut self) {
        for factory in 0..self.outboxes.len() {
            self.hello(factory);
            self.report(factory, ToHead::Ready);
        }
        assert!(self.state.started.is_some());
    }

    fn apply(&mut self, input: Input) {
        for effect in self.state.apply(input, at(self.now)) {
            match effect {
                Effect::Send(factory, message) => self.sent.push((factory, message)),
                Effect::Publish(event) => self.events.push(event),
                Effect::Answer(answer) => self.answers.push(answer),
                other => panic!("{other:?}"),
            }
        }
    }

    fn hello(&mut self, factory: usize) {
        self.report(factory, ToHead::Hello { contract: CONTRACT, name: String::new() });
    }

    fn report(&mut self, factory: usize, message: ToHead) {
        let message = self.outboxes[factory].number(message);
        self.deliver(factory, message);
    }

    fn deliver(&mut self, factory: usize, message: FactoryMessage) {
        self.apply(Input::Message(FactoryId(factory as u32), Box::new(message)));
    }

    /// The next snapshot of a factory, of so many released minions.
    fn snapshot(&mut self, factory: usize, released: u64) -> ToHead {
        let sequence = self.snapshots[factory];
        self.snapshots[factory] += 1;
        snapshot(sequence, wall(self.now), "checkout", released)
    }

    /// Time passes, with a tick every 100 ms and heartbeats of these factories.
    fn pass(&mut self, time: Duration, alive: &[usize]) {
        let end = self.now + time;
        while self.now < end {
            self.now += TICK;
            for factory in alive {
                self.report(*factory, ToHead::Heartbeat);
            }
            self.apply(Input::Tick);
        }
    }

    fn stops_sent_to(&self, factory: u32) -> Vec<Stop> {
        let stops = self.sent.iter().filter_map(|(to, message)| match message.message {
            ToFactory::Stop(stop) if to.0 == factory => Some(stop),
            _ => None,
        });
        stops.collect()
    }

    fn report_now(self) -> Report {
        assert!(self.state.is_over());
        self.state.report(at(self.now))
    }
}

fn wall(monotonic: Duration) -> Timestamp {
    START.plus(monotonic)
}

fn at(monotonic: Duration) -> Now {
    Now { monotonic, wall: wall(monotonic), reading: Duration::ZERO }
}

#[test]
fn a_campaign_runs_to_its_end() {
    let mut bench = Bench::running(&["a", "b"]);
    for factory in [0, 1] {
        let snapshot = bench.snapshot(factory, 5);
        bench.report(factory, snapshot);
    }
    bench.report(0, ToHead::Ended);
    assert!(!bench.state.is_over());
    bench.report(1, ToHead::Ended);
    let seconds: Vec<&Second> = bench
        .events
        .iter()
        .filter_map(|event| match event {
            CampaignEvent::Second(second) => Some(&**second),
            _ => None,
        })
        .collect();
    assert_eq!(seconds.len(), 1, "a second is published once all have reported it");
    assert_eq!((seconds[0].progress.released, seconds[0].figures[&part(None)].released), (10, 10));
    let report = bench.report_now();
    assert_eq!((report.status, report.scenarios[0].released), (Status::Successful, 10), "{report:?}");
}

fn part(zone: Option<&str>) -> Part {
    Part { scenario: "checkout".into(), zone: zone.map(str::to_owned) }
}

#[test]
fn figures_of_a_second_are_those_of_each_zone_when_there_are_several() {
    let mut campaign = campaign(plan(Limits::default()), &["a", "b", "c", "d"]);
    for (factory, zone) in campaign.factories.iter_mut().zip(["eu", "us", "eu"]) {
        factory.zone = Some(zone.into());
    }
    let mut bench = Bench::of(campaign);
    bench.all_ready();
    for factory in 0..4 {
        let snapshot = bench.snapshot(factory, 1 << factory);
        bench.report(factory, snapshot);
    }
    let second = bench.events.iter().find_map(|event| match event {
        CampaignEvent::Second(second) => Some(second),
        _ => None,
    });
    let figures = second.unwrap().figures.iter().map(|(part, figures)| (part.clone(), figures.released));
    let expected = [(part(None), 8), (part(Some("eu")), 5), (part(Some("us")), 2)];
    assert_eq!(figures.collect::<Vec<_>>(), expected);
}

#[test]
fn an_interim_report_has_what_came_so_far_and_no_verdict() {
    let mut bench = Bench::running(&["a"]);
    let early = bench.state.interim_report(at(bench.now));
    assert_eq!((early.status, early.scenarios[0].released), (Status::Running, 0));
    let snapshot = bench.snapshot(0, 10);
    bench.report(0, snapshot);
    bench.pass(secs(2), &[0]);
    let report = bench.state.interim_report(at(bench.now));
    assert_eq!(
        (report.status, report.scenarios[0].released, reasons(&report)),
        (Status::Running, 10, vec![])
    );
    assert_eq!(report.duration, secs(2) - START_MARGIN);
    bench.report(0, ToHead::Ended);
    let report = bench.report_now();
    assert_eq!((report.status, report.scenarios[0].released), (Status::Successful, 10));
}

impl Bench {
    fn control(&mut self, control: Control) -> Result<Timestamp, Refusal> {
        self.apply(Input::Control(control));
        self.answers.pop().expect("each is answered")
    }

    /// The directives to pause and to resume of a factory, each once: it says of none that it has it.
    fn pauses_sent_to(&self, factory: u32) -> Vec<ToFactory> {
        let sent = self.sent.iter().filter(|(to, sent)| to.0 == factory && sent.message.is_directive());
        let numbered: BTreeMap<u64, &ToFactory> =
            sent.map(|(_, sent)| (sent.sequence, &sent.message)).collect();
        let is_wanted = |message: &&ToFactory| matches!(message, ToFactory::Pause | ToFactory::Resume(_));
        numbered.into_values().filter(is_wanted).cloned().collect()
    }
}

#[test]
fn pause_and_resume_reach_all_factories_with_the_same_length() {
    let mut bench = Bench::running(&["a", "b", "c"]);
    bench.pass(secs(1), &[0, 1, 2]);
    bench.report(2, ToHead::Ended);
    assert_eq!(bench.control(Control::Resume), Err(Refusal::NotPaused));
    let from = bench.control(Control::Pause).unwrap();
    assert_eq!(bench.control(Control::Pause), Err(Refusal::Paused));
    bench.pass(secs(3), &[0, 1]);
    let interim = bench.state.interim_report(at(bench.now));
    assert_eq!(interim.controls.pauses, [Pause { from, until: None }]);
    let until = bench.control(Control::Resume).unwrap();
    assert_eq!(until, from.plus(secs(3) + START_MARGIN));
    let expected = [ToFactory::Pause, ToFactory::Resume(secs(3) + START_MARGIN)];
    assert_eq!([0, 1].map(|factory| bench.pauses_sent_to(factory)), [expected.clone(), expected]);
    assert_eq!(bench.pauses_sent_to(2), [], "it has ended");
    let phases = |event: &CampaignEvent| match event {
        CampaignEvent::Phase(phase) => Some(*phase),
        _ => None,
    };
    let phases: Vec<Phase> = bench.events.iter().filter_map(phases).collect();
    assert_eq!(phases, [Phase::Preparing, Phase::Running, Phase::Paused, Phase::Running]);
    bench.report(0, ToHead::Ended);
    bench.report(1, ToHead::Ended);
    assert_eq!(bench.control(Control::Pause), Err(Refusal::NotRunning("has ended")));
    assert_eq!(bench.report_now().controls.pauses, [Pause { from, until: Some(until) }]);
}

#[test]
fn only_a_load_that_runs_can_be_paused() {
    let mut bench = Bench::new(&["a"]);
    assert_eq!(bench.control(Control::Pause), Err(Refusal::NotRunning("is preparing")));
    bench.all_ready();
    bench.apply(Input::StopRequested(Stop::Graceful));
    assert_eq!(bench.control(Control::Pause), Err(Refusal::NotRunning("is stopping")));
    assert_eq!(bench.control(Control::Resume), Err(Refusal::NotRunning("is stopping")));
    assert_eq!(bench.pauses_sent_to(0), []);
}

#[test]
fn a_stop_ends_a_pause() {
    let mut bench = Bench::running(&["a"]);
    bench.pass(secs(1), &[0]);
    let from = bench.control(Control::Pause).unwrap();
    bench.pass(secs(2), &[0]);
    bench.apply(Input::StopRequested(Stop::Graceful));
    assert_eq!(bench.stops_sent_to(0), [Stop::Graceful]);
    bench.pass(secs(1), &[0]);
    bench.report(0, ToHead::Ended);
    let report = bench.report_now();
    assert_eq!(report.controls.pauses, [Pause { from, until: Some(from.plus(secs(2))) }]);
    assert_eq!(reasons(&report), ["stopped by the user"]);
}

#[test]
fn the_limit_of_a_campaign_goes_on_while_it_is_paused() {
    let mut bench =
        Bench::of(campaign(plan(Limits { campaign: Some(secs(3)), ..Limits::default() }), &["a"]));
    bench.all_ready();
    bench.pass(secs(1), &[0]);
    bench.control(Control::Pause).unwrap();
    bench.pass(secs(3), &[0]);
    assert_eq!(bench.stops_sent_to(0), [Stop::Graceful]);
}

#[test]
fn markers_are_kept_within_their_limits() {
    let mut bench = Bench::running(&["a"]);
    bench.pass(secs(1), &[0]);
    let now = wall(bench.now);
    let mark = |bench: &mut Bench, label: &str, at| {
        bench.apply(Input::Control(Control::Mark { label: label.to_owned(), at }));
        bench.answers.pop().unwrap()
    };
    assert_eq!(mark(&mut bench, "v2 is out", None), Ok(now));
    let earlier = Timestamp(now.0 - 500_000_000);
    assert_eq!(mark(&mut bench, &"é".repeat(200), Some(earlier)), Ok(earlier));
    assert_eq!(mark(&mut bench, "", None), Err(Refusal::Label(0)));
    assert_eq!(mark(&mut bench, &"é".repeat(201), None), Err(Refusal::Label(201)));
    assert_eq!(mark(&mut bench, "x", Some(START)), Err(Refusal::OutOfTime));
    assert_eq!(mark(&mut bench, "x", Some(now.plus(secs(11)))), Err(Refusal::OutOfTime));
    for _ in 2..Marker::MOST {
        assert_eq!(mark(&mut bench, "again", None), Ok(now));
    }
    assert_eq!(mark(&mut bench, "one too many", None), Err(Refusal::TooManyMarkers));
    let published = bench.events.iter().filter(|event| matches!(event, CampaignEvent::Marked(_))).count();
    bench.report(0, ToHead::Ended);
    let markers = bench.report_now().controls.markers;
    assert_eq!((published, markers.len(), markers[1].label.as_str()), (100, 100, "v2 is out"));
}

#[test]
fn a_second_that_not_all_have_reported_is_published_at_the_end() {
    let mut bench = Bench::running(&["a", "b"]);
    let snapshot = bench.snapshot(0, 5);
    bench.report(0, snapshot);
    bench.apply(Input::Closed(FactoryId(1), Some("broke".into())));
    bench.report(0, ToHead::Ended);
    assert!(bench.state.is_over());
    let released: Vec<u64> = bench
        .events
        .iter()
        .filter_map(|event| match event {
            CampaignEvent::Second(second) => Some(second.progress.released),
            _ => None,
        })
        .collect();
    assert_eq!(released, [5]);
}

#[test]
fn figures_that_come_late_keep_the_time_in_which_they_were_made() {
    let mut bench = Bench::running(&["a", "b"]);
    let mut late = Vec::new();
    for _ in 0..8 {
        bench.pass(secs(1), &[0]);
        late.push(bench.snapshot(1, 1));
        let snapshot = bench.snapshot(0, 1);
        bench.report(0, snapshot);
    }
    let without = bench.events.len();
    late.into_iter().for_each(|snapshot| bench.report(1, snapshot));
    let rounded = |time: Duration| (time + Duration::from_millis(500)).as_secs();
    let spans = bench.events[without..].iter().filter_map(|event| match event {
        CampaignEvent::Second(second) => Some((rounded(second.from), rounded(second.progress.elapsed))),
        _ => None,
    });
    let spans: Vec<(u64, u64)> = spans.collect();
    assert_eq!(spans, (0..8).map(|second| (second, second + 1)).collect::<Vec<_>>());
    // What the other has reported before was published without it.
    let before = bench.events[..without].iter().any(|event| matches!(event, CampaignEvent::Second(_)));
    assert!(before);
}

#[test]
fn a_second_has_no_figures_unless_the_campaign_publishes_them() {
    let mut campaign = campaign(plan(Limits::default()), &["a"]);
    campaign.publishes_figures = false;
    let mut bench = Bench::of(campaign);
    bench.all_ready();
    let snapshot = bench.snapshot(0, 5);
    bench.report(0, snapshot);
    let second = bench.events.iter().find_map(|event| match event {
        CampaignEvent::Second(second) => Some(second),
        _ => None,
    });
    let second = second.expect("its only factory has reported it");
    assert_eq!((second.progress.released, second.figures.len()), (5, 0));
}

#[test]
fn what_comes_twice_or_in_disorder_counts_once() {
    let mut bench = Bench::running(&["a"]);
    let snapshots: Vec<ToHead> = [1, 2, 4].map(|released| bench.snapshot(0, released)).into();
    let messages: Vec<FactoryMessage> =
        snapshots.into_iter().chain([ToHead::Ended]).map(|report| bench.outboxes[0].number(report)).collect();
    for index in [0, 3, 2, 2, 0, 1, 1, 3] {
        bench.deliver(0, messages[index].clone());
    }
    assert_eq!(bench.report_now().scenarios[0].released, 7);
}

#[test]
fn a_gap_is_asked_for_again() {
    let mut bench = Bench::running(&["a"]);
    let lost = bench.snapshot(0, 1);
    let lost = bench.outboxes[0].number(lost);
    bench.report(0, ToHead::Ended);
    assert!(!bench.state.is_over(), "the end waits for what is missing");
    let resend = |bench: &Bench| {
        bench.sent.iter().filter(|(_, m)| m.message == ToFactory::Resend(lost.sequence)).count()
    };
    assert_eq!(resend(&bench), 1);
    bench.pass(secs(1), &[0]);
    assert!(resend(&bench) >= 2, "the request may be lost as well");
    bench.deliver(0, lost.clone());
    assert_eq!(bench.report_now().scenarios[0].released, 1);
}

#[test]
fn a_head_that_was_paused_waits_for_what_its_factories_have_sent() {
    let mut bench = Bench::running(&["a"]);
    bench.pass(secs(1), &[0]);
    bench.apply(Input::StopRequested(Stop::Hard));
    // The answer is in the socket, but the tick comes first.
    bench.now += secs(60);
    bench.apply(Input::Tick);
    assert!(!bench.state.is_over(), "the time of the pause is no wait for the factory");
    let last = bench.snapshot(0, 3);
    bench.report(0, last);
    bench.report(0, ToHead::Ended);
    let report = bench.report_now();
    assert_eq!(reasons(&report), ["stopped by the user"]);
    assert_eq!(report.scenarios[0].released, 3);
    let paused = format!("the runner itself did not run for {}", human(secs(60)));
    assert!(report.warnings.iter().any(|warning| warning.starts_with(&paused)), "{:?}", report.warnings);
}

#[test]
fn a_head_that_was_paused_does_not_time_out_a_campaign_that_has_ended() {
    let mut bench =
        Bench::of(campaign(plan(Limits { campaign: Some(secs(10)), ..Limits::default() }), &["a"]));
    bench.all_ready();
    bench.pass(secs(1), &[0]);
    // The end is in the socket, but the tick comes first.
    bench.now += secs(60);
    bench.apply(Input::Tick);
    let last = bench.snapshot(0, 10);
    bench.report(0, last);
    bench.report(0, ToHead::Ended);
    let report = bench.report_now();
    assert_eq!((reasons(&report), report.scenarios[0].released), (vec![], 10));
}

#[test]
fn a_head_that_was_paused_times_out_a_campaign_that_goes_on() {
    let mut bench =
        Bench::of(campaign(plan(Limits { campaign: Some(secs(10)), ..Limits::default() }), &["a"]));
    bench.all_ready();
    bench.now += secs(60);
    bench.apply(Input::Tick);
    assert_eq!(bench.stops_sent_to(0), []);
    bench.pass(TICK, &[0]);
    assert_eq!(bench.stops_sent_to(0), [Stop::Graceful]);
}

#[test]
fn a_pause_of_the_head_is_no_silence_of_a_factory() {
    let mut bench = Bench::running(&["a"]);
    for _ in 0..5 {
        bench.now += secs(60);
        bench.apply(Input::Tick);
    }
    assert!(!bench.state.is_over());
    bench.pass(secs(11), &[]);
    let report = bench.report_now();
    assert!(reasons(&report)[0].contains("did not answer for 10 s"), "{report:?}");
}

#[test]
fn a_hard_stopped_factory_has_the_time_that_it_may_need() {
    let mut bench = Bench::running(&["a"]);
    bench.apply(Input::StopRequested(Stop::Hard));
    // Minions 1 s, sources 1 s, worker threads 2 s.
    bench.pass(Duration::from_millis(4_500), &[0]);
    let last = bench.snapshot(0, 3);
    bench.report(0, last);
    bench.report(0, ToHead::Ended);
    let report = bench.report_now();
    assert_eq!(report.scenarios[0].released, 3);
    assert!(report.warnings.iter().all(|warning| !warning.contains("last figures")), "{:?}", report.warnings);
}

#[test]
fn last_figures_that_do_not_come_are_said_to_be_missing() {
    let mut bench = Bench::running(&["a", "b"]);
    let first = bench.snapshot(0, 3);
    bench.report(0, first);
    bench.apply(Input::StopRequested(Stop::Hard));
    bench.pass(secs(6), &[0, 1]);
    let report = bench.report_now();
    assert_eq!(report.scenarios[0].released, 3);
    let missing: Vec<&String> = report.warnings.iter().filter(|w| w.contains("last figures")).collect();
    assert_eq!(
        missing,
        [
            "factory 'a' did not report its last figures within 5 s of the stop: all after 05:07:47.000 UTC is missing",
            "factory 'b' did not report its last figures within 5 s of the stop: all that it did is missing",
        ]
    );
}

#[test]
fn each_factory_says_why_it_could_not_get_ready() {
    let mut bench = Bench::new(&["a", "b", "c"]);
    (0..3).for_each(|factory| bench.hello(factory));
    bench.report(0, ToHead::Ready);
    bench.report(1, not_ready("first"));
    bench.pass(Duration::from_millis(500), &[0, 2]);
    assert_eq!(bench.stops_sent_to(0), [], "the last one may have something to say as well");
    bench.report(2, not_ready("second"));
    assert_eq!(bench.stops_sent_to(0), [Stop::Hard]);
    let report = bench.report_now();
    assert_eq!((report.status, reasons(&report)), (Status::Aborted, vec!["first", "second"]));
}

#[test]
fn the_loss_of_another_factory_does_not_hide_why_one_could_not_get_ready() {
    let mut bench = Bench::new(&["a", "b"]);
    (0..2).for_each(|factory| bench.hello(factory));
    bench.report(0, not_ready("no such host"));
    bench.apply(Input::Closed(FactoryId(1), Some("broke".into())));
    assert_eq!(reasons(&bench.report_now()), ["no such host"]);
}

#[test]
fn a_stop_does_not_hide_why_a_factory_could_not_get_ready() {
    let mut bench = Bench::new(&["a", "b"]);
    (0..2).for_each(|factory| bench.hello(factory));
    bench.report(0, not_ready("no such host"));
    bench.apply(Input::StopRequested(Stop::Hard));
    assert_eq!(reasons(&bench.report_now()), ["no such host"]);
}

#[test]
fn factories_that_still_open_are_not_awaited_for_long_once_one_could_not() {
    let mut bench = Bench::new(&["a", "b"]);
    (0..2).for_each(|factory| bench.hello(factory));
    bench.report(0, not_ready("first"));
    bench.pass(Duration::from_millis(1_200), &[1]);
    assert_eq!(bench.stops_sent_to(1), [Stop::Hard]);
    assert_eq!(reasons(&bench.report_now()), ["first"]);
}

#[test]
fn the_loss_of_a_factory_stops_the_others_before_its_cause_is_known() {
    let mut bench = Bench::running(&["a", "b"]);
    bench.pass(secs(2), &[0, 1]);
    bench.apply(Input::Closed(FactoryId(0), None));
    assert_eq!(bench.stops_sent_to(1), [Stop::Hard], "nothing waits for the end of the process");
    bench.report(1, ToHead::Ended);
    assert!(!bench.state.is_over());
    bench.apply(Input::Exited(FactoryId(0), "its process ended with signal: 9".into()));
    let lost = bench.events.iter().filter(|event| matches!(event, CampaignEvent::FactoryLost { .. })).count();
    assert_eq!(lost, 1);
    let report = bench.report_now();
    assert!(
        reasons(&report)[0].ends_with("s after the start: its process ended with signal: 9"),
        "{report:?}"
    );
}

#[test]
fn the_end_of_a_lost_process_is_not_awaited_for_long() {
    let mut bench = Bench::running(&["a"]);
    bench.apply(Input::Closed(FactoryId(0), None));
    assert!(!bench.state.is_over());
    bench.pass(Duration::from_millis(600), &[]);
    assert!(reasons(&bench.report_now())[0].ends_with("closed its connection"));
}

#[test]
fn what_was_received_behind_a_gap_is_kept_when_a_factory_is_lost_and_the_gap_is_said() {
    let mut bench = Bench::running(&["a"]);
    let snapshots: Vec<ToHead> = [1, 2, 4].map(|released| bench.snapshot(0, released)).into();
    let messages: Vec<FactoryMessage> =
        snapshots.into_iter().map(|report| bench.outboxes[0].number(report)).collect();
    bench.deliver(0, messages[0].clone());
    bench.deliver(0, messages[2].clone());
    bench.apply(Input::Closed(FactoryId(0), Some("broke".into())));
    let report = bench.report_now();
    assert_eq!(report.scenarios[0].released, 5);
    let note = "1 report of factory 'a' did not arrive before it was lost, and is missing in the figures";
    assert!(report.warnings.iter().any(|warning| warning == note), "{:?}", report.warnings);
}

#[test]
fn a_factory_that_does_not_greet_is_lost() {
    let mut bench = Bench::new(&["a"]);
    bench.pass(secs(11), &[0]);
    let report = bench.report_now();
    assert_eq!(reasons(&report), ["factory 'a' was lost before the load started: did not greet within 10 s"]);
}

#[test]
fn a_factory_that_does_not_get_ready_is_lost() {
    let limits = Limits { warm_up: secs(5), ..Limits::default() };
    let mut bench = Bench::of(campaign(plan(limits), &["a"]));
    bench.hello(0);
    assert!(bench.outboxes[0].accepts(0));
    bench.pass(Duration::from_millis(14_900), &[0]);
    assert!(!bench.state.is_over());
    bench.pass(secs(1), &[0]);
    let why = "did not say whether it is ready within 5 s (campaign.limits.warm-up)";
    assert_eq!(
        reasons(&bench.report_now()),
        [format!("factory 'a' was lost before the load started: {why}")]
    );
}

#[test]
fn a_gap_that_is_not_filled_is_the_loss_of_its_factory() {
    let mut bench = Bench::running(&["a"]);
    let lost = bench.snapshot(0, 1);
    bench.outboxes[0].number(lost);
    bench.report(0, ToHead::Ended);
    bench.pass(secs(29), &[0]);
    assert!(!bench.state.is_over());
    bench.pass(secs(2), &[0]);
    let report = bench.report_now();
    assert!(reasons(&report)[0].ends_with(": did not send a missing report again within 30 s"), "{report:?}");
}

#[test]
fn a_factory_that_is_ready_twice_is_lost_and_starts_nothing_again() {
    let mut bench = Bench::running(&["a"]);
    bench.report(0, ToHead::Ready);
    let starts = bench.sent.iter().filter(|(_, m)| matches!(m.message, ToFactory::Start(_))).count();
    assert_eq!(starts, 1);
    let report = bench.report_now();
    assert!(
        reasons(&report)[0].ends_with(": said that it is ready when it was not opening its worlds"),
        "{report:?}"
    );
}

#[test]
fn a_factory_that_greets_twice_is_lost() {
    let mut bench = Bench::new(&["a"]);
    (0..2).for_each(|_| bench.hello(0));
    assert_eq!(reasons(&bench.report_now()), ["factory 'a' was lost before the load started: greeted twice"]);
}

#[test]
fn a_factory_that_ends_during_the_warm_up_is_lost() {
    let mut bench = Bench::new(&["a", "b"]);
    (0..2).for_each(|factory| bench.hello(factory));
    bench.report(0, ToHead::Ready);
    bench.report(0, ToHead::Ended);
    assert_eq!(bench.stops_sent_to(1), [Stop::Hard], "the others do not wait for it");
    let why = "reported its end, though nothing had ended it";
    assert_eq!(
        reasons(&bench.report_now()),
        [format!("factory 'a' was lost before the load started: {why}")]
    );
}

#[test]
fn a_factory_that_reports_what_is_not_in_its_plan_is_lost() {
    let why = |figures: ToHead| {
        let mut bench = Bench::running(&["a"]);
        bench.report(0, figures);
        let report = bench.report_now();
        reasons(&report)[0].split_once(": ").unwrap().1.to_owned()
    };
    let not = "which is not in its plan";
    assert_eq!(
        why(snapshot(0, START, "another", 1)),
        format!("reported figures of scenario 'another', {not}")
    );
    let ToHead::Snapshot(mut snapshot) = snapshot(0, START, "checkout", 1) else { unreachable!() };
    snapshot.scenarios.get_mut("checkout").unwrap().steps.entry(9).or_default();
    assert_eq!(
        why(ToHead::Snapshot(snapshot)),
        format!("reported figures of step 9 of scenario 'checkout', {not}")
    );
}

#[test]
fn a_factory_that_was_started_again_is_lost() {
    let mut bench = Bench::running(&["a"]);
    bench.outboxes[0] = Outbox::new(2);
    bench.hello(0);
    assert!(reasons(&bench.report_now())[0].contains("it was started again"));
}

#[test]
fn a_directive_that_was_lost_is_sent_again() {
    let mut bench = Bench::new(&["a"]);
    bench.hello(0);
    bench.pass(secs(3), &[0]);
    let prepares = bench.sent.iter().filter(|(_, m)| matches!(m.message, ToFactory::Prepare(_))).count();
    assert_eq!(prepares, 1 + 3, "the factory says with each heartbeat that it has received nothing");
    assert!(bench.outboxes[0].accepts(0));
    bench.sent.clear();
    bench.pass(secs(3), &[0]);
    assert!(bench.sent.iter().all(|(_, m)| !m.message.is_directive()), "{:?}", bench.sent);
}

#[test]
fn an_acknowledgement_that_was_lost_is_sent_again() {
    let mut bench = Bench::running(&["a"]);
    while !bench.outboxes[0].is_full() {
        let snapshot = bench.snapshot(0, 1);
        bench.report(0, snapshot);
    }
    bench.apply(Input::Tick);
    let acknowledged = |bench: &Bench| match bench.sent.last() {
        Some((_, HeadMessage { message: ToFactory::Acknowledge(next), .. })) => *next,
        other => panic!("{other:?}"),
    };
    let all = acknowledged(&bench);
    // That message is lost, and a full outbox takes no report that would bring another one.
    bench.sent.clear();
    bench.pass(TICK, &[0]);
    assert_eq!(acknowledged(&bench), all);
    bench.outboxes[0].acknowledge(all);
    assert!(bench.outboxes[0].is_empty());
}

#[test]
fn factories_of_one_name_keep_their_own_failures() {
    let mut bench = Bench::running(&["checkout", "checkout", "checkout (2)"]);
    let names = (0..3).map(|id| bench.state.factory_plan(FactoryId(id)).unwrap().factory.clone());
    assert_eq!(names.collect::<Vec<_>>(), ["checkout", "checkout (2)", "checkout (2) (2)"]);
    for factory in 0..3 {
        bench.report(factory, ToHead::Ended);
    }
    let report = bench.report_now();
    assert_eq!(report.factories.len(), 3);
}

#[test]
fn a_stop_that_comes_after_another_cause_does_not_hide_it() {
    let mut bench = Bench::running(&["a", "b"]);
    bench.apply(Input::Closed(FactoryId(0), Some("broke".into())));
    bench.apply(Input::StopRequested(Stop::Graceful));
    bench.report(1, ToHead::Ended);
    assert!(reasons(&bench.report_now())[0].contains("was lost"));
}

#[test]
fn connecting_opens_everything_and_starts_nothing() {
    let mut campaign = campaign(plan(Limits::default()), &["a", "b"]);
    campaign.goal = Goal::Connect;
    let mut bench = Bench::of(campaign);
    (0..2).for_each(|factory| bench.hello(factory));
    bench.report(0, ToHead::Ready);
    assert_eq!(bench.stops_sent_to(0), []);
    bench.report(1, not_ready("no such host"));
    assert_eq!(bench.stops_sent_to(0), [Stop::Graceful]);
    bench.report(0, ToHead::Ended);
    assert!(bench.state.started.is_none());
    assert_eq!(reasons(&bench.report_now()), ["no such host"]);
}

#[test]
fn a_factory_that_leads_others_ends_after_them() {
    let mut campaign = campaign(plan(Limits::default()), &["a", "b", "c"]);
    let shares = LoadShare::among(&Segment::split(&[1, 1, 1]));
    for (factory, share) in campaign.factories.iter_mut().zip(shares) {
        factory.shares = vec![share];
    }
    let mut bench = Bench::of(campaign);
    bench.all_ready();
    let concluded = |bench: &Bench| -> Vec<u32> {
        let sent = bench.sent.iter().filter(|(_, message)| message.message == ToFactory::Conclude);
        sent.map(|(factory, _)| factory.0).collect()
    };
    bench.report(1, ToHead::Finished);
    bench.report(0, ToHead::Finished);
    assert_eq!(concluded(&bench), [] as [u32; 0], "the third still causes records");
    bench.report(2, ToHead::Finished);
    assert_eq!(concluded(&bench), [1, 2]);
    bench.report(2, ToHead::Ended);
    assert_eq!(concluded(&bench), [1, 2], "the second still reads");
    bench.report(1, ToHead::Ended);
    assert_eq!(concluded(&bench), [1, 2, 0]);
    bench.report(0, ToHead::Ended);
    assert!(bench.state.is_over());
}
