//! Writes the list of outputs from the dependencies of this crate.

use std::path::Path;
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=Cargo.toml");
    let manifest = fs::read_to_string("Cargo.toml").expect("cargo runs this beside the manifest");
    let (_, dependencies) = manifest.split_once("\n[dependencies]\n").expect("there are dependencies");
    let names = dependencies
        .lines()
        .take_while(|line| !line.starts_with('['))
        .filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
        .filter_map(|line| line.split(['.', ' ', '=']).next());
    let list: String = names.map(|name| format!("    {}::OUTPUTS,\n", name.replace('-', "_"))).collect();
    let folder = env::var_os("OUT_DIR").expect("cargo sets it");
    let code = format!("const LISTS: &[&[&OutputDefinition]] = &[\n{list}];\n");
    fs::write(Path::new(&folder).join("outputs.rs"), code).expect("cargo made the folder");
}
