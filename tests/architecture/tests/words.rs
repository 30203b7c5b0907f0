//! The words in which this project is written: plain technical English, one term for each concept.
//!
//! Identifiers count word by word (`told_until` is "told until"), and so do the texts of the programs, of the documents
//! and of the snapshots that tests compare.

mod checkout;

use checkout::{files, root};
use std::fs;

/// Kinds of files that people read.
const READ: [&str; 14] = [
    "rs", "md", "snap", "stderr", "proto", "toml", "yml", "sh", "ts", "mjs", "java", "gradle", "html", "json",
];

/// Words and sequences of words that are not written, and what is written instead.
const BANNED: &[(&str, &str)] = &[
    ("told", "emitted, sent, reported, shown or given"),
    ("tell", "emit, send, report, show or say"),
    ("tells", "emits, sends, reports, shows or says"),
    ("telling", "emitting, sending, reporting or showing"),
    ("teller", "the name of what it is"),
    ("tellers", "the name of what they are"),
    ("held", "met for a criterion, kept, blocked or locked"),
    ("unheld", "breached"),
    ("must hold", "the criterion"),
    ("not hold", "breached for a criterion, failed for a check"),
    ("kept whole", "with evidence"),
    ("keep whole", "keep evidence"),
    ("keeps whole", "keeps evidence"),
    ("told whole", "in full"),
    ("is whole", "is complete"),
    ("not whole", "incomplete"),
    ("whole run", "complete run"),
    ("anew", "again, or a verb with re-"),
    ("whom", "who, which, or the name of the role"),
    ("dear", "expensive"),
    ("hurry", "be fast"),
    ("hurries", "is fast"),
    ("tester", "the load generator"),
    ("testers", "load generators"),
    ("nobody awaited", "that no minion expected"),
    ("nobody awaits", "that no minion expects"),
    ("last words", "the last output"),
    ("without a word", "without reporting its end"),
    ("a pass", "an iteration"),
    ("the pass", "the iteration"),
    ("the passes", "the iterations"),
    ("this pass", "this iteration"),
    ("that pass", "that iteration"),
    ("each pass", "each iteration"),
    ("every pass", "every iteration"),
    ("one pass", "one iteration"),
    ("per pass", "per iteration"),
    ("its pass", "its iteration"),
    ("its passes", "its iterations"),
    ("last pass", "the last iteration"),
    ("first pass", "the first iteration"),
    ("next pass", "the next iteration"),
    ("other pass", "another iteration"),
    ("whole passes", "complete iterations"),
    ("running passes", "running iterations"),
    ("passes of", "iterations of"),
    ("passes are", "iterations are"),
    ("passes that", "iterations that"),
    ("passes took", "iterations took"),
];

/// Where a word stays: part of a path, what is written, and why.
const EXCEPTED: &[(&str, &str, &str)] = &[
    ("qalipsis-summary/", "records_per_pass", "a field of summary.json"),
    ("qalipsis-runner/src/replay.rs", "records_per_pass", "a field of summary.json"),
    ("qalipsis-report/", "held", "a field of summary.json"),
    ("qalipsis-summary/", "held", "a field of summary.json"),
    ("outputs/summary-1.json", "", "a file of an earlier version"),
    ("tests/cli/", "held", "a field of summary.json"),
    ("tests/cli/", "records_per_pass", "a field of summary.json"),
    ("docs/summary.schema.json", "records_per_pass", "a field of summary.json"),
    ("docs/summary.schema.json", "held", "a field of summary.json"),
    ("CHANGELOG.md", "", "it says what was written at its time"),
    ("github-action/dist/", "", "bundled from other projects"),
    ("package-lock.json", "", "made by npm"),
    ("tests/architecture/tests/words.rs", "", "this list"),
];

/// The words of a line, in lower case: `PeerTold::told_until` is "peer told told until".
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut lower = false;
    for c in line.chars() {
        let begins = !c.is_alphabetic() || (lower && c.is_uppercase());
        if begins && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        lower = c.is_lowercase();
        if c.is_alphabetic()
            && let Some(word) = words.last_mut()
        {
            word.extend(c.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// What is banned in a line, with what to write instead.
fn banned(line: &str) -> Vec<(&'static str, &'static str)> {
    let line = format!(" {} ", words(line).join(" "));
    BANNED.iter().filter(|(banned, _)| line.contains(&format!(" {banned} "))).copied().collect()
}

fn is_excepted(path: &str, line: &str, banned: &str) -> bool {
    EXCEPTED.iter().any(|(part, written, _)| {
        let line = words(line).join(" ");
        let written = words(written).join(" ");
        path.contains(part) && (written.is_empty() || written.contains(banned) && line.contains(&written))
    })
}

#[test]
fn everything_is_written_in_plain_words() {
    let root = root();
    let mut found = Vec::new();
    for file in files() {
        let path = file.strip_prefix(&root).unwrap().display().to_string();
        let is_read = file.extension().is_some_and(|e| READ.iter().any(|read| e == *read));
        if !is_read {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        for (number, line) in text.lines().enumerate() {
            for (banned, instead) in banned(line) {
                if !is_excepted(&path, line, banned) {
                    found.push(format!("{path}:{}: '{banned}', write {instead}", number + 1));
                }
            }
        }
    }
    assert!(found.is_empty(), "{} places:\n{}", found.len(), found.join("\n"));
}

#[test]
fn words_are_found_in_texts_and_identifiers() {
    for (line, expected) in [
        ("/// The factory told the head.", "told"),
        ("fn told_until() {}", "told"),
        ("struct EventTeller;", "teller"),
        ("what was held up", "held"),
        ("the evidence is kept whole.", "kept whole"),
        ("records_per_pass: 1", "per pass"),
        ("When a pass ends", "a pass"),
    ] {
        assert!(banned(line).iter().any(|(word, _)| *word == expected), "{line}");
    }
    for line in ["the tests pass", "a household", "forty-two"] {
        assert!(banned(line).is_empty(), "{line}");
    }
}

#[test]
fn every_exception_is_needed() {
    let root = root();
    let unused: Vec<String> = EXCEPTED
        .iter()
        .filter(|(part, written, _)| {
            let written = words(written).join(" ");
            !files().iter().any(|file| {
                let path = file.strip_prefix(&root).unwrap().display().to_string();
                path.contains(part)
                    && fs::read_to_string(file)
                        .is_ok_and(|text| text.lines().any(|line| words(line).join(" ").contains(&written)))
            })
        })
        .map(|(part, written, _)| format!("{part}: {written}"))
        .collect();
    assert!(unused.is_empty(), "not found any more: {}", unused.join(", "));
}
