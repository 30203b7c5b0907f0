//! Where relative paths of data files lead.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The folder of the package that the scenarios belong to.
static PACKAGE: OnceLock<PathBuf> = OnceLock::new();

/// Relative paths lead from this folder as well, when there is nothing at them from the current one. The first call
/// counts; the executable makes it with the folder of the scenarios' package.
pub fn belong_to(package: &str) {
    if !package.is_empty() {
        PACKAGE.get_or_init(|| package.into());
    }
}

/// Opens a file at its path as it is, then below the package of the scenarios.
///
/// # Errors
/// Why not, with every path that was tried.
pub(super) fn open(path: &Path) -> Result<File, String> {
    open_below(path, PACKAGE.get().map(PathBuf::as_path))
}

fn open_below(path: &Path, package: Option<&Path>) -> Result<File, String> {
    let here = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let missing = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && path.is_relative() => error,
        Err(error) if path.is_relative() => return Err(format!("{error} ({})", here.display())),
        outcome => return outcome.map_err(|error| error.to_string()),
    };
    let Some(there) = package.map(|package| package.join(path)).filter(|there| *there != here) else {
        return Err(format!("{missing}: it was looked for at {}", here.display()));
    };
    match File::open(&there) {
        Ok(file) => Ok(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(format!(
            "{missing}: it was looked for at {} and, in the scenario's package, at {}",
            here.display(),
            there.display()
        )),
        Err(error) => Err(format!("{error} ({})", there.display())),
    }
}

/// A number that is another one when the content is, to notice that a file was changed.
///
/// # Errors
/// When the file cannot be read.
pub(super) fn digest(mut content: impl io::Read) -> io::Result<u64> {
    // FNV-1a by words of 8 bytes: it need not resist anybody, but it must be the same everywhere.
    let mut digest = 0xcbf2_9ce4_8422_2325_u64;
    let mut add = |word: u64| digest = (digest ^ word).wrapping_mul(0x0100_0000_01b3).rotate_left(23);
    let mut buffer = vec![0; 64 * 1024];
    let mut length = 0;
    loop {
        let mut filled = 0;
        while filled < buffer.len() {
            match content.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let mut words = buffer[..filled].chunks_exact(8);
        for word in &mut words {
            add(word.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)));
        }
        words.remainder().iter().for_each(|byte| add(u64::from(*byte)));
        length += filled as u64;
        if filled < buffer.len() {
            add(length);
            return Ok(digest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e14_a_relative_path_leads_from_the_package_when_nothing_is_there_from_here() {
        let package = tempfile::tempdir().unwrap();
        std::fs::write(package.path().join("customers.csv"), "name\nAnn\n").unwrap();
        let open = |path: &str| open_below(Path::new(path), Some(package.path())).map(drop);
        assert_eq!(open("customers.csv"), Ok(()));
        assert_eq!(open(&package.path().join("customers.csv").display().to_string()), Ok(()));
        // That of the current folder goes first: this package has a Cargo.toml, the other has none.
        assert_eq!(open("Cargo.toml"), Ok(()));
        let here = std::env::current_dir().unwrap();
        assert_eq!(
            open("custs.csv").unwrap_err(),
            format!(
                "No such file or directory (os error 2): it was looked for at {}/custs.csv and, in the scenario's \
                 package, at {}/custs.csv",
                here.display(),
                package.path().display()
            )
        );
        let alone = open_below(Path::new("custs.csv"), None).unwrap_err();
        assert!(alone.ends_with(&format!("it was looked for at {}/custs.csv", here.display())), "{alone}");
        assert_eq!(open("/nowhere/x.csv").unwrap_err(), "No such file or directory (os error 2)");
    }

    #[test]
    fn e14_a_digest_differs_with_every_change() {
        let text: Vec<u8> = (0..200_000_u32).map(|n| n as u8).collect();
        let of = |text: &[u8]| digest(text).unwrap();
        let base = of(&text);
        assert_eq!(base, of(&text));
        for at in [0, 7, 8, 65_535, 65_536, 199_999] {
            let mut other = text.clone();
            other[at] ^= 1;
            assert_ne!(base, of(&other), "{at}");
        }
        assert_ne!(base, of(&text[..199_999]));
        assert_ne!(of(b"a"), of(b"a\0"));
    }
}
