//! What clients of the head send, described and read: campaigns to start, schedules, markers.
//!
//! It is read field by field, so that all that is wrong is found at once, each at its JSON pointer. The payload of a
//! campaign is the one of the JVM product, and some fields of ours.

mod object;
mod order;
mod problem;
mod profile;
mod read;
mod request;
#[cfg(test)]
mod tests;

pub use order::{Offered, Order, OrderedProfile};
pub use problem::{PointedProblem, pointer_token};
pub use read::{ReadSchedule, planned, read, read_marker, read_schedule, wrong_calendar};
pub use request::{
    ArrivalsRate, CampaignRequest, Distribution, ExecutionProfile, HardTimeout, MinionsStage,
    PercentageStage, Scalar, ScenarioRequest, StageCompletion,
};
