//! The store: campaigns with their files, figures of each second and markers, and schedules.
//!
//! It is a file of SQLite that one head writes, or a database of PostgreSQL that several heads share. A campaign that runs
//! never waits for it: what cannot be stored is counted. `runner/docs/store.md` says what users see of it.
//!
//! The head opens a [`Store`] once and clones it. Each campaign that runs has a [`CampaignWriter`], which takes what
//! happens without waiting: its state, a [`Slice`] of each scenario and second, markers, and at last all files with
//! the verdict. Slices are encoded at once, so that what waits stays small: for that a second of 50 steps costs its caller
//! some milliseconds, which belong on a task of their own.

mod bytes;
mod campaign;
mod database;
mod error;
mod file;
mod keep;
mod location;
mod marker;
mod postgres;
mod schedule;
mod schema;
mod section;
mod slice;
mod sqlite;
mod store;
mod value;

pub use campaign::{
    CampaignPage, CampaignQuery, CampaignRecord, CampaignSort, CampaignStatus, ScenarioRecord, TimesRecord,
    TrendPoint,
};
pub use database::Lost;
pub use error::{StoreError, StoreProblem};
pub use file::{FileEntry, StoredFile, names};
pub use keep::Keep;
pub use location::Location;
pub use marker::Marker;
pub use postgres::Target;
pub use schedule::{LastRun, MissedRuns, Schedule, When};
pub use section::{STORE, configured};
pub use slice::Slice;
pub use store::{CampaignWriter, Import, Store};
