//! What several messages use.

use crate::malformed::{Cause, Malformed};
use crate::wire::common as wire;
use qalipsis_model::location::SourceLocation;
use qalipsis_model::snapshot::{ExecutionOutcome, StepKind};
use qalipsis_model::timestamp::Timestamp;
use std::collections::HashMap;
use std::time::Duration;

/// Writes and reads an enum whose variants have the same names on both sides; 0 is read as none of them.
macro_rules! mirror {
    ($write:ident, $read:ident, $model:ty, $wire:ty, $what:literal, [$($variant:ident),+ $(,)?]) => {
        pub(super) fn $write(value: $model) -> i32 {
            match value {
                $(<$model>::$variant => <$wire>::$variant as i32,)+
            }
        }

        pub(super) fn $read(number: i32) -> Result<Option<$model>, $crate::malformed::Malformed> {
            match <$wire>::try_from(number) {
                Ok(<$wire>::Unspecified) => Ok(None),
                $(Ok(<$wire>::$variant) => Ok(Some(<$model>::$variant)),)+
                Err(_) => Err($crate::malformed::Cause::Unknown { what: $what, number }.into()),
            }
        }
    };
}
pub(super) use mirror;

mirror!(
    write_outcome,
    read_outcome,
    ExecutionOutcome,
    wire::ExecutionOutcome,
    "outcome",
    [Success, Failure, Error, Timeout]
);
mirror!(write_kind, read_kind, StepKind, wire::StepKind, "kind of step", [Action, Verification, Join]);

/// What must be given.
pub(super) fn required<T>(value: Option<T>, what: &'static str) -> Result<T, Malformed> {
    value.ok_or_else(|| Cause::Missing(what).into())
}

/// Checks a number that a message may have at most.
pub(super) fn at_most(limit: usize, count: usize, what: &'static str) -> Result<(), Malformed> {
    if count <= limit { Ok(()) } else { Err(Cause::TooMany { what, count, limit }.into()) }
}

/// A number that must fit.
pub(super) fn fitting<T: TryFrom<u32>>(number: u32, what: &'static str) -> Result<T, Malformed> {
    T::try_from(number).map_err(|_| Cause::TooLarge { what, number }.into())
}

pub(super) fn write_duration(duration: Duration) -> wire::Duration {
    wire::Duration { seconds: duration.as_secs(), nanos: duration.subsec_nanos() }
}

pub(super) fn read_duration(duration: wire::Duration) -> Result<Duration, Malformed> {
    // More would carry into the seconds, which could overflow.
    if duration.nanos >= 1_000_000_000 {
        return Err(Cause::Nanos(duration.nanos).into());
    }
    Ok(Duration::new(duration.seconds, duration.nanos))
}

/// A duration that must be given.
pub(super) fn read_required(
    duration: Option<wire::Duration>,
    what: &'static str,
) -> Result<Duration, Malformed> {
    read_duration(required(duration, what)?).map_err(|error| error.within(what))
}

/// A duration that may be left out.
pub(super) fn read_optional(
    duration: Option<wire::Duration>,
    what: &'static str,
) -> Result<Option<Duration>, Malformed> {
    duration.map(read_duration).transpose().map_err(|error| error.within(what))
}

pub(super) fn write_location(location: &SourceLocation) -> wire::SourceLocation {
    wire::SourceLocation { file: location.file.clone(), line: location.line, column: location.column }
}

pub(super) fn read_location(location: wire::SourceLocation) -> SourceLocation {
    SourceLocation { file: location.file, line: location.line, column: location.column }
}

pub(super) fn write_time(at: Option<Timestamp>) -> Option<u64> {
    at.map(|at| at.0)
}

pub(super) fn read_time(at_unix_ns: Option<u64>) -> Option<Timestamp> {
    at_unix_ns.map(Timestamp)
}

/// Texts that repeat, each once, with the index of each.
#[derive(Debug, Default)]
pub(super) struct Texts<'a> {
    list: Vec<String>,
    indices: HashMap<&'a str, u32>,
}

impl<'a> Texts<'a> {
    /// Index of a text, which is added when it is new.
    pub(super) fn index(&mut self, text: &'a str) -> u32 {
        *self.indices.entry(text).or_insert_with(|| {
            self.list.push(text.to_owned());
            self.list.len() as u32 - 1
        })
    }

    /// In the order of their indices.
    pub(super) fn into_list(self) -> Vec<String> {
        self.list
    }
}

/// The text of an index.
pub(super) fn read_text<'a>(
    texts: &'a [String],
    index: u32,
    what: &'static str,
) -> Result<&'a String, Malformed> {
    texts.get(index as usize).ok_or_else(|| Cause::NoText { what, index, texts: texts.len() }.into())
}
