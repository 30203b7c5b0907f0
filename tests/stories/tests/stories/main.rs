//! The failures that must be caught, each against the real shop.

mod broker;
mod database;
mod faults;
mod support;
