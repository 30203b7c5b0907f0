//! What the benchmarks and the measuring programs share: minions without a campaign, factories
//! without a head, CPU time, and loops of which the instructions can be counted.

mod bare;
mod counted;
pub mod cpu;
mod factory;

pub use bare::Bare;
pub use counted::is_counted;
pub use factory::Load;
