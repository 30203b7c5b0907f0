//! The JSON Schema of `summary.json`, made from the types that write it.

use super::Summary;
use schemars::JsonSchema;
use serde_json::{Value, json};
use std::path::Path;

/// RFC 3339 in UTC.
pub(super) struct Instant;

impl JsonSchema for Instant {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Instant".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "format": "date-time",
            "description": "RFC 3339 in UTC, with up to nine decimals."
        })
    }
}

/// A distribution of durations, sparse. The layout is fixed, an HDR histogram of 2 significant digits from 1 ns to 1 h, so
/// histograms merge by adding the counts of equal values. `min_ns` and `max_ns` are meaningless without buckets.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used; the histogram itself knows this form")]
pub(super) struct Histogram {
    /// Exact sum of all samples, a decimal number as text, for it may exceed 64 bits.
    sum_ns: String,
    /// The shortest sample, exact.
    min_ns: u64,
    /// The longest sample, exact.
    max_ns: u64,
    /// Value and number of samples of each used bucket; values rise.
    buckets: Vec<(u64, u64)>,
}

fn generated() -> Value {
    let mut schema = schemars::generate::SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<Summary>()
        .to_value();
    schema["title"] = json!("summary.json of QALIPSIS");
    schema["$comment"] = json!(
        "Generated from runner/crates/qalipsis-summary/src/lib.rs; after a change write it again with \
         QALIPSIS_TEST_UPDATE=1 cargo test -p qalipsis-summary schema"
    );
    schema
}

#[test]
fn the_schema_in_the_repository_is_that_of_the_types() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/summary.schema.json");
    let text = format!("{:#}\n", generated());
    if std::env::var_os("QALIPSIS_TEST_UPDATE").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap();
    assert!(
        written == text,
        "write it again with QALIPSIS_TEST_UPDATE=1 cargo test -p qalipsis-summary schema"
    );
}
