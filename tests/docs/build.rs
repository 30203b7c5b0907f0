//! Takes the example out of the repository's README, which shows no lines that only a compiler needs.

use std::path::Path;
use std::{env, fs};

const README: &str = "../../README.md";

fn main() {
    println!("cargo::rerun-if-changed={README}");
    let text = fs::read_to_string(README).expect("the repository has a README");
    let (_, rest) = text.split_once("```rust\n").expect("it has an example");
    let (example, _) = rest.split_once("```").expect("the example ends");
    let folder = env::var_os("OUT_DIR").expect("Cargo names a folder");
    fs::write(Path::new(&folder).join("readme.rs"), example).expect("Cargo's folder can be written");
}
