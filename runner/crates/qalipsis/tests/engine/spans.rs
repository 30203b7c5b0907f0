//! `tracing` spans of iterations and steps.

use crate::support::Run;
use parking_lot::Mutex;
use qalipsis::prelude::*;
use std::collections::BTreeMap;
use std::fmt::Debug;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

#[derive(Steps)]
enum Step {
    Act,
    Beside,
    Check,
    Dropped,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Fields(BTreeMap<&'static str, String>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }
}

/// A span or an event, with the spans that it is in, the outermost first.
#[derive(Debug)]
struct Seen {
    spans: Vec<(&'static str, Fields)>,
    /// What the event says.
    event: Option<Fields>,
}

/// Notes spans when they close, and events.
struct Notes(Arc<Mutex<Vec<Seen>>>);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Notes {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        context.span(id).unwrap().extensions_mut().insert(fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let span = context.span(id).unwrap();
        values.record(span.extensions_mut().get_mut::<Fields>().unwrap());
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let spans = context.event_scope(event).into_iter().flat_map(|scope| scope.from_root());
        let spans = spans.map(|span| (span.name(), span.extensions().get::<Fields>().cloned().unwrap()));
        self.0.lock().push(Seen { spans: spans.collect(), event: Some(fields) });
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let spans = context.span_scope(&id).unwrap().from_root();
        let spans = spans.map(|span| (span.name(), span.extensions().get::<Fields>().cloned().unwrap()));
        self.0.lock().push(Seen { spans: spans.collect(), event: None });
    }
}

async fn nothing(_: Setup) -> Result<(), SetupError> {
    Ok(())
}

/// Two steps at once, each of which waits; one that is dropped; and a check that fails for minion 1.
async fn iterate(minion: Minion<Step>, _: Arc<()>) -> Outcome {
    let wait = async |what: &'static str| {
        tokio::time::sleep(millis(2)).await;
        tracing::info!(what);
        Ok::<_, Fault>(())
    };
    let (act, beside) = (minion.step(Step::Act, wait("act")), minion.step(Step::Beside, wait("beside")));
    both(act.into_future(), beside.into_future()).await?;
    let never = minion.step(Step::Dropped, std::future::pending::<Result<(), Fault>>());
    let _elapsed = tokio::time::timeout(millis(2), never.into_future()).await;
    tracing::info!(what = "between");
    minion.verify(Step::Check, |v| v.equal("index", minion.index() == 1, false))
}

fn of(seen: &[Seen], event: bool) -> impl Iterator<Item = &Seen> {
    // Other tests of this program run at the same time.
    let ours =
        |s: &&Seen| s.spans.first().is_some_and(|(_, f)| f.0.get("scenario").is_some_and(|s| s == "spans"));
    seen.iter().filter(ours).filter(move |seen| seen.event.is_some() == event)
}

#[test]
fn a_subscriber_sees_each_iteration_and_in_it_each_step() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let subscriber = tracing_subscriber::registry().with(Notes(Arc::clone(&seen)));
    tracing::subscriber::set_global_default(subscriber).expect("no other test of this program has one");
    Run::default().of(|| Scenario::new("spans", nothing, iterate).minions(3));

    let seen = std::mem::take(&mut *seen.lock());
    let iterations: Vec<&Fields> =
        of(&seen, false).filter(|s| s.spans.len() == 1).map(|s| &s.spans[0].1).collect();
    assert_eq!(iterations.len(), 3);
    for minion in 0..3 {
        let own: Vec<&&Fields> = iterations.iter().filter(|f| f.0["minion"] == minion.to_string()).collect();
        assert_eq!(own.len(), 1);
        let fields = &own[0].0;
        assert_eq!((&*fields["campaign"], &*fields["iteration"]), ("test", "0"));
        assert_eq!(fields["outcome"], if minion == 1 { "failure" } else { "success" });
        assert_eq!(fields["trace_id"].len(), 32);

        let mut steps: Vec<(&str, Option<&str>)> = of(&seen, false)
            .filter(|s| s.spans.len() == 2 && s.spans[0].1.0["minion"] == minion.to_string())
            .map(|s| &s.spans[1])
            .map(|(name, fields)| {
                assert_eq!(*name, "step");
                (fields.0["step"].as_str(), fields.0.get("outcome").map(String::as_str))
            })
            .collect();
        steps.sort_unstable();
        let check = Some(if minion == 1 { "failure" } else { "success" });
        let expected =
            [("act", Some("success")), ("beside", Some("success")), ("check", check), ("dropped", None)];
        assert_eq!(steps, expected, "minion {minion}");

        let is_ours = |s: &&Seen| s.event.as_ref().is_some_and(|event| event.0.contains_key("what"));
        let mut events: Vec<(&str, &str)> = of(&seen, true)
            .filter(is_ours)
            .filter(|s| s.spans[0].1.0["minion"] == minion.to_string())
            .map(|s| {
                let step = s.spans.get(1).map_or("none", |(_, fields)| &*fields.0["step"]);
                (&*s.event.as_ref().unwrap().0["what"], step)
            })
            .collect();
        events.sort_unstable();
        assert_eq!(events, [("act", "act"), ("beside", "beside"), ("between", "none")], "minion {minion}");

        let failures: Vec<&str> = of(&seen, true)
            .filter(|s| s.spans[0].1.0["minion"] == minion.to_string())
            .filter_map(|s| s.event.as_ref()?.0.get("message").map(String::as_str))
            .collect();
        let expected: &[&str] =
            if minion == 1 { &["assertion: expected index false, observed true"] } else { &[] };
        assert_eq!(failures, expected, "e15: a failure is an event, minion {minion}");
    }
}
