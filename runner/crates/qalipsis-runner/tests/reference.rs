//! The reference of the configuration is the one that the table of keys gives.

use qalipsis_runner::{config, outputs};
use std::path::Path;

#[test]
fn the_reference_is_up_to_date() {
    let reference = config::reference(&outputs::sections());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    if std::env::var_os("QALIPSIS_TEST_UPDATE").is_some() {
        std::fs::write(&path, &reference).expect("the reference is written");
    }
    let written = std::fs::read_to_string(&path).expect("the reference exists");
    assert!(
        written == reference,
        "docs/configuration.md is stale, run QALIPSIS_TEST_UPDATE=1 cargo test -p qalipsis-runner --test reference"
    );
}
