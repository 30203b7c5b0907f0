//! The failures that must be caught, each against the real shop.

mod broker;
mod database;
mod everywhere;
mod faults;
mod restarts;
mod slow;
mod support;
