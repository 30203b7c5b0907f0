//! What users see of a finished campaign, whole.

mod console;
mod junit;
mod list;
mod sample;
mod summary;
