//! Names of factories: short, and different for each executable of a campaign.

use std::path::Path;

/// A name for each path, in their order: its file name without extension, and where several have the same, as many of
/// their folders as make them different.
pub(crate) fn of<'a>(paths: impl IntoIterator<Item = &'a Path>) -> Vec<String> {
    let paths: Vec<&Path> = paths.into_iter().collect();
    let mut names: Vec<String> = paths.iter().map(|path| short(path)).collect();
    // Paths differ, so with all of their parts the names do.
    let longest = paths.iter().map(|path| path.components().count()).max().unwrap_or(0);
    for parts in 1..=longest {
        let alike: Vec<usize> = (0..names.len())
            .filter(|i| names.iter().filter(|name| **name == names[*i]).count() > 1)
            .collect();
        if alike.is_empty() {
            break;
        }
        for index in alike {
            names[index] = last(paths[index], parts);
        }
    }
    names
}

fn short(path: &Path) -> String {
    path.file_stem().map_or_else(|| "factory".to_owned(), |stem| stem.to_string_lossy().into_owned())
}

/// The last parts of a path: `a/checkout`.
fn last(path: &Path, parts: usize) -> String {
    let all: Vec<String> = path
        .components()
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .filter(|part| part != "/")
        .collect();
    all[all.len().saturating_sub(parts)..].join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(paths: &[&str]) -> Vec<String> {
        of(paths.iter().map(Path::new))
    }

    #[test]
    fn a9_executables_of_one_file_name_have_names_of_their_own() {
        assert_eq!(names(&["/t/checkout", "/t/refund.sh"]), ["checkout", "refund"]);
        assert_eq!(names(&["/a/x", "/b/x", "/b/y"]), ["a/x", "b/x", "y"]);
        let deep = ["/one/target/debug/x", "/two/target/debug/x"];
        assert_eq!(names(&deep), ["one/target/debug/x", "two/target/debug/x"]);
        assert_eq!(names(&["/a/x.sh", "/a/x.py"]), ["x.sh", "x.py"]);
        assert_eq!(names(&["/x", "/b/x"]), ["x", "b/x"]);
        assert_eq!(names(&["/b/x", "/c/b/x"]), ["b/x", "c/b/x"]);
    }
}
