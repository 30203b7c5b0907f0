//! What differs from run to run in texts that snapshots keep.

/// Pairs of regular expression and placeholder, in the order to apply them, for
/// `insta::Settings::set_filters` (feature `filters` of insta).
///
/// Replaced are temporary paths, instants, durations, ports of the loopback address, process ids and
/// campaign keys. A duration is replaced wherever it stands, so a snapshot does not show a limit such as
/// `130 ms` either: assert that one apart.
pub fn filters() -> Vec<(&'static str, &'static str)> {
    vec![
        // Escape codes of colours come first: they would split what follows.
        (r"\x1b\[[0-9;]*m", ""),
        (r#"(/private)?(/var/folders/[^\s:'"<>)]+|/tmp/[^\s:'"<>)]+)"#, "[TEMP]"),
        (r"\b\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}([.,]\d+)?(Z|[+-]\d{2}:?\d{2})?", "[TIMESTAMP]"),
        (r"\b\d{2}:\d{2}:\d{2}([.,]\d+)?\b", "[TIME]"),
        (r"(127\.0\.0\.1|localhost|\[::1\]):\d{1,5}\b", "$1:[PORT]"),
        (r"\b(pid)([ =:]+)\d+\b", "$1$2[PID]"),
        (r"\b(campaign|campaign[ -]key)([ =:]+`?)[a-z0-9-]*\d[a-z0-9-]*", "$1$2[CAMPAIGN]"),
        (r"\btest-results/[^/\s]+/", "test-results/[CAMPAIGN]/"),
        (r"\b\d+(\.\d+)? ?(ns|us|µs|ms|s|min|m|h)( \d+(\.\d+)? ?(ns|us|µs|ms|s|min|m))*\b", "[DURATION]"),
    ]
}
