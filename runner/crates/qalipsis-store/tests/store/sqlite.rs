//! What only a file can do.

use crate::fixtures::{ended, open, running};
use qalipsis_model::verdict::Status;
use qalipsis_store::{CampaignRecord, CampaignStatus, StoreProblem, StoredFile};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
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

#[tokio::test]
async fn a_link_to_a_file_is_the_same_file() {
    let (folder, other) = (tempdir().unwrap(), tempdir().unwrap());
    let link = other.path().join("campaigns.db");
    symlink(folder.path().join("campaigns.db"), &link).unwrap();
    // Also before there is one.
    let store = open(other.path()).await.unwrap();
    let error = open(folder.path()).await.unwrap_err();
    assert_eq!(*error.problem(), StoreProblem::Locked(Some(std::process::id())));
    store.close().await.unwrap();
    let _store = open(folder.path()).await.unwrap();
    assert!(matches!(open(other.path()).await.unwrap_err().problem(), StoreProblem::Locked(_)));
}

#[tokio::test]
async fn space_of_removed_campaigns_is_given_back() {
    let folder = tempdir().unwrap();
    let store = open(folder.path()).await.unwrap();
    let content: Vec<u8> =
        (0..400_000_u32).flat_map(|number| number.wrapping_mul(0x9e37_79b9).to_le_bytes()).collect();
    let file = StoredFile { name: "report.html".into(), content };
    for key in ["one", "two"] {
        let end = ended(running(key, 0), Status::Successful);
        store.writer(key).finish(&end, std::slice::from_ref(&file)).await.unwrap();
    }
    let size = || fs::metadata(folder.path().join("campaigns.db")).unwrap().len();
    let before = size();
    assert!(before > 2_000_000, "{before}");
    store.delete_campaign("one").await.unwrap();
    assert!(size() < before * 6 / 10, "{} of {before} bytes", size());
}
