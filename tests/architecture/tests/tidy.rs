//! What must not be in the sources, and what the documents promise.

mod checkout;

use checkout::{files, root};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

/// The longest source file, in lines: a file is named after one noun.
const LONGEST: usize = 800;

/// The largest crate, in lines of product code: one idea that a person can read in a day.
const LARGEST: usize = 5_000;

/// What must not be written, and why.
const BANNED: &[(&str, &str)] = &[
    (concat!("#[", "ignore"), "a test that does not run proves nothing"),
    (concat!("#[", "allow("), "use #[expect(lint, reason = \"...\")]"),
    (concat!("to", "do!("), "nothing unfinished is committed"),
    (concat!("db", "g!("), "a leftover"),
    (concat!("FIX", "ME"), "mend it, or say in an issue why not"),
    (concat!("TO", "DO"), "mend it, or say in an issue why not"),
];

fn sources() -> impl Iterator<Item = (PathBuf, String)> {
    let rust = |f: &PathBuf| f.extension().is_some_and(|e| e == "rs");
    files().into_iter().filter(rust).map(|f| {
        let text = fs::read_to_string(&f).unwrap();
        (f, text)
    })
}

#[test]
fn nothing_banned_is_written() {
    let mut found = Vec::new();
    for (file, text) in sources() {
        for (number, line) in text.lines().enumerate() {
            for (banned, why) in BANNED {
                if line.contains(banned) {
                    found.push(format!("{}:{}: {banned}: {why}", file.display(), number + 1));
                }
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn no_source_file_is_too_long() {
    let long: Vec<String> = sources()
        .filter(|(_, text)| text.lines().count() > LONGEST)
        .map(|(file, text)| format!("{} has {} lines", file.display(), text.lines().count()))
        .collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}

/// The lines of a source file that are not tests.
fn product(text: &str) -> usize {
    let tests =
        text.lines().collect::<Vec<_>>().windows(2).position(|pair| {
            pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod ") && pair[1].ends_with('{')
        });
    tests.unwrap_or_else(|| text.lines().count())
}

#[test]
fn no_crate_is_too_large() {
    let mut sizes: BTreeMap<String, usize> = BTreeMap::new();
    for (file, text) in sources() {
        let path = file.strip_prefix(root()).unwrap_or(&file).to_string_lossy().replace('\\', "/");
        let Some((of, inside)) =
            path.strip_prefix("runner/crates/").and_then(|path| path.split_once("/src/"))
        else {
            continue;
        };
        let is_test = inside.split(['/', '.']).any(|part| part == "tests");
        if !is_test {
            *sizes.entry(of.to_owned()).or_default() += product(&text);
        }
    }
    assert!(
        sizes.len() > 10 && sizes["qalipsis-core"] > 1_000,
        "the crates are not where this test looks: {sizes:?}"
    );
    let large: Vec<_> = sizes.iter().filter(|(_, lines)| **lines > LARGEST).collect();
    assert!(large.is_empty(), "crates of more than {LARGEST} lines of product code: {large:?}");
}

#[test]
fn tests_are_no_product_code() {
    assert_eq!(product("fn a() {}\n"), 1);
    assert_eq!(product("fn a() {}\n\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\n"), 2);
    assert_eq!(product("#[cfg(test)]\nmod tests;\n\nfn a() {}\n"), 4);
}

#[test]
fn every_folder_that_should_be_a_crate_is_one() {
    for parent in ["runner/crates", "runner/plugins", "scenarios", "tests"] {
        for entry in fs::read_dir(root().join(parent)).unwrap() {
            let folder = entry.unwrap().path();
            if folder.is_dir() {
                assert!(folder.join("Cargo.toml").is_file(), "{} is no crate", folder.display());
            }
        }
    }
}

#[test]
fn architecture_names_every_crate() {
    let text = fs::read_to_string(root().join("runner/ARCHITECTURE.md")).unwrap();
    // An output is its folder and one line in this list, so the page need not name it.
    let outputs = fs::read_to_string(root().join("runner/crates/qalipsis-outputs/Cargo.toml")).unwrap();
    let (_, outputs) = outputs.split_once("\n[dependencies]\n").unwrap();
    for parent in ["runner/crates", "runner/plugins", "scenarios", "tests"] {
        for entry in fs::read_dir(root().join(parent)).unwrap() {
            let crate_name = entry.unwrap().file_name().to_string_lossy().into_owned();
            let is_output =
                outputs.lines().any(|line| line.split(['.', ' ', '=']).next() == Some(&crate_name));
            let name = format!("{parent}/{crate_name}");
            assert!(is_output || text.contains(&name), "{name} is not in runner/ARCHITECTURE.md");
        }
    }
}
