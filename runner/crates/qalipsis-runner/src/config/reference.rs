//! The reference of the configuration, as documentation shows it.

use super::keys::{FAMILIES, KEYS, environment_name};
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
unit: `250ms`, `1.5s`, `2m`, `1h`. Lists, keys given twice and unknown keys are errors, and so is an
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
time. Where two names differ only in characters that become `_`, an environment variable cannot tell
them apart and is refused; use `-c` or a file.

| Key | Environment variable | Meaning |
|---|---|---|
";

const TAIL: &str = "
---

A test keeps this page true. After a change to the keys, write it anew with
`QALIPSIS_TEST_UPDATE=1 cargo test -p qalipsis-runner --test reference`.
";

/// The reference in Markdown: precedence, every key, every family.
pub fn reference() -> String {
    let mut page = HEAD.to_owned();
    for key in KEYS {
        let default = key.default.map_or("none".to_owned(), |d| format!("`{d}`"));
        row(
            &mut page,
            &[
                &format!("`{}`", key.name),
                key.kind.name(),
                &default,
                &format!("`{}`", environment_name(key.name)),
                key.doc,
            ],
        );
    }
    page.push_str(FAMILIES_HEAD);
    for family in FAMILIES {
        row(&mut page, &[&format!("`{}`", family.name), &format!("`{}`", family.environment), family.doc]);
    }
    page.push_str(TAIL);
    page
}

fn row(page: &mut String, cells: &[&str]) {
    for cell in cells {
        // Writing to a string cannot fail.
        let _ = write!(page, "| {cell} ");
    }
    page.push_str("|\n");
}
