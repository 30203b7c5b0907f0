//! What the documents promise: paths, links, keys and examples that exist.

mod checkout;

use checkout::{files, root};
use std::fs;
use std::path::{Path, PathBuf};

/// Folders of this repository that documents name.
const TOPS: [&str; 6] = ["runner/", "scenarios/", "tests/", "gradle-plugin/", "github-action/", ".ci/"];

/// Where the keys of the configuration are listed.
const REFERENCE: &str = "runner/docs/configuration.md";

/// Crates that an example may use, beside the plugin that it is about: what pages ask users to depend on.
const CRATES: [&str; 3] = ["std", "qalipsis", "serde"];

/// Where examples of pages are compiled.
const COMPILED_BY: [&str; 3] = [
    "runner/crates/qalipsis/src/lib.rs",
    "runner/crates/qalipsis-report/src/lib.rs",
    "tests/docs/src/lib.rs",
];

/// All Markdown of the repository, by its path from the root.
fn documents() -> Vec<(String, String)> {
    let markdown = files().into_iter().filter(|file| file.extension().is_some_and(|e| e == "md"));
    let root = root();
    let documents: Vec<_> = markdown
        .map(|file| {
            let name = file.strip_prefix(&root).unwrap().display().to_string();
            (name, fs::read_to_string(&file).unwrap())
        })
        .collect();
    assert!(documents.len() > 20, "{} documents", documents.len());
    documents
}

fn document(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap()
}

/// Lines outside of fenced blocks, and those inside with the word after the fence.
fn lines(text: &str) -> impl Iterator<Item = (Option<&str>, &str)> {
    let mut fence: Option<&str> = None;
    text.lines().filter_map(move |line| {
        let Some(opened) = line.trim_start().strip_prefix("```") else { return Some((fence, line)) };
        fence = if fence.is_some() { None } else { Some(opened) };
        None
    })
}

/// What stands in backquotes outside of fenced blocks, where it does not span lines.
fn quoted(text: &str) -> Vec<&str> {
    let plain = lines(text).filter(|(fence, _)| fence.is_none());
    plain.flat_map(|(_, line)| line.split('`').skip(1).step_by(2)).collect()
}

/// Paths of this repository in backquotes and in fenced blocks, without the line that may follow them.
fn paths(text: &str) -> Vec<&str> {
    let fenced = lines(text).filter(|(fence, _)| fence.is_some());
    let words = fenced.flat_map(|(_, line)| line.split([' ', '\'', '"', '(', ')', ','])).filter(|word| {
        // What programs make, and what stands for something else.
        !word.contains(['*', '<', '{', '$', '='])
    });
    let quoted = quoted(text).into_iter().filter(|quoted| !quoted.contains([' ', '*', '<', '{', '(']));
    words
        .chain(quoted)
        .filter(|path| TOPS.iter().any(|top| path.starts_with(top)))
        .map(|path| path.split(':').next().unwrap_or(path).trim_end_matches(['.', ';']))
        .collect()
}

/// Targets of `[text](target)` that are no addresses.
fn links(text: &str) -> Vec<&str> {
    let plain = lines(text).filter(|(fence, _)| fence.is_none());
    plain
        .flat_map(|(_, line)| line.split("](").skip(1))
        .filter_map(|rest| rest.split(')').next())
        .filter(|target| !target.contains("://") && !target.starts_with("mailto:"))
        .collect()
}

/// The anchor of a heading, as GitHub makes it.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn has_anchor(text: &str, wanted: &str) -> bool {
    let mut plain = lines(text).filter(|(fence, _)| fence.is_none());
    plain.any(|(_, line)| line.starts_with('#') && anchor(line.trim_start_matches('#')) == wanted)
}

#[test]
fn paths_in_documents_exist() {
    let mut checked = 0;
    let mut gone = Vec::new();
    for (name, text) in documents() {
        for path in paths(&text) {
            checked += 1;
            if !root().join(path).exists() {
                gone.push(format!("{name}: {path}"));
            }
        }
    }
    assert!(gone.is_empty(), "{}", gone.join("\n"));
    assert!(checked > 50, "only {checked} paths were found: are they still in backquotes?");
}

#[test]
fn links_in_documents_lead_somewhere() {
    let mut broken = Vec::new();
    for (name, text) in documents() {
        let folder = root().join(&name).parent().map(Path::to_path_buf).unwrap_or_default();
        for link in links(&text) {
            let (path, wanted) = link.split_once('#').unwrap_or((link, ""));
            let target: PathBuf = if path.is_empty() { root().join(&name) } else { folder.join(path) };
            let found = match wanted {
                "" => target.exists(),
                wanted => fs::read_to_string(&target).is_ok_and(|text| has_anchor(&text, wanted)),
            };
            if !found {
                broken.push(format!("{name}: {link}"));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn the_links_of_a_text_are_found() {
    let text = "see [a](b.md#c-d) and [e](https://f)\n```\n[no](link)\n```\n## C, d\n";
    assert_eq!(links(text), ["b.md#c-d"]);
    assert!(has_anchor(text, "c-d") && !has_anchor(text, "c"));
    let text = "`runner/x` and `other`\n```\nat scenarios/y/main.rs:97:24\ncp tests/$z .\n```\n";
    assert_eq!(paths(text), ["scenarios/y/main.rs", "runner/x"]);
}

#[test]
fn configuration_keys_in_documents_exist() {
    let reference = document(REFERENCE);
    let mut unknown = Vec::new();
    let mut checked = 0;
    for (name, text) in documents().into_iter().filter(|(name, _)| name != REFERENCE) {
        for key in quoted(&text) {
            let key = key.split(['=', ':']).next().unwrap_or(key).trim();
            let ours = ["campaign.", "report.", "factory."].iter().any(|top| key.starts_with(top));
            let plain = key.chars().all(|c| c.is_ascii_lowercase() || matches!(c, '.' | '-'));
            // Files are named like keys: `report.html`.
            if !ours || !plain || key.ends_with(".html") {
                continue;
            }
            checked += 1;
            if !reference.contains(&format!("`{key}`")) && !reference.contains(&format!("`{key}.")) {
                unknown.push(format!("{name}: {key}"));
            }
        }
    }
    assert!(unknown.is_empty(), "{}", unknown.join("\n"));
    assert!(checked > 5, "only {checked} keys were found: are they still in backquotes?");
}

#[test]
fn e1_examples_of_pages_are_compiled() {
    let compiled = COMPILED_BY.map(document).join("\n");
    let mut wrong = Vec::new();
    for (name, text) in documents().into_iter().filter(|(name, _)| name.starts_with("runner/docs/")) {
        let is_compiled = compiled.contains(&name.replace("runner/", "/"));
        if !is_compiled && lines(&text).any(|(fence, _)| fence.is_some_and(|f| f.starts_with("rust"))) {
            wrong.push(format!("{name}: no crate of {COMPILED_BY:?} compiles its examples"));
        }
        if is_compiled && lines(&text).any(|(fence, _)| fence == Some("")) {
            wrong.push(format!("{name}: a block without a language is taken for Rust, call it text"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn e2_examples_of_plugins_compile_as_pasted() {
    let plugins = fs::read_dir(root().join("runner/plugins")).unwrap();
    let mut wrong = Vec::new();
    for folder in plugins.map(|entry| entry.unwrap().path()) {
        let plugin = folder.file_name().unwrap().to_string_lossy().into_owned();
        let own = format!("qalipsis_{plugin}");
        let mut say = |what: String| wrong.push(format!("runner/plugins/{plugin}/README.md: {what}"));
        let readme = document(&format!("runner/plugins/{plugin}/README.md"));
        if !document(&format!("runner/plugins/{plugin}/src/lib.rs"))
            .starts_with("#![doc = include_str!(\"../README.md\")]")
        {
            say("is not compiled with the plugin".into());
        }
        let mut mains = 0;
        let mut examples = 0;
        let mut previous = None;
        for (fence, line) in lines(&readme) {
            if fence.is_some_and(|f| f.starts_with("rust")) {
                examples += usize::from(previous != fence);
                mains += usize::from(line.starts_with("fn main()"));
                if fence.is_some_and(|f| !matches!(f, "rust" | "rust,no_run")) {
                    say(format!("an example is not compiled: {fence:?}"));
                }
                if line == "#" || line.starts_with("# ") {
                    say(format!("who pastes the example pastes this line as well: {line}"));
                }
                let used = line.strip_prefix("use ").and_then(|path| path.split([':', ';', ' ']).next());
                if let Some(name) = used.filter(|name| *name != own && !CRATES.contains(name)) {
                    say(format!("{name} is not what a scenario depends on"));
                }
            }
            previous = fence;
        }
        if examples == 0 || mains != examples {
            say(format!("{examples} examples, {mains} with a main"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
