//! The versions of the schema: each is a file, and brings a store from the version before it to its own.

/// What brings an empty store to version 1, that to version 2, and so on.
pub(crate) const MIGRATIONS: &[&str] = &[include_str!("migrations/1.sql"), include_str!("migrations/2.sql")];

/// The migrations that a store of this version lacks, each with the version that it leads to; `None` when a newer
/// version of QALIPSIS wrote it.
pub(crate) fn missing<'a>(
    version: i64,
    migrations: &'a [&'a str],
) -> Option<impl Iterator<Item = (i64, &'a str)>> {
    let known = usize::try_from(version).ok().filter(|version| *version <= migrations.len())?;
    Some((1..).zip(migrations.iter().copied()).skip(known))
}
