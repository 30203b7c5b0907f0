//! Lists of campaigns: filtered, sorted, in pages that stay.

use super::Api;
use super::campaigns::unreadable;
use super::request::Parameters;
use crate::history;
use crate::problem::{Failure, ProblemDetails};
use crate::view::{CampaignItem, Status};
use axum::Json;
use axum::extract::State;
use qalipsis_model::suggest::hint;
use qalipsis_model::timestamp::Timestamp;
use qalipsis_store::{CampaignQuery, CampaignSort, CampaignStatus};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Campaigns of a page, at most.
const LARGEST_PAGE: u32 = 500;

/// Characters of a text that is looked for, at most.
const LONGEST_TEXT: usize = 300;

/// What can be sorted by.
const SORTS: [(&str, CampaignSort); 4] = [
    ("started", CampaignSort::Started),
    ("ended", CampaignSort::Ended),
    ("name", CampaignSort::Name),
    ("status", CampaignSort::Status),
];

/// The names of what can be sorted by, in both directions.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "only its description is used")]
enum Sort {
    Started,
    Ended,
    Name,
    Status,
    #[schema(rename = "-started")]
    StartedReversed,
    #[schema(rename = "-ended")]
    EndedReversed,
    #[schema(rename = "-name")]
    NameReversed,
    #[schema(rename = "-status")]
    StatusReversed,
}

/// Which campaigns, in which order.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Listing {
    /// Only those with this text in their key, their name or the name of a scenario.
    #[param(max_length = 300)]
    pub filter: Option<String>,
    /// Only those with one of these, with commas between them.
    #[param(value_type = Option<Vec<Status>>, style = Form, explode = false)]
    pub status: Option<String>,
    /// Only those with this scenario.
    #[param(max_length = 300)]
    pub scenario: Option<String>,
    /// Only those that started at this instant or later, in RFC 3339.
    #[param(format = DateTime)]
    pub from: Option<String>,
    /// Only those that started before this instant, in RFC 3339.
    #[param(format = DateTime)]
    pub to: Option<String>,
    /// What they are sorted by; with `-` before it from the last to the first. Default: `-started`.
    #[param(value_type = Option<Sort>, inline)]
    pub sort: Option<String>,
    /// Number of the page, from 0.
    #[serde(default)]
    #[param(maximum = 4_294_967_295_u32)]
    pub page: u32,
    /// Campaigns of a page. Default: 50.
    #[param(minimum = 1, maximum = 500)]
    pub size: Option<u32>,
}

/// A page of campaigns.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CampaignList {
    /// The campaigns of this page.
    pub campaigns: Vec<CampaignItem>,
    /// How many there are on all pages.
    pub total: u64,
    /// Number of the page, from 0.
    pub page: u32,
    /// Campaigns of a page.
    pub size: u32,
}

impl Listing {
    fn query(self) -> Result<CampaignQuery, Failure> {
        let statuses = self.status.iter().flat_map(|list| list.split(',')).map(str::trim);
        let parse = |name: &str| {
            let names = CampaignStatus::ALL.map(|status| status.to_string());
            CampaignStatus::parse(&name.to_uppercase()).ok_or_else(|| {
                let advice = hint(name, names.iter().map(String::as_str));
                Failure::bad_request(format!("status: unknown status '{name}', {advice}"))
            })
        };
        let statuses: Vec<CampaignStatus> =
            statuses.filter(|name| !name.is_empty()).map(parse).collect::<Result<_, _>>()?;
        let sort = self.sort.as_deref().unwrap_or("-started");
        let (name, descending) = sort.strip_prefix('-').map_or((sort, false), |name| (name, true));
        let (_, sort) = SORTS.into_iter().find(|(known, _)| *known == name).ok_or_else(|| {
            let advice = hint(name, SORTS.map(|(known, _)| known));
            Failure::bad_request(format!("sort: cannot sort by '{name}', {advice}"))
        })?;
        let size = self.size.unwrap_or(CampaignQuery::default().size);
        if !(1..=LARGEST_PAGE).contains(&size) {
            return Err(Failure::bad_request(format!("size: must be from 1 to {LARGEST_PAGE}")));
        }
        for (name, text) in [("filter", &self.filter), ("scenario", &self.scenario)] {
            if text.as_ref().is_some_and(|text| text.chars().count() > LONGEST_TEXT) {
                let why = format!("{name}: must have at most {LONGEST_TEXT} characters");
                return Err(Failure::bad_request(why));
            }
        }
        Ok(CampaignQuery {
            text: self.filter.filter(|text| !text.is_empty()),
            statuses,
            scenario: self.scenario,
            from: instant("from", self.from.as_deref())?,
            to: instant("to", self.to.as_deref())?,
            sort,
            descending,
            page: self.page,
            size,
        })
    }
}

/// An instant of a query.
pub(super) fn instant(name: &str, text: Option<&str>) -> Result<Option<Timestamp>, Failure> {
    let Some(text) = text else { return Ok(None) };
    // No campaign was before 1970, or will be after 2262: all that lies beyond is the same to a query.
    let nanoseconds = |at: jiff::Timestamp| at.as_nanosecond().clamp(0, i64::MAX.into()) as u64;
    let parsed = text.parse::<jiff::Timestamp>().ok().map(nanoseconds);
    let wrong = || {
        let advice = "must be an instant in RFC 3339, for example 2026-11-29T14:05:00Z";
        Failure::bad_request(format!("{name}: {advice}"))
    };
    Ok(Some(Timestamp(parsed.ok_or_else(wrong)?)))
}

/// Lists campaigns, by default the last ones first.
#[utoipa::path(
    get,
    path = "/campaigns",
    operation_id = "list_campaigns",
    tag = "campaigns",
    params(Listing),
    responses(
        (status = 200, body = CampaignList),
        (status = 400, body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(super) async fn list(
    State(api): State<Api>,
    Parameters(listing): Parameters<Listing>,
) -> Result<Json<CampaignList>, Failure> {
    let query = listing.query()?;
    let page = api.service.store().campaigns(&query).await.map_err(unreadable)?;
    // What runs here is known better here.
    let item = |record: qalipsis_store::CampaignRecord| match api.service.campaign(&record.key) {
        Some(campaign) => campaign.item(),
        None => history::item(record),
    };
    let campaigns = page.campaigns.into_iter().map(item).collect();
    Ok(Json(CampaignList { campaigns, total: page.total, page: query.page, size: query.size }))
}
