//! What only a file can do.

use crate::fixtures::{open, running};
use qalipsis_model::verdict::Status;
use qalipsis_store::{CampaignRecord, CampaignStatus, StoreProblem};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use tempfile::tempdir;

#[tokio::test]
async fn campaigns_of_a_dead_head_are_aborted() {
    let folder = tempdir().unwrap();
    let store = open(folder.path()).await.unwrap();
    let run = running("run", 0);
    let queued = CampaignRecord { status: CampaignStatus::Queued, started: None, ..running("queued", 1) };
    store.put_campaign(&run).await.unwrap();
    store.put_campaign(&queued).await.unwrap();
    store.close().await.unwrap();
    assert_eq!(*store.close().await.unwrap_err().problem(), StoreProblem::Closed);
    let store = open(folder.path()).await.unwrap();
    let aborted = |campaign: CampaignRecord, cause: &str| CampaignRecord {
        status: CampaignStatus::Ended(Status::Aborted),
        ended: Some(campaign.queued),
        exit_code: Some(5),
        causes: vec![cause.to_owned()],
        ..campaign
    };
    let found = store.campaign("run").await.unwrap().unwrap();
    assert_eq!(found, aborted(run, "the head ended while it ran"));
    let found = store.campaign("queued").await.unwrap().unwrap();
    assert_eq!(found, aborted(queued, "the head ended before it started"));
}

#[tokio::test]
async fn a_file_has_one_head() {
    let folder = tempdir().unwrap();
    let store = open(&folder.path().join("new/folder")).await.unwrap();
    let file = folder.path().join("new/folder/campaigns.db");
    let error = open(&folder.path().join("new/folder")).await.unwrap_err();
    let process = std::process::id();
    assert_eq!(
        error.to_string(),
        format!(
            "store {}: process {process} uses it already; a file takes one head at a time",
            file.display()
        )
    );
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600, "it is its user's alone");
    store.close().await.unwrap();
    open(&folder.path().join("new/folder")).await.unwrap();
}
