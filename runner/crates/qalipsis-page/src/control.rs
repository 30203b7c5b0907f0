//! Forms that control a campaign. Each is answered with a redirect back to it.

use crate::link;
use crate::refusal::Refusal;
use axum::Form;
use axum::extract::{Path, State};
use axum::response::Redirect;
use qalipsis_head::Control;
use qalipsis_server::Api;
use serde::Deserialize;

type Answer = Result<Redirect, Refusal>;

fn back(key: &str) -> Redirect {
    Redirect::to(&link::campaign(key))
}

/// How a campaign is stopped.
#[derive(Debug, Deserialize)]
pub(crate) struct Abort {
    #[serde(default)]
    hard: bool,
}

pub(crate) async fn abort(
    State(api): State<Api>,
    Path(key): Path<String>,
    Form(Abort { hard }): Form<Abort>,
) -> Answer {
    api.abort(&key, hard).await?;
    Ok(back(&key))
}

pub(crate) async fn pause(State(api): State<Api>, Path(key): Path<String>) -> Answer {
    api.control(&key, Control::Pause).await?;
    Ok(back(&key))
}

pub(crate) async fn resume(State(api): State<Api>, Path(key): Path<String>) -> Answer {
    api.control(&key, Control::Resume).await?;
    Ok(back(&key))
}

/// What happened now.
#[derive(Debug, Deserialize)]
pub(crate) struct Mark {
    label: String,
}

pub(crate) async fn mark(
    State(api): State<Api>,
    Path(key): Path<String>,
    Form(Mark { label }): Form<Mark>,
) -> Answer {
    api.control(&key, Control::Mark { label, at: None }).await?;
    Ok(back(&key))
}
