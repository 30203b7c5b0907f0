//! The text inside a failure: everything kept about it, and where to look.

use super::xml::{cut, line, written};
use crate::evidence;
use crate::text::{counted, lines};
use qalipsis_compare::{Change, SubjectComparison, Verdict};
use qalipsis_judge::report::{CriterionReport, ScenarioProblem, StepReport};
use qalipsis_model::criterion::Subject;
use qalipsis_model::evidence::Evidence;
use qalipsis_model::location::SourceLocation;
use qalipsis_model::timestamp::Timestamp;

/// The longest excerpt of an input, an exchange or a value, so that several failures have room.
const EXCERPT: usize = 600;

/// Room that a first line has at least, in bytes.
const FIRST_LINE: usize = 10;

/// Plain text that ends with the location, in at most `limit` bytes as written. Its second line is the location again,
/// for readers that look for a stack.
pub(super) fn text(text: &str, location: &SourceLocation, limit: usize) -> String {
    // The end is what people click on: it stays whatever is cut.
    let end = line(&location.to_string(), limit);
    let room = limit.saturating_sub(end.len() + 1);
    let text = text.trim_end();
    // Before anything that a system under test said: a stack of its own in an answer must not be taken for ours.
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let text = match stack(location).filter(|stack| stack.len() + FIRST_LINE < room) {
        Some(stack) => {
            // Of a text that must be short the place is worth more than its beginning, which the message has as well.
            let first = cut(first, room - stack.len() - 1);
            let left = room - stack.len() - 1 - written(&first);
            match rest.trim_end() {
                "" => format!("{first}\n{stack}"),
                _ if left < FIRST_LINE => format!("{first}\n{stack}"),
                rest => format!("{first}\n{stack}\n{}", cut(rest, left - 1)),
            }
        }
        None => cut(text, room),
    };
    if text.is_empty() { end } else { format!("{text}\n{end}") }
}

/// `at scenarios.checkout.src.Scenario(lib.rs:91)`: the form in which `dorny/test-reporter` finds a file among those
/// of a repository, by the folders around it. `None` when every folder around it looks like a class.
fn stack(location: &SourceLocation) -> Option<String> {
    let mut parts = location.file.rsplit('/');
    let file = parts.next()?;
    // A package has no dot in a part, and what begins with a capital letter or a digit is a class.
    let is_package = |part: &&str| {
        part.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
    };
    let mut package: Vec<&str> = parts.take_while(is_package).collect();
    package.reverse();
    let plain = file.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
    (plain && !package.is_empty())
        .then(|| format!("at {}.Scenario({file}:{})", package.join("."), location.line))
}

pub(super) fn step(
    step: &StepReport,
    headline: &str,
    zones: Option<&str>,
    location: &SourceLocation,
    limit: usize,
) -> String {
    let mut body = line(headline, EXCERPT);
    let figures = &step.figures;
    let kinds: Vec<String> = step.failures.iter().map(|f| f.kind.counted(f.count)).collect();
    body.push_str(&format!(
        "\ncount:  {} by {}; {}",
        counted(figures.executions(), "execution"),
        counted(figures.minions, "minion"),
        kinds.join(", "),
    ));
    if let Some(zones) = zones {
        body.push_str(&format!("\nzones:  {}", line(zones, EXCERPT)));
    }
    body.push_str(&period(figures.first_failure, figures.last_failure));
    // Each kind's first, then each kind's second: what is cut are repetitions.
    let most = step.failures.iter().map(|f| f.evidence.len()).max().unwrap_or(0);
    for nth in 0..most {
        for evidence in step.failures.iter().filter_map(|f| f.evidence.get(nth)) {
            body.push_str(&kept(evidence));
        }
    }
    text(&body, location, limit)
}

pub(super) fn problem(problem: &ScenarioProblem, location: &SourceLocation, limit: usize) -> String {
    let mut body =
        format!("{}\ncount:  {}", line(&problem.message, EXCERPT), problem.kind.counted(problem.count));
    for evidence in &problem.evidence {
        body.push_str(&kept(evidence));
    }
    text(&body, location, limit)
}

pub(super) fn criterion(criterion: &CriterionReport, location: &SourceLocation, limit: usize) -> String {
    let rule = &criterion.criterion;
    let what = match &rule.subject {
        Subject::Step(_) => "step: ",
        Subject::Meter(_) => "meter:",
    };
    let body = format!(
        "{what}    {}\nmeasure:  {}\nexpected: {}\nobserved: {}",
        line(rule.subject.name(), EXCERPT),
        rule.measure(),
        rule.expectation(),
        criterion.observed_text(),
    );
    text(&body, location, limit)
}

pub(super) fn compared(
    subject: &SubjectComparison,
    message: &str,
    location: &SourceLocation,
    limit: usize,
) -> String {
    text(&format!("{}\n{}", line(message, EXCERPT), changes(subject).join("\n")), location, limit)
}

/// What was compared, one figure on a line.
pub(super) fn changes(subject: &SubjectComparison) -> Vec<String> {
    let one = |change: &Change| {
        format!(
            "{}: baseline {}, now {} ({}), {} from {}",
            change.what(),
            change.show(change.before),
            change.show(change.after),
            change.change_text(),
            if change.verdict == Verdict::Regression { "worse" } else { "it would be worse" },
            change.show(change.noticed_from),
        )
    };
    subject.changes.iter().map(one).collect()
}

fn period(first: Option<Timestamp>, last: Option<Timestamp>) -> String {
    match (first, last) {
        (Some(first), Some(last)) if first != last => {
            format!("\nfirst:  {}\nlast:   {}", first.rfc3339(), last.rfc3339())
        }
        (Some(once), _) | (None, Some(once)) => format!("\nat:     {}", once.rfc3339()),
        (None, None) => String::new(),
    }
}

/// One kept failure as a paragraph: what the failing step exchanged in full, what came before it line by line.
pub(super) fn kept(evidence: &Evidence) -> String {
    let mut text = format!("\n\n{} {}", evidence.at.rfc3339(), evidence.kind);
    if !evidence.code.is_empty() {
        text.push_str(&format!(" ({})", line(&evidence.code, EXCERPT)));
    }
    for fact in evidence::facts(evidence) {
        text.push_str(&format!(", {}", line(&fact, EXCERPT)));
    }
    text.push_str(&format!("\n  {}", line(&evidence.message, EXCERPT)));
    for check in &evidence.checks {
        text.push_str(&format!("\n  check {}", line(&check.name, EXCERPT)));
        if let Some(location) = &check.location {
            text.push_str(&format!(" ({})", line(&location.to_string(), EXCERPT)));
        }
        text.push_str(&excerpt("    ", "expected", &check.expected));
        text.push_str(&excerpt("    ", "observed", &check.observed));
    }
    for note in &evidence.notes {
        text.push_str(&format!("\n  {}", line(note, EXCERPT)));
    }
    let Some((last, earlier)) = evidence.exchanges.split_last() else { return text };
    text.push_str(&format!("\n  exchange: {}", line(&evidence::exchange(last), EXCERPT)));
    if let Some(details) = evidence::details(last) {
        text.push_str(&indented("    ", details));
    }
    if !earlier.is_empty() {
        text.push_str("\n  before it:");
        let lines = evidence::exchanges(evidence);
        let before = lines.iter().take(lines.len() - 1);
        before.for_each(|one| text.push_str(&format!("\n    {}", line(one, EXCERPT))));
    }
    text
}

/// `label: text`, on lines of its own when it has several.
fn excerpt(indent: &str, label: &str, text: &str) -> String {
    let shown = cut(&lines(&text[..text.floor_char_boundary(EXCERPT + 4)]), EXCERPT);
    if shown.contains('\n') {
        format!("\n{indent}{label}:{}", indented(&format!("{indent}  "), text))
    } else {
        format!("\n{indent}{label}: {shown}")
    }
}

fn indented(indent: &str, text: &str) -> String {
    let text = cut(&lines(&text[..text.floor_char_boundary(EXCERPT + 4)]), EXCERPT);
    text.lines().map(|line| format!("\n{}", format!("{indent}{line}").trim_end_matches(' '))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b11_a_place_is_a_line_of_a_stack_where_its_folders_look_like_packages() {
        let at = |file: &str| stack(&SourceLocation { file: file.into(), line: 87, column: 9 });
        let found = |text: &str| Some(text.to_owned());
        assert_eq!(at("scenarios/my-shop/src/lib.rs"), found("at scenarios.my-shop.src.Scenario(lib.rs:87)"));
        assert_eq!(at("/home/ci/v1.2/src/main.rs"), found("at src.Scenario(main.rs:87)"));
        assert_eq!(at("../load/src/main.rs"), found("at load.src.Scenario(main.rs:87)"));
        assert_eq!(
            [at("main.rs"), at("Src/main.rs"), at("a b/main.rs"), at("src/a (b).rs")],
            [const { None }; 4]
        );
    }
}
