//! The store on real databases.

mod campaigns;
mod failures;
mod fixtures;
mod killed;
mod postgres;
mod schedules;
mod slices;
mod sqlite;
mod versions;
