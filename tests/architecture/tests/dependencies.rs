//! Arrows between crates point one way; see runner/ARCHITECTURE.md.

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};
use std::collections::{BTreeMap, BTreeSet};

/// What each crate of the runner may depend on, of ours. Tests may depend on anything.
const ALLOWED: &[(&str, &[&str])] = &[
    ("qalipsis-profile", &[]),
    ("qalipsis-macros", &[]),
    ("qalipsis-model", &["qalipsis-profile"]),
    ("qalipsis-chart", &["qalipsis-profile", "qalipsis-model"]),
    ("qalipsis-compare", &["qalipsis-model"]),
    ("qalipsis-judge", &["qalipsis-profile", "qalipsis-model", "qalipsis-compare"]),
    ("qalipsis-recorder", &["qalipsis-model"]),
    ("qalipsis-minion", &["qalipsis-profile", "qalipsis-model", "qalipsis-recorder"]),
    ("qalipsis-join", &["qalipsis-model", "qalipsis-recorder", "qalipsis-minion"]),
    ("qalipsis-data", &["qalipsis-profile", "qalipsis-model", "qalipsis-minion"]),
    (
        "qalipsis-core",
        &[
            "qalipsis-profile",
            "qalipsis-model",
            "qalipsis-recorder",
            "qalipsis-minion",
            "qalipsis-join",
            "qalipsis-data",
        ],
    ),
    ("qalipsis-plugin", &["qalipsis-core"]),
    (
        "qalipsis-engine",
        &[
            "qalipsis-profile",
            "qalipsis-model",
            "qalipsis-recorder",
            "qalipsis-minion",
            "qalipsis-join",
            "qalipsis-core",
            "qalipsis-cluster",
        ],
    ),
    ("qalipsis-cluster", &["qalipsis-profile", "qalipsis-model"]),
    (
        "qalipsis-report",
        &[
            "qalipsis-profile",
            "qalipsis-model",
            "qalipsis-chart",
            "qalipsis-compare",
            "qalipsis-judge",
            "qalipsis-summary",
            "qalipsis-config",
        ],
    ),
    ("qalipsis-summary", &["qalipsis-model", "qalipsis-judge"]),
    ("qalipsis-config", &["qalipsis-profile", "qalipsis-model"]),
    ("qalipsis-agent", &["qalipsis-model", "qalipsis-cluster"]),
    ("qalipsis-store", &["qalipsis-model", "qalipsis-cluster", "qalipsis-config", "qalipsis-plugin"]),
    ("qalipsis-calendar", &["qalipsis-model", "qalipsis-store"]),
    ("qalipsis-publication", &["qalipsis-model", "qalipsis-config", "qalipsis-store", "qalipsis-summary"]),
    (
        "qalipsis-payload",
        &["qalipsis-calendar", "qalipsis-config", "qalipsis-model", "qalipsis-profile", "qalipsis-store"],
    ),
    (
        "qalipsis-server",
        &[
            "qalipsis-publication",
            "qalipsis-calendar",
            "qalipsis-payload",
            "qalipsis-model",
            "qalipsis-compare",
            "qalipsis-judge",
            "qalipsis-config",
            "qalipsis-head",
            "qalipsis-report",
            "qalipsis-store",
            "qalipsis-summary",
        ],
    ),
    (
        "qalipsis-page",
        &[
            "qalipsis-model",
            "qalipsis-chart",
            "qalipsis-compare",
            "qalipsis-judge",
            "qalipsis-head",
            "qalipsis-report",
            "qalipsis-server",
            "qalipsis-store",
        ],
    ),
    ("qalipsis-client", &["qalipsis-model", "qalipsis-config"]),
    ("qalipsis-head", &["qalipsis-profile", "qalipsis-model", "qalipsis-judge", "qalipsis-cluster"]),
    (
        "qalipsis",
        &[
            "qalipsis-profile",
            "qalipsis-model",
            "qalipsis-judge",
            "qalipsis-core",
            "qalipsis-engine",
            "qalipsis-cluster",
            "qalipsis-head",
            "qalipsis-report",
            "qalipsis-macros",
            "qalipsis-config",
        ],
    ),
    (
        "qalipsis-runner",
        &[
            "qalipsis-publication",
            "qalipsis-profile",
            "qalipsis-model",
            "qalipsis-compare",
            "qalipsis-judge",
            "qalipsis-agent",
            "qalipsis-chart",
            "qalipsis-client",
            "qalipsis-cluster",
            "qalipsis-config",
            "qalipsis-head",
            "qalipsis-outputs",
            "qalipsis-page",
            "qalipsis-report",
            "qalipsis-server",
            "qalipsis-store",
            "qalipsis-summary",
        ],
    ),
    ("qalipsis-testkit", &["qalipsis-recorder", "qalipsis-minion", "qalipsis-join", "qalipsis-core"]),
    ("xtask", &["qalipsis-testkit"]),
];

/// The list of outputs: it depends on each of them and on nothing else.
const OUTPUTS: &str = "qalipsis-outputs";

/// What an output may depend on, of ours.
const OUTPUT: &[&str] = &[
    "qalipsis-model",
    "qalipsis-judge",
    "qalipsis-compare",
    "qalipsis-config",
    "qalipsis-report",
    "qalipsis-summary",
];

/// What every plugin may depend on, of ours.
const PLUGIN: &[&str] = &["qalipsis-core", "qalipsis-plugin"];

/// What a scenario crate may depend on, of ours, beside plugins: the shop that the quickstart starts.
const SCENARIO: &[&str] = &["qalipsis", "shop"];

/// What only crates that speak the protocol may link: a scenario compiles only what it uses.
const HEAVY: &[&str] = &["rdkafka", "hyper", "lapin", "tokio-postgres", "redis"];

fn metadata() -> Metadata {
    // The manifests alone: what crates declare is what this is about, and it needs no network.
    MetadataCommand::new().no_deps().exec().unwrap()
}

fn members(metadata: &Metadata) -> BTreeMap<&str, &Package> {
    metadata.workspace_packages().into_iter().map(|p| (p.name.as_str(), p)).collect()
}

fn folder<'a>(metadata: &Metadata, package: &'a Package) -> &'a str {
    let folder = package.manifest_path.strip_prefix(&metadata.workspace_root).unwrap().parent().unwrap();
    folder.as_str()
}

fn normal(package: &Package) -> impl Iterator<Item = &str> {
    package.dependencies.iter().filter(|d| d.kind == DependencyKind::Normal).map(|d| d.name.as_str())
}

#[test]
fn arrows_point_one_way() {
    let metadata = metadata();
    let members = members(&metadata);
    let outputs: BTreeSet<&str> = normal(members[OUTPUTS]).collect();
    let mut wrong = Vec::new();
    for (name, package) in &members {
        let folder = folder(&metadata, package);
        let plugins = || {
            let is_plugin = |p: &&Package| self::folder(&metadata, p).starts_with("runner/plugins/");
            members.values().copied().filter(is_plugin).map(|p| p.name.as_str())
        };
        let allowed: BTreeSet<&str> = if folder.starts_with("runner/plugins/") {
            PLUGIN.iter().copied().collect()
        } else if folder.starts_with("scenarios/") {
            SCENARIO.iter().copied().chain(plugins()).collect()
        } else if folder.starts_with("tests/") || *name == OUTPUTS {
            continue;
        } else {
            match ALLOWED.iter().find(|(of, _)| of == name) {
                Some((_, allowed)) => allowed.iter().copied().collect(),
                None if outputs.contains(name) => OUTPUT.iter().copied().collect(),
                None => {
                    wrong.push(format!("{name} ({folder}) is not in the list of this test"));
                    continue;
                }
            }
        };
        for dependency in normal(package).filter(|d| members.contains_key(d) && !allowed.contains(d)) {
            wrong.push(format!("{name} must not depend on {dependency}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_shop_depends_on_nothing_of_ours() {
    let metadata = metadata();
    let members = members(&metadata);
    let ours: Vec<&str> = normal(members["shop"]).filter(|d| members.contains_key(d)).collect();
    assert_eq!(ours, [] as [&str; 0]);
}

#[test]
fn protocols_stay_in_their_plugins() {
    let metadata = metadata();
    let members = members(&metadata);
    let outputs: BTreeSet<&str> = normal(members[OUTPUTS]).collect();
    for (name, package) in members {
        let folder = folder(&metadata, package);
        // The testkit speaks to what it starts, and no product links it. No scenario links an output that sends, nor
        // the store.
        let is_apart = ["qalipsis-testkit", "qalipsis-store"].contains(&name)
            || (outputs.contains(name) && name != "qalipsis-report");
        if folder.starts_with("runner/crates/") && !is_apart {
            let heavy: Vec<&str> = normal(package).filter(|d| HEAVY.contains(d)).collect();
            assert!(heavy.is_empty(), "{name} links {heavy:?}");
        }
    }
}

#[test]
fn every_crate_takes_over_the_rules_of_the_workspace() {
    let metadata = metadata();
    for (name, package) in members(&metadata) {
        let manifest = std::fs::read_to_string(&package.manifest_path).unwrap();
        assert!(manifest.contains("[lints]\nworkspace = true"), "{name} has no [lints] workspace = true");
        assert_eq!(package.license.as_deref(), Some("Apache-2.0"), "{name}");
    }
}
