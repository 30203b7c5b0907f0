//! Kept failures in words: the same facts in every output.

use qalipsis_model::evidence::{Evidence, ExchangeRecord};

/// Where one failure happened, in the order of the reader's questions: which minion, where, how traced.
pub fn facts(evidence: &Evidence) -> Vec<String> {
    let mut facts = Vec::new();
    facts.extend(evidence.minion.map(|minion| format!("minion {minion}, iteration {}", evidence.iteration)));
    // Messages about joins name it mostly.
    let key = evidence.key.as_ref().filter(|key| !evidence.message.contains(*key));
    facts.extend(key.map(|key| format!("key {key}")));
    facts.extend((evidence.attempt > 1).then(|| format!("attempt {}", evidence.attempt)));
    facts.extend(evidence.zone.as_ref().map(|zone| format!("zone {zone}")));
    facts.extend(evidence.trace_id.as_ref().map(|trace| format!("trace {trace}")));
    facts
}

/// How many bytes of a value are looked for in a message, which shows a long one shortened.
const SAID: usize = 150;

/// Observed against expected, one line for each check, unless the message says it already.
pub fn checks(evidence: &Evidence) -> Vec<String> {
    let said = |value: &str| evidence.message.contains(&value[..value.floor_char_boundary(SAID)]);
    let unsaid = evidence.checks.iter().filter(|check| !said(&check.expected) || !said(&check.observed));
    unsaid
        .map(|check| format!("{}: expected {}, observed {}", check.name, check.expected, check.observed))
        .collect()
}

/// `05:06:07.789 place-order: POST http://127.0.0.1:8080/orders → 202 in 3.1 ms`.
pub fn exchange(record: &ExchangeRecord) -> String {
    let step = record.step.as_ref().map_or_else(String::new, |step| format!(" {step}"));
    format!("{}{step}: {}", record.at.time_of_day(), record.summary)
}

/// All exchanges of the iteration in their order, one line each.
pub fn exchanges(evidence: &Evidence) -> Vec<String> {
    let mut lines: Vec<String> = evidence.exchanges.iter().map(exchange).collect();
    if evidence.exchanges_omitted > 0 {
        // The first ones are kept, then the last ones.
        let place = lines.len().min(qalipsis_model::evidence::FIRST_EXCHANGES);
        lines.insert(place, format!("({} more exchanges here)", evidence.exchanges_omitted));
    }
    lines
}

/// The details of one exchange, without what its summary says already.
pub fn details(record: &ExchangeRecord) -> Option<&str> {
    let details = record.details.trim();
    (!details.is_empty() && details != record.summary).then_some(details)
}

/// As much of the details of an exchange as fits on a line of `columns` columns. A header is never cut: what one needs
/// to find the cause is rarely among them, and half of one says nothing.
pub fn excerpt(details: &str, columns: usize, mark: &str) -> String {
    let mut shown = String::new();
    let mut lines = details.lines().map(str::trim).filter(|line| !line.is_empty()).peekable();
    while let Some(line) = lines.next() {
        let line = crate::text::one_line(line);
        let before = if shown.is_empty() { "" } else { "  " };
        // Room for the mark, when there is more.
        let more = if lines.peek().is_some() { 2 + crate::text::width(mark) } else { 0 };
        let room = columns.saturating_sub(crate::text::width(&shown) + before.len() + more);
        if crate::text::width(&line) <= room {
            shown = format!("{shown}{before}{line}");
            continue;
        }
        if shown.is_empty() || (!is_header(&line) && room > 20) {
            let room = room + more;
            return format!("{shown}{before}{}", crate::text::fit(&line, room, mark));
        }
        return format!("{shown}  {mark}");
    }
    shown
}

fn is_header(line: &str) -> bool {
    let name = line.split(": ").next().unwrap_or_default();
    name.len() < line.len() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b7_no_excerpt_ends_inside_a_header() {
        let details = "POST http://h/orders\n{\"sku\":\"tea\"}\n\nHTTP/1.1 503\n<h1>overloaded</h1>\n\naccept: application/json\nx-request-id: 0123456789abcdef0123456789abcdef";
        for columns in 20..200 {
            let shown = excerpt(details, columns, "…");
            assert!(crate::text::width(&shown) <= columns, "{columns}: {shown}");
            let whole = |header: &str| {
                shown.contains(header) || !shown.contains(&header[..header.find(':').unwrap()])
            };
            assert!(whole("accept: application/json"), "{columns}: {shown}");
            assert!(whole("x-request-id: 0123456789abcdef0123456789abcdef"), "{columns}: {shown}");
        }
        assert!(
            excerpt(details, 90, "…").contains("<h1>overloaded</h1>  …"),
            "{}",
            excerpt(details, 90, "…")
        );
        assert!(excerpt(details, 200, "…").ends_with("0123456789abcdef"));
        assert_eq!(excerpt("abc def", 5, "…"), "abc…");
    }
}
