//! The page of a head: campaigns in a browser, live and afterwards.
//!
//! Everything is HTML that the server renders and forms that it answers with a redirect. One module of script follows a
//! campaign and replaces what has changed. What a campaign has to show is the page of its report, in the frame of this one.

mod asset;
mod campaign;
mod compare;
mod control;
mod entered;
mod frame;
mod link;
mod list;
mod login;
mod profile;
mod refusal;
mod rendered;
mod start;
mod tables;
mod trend;
mod window;

use axum::routing::{get, post};
use axum::{Extension, Router};
use qalipsis_server::{Api, LOG_IN, LOG_OUT};
use rendered::Rendered;
use std::sync::Arc;

/// The pages, to be served beside the API.
pub fn routes() -> Router<Api> {
    Router::new()
        .route("/", get(list::show))
        .route("/campaigns/{key}", get(campaign::show))
        .route("/campaigns/{key}/abort", post(control::abort))
        .route("/campaigns/{key}/pause", post(control::pause))
        .route("/campaigns/{key}/resume", post(control::resume))
        .route("/campaigns/{key}/markers", post(control::mark))
        .route("/compare", get(compare::show))
        .route("/start", get(start::show).post(start::start))
        .route(LOG_IN, get(login::show).post(login::log_in))
        .route(LOG_OUT, post(login::log_out))
        .route("/assets/{name}", get(asset::serve))
        .layer(Extension(Arc::new(Rendered::default())))
}
