//! What comparisons find, and what they do not.

mod behaviour;
mod error_rates;
mod simulate;
