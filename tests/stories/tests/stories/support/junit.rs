//! JUnit files as their readers see them.

use std::path::Path;

/// One `<testsuite>`.
#[derive(Debug)]
pub(crate) struct Suite {
    pub(crate) cases: Vec<Case>,
}

/// One `<testcase>`.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) name: String,
    /// `None` when it passed, else the `type` of the failure or error, or `skipped`.
    pub(crate) outcome: Option<String>,
    pub(crate) message: String,
    pub(crate) body: String,
    pub(crate) output: String,
}

impl Suite {
    pub(crate) fn read(file: &Path) -> Self {
        let text = std::fs::read_to_string(file).unwrap();
        let document = roxmltree::Document::parse(&text).unwrap();
        let cases = document.descendants().filter(|n| n.has_tag_name("testcase")).map(|node| {
            let child = |name: &str| node.children().find(|c| c.has_tag_name(name));
            let failed = child("failure").or_else(|| child("error"));
            let outcome = match (failed, child("skipped")) {
                (Some(failed), _) => Some(failed.attribute("type").unwrap_or_default().to_owned()),
                (None, Some(_)) => Some("skipped".to_owned()),
                (None, None) => None,
            };
            let text = |node: Option<roxmltree::Node<'_, '_>>| {
                node.and_then(|n| n.text()).unwrap_or_default().to_owned()
            };
            Case {
                name: node.attribute("name").unwrap().to_owned(),
                outcome,
                message: failed.and_then(|f| f.attribute("message")).unwrap_or_default().to_owned(),
                body: text(failed),
                output: text(child("system-out")),
            }
        });
        Self { cases: cases.collect() }
    }

    #[track_caller]
    pub(crate) fn case(&self, name: &str) -> &Case {
        let named = |case: &&Case| case.name == name;
        self.cases.iter().find(named).unwrap_or_else(|| panic!("no test case '{name}' in {:#?}", self.cases))
    }
}

impl Case {
    /// How often the step was executed.
    #[track_caller]
    pub(crate) fn executions(&self) -> u64 {
        let number = self.output.split(" execution").next().and_then(|n| n.rsplit(' ').next());
        number
            .and_then(|n| n.trim().replace(',', "").parse().ok())
            .unwrap_or_else(|| panic!("{}", self.output))
    }

    /// The two numbers of `37 of 1000 minions`.
    #[track_caller]
    pub(crate) fn minions(&self) -> (u64, u64) {
        let words: Vec<&str> = self.message.split_whitespace().collect();
        match words[..] {
            [failed, "of", all, "minions:" | "minion:", ..] => {
                (failed.parse().unwrap(), all.parse().unwrap())
            }
            _ => panic!("{}", self.message),
        }
    }
}
