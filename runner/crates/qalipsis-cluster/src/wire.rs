//! What crosses the border of a process, as `runner/contract` defines it.
//!
//! The files in `wire/` are generated; `tests/generated.rs` says how, and fails when they differ from the definitions.

include!("wire/qalipsis.contract.v2.rs");

pub mod common {
    include!("wire/qalipsis.contract.v2.common.rs");
}

pub mod event {
    include!("wire/qalipsis.contract.v2.event.rs");
}

pub mod failure {
    include!("wire/qalipsis.contract.v2.failure.rs");
}

pub mod figures {
    include!("wire/qalipsis.contract.v2.figures.rs");
}

pub mod plan {
    include!("wire/qalipsis.contract.v2.plan.rs");

    /// Names only: values may be secrets.
    impl std::fmt::Debug for ScenarioPlan {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            let properties: Vec<&String> = self.properties.keys().collect();
            f.debug_struct("ScenarioPlan").field("name", &self.name).field("properties", &properties).finish()
        }
    }
}
