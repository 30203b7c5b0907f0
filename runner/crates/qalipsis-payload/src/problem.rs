//! What is wrong with what was sent, where users look for it.

use qalipsis_config::problem::Problem;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// One thing that is wrong with what was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PointedProblem {
    /// The JSON pointer of what is wrong; empty when it is the document, or the configuration of the head.
    pub pointer: String,
    /// What is wrong, and what to do, in one line.
    pub message: String,
}

impl PointedProblem {
    /// What is wrong with a document, at a place that is a JSON pointer.
    pub fn of_document(problem: &Problem) -> Self {
        let pointer = problem.place().unwrap_or_default().to_owned();
        Self { pointer, message: problem.what().to_owned() }
    }

    /// What planning finds. `pointers` has the places that came with the document; others, such as files of the head, are
    /// no pointers, whatever they look like, and stay in the message.
    pub(crate) fn of_plan(problem: &Problem, pointers: &BTreeMap<String, String>) -> Self {
        let place = problem.place().unwrap_or_default();
        match pointers.get(place) {
            Some(pointer) if pointer == place => Self::of_document(problem),
            Some(pointer) => Self { pointer: pointer.clone(), message: problem.to_string() },
            None => Self { pointer: String::new(), message: problem.to_string() },
        }
    }

    /// The same of a document that is a field of another.
    #[must_use]
    pub fn below(mut self, pointer: &str) -> Self {
        self.pointer.insert_str(0, pointer);
        self
    }
}

/// A name as one token of a JSON pointer (RFC 6901).
pub fn pointer_token(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_places_of_the_document_are_pointers() {
        let pointers = BTreeMap::from([
            ("/seed".to_owned(), "/seed".to_owned()),
            ("scenario 'a'".to_owned(), "/scenarios/a".to_owned()),
        ]);
        let pointed = |place: &str| {
            let PointedProblem { pointer, message } =
                PointedProblem::of_plan(&Problem::at(place, "wrong"), &pointers).below("/campaign");
            (pointer, message)
        };
        assert_eq!(pointed("/seed"), ("/campaign/seed".into(), "wrong".into()));
        assert_eq!(pointed("scenario 'a'"), ("/campaign/scenarios/a".into(), "scenario 'a': wrong".into()));
        assert_eq!(
            pointed("/etc/qalipsis.yaml:3:1"),
            ("/campaign".into(), "/etc/qalipsis.yaml:3:1: wrong".into())
        );
    }
}
