//! The store on real databases.

mod campaigns;
mod fixtures;
mod schedules;
mod slices;
mod sqlite;
