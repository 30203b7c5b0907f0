//! What users see of a finished campaign, whole.

mod comparison;
mod console;
mod junit;
mod list;
mod sample;
mod summary;
