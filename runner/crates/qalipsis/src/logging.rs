//! What scenarios log, one line each, with scenario, minion, iteration and step: for `--log` and `RUST_LOG`.

use crate::stderr;
use qalipsis_model::duration::human;
use qalipsis_model::timestamp::Timestamp;
use std::fmt::{Debug, Write as _};
use std::io::Write as _;
use std::time::{Instant, SystemTime};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

/// The target of the spans of iterations and steps.
const OWN: &str = "qalipsis";

/// Begins to log to standard error what `filter` asks for, in the form of `RUST_LOG`. A subscriber that the author has
/// installed stays the only one.
pub(crate) fn begin(filter: Option<&str>) {
    let Some(filter) = filter.filter(|filter| !filter.trim().is_empty()) else { return };
    match filter.parse::<Targets>() {
        Ok(targets) => {
            let subscriber = tracing_subscriber::registry().with(Lines { targets });
            // It fails when there is one already, which is the author's own.
            let _ = tracing::subscriber::set_global_default(subscriber);
        }
        Err(error) => {
            stderr::line(format_args!("warning: '{filter}' cannot be used to choose what is logged: {error}"))
        }
    }
}

/// What `RUST_LOG` asks for.
pub(crate) fn of_environment() -> Option<String> {
    std::env::var("RUST_LOG").ok()
}

/// Writes a line for each event, and for each end of an iteration and a step.
struct Lines {
    targets: Targets,
}

/// Where a span is, and how it ended.
#[derive(Debug, Default)]
struct Place {
    scenario: Option<String>,
    minion: Option<String>,
    iteration: Option<String>,
    step: Option<String>,
    outcome: Option<String>,
}

impl Place {
    fn set(&mut self, field: &Field, value: String) {
        let place = match field.name() {
            "scenario" => &mut self.scenario,
            "minion" => &mut self.minion,
            "iteration" => &mut self.iteration,
            "step" => &mut self.step,
            "outcome" => &mut self.outcome,
            _ => return,
        };
        *place = Some(value);
    }

    /// Takes what an inner span knows better.
    fn enter(&mut self, inner: &Self) {
        let fields = [
            (&mut self.scenario, &inner.scenario),
            (&mut self.minion, &inner.minion),
            (&mut self.iteration, &inner.iteration),
            (&mut self.step, &inner.step),
        ];
        for (outer, inner) in fields {
            if inner.is_some() {
                outer.clone_from(inner);
            }
        }
    }

    /// `checkout minion 7 iteration 0 step place`
    fn text(&self) -> String {
        let mut text = String::new();
        let fields = [
            ("", &self.scenario),
            ("minion ", &self.minion),
            ("iteration ", &self.iteration),
            ("step ", &self.step),
        ];
        for (name, value) in fields {
            if let Some(value) = value {
                // Writing to a string cannot fail.
                let _ = write!(text, " {name}{value}");
            }
        }
        text
    }
}

impl Visit for Place {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.set(field, format!("{value:?}"));
    }
}

/// A span that is open.
struct Open {
    place: Place,
    since: Instant,
}

/// The message of an event, and its other fields.
#[derive(Default)]
struct Said {
    message: String,
    rest: String,
    step: Option<String>,
}

impl Said {
    fn add(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => value.clone_into(&mut self.message),
            "step" => self.step = Some(value.to_owned()),
            // What the crate `log` brings with it.
            name if name.starts_with("log.") => {}
            name => _ = write!(self.rest, " {name}={value}"),
        }
    }
}

impl Visit for Said {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.add(field, &format!("{value:?}"));
    }
}

impl Lines {
    fn place<S>(scope: Option<tracing_subscriber::registry::Scope<'_, S>>) -> Place
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let mut place = Place::default();
        for span in scope.into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(open) = span.extensions().get::<Open>() {
                place.enter(&open.place);
            }
        }
        place
    }

    fn write(level: Level, place: &Place, target: &str, message: &str) {
        let now = Timestamp::from_system(SystemTime::now()).time_of_day();
        let level = level.as_str().to_lowercase();
        let target = if target == OWN { String::new() } else { format!(" ({target})") };
        let text = place.text();
        // Control characters of payloads must not reach a terminal, and an event is one line.
        let message: String = message.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        // Without standard error nobody reads it.
        let _ = writeln!(std::io::stderr().lock(), "{now} {level}{text}{target}: {}", message.trim());
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Lines {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        // Spans say where an event is, so they are needed whatever their own level.
        (metadata.is_span() && metadata.target() == OWN)
            || self.targets.would_enable(metadata.target(), metadata.level())
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        let wanted = self.targets.iter().map(|(_, level)| level).max();
        Some(wanted.max(self.targets.default_level()).unwrap_or(LevelFilter::INFO).max(LevelFilter::INFO))
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut place = Place::default();
        attributes.record(&mut place);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(Open { place, since: Instant::now() });
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(open) = span.extensions_mut().get_mut::<Open>()
        {
            values.record(&mut open.place);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut said = Said::default();
        event.record(&mut said);
        let mut place = Self::place(context.event_scope(event));
        if said.step.is_some() {
            place.step = said.step;
        }
        let metadata = event.metadata();
        let message = format!("{}{}", said.message, said.rest);
        Self::write(*metadata.level(), &place, metadata.target(), &message);
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        if span.metadata().target() != OWN || !self.targets.would_enable(OWN, &Level::DEBUG) {
            return;
        }
        let extensions = span.extensions();
        let Some(open) = extensions.get::<Open>() else { return };
        let outcome = open.place.outcome.as_deref().unwrap_or("dropped before its end");
        let message = format!("{outcome} after {}", human(open.since.elapsed()));
        drop(extensions);
        Self::write(Level::DEBUG, &Self::place(context.span_scope(&id)), OWN, &message);
    }
}
