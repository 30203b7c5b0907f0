//! The page of a head in a real browser.

mod access;
mod browser;
mod compared;
mod live;
mod window;
