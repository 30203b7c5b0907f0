//! The engine through the scenario API, judged as the head would.

mod accounting;
mod after;
mod collect;
mod data;
mod factories;
mod join;
mod joined;
mod ledger;
mod meter;
mod meters;
mod omission;
mod overload;
mod pause;
mod profile;
mod replay;
mod retry;
mod spans;
mod steps;
mod support;
