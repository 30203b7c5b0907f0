//! An object of a JSON document, and what is wrong with its fields.

use crate::problem::pointer_token;
use jiff::{Span, SpanRelativeTo};
use qalipsis_config::problem::Problem;
use qalipsis_model::duration;
use qalipsis_model::suggest::hint;
use qalipsis_model::timestamp::Timestamp;
use serde_json::{Map, Value};
use std::cell::RefCell;
use std::time::Duration;

/// An object of the payload.
pub(crate) struct Object<'a> {
    pub(crate) fields: &'a Map<String, Value>,
    pointer: String,
    problems: &'a RefCell<Vec<Problem>>,
}

impl<'a> Object<'a> {
    pub(crate) fn of(value: &'a Value, pointer: String, problems: &'a RefCell<Vec<Problem>>) -> Option<Self> {
        match value {
            Value::Object(fields) => Some(Self { fields, pointer, problems }),
            other => {
                let what = format_args!("must be an object, it is {}", kind(other));
                problems.borrow_mut().push(at(&pointer, what));
                None
            }
        }
    }

    /// The JSON pointer of a field.
    pub(crate) fn at(&self, field: &str) -> String {
        format!("{}/{}", self.pointer, pointer_token(field))
    }

    /// How many things are wrong with the document so far.
    pub(crate) fn problem_count(&self) -> usize {
        self.problems.borrow().len()
    }

    /// Notes what is wrong with a field.
    pub(crate) fn wrong(&self, field: &str, what: impl std::fmt::Display) {
        self.problems.borrow_mut().push(at(&self.at(field), what));
    }

    /// Refuses all other fields.
    pub(crate) fn allow(&self, known: &[&str]) {
        for field in self.fields.keys().filter(|field| !known.contains(&field.as_str())) {
            self.wrong(
                field,
                format_args!("unknown field '{field}', {}", hint(field, known.iter().copied())),
            );
        }
    }

    /// A field that is not null.
    pub(crate) fn given(&self, field: &str) -> Option<&'a Value> {
        self.fields.get(field).filter(|value| !value.is_null())
    }

    pub(crate) fn object(&self, field: &str) -> Option<Self> {
        Self::of(self.given(field)?, self.at(field), self.problems)
    }

    /// The objects of a list, which must be given.
    pub(crate) fn list(&self, field: &str) -> Vec<Self> {
        match self.given(field) {
            Some(Value::Array(items)) => {
                let numbered = items.iter().enumerate();
                numbered
                    .filter_map(|(index, item)| {
                        Self::of(item, format!("{}/{index}", self.at(field)), self.problems)
                    })
                    .collect()
            }
            Some(other) => {
                self.wrong(field, format_args!("must be a list, it is {}", kind(other)));
                Vec::new()
            }
            None => {
                self.wrong(field, "must be given");
                Vec::new()
            }
        }
    }

    pub(crate) fn number(&self, field: &str) -> Option<f64> {
        let value = self.given(field)?;
        let number = value.as_f64();
        if number.is_none() {
            self.wrong(field, format_args!("must be a number, it is {}", kind(value)));
        }
        number
    }

    /// A whole number in these bounds.
    pub(crate) fn whole(&self, field: &str, least: u64, most: u64) -> Option<u64> {
        let value = self.given(field)?;
        let number = value.as_u64().filter(|number| (least..=most).contains(number));
        if number.is_none() {
            let end = if most == u64::MAX { String::new() } else { format!(" to {most}") };
            self.wrong(field, format_args!("must be a whole number from {least}{end}"));
        }
        number
    }

    pub(crate) fn text(&self, field: &str) -> Option<&'a str> {
        let value = self.given(field)?;
        let text = value.as_str();
        if text.is_none() {
            self.wrong(field, format_args!("must be a text, it is {}", kind(value)));
        }
        text
    }

    /// An instant, from the text of a field.
    pub(crate) fn instant(&self, field: &str, text: &str) -> Option<Timestamp> {
        let at = text.parse::<jiff::Timestamp>().ok();
        let at = at.and_then(|at| u64::try_from(at.as_nanosecond()).ok()).map(Timestamp);
        if at.is_none() {
            self.wrong(field, "must be an instant in RFC 3339, for example 2026-11-29T14:05:00Z");
        }
        at
    }

    pub(crate) fn duration(&self, field: &str) -> Option<Duration> {
        let value = self.given(field)?;
        let duration = value.as_str().and_then(parse).filter(|duration| !duration.is_zero());
        if duration.is_none() {
            self.wrong(field, "must be an ISO-8601 duration of more than zero, for example PT10M or PT1H30M");
        }
        duration
    }

    /// A value of configuration as text.
    pub(crate) fn scalar(&self, field: &str, value: &Value) -> Option<String> {
        match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(switch) => Some(switch.to_string()),
            other => {
                self.wrong(
                    field,
                    format_args!("must be a text, a number, true or false, it is {}", kind(other)),
                );
                None
            }
        }
    }
}

/// A duration in ISO-8601, or as configuration writes it.
fn parse(text: &str) -> Option<Duration> {
    let Ok(span) = text.parse::<Span>() else { return duration::parse(text).ok() };
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    duration.try_into().ok()
}

pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn at(pointer: &str, what: impl std::fmt::Display) -> Problem {
    if pointer.is_empty() { Problem::new(what) } else { Problem::at(pointer, what) }
}
