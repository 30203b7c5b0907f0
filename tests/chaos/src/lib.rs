//! All of it is in `tests`.
