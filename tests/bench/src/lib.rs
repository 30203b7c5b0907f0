//! What the benchmarks and the measuring programs share: minions without a campaign, factories
//! without a head, and CPU time.

mod bare;
pub mod cpu;
mod factory;

pub use bare::Bare;
pub use factory::Load;
