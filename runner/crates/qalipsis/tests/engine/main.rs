//! The engine through the scenario API, judged as the head would.

mod join;
mod ledger;
mod meter;
mod steps;
mod support;
