//! The head as a service: campaigns over REST, their queue, and who may use them.
//!
//! It does not know how scenario executables are found or built: a [`Launcher`] gives the scenarios, plans campaigns and
//! runs them.

mod api;
mod campaign;
mod ends;
mod events;
mod history;
mod launcher;
mod log;
mod outcome;
mod problem;
pub mod schedules;
mod secrets;
mod security;
mod serve;
mod service;
mod session;
mod settings;
mod token;
pub mod view;

pub use api::{Api, CampaignList, Listing, openapi, router};
pub use ends::Ends;
pub use events::Event;
pub use launcher::{BoxFuture, Launched, Launcher, Planned};
pub use log::Log;
pub use outcome::{Outcome, Shown};
pub use problem::{Failure, ProblemDetails};
pub use qalipsis_payload::{Offered, Order, OrderedProfile, PointedProblem, pointer_token};
pub use security::{ASSETS, LOG_IN, LOG_OUT};
pub use serve::{Bound, ServeError};
pub use service::CampaignService;
pub use session::{Access, Sessions};
pub use settings::{SECTIONS, ServerSettings, TlsFiles};
pub use token::{Right, Token};
