#![doc = include_str!("../README.md")]

mod answer;
mod builder;
mod client;
mod connection;
mod count;
mod error;
mod evidence;
mod name;
mod parameter;
mod poll;
mod pool;
mod reader;
mod records;
mod save;
mod seen;
mod statement;
mod target;
mod text;
mod transaction;
mod window;
mod written;

pub use answer::{Answer, Timings};
pub use builder::PostgresBuilder;
pub use client::Postgres;
pub use count::Count;
pub use parameter::Parameter;
pub use poll::{Poll, PollRows};
pub use save::Save;
pub use statement::{Execute, Fetch, Search};
pub use tokio_postgres::types::ToSql;
pub use transaction::{Isolation, Transaction};
