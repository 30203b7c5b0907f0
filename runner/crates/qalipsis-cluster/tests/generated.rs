//! The checked-in wire types are those of the definitions in `runner/contract`.
//!
//! They are generated here and not by a build script: whoever compiles a scenario needs no generator.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Set to write the generated files instead of comparing them.
const UPDATE: &str = "QALIPSIS_TEST_UPDATE";

const DEFINITIONS: [&str; 6] = ["common", "event", "failure", "figures", "message", "plan"];

const SERDE: &str = "#[derive(serde::Serialize, serde::Deserialize)]";

fn generate(folder: &Path) {
    let contract = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contract");
    let files = DEFINITIONS.map(|name| format!("v2/{name}.proto"));
    let definitions = protox::compile(files, [contract]).unwrap();
    prost_build::Config::new()
        .out_dir(folder)
        // The definitions are the documentation.
        .disable_comments(["."])
        // The same messages are always the same bytes.
        .btree_map(["."])
        .bytes([".qalipsis.contract.v2.Frame.data"])
        // Its properties may be secrets.
        .skip_debug([".qalipsis.contract.v2.plan.ScenarioPlan"])
        // The greeting is JSON.
        .type_attribute(".qalipsis.contract.v2.Greeting", SERDE)
        .type_attribute(".qalipsis.contract.v2.Hello", SERDE)
        .field_attribute(".qalipsis.contract.v2.Greeting.body", "#[serde(default)]")
        .field_attribute(".qalipsis.contract.v2.Greeting.incarnation", "#[serde(default)]")
        .field_attribute(".qalipsis.contract.v2.Greeting.sequence", "#[serde(default)]")
        .field_attribute(".qalipsis.contract.v2.Greeting.received", "#[serde(default)]")
        .compile_fds(definitions)
        .unwrap();
}

fn names(folder: &Path) -> BTreeSet<String> {
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    fs::read_dir(folder).unwrap().map(name).collect()
}

#[test]
fn wire_types_are_those_of_the_definitions() {
    let folder = tempfile::tempdir().unwrap();
    generate(folder.path());
    let checked_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/wire");
    if std::env::var_os(UPDATE).is_some() {
        names(&checked_in).iter().for_each(|name| fs::remove_file(checked_in.join(name)).unwrap());
        for name in names(folder.path()) {
            fs::copy(folder.path().join(&name), checked_in.join(&name)).unwrap();
        }
    }
    assert_eq!(names(&checked_in), names(folder.path()));
    for name in names(folder.path()) {
        let generated = fs::read_to_string(folder.path().join(&name)).unwrap();
        let same = fs::read_to_string(checked_in.join(&name)).unwrap() == generated;
        assert!(same, "src/wire/{name} differs from runner/contract: run this test with {UPDATE}=1");
    }
}

#[test]
fn every_definition_is_generated() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contract/v2");
    let definitions: BTreeSet<String> = names(&folder)
        .into_iter()
        .filter_map(|name| name.strip_suffix(".proto").map(str::to_owned))
        .collect();
    assert_eq!(definitions, DEFINITIONS.map(str::to_owned).into());
}
