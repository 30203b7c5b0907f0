//! The head: plans nothing and runs nothing itself; it leads factories through a campaign, merges
//! what they tell, notices who is lost, and judges.

mod campaign;
mod events;
mod progress;
mod silence;

pub use campaign::{Campaign, Link, Peer};
pub use events::{EventSink, FailureSink};
pub use progress::{Observer, Progress};
