//! The list of campaigns.

use crate::campaign::instant;
use crate::frame::{Follow, Page};
use crate::link;
use crate::refusal::Refusal;
use crate::trend::{self, trend};
use axum::Extension;
use axum::extract::{Query, State};
use maud::{Markup, html};
use qalipsis_model::duration::human;
use qalipsis_report::html::tone;
use qalipsis_report::markup::{number, text};
use qalipsis_report::text::number as grouped;
use qalipsis_server::view::{CampaignItem, Phase, Status};
use qalipsis_server::{Access, Api, CampaignList, Listing};
use qalipsis_store::CampaignStatus;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::time::Duration;

/// Campaigns of a page.
const SIZE: u32 = 50;

/// Scenarios whose trend is shown.
const TRENDS: usize = 12;

/// Seconds after which the list is looked at.
const EVERY: u32 = 5;

/// Which campaigns; a form sends every field, also empty ones.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    #[serde(default)]
    filter: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    scenario: String,
    /// The campaign that others are to be compared with.
    #[serde(default)]
    reference: String,
    #[serde(default)]
    page: u32,
}

impl Asked {
    /// The same on another page.
    fn on(&self, page: u32) -> String {
        let page = if page == 0 { String::new() } else { page.to_string() };
        let parameters = [
            ("filter", self.filter.as_str()),
            ("status", &self.status),
            ("scenario", &self.scenario),
            ("reference", &self.reference),
            ("page", &page),
        ];
        link::query("/", &parameters)
    }

    fn listing(&self) -> Listing {
        let given = |text: &String| (!text.is_empty()).then(|| text.clone());
        Listing {
            filter: given(&self.filter),
            status: given(&self.status),
            scenario: given(&self.scenario),
            page: self.page,
            size: Some(SIZE),
            ..Listing::default()
        }
    }
}

pub(crate) async fn show(
    State(api): State<Api>,
    Query(asked): Query<Asked>,
    Extension(access): Extension<Access>,
) -> Result<Page, Refusal> {
    let list = api.list(asked.listing()).await?;
    let mut names: Vec<&str> = api.scenarios().iter().map(|one| one.scenario.name.as_str()).collect();
    let of = &asked.scenario;
    if !of.is_empty() && !names.contains(&of.as_str()) {
        names.push(of);
    }
    let mut trends = Vec::new();
    for name in drawn(&asked, &list) {
        let points = api.trend(name, trend::RUNS).await?;
        trends.push(trend(name, &points));
    }
    let main = html! {
        h1 { "Campaigns" }
        (form(&asked, &names))
        @if !trends.is_empty() {
            section.trends aria-label="Trends" { @for trend in &trends { (trend) } }
        }
        (table(&asked, &list))
        (pages(&asked, &list))
    };
    Ok(Page { follow: Follow::Every(EVERY), ..Page::new("Campaigns", &access, main) })
}

/// The scenarios of the campaigns of a page, or the one that was asked for.
fn drawn<'a>(asked: &'a Asked, list: &'a CampaignList) -> Vec<&'a str> {
    let mut names: Vec<&str> =
        list.campaigns.iter().flat_map(|one| &one.scenarios).map(String::as_str).collect();
    if !asked.scenario.is_empty() {
        names.retain(|name| *name == asked.scenario);
    }
    let mut seen = BTreeSet::new();
    names.retain(|name| seen.insert(*name));
    names.truncate(TRENDS);
    names
}

fn form(asked: &Asked, scenarios: &[&str]) -> Markup {
    let statuses = CampaignStatus::ALL.map(|status| status.to_string());
    let choice = |name: &str, label: &str, chosen: &str, all: &[&str]| {
        html! {
            label {
                (label) " "
                select name=(name) {
                    option value="" { "all" }
                    @for one in all { option value=(one) selected[*one == chosen] { (text(one)) } }
                }
            }
        }
    };
    let statuses: Vec<&str> = statuses.iter().map(String::as_str).collect();
    html! {
        form.row method="get" action="/" role="search" {
            label { "Text " input type="search" name="filter" maxlength="300" value=(asked.filter); }
            (choice("status", "Status", &asked.status, &statuses))
            (choice("scenario", "Scenario", &asked.scenario, scenarios))
            @if !asked.reference.is_empty() { input type="hidden" name="reference" value=(asked.reference); }
            button type="submit" { "Filter" }
        }
    }
}

/// The name of a status and its class.
pub(crate) fn status_of(status: Status) -> (String, &'static str) {
    match CampaignStatus::from(status) {
        CampaignStatus::Ended(verdict) => (verdict.to_string(), tone(verdict)),
        waiting => (waiting.to_string(), "running"),
    }
}

fn table(asked: &Asked, list: &CampaignList) -> Markup {
    if list.campaigns.is_empty() {
        return html! { p { "There is no such campaign." } };
    }
    html! {
        form method="get" action="/compare" {
            div.wide {
                table.campaigns {
                    thead {
                        tr {
                            th { "reference" } th { "compared" } th { "status" } th { "campaign" } th { "scenarios" }
                            th { "started" } th.number { "duration" } th.number { "minions" }
                            th.number { "executions" } th.number { "failed" }
                        }
                    }
                    tbody { @for one in &list.campaigns { (row(asked, one)) } }
                }
            }
            p.row {
                button type="submit" { "Compare" }
                span.dim { "up to five campaigns with one reference of the same load" }
            }
        }
    }
}

fn row(asked: &Asked, item: &CampaignItem) -> Markup {
    let (status, class) = status_of(item.status);
    let progress = &item.progress;
    let has_ended = item.phase == Phase::Ended;
    let started = item.started_at.as_deref().unwrap_or("–");
    html! {
        tr id={ "campaign-" (item.key) } {
            td {
                @if has_ended {
                    input type="radio" name="reference" value=(item.key) checked[item.key == asked.reference]
                        aria-label=(text(&format!("{} as the reference", item.name)));
                }
            }
            td {
                @if has_ended {
                    input type="checkbox" name="current" value=(item.key)
                        aria-label=(text(&format!("compare {}", item.name)));
                }
            }
            td { span class={ "status " (class) } { (status) } }
            td { a href=(link::campaign(&item.key)) { (text(&item.name)) } }
            td { (text(&item.scenarios.join(", "))) }
            td { time datetime=(started) { (shown(started)) } }
            (number(&human(Duration::from_millis(progress.elapsed_ms))))
            @for count in [progress.released, progress.executions, progress.failures] { (number(&grouped(count))) }
        }
    }
}

/// An instant to the second: `2026-11-29 14:05:00 UTC`.
fn shown(started: &str) -> String {
    match instant(Some(started)).map(|at| at.rfc3339()) {
        Some(at) if at.len() > 19 => format!("{} {} UTC", &at[..10], &at[11..19]),
        _ => started.to_owned(),
    }
}

fn pages(asked: &Asked, list: &CampaignList) -> Markup {
    let last = u32::try_from(list.total.saturating_sub(1) / u64::from(SIZE)).unwrap_or(u32::MAX);
    html! {
        @if list.total > u64::from(SIZE) {
            p.row {
                @if list.page > 0 { a rel="prev" href=(asked.on(list.page - 1)) { "Newer" } }
                span { "Page " (list.page.saturating_add(1)) " of " (last.saturating_add(1)) ", " (grouped(list.total)) " campaigns" }
                @if list.page < last { a rel="next" href=(asked.on(list.page + 1)) { "Older" } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_keep_the_filter_and_instants_are_for_people() {
        let asked = Asked { filter: "a&b".to_owned(), ..Asked::default() };
        assert_eq!((asked.on(0).as_str(), asked.on(2).as_str()), ("/?filter=a%26b", "/?filter=a%26b&page=2"));
        assert_eq!(shown("2026-11-29T14:05:00.123Z"), "2026-11-29 14:05:00 UTC");
        assert_eq!(shown("–"), "–");
    }
}
