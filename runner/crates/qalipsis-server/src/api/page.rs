//! What pages that are served beside the API use of it: the same functions, without a request in between.

use super::campaigns::{found, item, shown_if_any, started, unreadable};
use super::compare::compared;
use super::control::refused;
use super::list::{CampaignList, Listing, list};
use super::request::Parameters;
use super::{Api, campaigns};
use crate::outcome::Shown;
use crate::problem::Failure;
use crate::view::CampaignItem;
use axum::Json;
use axum::extract::{Path, State};
use qalipsis_compare::Comparison;
use qalipsis_head::Control;
use qalipsis_model::snapshot::ScenarioFigures;
use qalipsis_model::timestamp::Timestamp;
use qalipsis_payload::Offered;
use qalipsis_store::TrendPoint;
use serde_json::Value;
use std::collections::BTreeMap;
use std::ops::Range;

impl Api {
    /// The scenarios that can run.
    pub fn scenarios(&self) -> &[Offered] {
        self.service.launcher().scenarios()
    }

    /// A page of campaigns, as `GET /campaigns`.
    ///
    /// # Errors
    /// When a parameter is wrong, or the store cannot be read.
    pub async fn list(&self, listing: Listing) -> Result<CampaignList, Failure> {
        let Json(list) = list(State(self.clone()), Parameters(listing)).await?;
        Ok(list)
    }

    /// One campaign, running or ended.
    ///
    /// # Errors
    /// When there is none, or the store cannot be read.
    pub async fn campaign(&self, key: &str) -> Result<CampaignItem, Failure> {
        item(self, key).await
    }

    /// What a campaign has to show; `None` when it has nothing.
    ///
    /// # Errors
    /// When there is no campaign, or the store cannot be read.
    pub async fn shown(&self, key: &str) -> Result<Option<Shown>, Failure> {
        shown_if_any(self, key).await
    }

    /// The last ended runs of a scenario, the latest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn trend(&self, scenario: &str, last: u32) -> Result<Vec<TrendPoint>, Failure> {
        self.service.store().trend(scenario, last).await.map_err(unreadable)
    }

    /// The figures of the seconds that begin in a window, merged exactly.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn window(
        &self,
        key: &str,
        window: Range<Timestamp>,
    ) -> Result<BTreeMap<(String, Option<String>), ScenarioFigures>, Failure> {
        self.service.store().window(key, window).await.map_err(unreadable)
    }

    /// Compares a campaign with earlier ones.
    ///
    /// # Errors
    /// When they cannot be compared.
    pub async fn compare(&self, baseline: &[&str], current: &str) -> Result<Comparison, Failure> {
        compared(self, baseline, current).await
    }

    /// Starts what a payload asks for, as `POST /campaigns`.
    ///
    /// # Errors
    /// All that is wrong with it, or why the head takes no campaign.
    pub async fn start(&self, payload: &Value) -> Result<CampaignItem, Failure> {
        started(self, payload.clone()).await.map(|campaign| campaign.item())
    }

    /// Stops a campaign that runs or waits.
    ///
    /// # Errors
    /// When there is none, or it has ended.
    pub async fn abort(&self, key: &str, hard: bool) -> Result<(), Failure> {
        let abort = Parameters(campaigns::Abort { hard });
        campaigns::abort(State(self.clone()), Path(key.to_owned()), abort).await.map(|_| ())
    }

    /// Controls a campaign that runs.
    ///
    /// # Errors
    /// When there is none, or it cannot do that.
    pub async fn control(&self, key: &str, control: Control) -> Result<(), Failure> {
        found(self, key).await?.control(control).await.map(|_| ()).map_err(refused)
    }
}
