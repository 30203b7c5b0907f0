//! The bytes of a contract never change: other programs rely on them.
//!
//! `runner/contract/v2/golden` has one file for each message, in hexadecimal digits: whoever writes another side of the
//! contract can read them.

use super::{bytes, received, samples};
use crate::convert::{Encoded, Message};
use std::fmt::{Debug, Write as _};
use std::fs;
use std::path::PathBuf;

/// Set to write the files instead of comparing them, when the version of the contract changes.
const UPDATE: &str = "QALIPSIS_TEST_UPDATE";

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../contract/v2/golden")
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for line in bytes.chunks(32) {
        for byte in line {
            write!(text, "{byte:02x}").unwrap();
        }
        text.push('\n');
    }
    text
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

fn compare<M: Message + PartialEq + Debug>(name: &str, message: M) {
    let path = folder().join(format!("{name}.hex"));
    let text = hex(&bytes(&message));
    if std::env::var_os(UPDATE).is_some() {
        fs::write(&path, &text).unwrap();
    }
    let golden = fs::read_to_string(&path).unwrap();
    assert_eq!(text, golden, "'{name}' has other bytes: with the same contract number it must not change");
    let golden = unhex(&golden).into();
    let encoded = match message.encode() {
        Encoded::Framed(_) => Encoded::Framed(golden),
        Encoded::Greeting(_) => Encoded::Greeting(golden),
    };
    assert_eq!(received::<M>(encoded), Ok(message), "{name}");
}

#[test]
fn every_message_has_its_golden_bytes() {
    samples::of_head().into_iter().for_each(|(name, message)| compare(name, message));
    samples::of_factory().into_iter().for_each(|(name, message)| compare(name, message));
}

#[test]
fn every_kind_of_message_has_a_sample() {
    let names = |file: std::io::Result<fs::DirEntry>| file.unwrap().file_name().into_string().unwrap();
    let mut files: Vec<String> = fs::read_dir(folder()).unwrap().map(names).collect();
    files.sort();
    let heads = samples::of_head().into_iter().map(|(name, _)| name);
    let factories = samples::of_factory().into_iter().map(|(name, _)| name);
    let mut samples: Vec<String> = heads.chain(factories).map(|name| format!("{name}.hex")).collect();
    samples.sort();
    assert_eq!(files, samples);
    // The kinds that the definition has, and `hello`.
    let definition = fs::read_to_string(folder().join("../message.proto")).unwrap();
    let mut kinds = vec!["hello".to_owned()];
    for block in definition.split("oneof body {").skip(1) {
        let fields = block.lines().take_while(|line| line.trim() != "}").filter(|line| line.ends_with(';'));
        kinds.extend(fields.map(|field| {
            let name = field.split(" = ").next().unwrap().rsplit(' ').next().unwrap();
            name.trim_end_matches("_unix_ns").replace('_', "-")
        }));
    }
    kinds.sort();
    let names: Vec<&str> = samples.iter().map(|file| file.trim_end_matches(".hex")).collect();
    assert_eq!(kinds, names);
}

#[test]
fn hello_is_the_json_that_every_version_reads() {
    let (_, hello) = samples::of_factory().swap_remove(0);
    let expected = r#"{"type":"hello","body":{"contract":2,"name":"checkout"},"incarnation":1795410367089,"sequence":300,"received":2}"#;
    assert_eq!(hello.encode(), Encoded::Greeting(expected.as_bytes().into()));
}
