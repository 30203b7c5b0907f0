//! Events: what a scenario or a monitored step emits one by one, beside the figures.

use crate::evidence::{FailureKind, excerpt};
use crate::snapshot::ExecutionOutcome;
use crate::timestamp::Timestamp;
use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// How important an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Level {
    /// Finest.
    Trace,
    /// For who looks for a cause.
    Debug,
    /// What is worth to be known. The executions of monitored steps that succeed have this level.
    #[default]
    Info,
    /// What is odd. The executions that are dropped before their end have this level.
    Warn,
    /// What went wrong. The executions that do not succeed have this level.
    Error,
}

impl Level {
    /// All, the least important first.
    pub const ALL: [Self; 5] = [Self::Trace, Self::Debug, Self::Info, Self::Warn, Self::Error];

    /// The name in files and in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }

    /// The level of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The value of an event.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A whole number.
    Integer(i64),
    /// Any finite number.
    Number(f64),
    /// A time span, in nanoseconds.
    Duration(u64),
    /// A text.
    Text(Cow<'static, str>),
    /// Yes or no.
    Bool(bool),
    /// How an execution of a monitored step ended.
    Execution(Executed),
}

/// How an execution of a monitored step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Executed {
    /// `None` when it was dropped before its end.
    pub outcome: Option<ExecutionOutcome>,
    /// Why it did not succeed.
    pub failure: Option<FailureKind>,
    /// From its start to its end, in nanoseconds.
    pub service_ns: u64,
    /// From its intended start to its end, in nanoseconds.
    pub response_ns: u64,
}

impl Executed {
    /// How important it is.
    pub fn level(&self) -> Level {
        match self.outcome {
            Some(ExecutionOutcome::Success) => Level::Info,
            None => Level::Warn,
            Some(ExecutionOutcome::Failure | ExecutionOutcome::Error | ExecutionOutcome::Timeout) => {
                Level::Error
            }
        }
    }
}

/// The name of the events that executions of monitored steps emit.
pub const EXECUTION: &str = "execution";

/// One event of one minion, as its factory sends it.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// When it happened; of an execution, when it ended.
    pub at: Timestamp,
    /// How important it is.
    pub level: Level,
    /// What happened.
    pub name: Cow<'static, str>,
    /// Its value.
    pub value: Value,
    /// Place of the scenario in the factory's plan.
    pub scenario: u32,
    /// Index of the step in its scenario; `None` when it was emitted outside of any step.
    pub step: Option<u32>,
    /// Index of the minion.
    pub minion: u32,
    /// Iteration of that minion, from 0.
    pub iteration: u64,
}

/// The longest name of an event, in bytes; what is beyond is cut off.
pub const NAME_LIMIT: usize = 200;

impl Event {
    /// The same with what has no limit cut: a long name, and a text of more than
    /// [`EXCERPT_LIMIT`](crate::evidence::EXCERPT_LIMIT) bytes. A number that is none becomes a text,
    /// for JSON has no such numbers.
    pub fn bounded(mut self) -> Self {
        if self.name.len() > NAME_LIMIT {
            let end = self.name.floor_char_boundary(NAME_LIMIT);
            self.name = Cow::Owned(self.name[..end].to_owned());
        }
        match &self.value {
            Value::Text(text) if text.len() > crate::evidence::EXCERPT_LIMIT => {
                self.value = Value::Text(Cow::Owned(excerpt(text)));
            }
            Value::Number(number) if !number.is_finite() => {
                self.value = Value::Text(Cow::Owned(number.to_string()));
            }
            _ => {}
        }
        self
    }
}

/// The events of a campaign, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EventCounts {
    /// Those that reached the head.
    pub received: u64,
    /// Those that were dropped because a buffer was full.
    pub dropped: u64,
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<f32> for Value {
    fn from(number: f32) -> Self {
        Self::Number(number.into())
    }
}

macro_rules! integers {
    ($($integer:ty),*) => {$(
        impl From<$integer> for Value {
            fn from(number: $integer) -> Self {
                // Beyond 64 bits with a sign the nearest floating-point number has to do.
                i64::try_from(number).map_or_else(|_| Self::Number(number as f64), Self::Integer)
            }
        }
    )*};
}

integers!(u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize);

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<Duration> for Value {
    fn from(duration: Duration) -> Self {
        Self::Duration(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl From<&'static str> for Value {
    fn from(text: &'static str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<Cow<'static, str>> for Value {
    fn from(text: Cow<'static, str>) -> Self {
        Self::Text(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::EXCERPT_LIMIT;

    fn event(name: impl Into<Cow<'static, str>>, value: impl Into<Value>) -> Event {
        Event {
            at: Timestamp(7),
            level: Level::Info,
            name: name.into(),
            value: value.into(),
            scenario: 0,
            step: None,
            minion: 3,
            iteration: 1,
        }
    }

    #[test]
    fn levels_are_in_order_and_are_written_as_they_are_read() {
        assert!(Level::ALL.is_sorted());
        for level in Level::ALL {
            assert_eq!(Level::parse(level.name()), Some(level));
        }
        assert_eq!(Level::parse("INFO"), None);
    }

    #[test]
    fn whole_numbers_stay_whole_as_far_as_they_fit() {
        assert_eq!(Value::from(u64::from(u32::MAX)), Value::Integer(4_294_967_295));
        assert_eq!(Value::from(i64::MIN), Value::Integer(i64::MIN));
        assert_eq!(Value::from(u64::MAX), Value::Number(18_446_744_073_709_551_615.0));
        assert_eq!(Value::from(Duration::MAX), Value::Duration(u64::MAX));
    }

    #[test]
    fn what_is_too_long_or_no_number_is_cut_before_it_travels() {
        let cut = event("é".repeat(150), "é".repeat(5_000)).bounded();
        assert_eq!(cut.name, "é".repeat(100));
        let Value::Text(text) = cut.value else { panic!("{cut:?}") };
        assert!(text.len() <= EXCERPT_LIMIT && text.ends_with(" more bytes)"), "{text}");
        assert_eq!(event("n", f64::NAN).bounded().value, Value::from("NaN"));
        assert_eq!(event("n", f64::NEG_INFINITY).bounded().value, Value::from("-inf"));
        let short = event("n", 1.5);
        assert_eq!(short.clone().bounded(), short);
    }

    #[test]
    fn what_did_not_succeed_has_a_higher_level() {
        let levels = [
            (Some(ExecutionOutcome::Success), Level::Info),
            (None, Level::Warn),
            (Some(ExecutionOutcome::Failure), Level::Error),
            (Some(ExecutionOutcome::Error), Level::Error),
            (Some(ExecutionOutcome::Timeout), Level::Error),
        ];
        for (outcome, level) in levels {
            let executed = Executed { outcome, failure: None, service_ns: 0, response_ns: 0 };
            assert_eq!(executed.level(), level);
        }
    }
}
