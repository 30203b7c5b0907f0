//! The page of one campaign: queued, running and ended.

use crate::frame::{Follow, Page, may_write};
use crate::link;
use crate::refusal::Refusal;
use crate::rendered::Rendered;
use crate::window::{self, Asked};
use axum::Extension;
use axum::extract::{Path, Query, State};
use maud::{Markup, PreEscaped, html};
use qalipsis_model::duration::human;
use qalipsis_model::timestamp::Timestamp;
use qalipsis_report::html::parts;
use qalipsis_report::markup::text;
use qalipsis_report::text::{counted, number};
use qalipsis_server::view::{CampaignItem, Phase};
use qalipsis_server::{Access, Api};
use std::sync::Arc;
use std::time::Duration;

pub(crate) async fn show(
    State(api): State<Api>,
    Path(key): Path<String>,
    Query(asked): Query<Asked>,
    Extension(access): Extension<Access>,
    Extension(rendered): Extension<Arc<Rendered>>,
) -> Result<Page, Refusal> {
    let asked = asked.window()?;
    // First what may come later: an item that has ended has its report.
    let item = api.campaign(&key).await?;
    let shown = api.shown(&key).await?;
    let has_ended = item.phase == Phase::Ended;
    let follow = if has_ended { Follow::Not } else { Follow::Events(link::api(&key, "/events")) };
    let controls = html! {
        (state(&item))
        @if may_write(&access) { (controls(&item)) }
    };
    let mut page = Page::new(&title(&item), &access, html! {});
    page.follow = follow;
    // What its report brings then has a place.
    page.contents = (!has_ended).then(|| html! { nav aria-label="Contents" { div.tools data-tools="" {} } });
    let Some(shown) = shown else {
        page.main = html! { (without_report(&item)) (controls) };
        return Ok(page);
    };
    let document = rendered.page(&shown).await?;
    let Some(parts) = parts(document.as_str()) else {
        page.main = html! { (without_report(&item)) (controls) (links(&item)) };
        return Ok(page);
    };
    let window = match instant(item.started_at.as_deref()) {
        Some(started) => window::section(&api, &key, started, &shown, asked).await?,
        None => html! {},
    };
    page.contents = Some(PreEscaped(parts.contents.0.to_owned()));
    page.main = html! {
        (parts.verdict)
        (controls)
        @if has_ended { (links(&item)) }
        (window)
        (parts.details)
    };
    Ok(page)
}

fn title(item: &CampaignItem) -> String {
    format!("{} {}", name_of(item), item.name)
}

/// The verdict, or the phase while there is none.
fn name_of(item: &CampaignItem) -> String {
    let name = if item.phase == Phase::Ended {
        serde_json::to_value(item.status)
    } else {
        serde_json::to_value(item.phase)
    };
    name.ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

/// An instant as the API writes it.
pub(crate) fn instant(text: Option<&str>) -> Option<Timestamp> {
    let at = text?.parse::<jiff::Timestamp>().ok()?;
    u64::try_from(at.as_nanosecond()).ok().map(Timestamp)
}

/// A campaign that waits, prepares, or ended before it had anything to show.
fn without_report(item: &CampaignItem) -> Markup {
    let class = if item.phase == Phase::Ended { "bad" } else { "running" };
    html! {
        header class=(class) {
            h1 { (text(&title(item))) }
            p.dim { (text(&format!("campaign {}, asked for {}", item.key, item.queued_at))) }
        }
        @if item.phase == Phase::Queued { p { "It waits for its turn." } }
        @for cause in &item.causes { p.message { (text(cause)) } }
    }
}

/// How far a campaign is that has not ended.
fn state(item: &CampaignItem) -> Markup {
    let progress = &item.progress;
    let facts = [
        name_of(item),
        human(Duration::from_millis(progress.elapsed_ms)),
        format!("{} of {} released", number(progress.released), counted(progress.planned, "minion")),
        format!("{} active", number(progress.active)),
        counted(progress.executions, "execution"),
        format!("{} failed", number(progress.failures)),
    ];
    html! {
        @if !matches!(item.phase, Phase::Ended | Phase::Queued) {
            p.progress { (facts.join(" · ")) }
            progress max=(progress.planned.max(1)) value=(progress.ended) { (number(progress.ended)) " ended" }
        }
    }
}

fn button(key: &str, what: &str, label: &str) -> Markup {
    html! {
        form id={ "control-" (what) } method="post" action={ (link::campaign(key)) "/" (what) } { button type="submit" { (label) } }
    }
}

/// What can be done with a campaign that has not ended.
fn controls(item: &CampaignItem) -> Markup {
    let key = &item.key;
    let abort = format!("{}/abort", link::campaign(key));
    html! {
        @if item.phase != Phase::Ended {
            section.row id="controls" aria-label="Controls" {
                @match item.phase {
                    Phase::Running => (button(key, "pause", "Pause")),
                    Phase::Paused => (button(key, "resume", "Resume")),
                    _ => {}
                }
                form id="control-abort" method="post" action=(abort) {
                    button type="submit" title="Running iterations are finished" { "Abort" }
                }
                form id="control-abort-hard" method="post" action=(abort) {
                    button.hard type="submit" name="hard" value="true" title="Running iterations are cancelled" {
                        "Abort hard"
                    }
                }
                @if matches!(item.phase, Phase::Running | Phase::Paused | Phase::Stopping) {
                    form id="control-mark" method="post" action={ (link::campaign(key)) "/markers" } {
                        input name="label" required="" maxlength="200" placeholder="What happens now" aria-label="Label of a marker";
                        button type="submit" { "Mark" }
                    }
                }
            }
        }
    }
}

/// What an ended campaign leaves, and what can follow.
fn links(item: &CampaignItem) -> Markup {
    let key = &item.key;
    html! {
        p.row {
            a href=(link::query("/", &[("scenario", item.scenarios.first().map_or("", String::as_str)), ("reference", key)])) {
                "Compare"
            }
            a href=(link::api(key, "/report")) { "Report as a file" }
            a href=(link::api(key, "/summary")) { "summary.json" }
            a href=(link::api(key, "/junit")) { "JUnit" }
            a href=(link::api(key, "/configuration")) { "Configuration" }
        }
    }
}
