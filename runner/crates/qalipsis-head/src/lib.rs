//! The head: plans nothing and runs nothing itself; it leads factories through a campaign, merges
//! what they tell, notices who is lost, and judges.

mod campaign;
mod events;
mod progress;

pub use campaign::{Campaign, Link, Peer};
pub use events::EventSink;
pub use progress::{Observer, Progress};
