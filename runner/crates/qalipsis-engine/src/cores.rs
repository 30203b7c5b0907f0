//! How much of the machine a factory uses.

use qalipsis_model::plan::FactoryPlan;

/// How many workers run the minions of this factory.
pub(crate) fn workers(plan: &FactoryPlan) -> usize {
    plan.workers.map_or_else(cores, |n| n as usize).max(1)
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
