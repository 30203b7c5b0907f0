//! The failures that must be caught, each against the real shop.

mod broker;
mod faults;
mod support;
