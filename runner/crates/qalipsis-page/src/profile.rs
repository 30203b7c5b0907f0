//! The profiles that the start form offers in place of the one that a scenario declares.

use crate::entered::{Entered, number};
use maud::{Markup, html};
use qalipsis_model::duration;
use serde_json::{Map, Value, json};

/// What somebody enters for a field of a profile.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Number,
    Time,
    Choice(&'static [&'static str]),
    /// Lines of several values: fields of the objects of a list.
    Lines(&'static [(&'static str, Kind)]),
}

/// A field of a profile, by its name in a payload.
#[derive(Debug, Clone, Copy)]
struct Field {
    name: &'static str,
    label: &'static str,
    kind: Kind,
}

/// A profile, by its name in a payload.
#[derive(Debug)]
struct Shape {
    name: &'static str,
    label: &'static str,
    fields: &'static [Field],
}

const fn field(name: &'static str, label: &'static str, kind: Kind) -> Field {
    Field { name, label, kind }
}

const BATCH: Field = field("minionsCountProLaunch", "minions of a batch", Kind::Number);
const COMPLETION: Field = field("completion", "at the end", Kind::Choice(&["GRACEFUL", "HARD"]));
const RAMP: (&str, Kind) = ("rampUpDurationMs", Kind::Time);
const TOTAL: (&str, Kind) = ("totalDurationMs", Kind::Time);

static SHAPES: [Shape; 8] = [
    Shape { name: "IMMEDIATELY", label: "All at once", fields: &[] },
    Shape {
        name: "REGULAR",
        label: "Batches at a fixed pace",
        fields: &[field("periodInMs", "every", Kind::Time), BATCH],
    },
    Shape {
        name: "ACCELERATING",
        label: "Batches that follow faster and faster",
        fields: &[
            field("startPeriodMs", "first period", Kind::Time),
            field("accelerator", "times faster", Kind::Number),
            field("minPeriodMs", "shortest period", Kind::Time),
            BATCH,
        ],
    },
    Shape {
        name: "PROGRESSING_VOLUME",
        label: "Batches that grow",
        fields: &[
            field("periodMs", "every", Kind::Time),
            field("minionsCountProLaunchAtStart", "minions of the first batch", Kind::Number),
            field("multiplier", "times larger", Kind::Number),
            field("maxMinionsCountProLaunch", "of the largest batch", Kind::Number),
        ],
    },
    Shape {
        name: "TIME_FRAME",
        label: "Spread over a time",
        fields: &[
            field("periodInMs", "a batch every", Kind::Time),
            field("timeFrameInMs", "within", Kind::Time),
        ],
    },
    Shape {
        name: "STAGE",
        label: "Stages that add minions",
        fields: &[
            field(
                "stages",
                "a line each: minions, ramp-up, total time: 100 10s 1min",
                Kind::Lines(&[("minionsCount", Kind::Number), RAMP, TOTAL]),
            ),
            COMPLETION,
        ],
    },
    Shape {
        name: "PERCENTAGE_STAGE",
        label: "Stages that add a share of the minions",
        fields: &[
            field(
                "stages",
                "a line each: percentage, ramp-up, total time: 50 10s 1min",
                Kind::Lines(&[("minionsPercentage", Kind::Number), RAMP, TOTAL]),
            ),
            COMPLETION,
        ],
    },
    Shape {
        name: "ARRIVALS",
        label: "Arrivals at rates",
        fields: &[
            field(
                "rates",
                "a line each: per second, ramp-up, total time: 20 0s 1min",
                Kind::Lines(&[("perSecond", Kind::Number), RAMP, TOTAL]),
            ),
            field("distribution", "distribution", Kind::Choice(&["EVEN", "POISSON"])),
        ],
    },
];

fn input_name(shape: &Shape, field: &Field) -> String {
    format!("profile.{}.{}", shape.name, field.name)
}

/// The choice of a profile, with what was entered.
pub(crate) fn choice(declared: &str, entered: &Entered) -> Markup {
    let chosen = entered.get("profile");
    html! {
        label.profile { input type="radio" name="profile" value="" checked[chosen.is_empty()]; "As declared: " (declared) }
        details.profiles open[!chosen.is_empty()] {
            summary { "Another profile" }
            @for shape in &SHAPES {
                div.profile {
                    label {
                        input type="radio" name="profile" value=(shape.name) checked[chosen == shape.name];
                        " " (shape.label)
                    }
                    @for field in shape.fields { (input(shape, field, entered)) }
                }
            }
        }
    }
}

fn input(shape: &Shape, field: &Field, entered: &Entered) -> Markup {
    let name = input_name(shape, field);
    let value = entered.get(&name);
    html! {
        label {
            (field.label) " "
            @match field.kind {
                Kind::Number => input name=(name) size="6" inputmode="decimal" value=(value);,
                Kind::Time => input name=(name) size="6" placeholder="10s" value=(value);,
                Kind::Choice(names) => {
                    select name=(name) { @for one in names { option value=(one) selected[*one == value] { (one) } } }
                }
                Kind::Lines(_) => textarea name=(name) rows="3" { (value) },
            }
        }
    }
}

/// The profile of a payload that was chosen; `None` for the declared one. What cannot be read is an error.
pub(crate) fn read(entered: &Entered) -> Result<Option<Value>, String> {
    let chosen = entered.get("profile");
    if chosen.is_empty() {
        return Ok(None);
    }
    let Some(shape) = SHAPES.iter().find(|shape| shape.name == chosen) else {
        return Err("choose one of these profiles".to_owned());
    };
    let mut profile = Map::new();
    profile.insert("profile".to_owned(), json!(shape.name));
    for field in shape.fields {
        let text = entered.get(&input_name(shape, field)).trim();
        profile.insert(field.name.to_owned(), value(field.label, text, field.kind)?);
    }
    Ok(Some(Value::Object(profile)))
}

fn value(label: &str, text: &str, kind: Kind) -> Result<Value, String> {
    match kind {
        Kind::Number if text.is_empty() => Err(format!("{label}: must be a number")),
        Kind::Number => Ok(number(text)),
        Kind::Time => {
            let time =
                duration::parse(text).map_err(|_| format!("{label}: must be a time, for example 10s"))?;
            Ok(json!(u64::try_from(time.as_millis()).unwrap_or(u64::MAX)))
        }
        Kind::Choice(_) => Ok(json!(text)),
        Kind::Lines(columns) => {
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            let lines: Result<Vec<Value>, String> = lines.map(|line| object(line, columns)).collect();
            Ok(Value::Array(lines?))
        }
    }
}

fn object(line: &str, columns: &[(&str, Kind)]) -> Result<Value, String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    if words.len() != columns.len() {
        return Err(format!("'{line}' must be {} values with spaces between them", columns.len()));
    }
    let pairs = columns
        .iter()
        .zip(words)
        .map(|((name, kind), word)| Ok(((*name).to_owned(), value(line, word, *kind)?)));
    pairs.collect::<Result<Map<_, _>, String>>().map(Value::Object)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entered(pairs: &[(&str, &str)]) -> Entered {
        Entered::new(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn what_is_entered_becomes_the_profile_of_a_payload() {
        assert_eq!(read(&entered(&[])), Ok(None));
        let regular = entered(&[
            ("profile", "REGULAR"),
            ("profile.REGULAR.periodInMs", "1.5s"),
            ("profile.REGULAR.minionsCountProLaunch", "3"),
        ]);
        let expected = json!({"profile": "REGULAR", "periodInMs": 1_500, "minionsCountProLaunch": 3});
        assert_eq!(read(&regular), Ok(Some(expected)));
        let stages = entered(&[
            ("profile", "STAGE"),
            ("profile.STAGE.stages", "10 1s 5s\r\n\r\n 2 0s 1min "),
            ("profile.STAGE.completion", "HARD"),
        ]);
        let stage = |count: u32, ramp: u32, total: u32| json!({"minionsCount": count, "rampUpDurationMs": ramp, "totalDurationMs": total});
        let expected = json!({"profile": "STAGE", "stages": [stage(10, 1_000, 5_000), stage(2, 0, 60_000)], "completion": "HARD"});
        assert_eq!(read(&stages), Ok(Some(expected)));
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let wrong = |pairs: &[(&str, &str)]| read(&entered(pairs)).unwrap_err();
        assert_eq!(wrong(&[("profile", "x")]), "choose one of these profiles");
        assert_eq!(wrong(&[("profile", "REGULAR")]), "every: must be a time, for example 10s");
        let lines = [("profile", "ARRIVALS"), ("profile.ARRIVALS.rates", "20 1s")];
        assert_eq!(wrong(&lines), "'20 1s' must be 3 values with spaces between them");
    }
}
