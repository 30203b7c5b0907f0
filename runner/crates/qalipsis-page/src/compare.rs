//! Campaigns side by side with a reference.

use crate::frame::Page;
use crate::link;
use crate::refusal::Refusal;
use axum::Extension;
use axum::extract::{Query, State};
use maud::{Markup, html};
use qalipsis_compare::{Change, Comparison, Verdict};
use qalipsis_report::markup::{number, text};
use qalipsis_server::view::CampaignItem;
use qalipsis_server::{Access, Api, ProblemDetails};

/// Campaigns that are compared with the reference, at most.
const MOST: usize = 5;

/// A campaign, and what came out of comparing it, or why it could not be compared.
struct Compared {
    item: CampaignItem,
    outcome: Result<Comparison, String>,
}

/// A figure of a step or source.
#[derive(PartialEq, Eq, Clone)]
struct Figure {
    scenario: String,
    subject: String,
    what: String,
}

/// Reads the reference and the keys that are compared with it.
fn keys(asked: Vec<(String, String)>) -> Result<(String, Vec<String>), Refusal> {
    let (mut reference, mut current) = (None, Vec::new());
    for (name, value) in asked {
        match name.as_str() {
            "reference" => reference = Some(value),
            "current" => current.extend(value.split(',').map(|key| key.trim().to_owned())),
            _ => {}
        }
    }
    let reference =
        reference.filter(|key| !key.is_empty()).ok_or_else(|| Refusal::bad_request("choose a reference"))?;
    current.retain(|key| !key.is_empty() && *key != reference);
    current.dedup();
    match current.len() {
        0 => Err(Refusal::bad_request("choose campaigns other than the reference to compare with it")),
        1..=MOST => Ok((reference, current)),
        _ => Err(Refusal::bad_request(format!(
            "choose at most {MOST} campaigns to compare with the reference"
        ))),
    }
}

pub(crate) async fn show(
    State(api): State<Api>,
    Query(asked): Query<Vec<(String, String)>>,
    Extension(access): Extension<Access>,
) -> Result<Page, Refusal> {
    let (reference, current) = keys(asked)?;
    let reference = api.campaign(&reference).await?;
    let mut compared = Vec::new();
    for key in current {
        let item = api.campaign(&key).await?;
        let outcome = api.compare(&[&reference.key], &key).await;
        let outcome = outcome.map_err(|failure| ProblemDetails::from(failure).detail);
        compared.push(Compared { item, outcome });
    }
    let main = html! {
        h1 { "Compared with " (name(&reference)) }
        p.dim { (text(&format!("campaign {}, started {}", reference.key, reference.started_at.as_deref().unwrap_or("–")))) }
        (verdicts(&compared))
        (table(&compared))
    };
    Ok(Page::new("Comparison", &access, main))
}

fn name(item: &CampaignItem) -> Markup {
    html! { a href=(link::campaign(&item.key)) { (text(&item.name)) } }
}

fn verdicts(compared: &[Compared]) -> Markup {
    html! {
        ul {
            @for Compared { item, outcome } in compared {
                li {
                    (name(item)) ": "
                    @match outcome {
                        Ok(comparison) => {
                            @if comparison.regressed() { span.status.bad { "worse" } } @else { span.status.good { "no worse" } }
                            ", " (qalipsis_report::comparison::outcome(comparison))
                            @for note in notes(comparison) { p.dim { (text(note)) } }
                        }
                        Err(why) => { span.status.warn { "not compared" } ", " (text(why)) }
                    }
                }
            }
        }
    }
}

fn notes(comparison: &Comparison) -> impl Iterator<Item = &String> {
    comparison.notes.iter().chain(comparison.scenarios.iter().flat_map(|scenario| &scenario.notes))
}

/// All figures of a comparison.
fn figures(comparison: &Comparison) -> impl Iterator<Item = (Figure, &Change)> {
    comparison.subjects().flat_map(|(scenario, subject)| {
        let figure = |change: &Change| Figure {
            scenario: scenario.name.clone(),
            subject: subject.name.clone(),
            what: change.what(),
        };
        subject.changes.iter().map(move |change| (figure(change), change))
    })
}

/// A row for each figure, and a column for each campaign.
fn table(compared: &[Compared]) -> Markup {
    let shown: Vec<(&CampaignItem, &Comparison)> =
        compared.iter().filter_map(|one| Some((&one.item, one.outcome.as_ref().ok()?))).collect();
    let mut rows: Vec<Figure> = Vec::new();
    for (figure, _) in shown.iter().flat_map(|(_, comparison)| figures(comparison)) {
        if !rows.contains(&figure) {
            rows.push(figure);
        }
    }
    let change = |comparison: &&'_ Comparison, row: &Figure| -> Option<Change> {
        figures(comparison).find(|(figure, _)| figure == row).map(|(_, change)| change.clone())
    };
    html! {
        @if !rows.is_empty() {
            div.wide {
                table.compared {
                    thead {
                        tr {
                            th { "step or source" } th { "measure" } th.number { "reference" }
                            @for (item, _) in &shown { th.number colspan="2" { (name(item)) } }
                        }
                    }
                    tbody {
                        @for row in &rows {
                            @let changes: Vec<Option<Change>> = shown.iter().map(|(_, one)| change(one, row)).collect();
                            tr {
                                td { (text(&format!("{} › {}", row.scenario, row.subject))) }
                                td { (text(&row.what)) }
                                (number(&changes.iter().flatten().next().map_or_else(String::new, |one| one.show(one.before))))
                                @for change in &changes { (cells(change.as_ref())) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn cells(change: Option<&Change>) -> Markup {
    let Some(change) = change else { return html! { td.number colspan="2" { "–" } } };
    let class = match change.verdict {
        Verdict::Regression => "number bad",
        Verdict::Improvement => "number good",
        Verdict::Unchanged => "number",
    };
    html! {
        td class=(class) { (text(&change.show(change.after))) }
        td class=(class) { (text(&change.change_text())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(pairs: &[(&str, &str)]) -> Result<(String, Vec<String>), Refusal> {
        keys(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn a_reference_and_up_to_five_others_are_compared() {
        let (reference, current) =
            asked(&[("reference", "a"), ("current", "b"), ("current", "a"), ("current", "c, d")]).unwrap();
        assert_eq!((reference.as_str(), current.join(" ").as_str()), ("a", "b c d"));
        assert!(asked(&[("current", "b")]).is_err());
        assert!(asked(&[("reference", "a"), ("current", "a")]).is_err());
        assert!(asked(&[("reference", "a"), ("current", "b,c,d,e,f,g")]).is_err());
    }
}
