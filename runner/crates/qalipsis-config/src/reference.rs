//! The reference of the configuration, as documentation shows it.

use super::criteria::{FIELDS, OF_METERS, OF_STEPS, TIME, Unit};
use super::keys::{FAMILIES, environment_name};
use super::section::Sections;
use std::fmt::Write;

const HEAD: &str = "\
# Configuration

<!-- Generated from the table of keys. Do not edit; see the end of this page. -->

A value is taken from the highest of these places that gives one:

1. `--seed`, for `campaign.seed`
2. `-c KEY=VALUE` on the command line; of several with the same key the last one
3. an environment variable, named after the key: upper case, `_` for every other character
4. `config/qalipsis.yml` below the current directory
5. `qalipsis.yml` in the current directory
6. the default

`--config FILE` reads that file instead of the two of 4 and 5.

A file is YAML of maps and single values. Nesting stands for dots, so these are the same key:

```yaml
campaign.limits.drain: 5s

campaign:
  limits:
    drain: 5s
```

Values are taken as they are written: `1.10` stays `1.10`, and `no` stays `no`. Durations have their
unit: `250ms`, `1.5s`, `2m`, `1h`. Lists (but `criteria`), keys given twice and unknown keys are errors, and so is an
unknown environment variable that begins with `QALIPSIS_` (`QALIPSIS_TEST_` excepted).

In every value `${NAME}` stands for the environment variable `NAME`, which must be set; write `$${`
for a literal `${`. Keep secrets there: what comes from a variable appears in no error, and the value of
a secret property in no output at all.

## Keys

| Key | Type | Default | Environment variable | Meaning |
|---|---|---|---|---|
";

const FAMILIES_HEAD: &str = "
## Keys of scenarios

Names are those that `qalipsis list` shows. A key may also name a scenario that does not run this
time. Where two names differ only in characters that become `_`, an environment variable would be
ambiguous and is refused; use `-c` or a file.

| Key | Environment variable | Meaning |
|---|---|---|
";

const CRITERIA_HEAD: &str = "
## Criteria

`criteria` is a list, in a file only. Its items are judged like the criteria that scenarios declare in code: on the
merged figures of all factories, at the end of the campaign; one without data is breached and says why, for example that
its step awaited no record. One that could not be judged because of a failure that is reported already, or that only repeats
it, names that failure and is no failure of its own. `qalipsis validate` shows
all that will be judged and where each is written, and draws the load over time.

```yaml
criteria:
  - scenario: checkout
    step: place
    measure: response-time.p95
    below: 130ms
  - scenario: checkout
    step: place
    measure: error-rate
    at-most: 5%
    abort-on-breach: 10s
  - scenario: checkout
    step: place
    measure: throughput
    at-least: 50/s
    from: 30s
    to: 5m
  - scenario: checkout
    meter: lag
    measure: drain
    at-most: 30s
```

An item **replaces** the criteria of the scenario on the same step or meter, measure, window and zone that bound the
same side: one with `below` or `at-most` an upper limit, one with `at-least` a lower one, one with both each of them, and
only that one a criterion that bounds both sides. So a gate can be tightened, or loosened, without a rebuild. Of several items, those of `config/qalipsis.yml` come after
those of `qalipsis.yml`. What cannot be judged is an error (exit code 2): an unknown scenario, step, measure, stage or zone;
a window that is empty or begins when the load or the campaign has ended; a limit that no figure can meet, or that every
figure meets (`count` at least 0, `error-rate` at most 100 %, longer than the campaign may last); an `abort-on-breach`
that is longer than its window. So are a figure that a meter does not
have, and an unknown meter when only meters that a scenario declares have such a figure: which meters it watches is known
only when it runs.

Windows are exact to the second in which factories report their figures: an execution belongs to the second in which it
ended, and that second to the window in which its middle lies.

| Field | Meaning |
|---|---|
";

const TAIL: &str = "
---

A test keeps this page true. After a change to the keys, regenerate it with
`QALIPSIS_TEST_UPDATE=1 cargo test -p qalipsis-runner --test reference`.
";

/// The reference in Markdown: precedence, every key, those of `sections` among them, and every family.
pub fn reference(sections: &Sections) -> String {
    let mut page = HEAD.to_owned();
    for key in sections.keys() {
        let default = key.default.map_or("none".to_owned(), |d| format!("`{d}`"));
        row(
            &mut page,
            &[
                &format!("`{}`", key.name),
                key.kind.name(),
                &default,
                &format!("`{}`", environment_name(&key.name)),
                key.doc,
            ],
        );
    }
    page.push_str(FAMILIES_HEAD);
    for family in FAMILIES {
        row(&mut page, &[&format!("`{}`", family.name), &format!("`{}`", family.environment), family.doc]);
    }
    page.push_str(CRITERIA_HEAD);
    for field in &FIELDS {
        row(&mut page, &[&format!("`{}`", field.name), field.doc]);
    }
    page.push_str("\n| Measure of a step | Limit | Meaning |\n|---|---|---|\n");
    for measure in &OF_STEPS {
        let figure = if measure.distribution { ".<figure>" } else { "" };
        row(&mut page, &[&format!("`{}{figure}`", measure.name), limit(measure.unit), measure.doc]);
    }
    page.push_str("\n`<figure>` is `p` with a percentile (`p50`, `p99.9`), `mean`, `min` or `max`.\n");
    page.push_str("\n| Measure of a meter | Limit | Meaning |\n|---|---|---|\n");
    for (name, _, _, unit, doc) in &OF_METERS {
        row(&mut page, &[&format!("`{name}`"), limit(*unit), doc]);
    }
    let percentile =
        "Of a summary: the amount that this percentage of them does not exceed (`p95`, `p99.9`).";
    row(&mut page, &["`p`", limit(Unit::Number), percentile]);
    row(&mut page, &[&format!("`{TIME}.<figure>`"), limit(Unit::Duration), "Of a timer: its durations."]);
    page.push_str(TAIL);
    page
}

fn limit(unit: Unit) -> &'static str {
    match unit {
        Unit::Duration => "`130ms`",
        Unit::Number => "`100`",
        Unit::Share => "`1%` or `0.01`",
        Unit::Rate => "`50/s` or `50`",
    }
}

fn row(page: &mut String, cells: &[&str]) {
    for cell in cells {
        // Writing to a string cannot fail.
        let _ = write!(page, "| {cell} ");
    }
    page.push_str("|\n");
}
