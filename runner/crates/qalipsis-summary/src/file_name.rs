//! File names that every file system takes.

use std::collections::HashSet;

/// The longest part of a user's name that is kept, in bytes.
const KEPT: usize = 100;

/// `name` in ASCII letters, digits, `.`, `_` and `-`, with a hash of the name when that changed it.
pub fn safe(name: &str) -> String {
    let kept: String = name
        .chars()
        .take(KEPT)
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '-' })
        .collect();
    // A leading dot hides the file, and `..` leaves the folder.
    let kept = kept.trim_start_matches('.');
    if kept == name && !kept.is_empty() { kept.to_owned() } else { format!("{kept}-{}", short_hash(name)) }
}

/// The file names of one folder.
#[derive(Debug, Default)]
pub struct FileNames {
    /// In lower case, for file systems that ignore case.
    taken: HashSet<String>,
}

impl FileNames {
    /// A safe name for `name` that was not given before.
    pub fn unique(&mut self, name: &str) -> String {
        let safe = safe(name);
        let mut unique = safe.clone();
        let mut n = 2;
        while !self.taken.insert(unique.to_ascii_lowercase()) {
            unique = format!("{safe}-{n}");
            n += 1;
        }
        unique
    }
}

/// Eight hexadecimal digits that differ for different texts, the same in every version (FNV-1a).
pub fn short_hash(text: &str) -> String {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{:08x}", (hash ^ (hash >> 32)) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn plain_names_stay_and_others_differ() {
        let mut names = FileNames::default();
        assert_eq!(names.unique("checkout.v1_2-x"), "checkout.v1_2-x");
        assert_eq!(names.unique("Checkout.v1_2-x"), "Checkout.v1_2-x-2");
        assert_eq!(names.unique("a b"), "a-b-e2bca18b");
        assert_ne!(names.unique("a/b"), names.unique("a?b"));
        assert!(!safe("../../etc/passwd").contains('/'));
        assert!(!safe("..").starts_with('.'));
        assert!(safe("").len() > 4);
    }

    proptest! {
        #[test]
        fn any_name_is_safe(name in any::<String>()) {
            let safe = safe(&name);
            prop_assert!(safe.len() <= KEPT + 9);
            prop_assert!(!safe.is_empty() && !safe.starts_with('.'));
            prop_assert!(safe.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')));
        }
    }
}
