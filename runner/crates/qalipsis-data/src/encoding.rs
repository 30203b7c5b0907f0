//! The encoding of a file, as far as its first bytes show it.

/// How many bytes [`foreign`] looks at.
pub(super) const LOOKED_AT: u64 = 4;

/// The encoding of a text that begins so, when it is certainly not UTF-8.
///
/// Spreadsheets and shells of Windows write UTF-16. With a byte order mark it shows at once; without one, the first
/// character of a table or a JSON value is ASCII, so that one half of it is zero.
pub(super) fn foreign(first: &[u8]) -> Option<&'static str> {
    match first {
        [0xFF, 0xFE, 0, 0, ..] | [1..=u8::MAX, 0, 0, 0, ..] => Some("UTF-32LE"),
        [0, 0, 0xFE, 0xFF, ..] | [0, 0, 0, 1..=u8::MAX, ..] => Some("UTF-32BE"),
        [0xFF, 0xFE, ..] | [1..=u8::MAX, 0, ..] => Some("UTF-16LE"),
        [0xFE, 0xFF, ..] | [0, 1..=u8::MAX, ..] => Some("UTF-16BE"),
        _ => None,
    }
}
