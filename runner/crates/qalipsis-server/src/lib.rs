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
mod outcome;
mod problem;
pub mod schedules;
mod security;
mod serve;
mod service;
mod settings;
mod token;
pub mod view;

pub use api::{Api, openapi, router};
pub use events::Event;
pub use launcher::{BoxFuture, Launched, Launcher, Planned};
pub use problem::{Failure, ProblemDetails};
pub use qalipsis_payload::{Offered, Order, OrderedProfile};
pub use security::Log;
pub use serve::{Bound, ServeError};
pub use service::CampaignService;
pub use settings::{SECTIONS, ServerSettings, TlsFiles};
pub use token::{Right, Token};
