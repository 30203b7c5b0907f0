//! The shop: a small real order system, the system under test of the load-test tool.
//!
//! It runs as its own process, is healthy by default, and misbehaves only in the ways its flags ask
//! for. It depends on nothing of the tool that tests it. README.md describes endpoints and flags.
//!
//! Two parts live here. [`Launcher`] starts a built shop from a test or a scenario and needs only the
//! standard library. `main` is the shop itself, behind the feature `server` (on by default).

#[cfg(feature = "server")]
mod cache;
#[cfg(feature = "server")]
mod database;
#[cfg(feature = "server")]
mod embedded;
#[cfg(feature = "server")]
mod exchange;
#[cfg(feature = "server")]
mod faults;
#[cfg(feature = "server")]
mod front;
#[cfg(feature = "server")]
mod kafka;
mod launcher;
#[cfg(feature = "server")]
mod options;
#[cfg(feature = "server")]
mod order;
#[cfg(feature = "server")]
mod publisher;
#[cfg(feature = "server")]
mod server;
#[cfg(feature = "server")]
mod sink;
#[cfg(feature = "server")]
mod sinks;
#[cfg(feature = "server")]
mod state;
#[cfg(feature = "server")]
mod worker;

pub use launcher::{Launcher, Running};
#[cfg(feature = "server")]
pub use server::main;
