//! The client of a head elsewhere: starts campaigns there over REST, follows them, and fetches their reports.

mod campaign;
mod connection;
mod error;
mod event;
mod follow;
mod head;
mod publication;
mod reports;
mod selection;

pub use campaign::{Campaign, CampaignList, Progress};
pub use connection::{Connection, SECTION};
pub use error::ClientError;
pub use event::Event;
pub use follow::Following;
pub use head::Head;
pub use publication::{PUBLICATION, published_to};
pub use reports::{JobReport, Reports};
pub use selection::select;
