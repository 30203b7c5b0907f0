//! The failures that must be caught, each against the real shop.

mod broker;
mod database;
mod demonstration;
mod everywhere;
mod faults;
mod refused;
mod restarts;
mod slow;
mod support;
mod zones;
