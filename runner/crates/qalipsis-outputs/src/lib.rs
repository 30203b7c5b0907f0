//! Every output there is: the dependencies of this crate are the list.
//!
//! A dependency that brings no `OUTPUTS` does not compile, so none is left out by accident.

use qalipsis_report::output::OutputDefinition;

include!(concat!(env!("OUT_DIR"), "/outputs.rs"));

/// Every output, in the order of the list.
pub fn definitions() -> impl Iterator<Item = &'static OutputDefinition> {
    LISTS.iter().copied().flatten().copied()
}

#[cfg(test)]
mod tests {
    use super::definitions;
    use qalipsis_report::output::OutputDefinition;
    use std::collections::BTreeSet;

    #[test]
    fn each_has_a_name_of_its_own_and_keys_that_take_their_defaults() {
        let names: BTreeSet<&str> = definitions().map(|output| output.section.name).collect();
        assert_eq!(names.len(), definitions().count());
        let labels: BTreeSet<&str> = definitions().map(OutputDefinition::label).collect();
        assert!(
            labels.is_superset(&["slack", "mail", "junit", "summary", "html", "github"].into()),
            "{labels:?}"
        );
        for output in definitions() {
            let name = output.section.name;
            assert_eq!(name.strip_prefix("report.export."), Some(output.label()));
            let keys: BTreeSet<&str> = output.section.keys.iter().map(|key| key.name).collect();
            assert_eq!(keys.len(), output.section.keys.len(), "{name} declares a key twice");
            assert!(keys.contains("enabled"), "{name} can be switched on and off");
            for key in output.section.keys {
                let is_kebab_case = key.name.chars().all(|c| c.is_ascii_lowercase() || c == '-');
                assert!(is_kebab_case, "{name}.{}", key.name);
                assert!(key.doc.ends_with('.'), "{name}.{} is documented in sentences", key.name);
                assert!(key.default.is_none_or(|default| key.kind.accepts(default)), "{name}.{}", key.name);
            }
        }
    }
}
