//! Modules of a crate use each other in one direction; see runner/ARCHITECTURE.md.

mod checkout;

use checkout::{files, root};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// Names of the modules that each module of a crate uses.
type Uses = BTreeMap<String, BTreeSet<String>>;

/// By crate: which of its top-level modules use which others, outside of tests.
fn crates() -> BTreeMap<String, Uses> {
    let mut texts: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for file in files() {
        let path = file.strip_prefix(root()).unwrap_or(&file).to_string_lossy().replace('\\', "/");
        let Some((of, inside)) =
            path.strip_prefix("runner/crates/").and_then(|path| path.split_once("/src/"))
        else {
            continue;
        };
        let Some(name) = inside.strip_suffix(".rs") else { continue };
        let module = name.split('/').next().unwrap_or(name);
        let is_test = name.split('/').any(|part| part == "tests");
        if !["lib", "main"].contains(&module) && !is_test {
            let text = fs::read_to_string(&file).unwrap();
            texts.entry(of.to_owned()).or_default().push((module.to_owned(), text));
        }
    }
    texts.into_iter().map(|(of, texts)| (of, uses(&texts))).collect()
}

/// The modules that the text of each module names after `crate::`.
fn uses(texts: &[(String, String)]) -> Uses {
    let modules: BTreeSet<&str> = texts.iter().map(|(module, _)| module.as_str()).collect();
    let mut uses = Uses::new();
    for (module, text) in texts {
        let product = text.split("#[cfg(test)]\nmod ").next().unwrap_or(text);
        let lines = product.lines().filter(|line| !line.trim_start().starts_with("//"));
        let named = lines.flat_map(|line| line.split("crate::").skip(1)).map(|rest| {
            let end = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_');
            &rest[..end.unwrap_or(rest.len())]
        });
        let others = named.filter(|name| *name != module && modules.contains(name)).map(str::to_owned);
        uses.entry(module.clone()).or_default().extend(others);
    }
    uses
}

/// The modules that are reached from this one, in any number of uses.
fn reached<'a>(uses: &'a Uses, from: &str) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut next: Vec<&str> = uses[from].iter().map(String::as_str).collect();
    while let Some(module) = next.pop() {
        if found.insert(module) {
            next.extend(uses[module].iter().map(String::as_str));
        }
    }
    found
}

/// The modules that reach themselves.
fn circular(uses: &Uses) -> Vec<&str> {
    uses.keys().map(String::as_str).filter(|module| reached(uses, module).contains(module)).collect()
}

#[test]
fn modules_use_each_other_in_one_direction() {
    let crates = crates();
    assert!(crates.len() > 10, "the crates are not where this test looks: {crates:?}");
    let found: Vec<(&str, Vec<&str>)> = crates
        .iter()
        .map(|(of, uses)| (of.as_str(), circular(uses)))
        .filter(|(_, found)| !found.is_empty())
        .collect();
    assert_eq!(found, [], "crates and their modules that use each other in a circle");
}

#[test]
fn a_circle_is_found_and_a_chain_is_not() {
    let text = |module: &str, uses: &str| (module.to_owned(), format!("use crate::{uses}::Thing;\n"));
    let of_tests =
        ("c".to_owned(), "// crate::a\n#[cfg(test)]\nmod tests {\n    use crate::a::Thing;\n}\n".to_owned());
    let chain = [text("a", "b"), text("b", "c"), of_tests];
    assert_eq!(circular(&uses(&chain)), [] as [&str; 0]);
    let circle = [text("a", "b"), text("b", "c"), text("c", "a"), text("d", "a")];
    assert_eq!(circular(&uses(&circle)), ["a", "b", "c"]);
}
