//! Campaigns and their files, the same on every database.

use crate::fixtures::{ended, open, open_keeping, running, second};
use qalipsis_model::timestamp::Timestamp;
use qalipsis_model::verdict::Status;
use qalipsis_store::{
    CampaignPage, CampaignQuery, CampaignSort, CampaignStatus, FileEntry, Keep, Marker, Store, StoredFile,
};
use std::time::{Duration, SystemTime};
use tempfile::tempdir;

fn keys(page: &CampaignPage) -> Vec<&str> {
    page.campaigns.iter().map(|campaign| campaign.key.as_str()).collect()
}

/// A campaign comes back as it was written, each time that it changes.
pub(crate) async fn come_back(store: &Store) {
    let started = running("one", 0);
    assert_eq!(store.campaign("one").await, Ok(None));
    store.put_campaign(&started).await.unwrap();
    assert_eq!(store.campaign("one").await, Ok(Some(started.clone())));
    let writer = store.writer("one");
    let mut further = started.clone();
    further
        .scenarios
        .push(qalipsis_store::ScenarioRecord { name: "a \0 'b'; --".into(), ..Default::default() });
    writer.update(&further);
    let marker = |number, label: &str| Marker { at: second(number), label: label.to_owned() };
    writer.marker(&marker(9, "deployed"));
    writer.marker(&marker(3, "<script>"));
    let files = [
        StoredFile { name: "summary.json".into(), content: b"{}".repeat(5_000) },
        StoredFile { name: "junit/checkout.xml".into(), content: b"\0\xff".to_vec() },
    ];
    let end = ended(started, Status::Failed);
    writer.finish(&end, &files).await.unwrap();
    assert_eq!(writer.lost(), qalipsis_store::Lost::default());
    assert_eq!(store.campaign("one").await, Ok(Some(end)));
    let names = [("junit/checkout.xml", 2), ("summary.json", 10_000)];
    let entries = names.map(|(name, size)| FileEntry { name: name.into(), size });
    assert_eq!(store.files("one").await.unwrap(), entries);
    for file in files {
        assert_eq!(store.file("one", &file.name).await, Ok(Some(file.content)));
    }
    assert_eq!(store.file("one", "report.html").await, Ok(None));
    let markers = [marker(3, "<script>"), marker(9, "deployed")];
    assert_eq!(store.markers("one").await.unwrap(), markers);
    store.put_marker("one", &marker(3, "<script>")).await.unwrap();
    assert_eq!(store.markers("one").await.unwrap(), markers, "the same one twice is one");
    assert_eq!(store.delete_campaign("one").await, Ok(true));
    assert_eq!(store.delete_campaign("one").await, Ok(false));
    assert_eq!((store.campaign("one").await, store.file("one", "summary.json").await), (Ok(None), Ok(None)));
    assert_eq!(store.markers("one").await, Ok(vec![]));
}

/// Campaigns are filtered, sorted and paged; a scenario's last runs are its trend.
pub(crate) async fn are_found(store: &Store) {
    let statuses = [Status::Successful, Status::Failed, Status::Warning];
    for number in 0..9_u64 {
        let mut campaign = running(&format!("key-{number}"), 100 + number / 2);
        campaign.name = format!("Nightly {}_%", number % 3);
        if number == 4 {
            campaign.scenarios[0].name = "Search".into();
        }
        if number < 7 {
            campaign = ended(campaign, statuses[number as usize % 3]);
        }
        store.put_campaign(&campaign).await.unwrap();
    }
    let found = async |query: CampaignQuery| store.campaigns(&query).await.unwrap();
    let all = found(CampaignQuery::default()).await;
    let order = ["key-8", "key-7", "key-6", "key-5", "key-4", "key-3", "key-2", "key-1", "key-0"];
    assert_eq!((keys(&all), all.total), (order.to_vec(), 9), "those of one instant go by their key");
    assert_eq!(all.campaigns[4].scenarios[0].name, "Search", "each has its own scenarios");
    for page in 0..4 {
        let part = found(CampaignQuery { page, size: 4, ..CampaignQuery::default() }).await;
        let expected: Vec<&str> = order.into_iter().skip(page as usize * 4).take(4).collect();
        assert_eq!((keys(&part), part.total), (expected, 9));
    }
    let filtered = async |change: &dyn Fn(&mut CampaignQuery)| {
        let mut query = CampaignQuery { descending: false, ..CampaignQuery::default() };
        change(&mut query);
        let page = found(query).await;
        assert_eq!(page.campaigns.len() as u64, page.total);
        keys(&page).into_iter().map(|key| key.trim_start_matches("key-").to_owned()).collect::<String>()
    };
    assert_eq!(filtered(&|query| query.text = Some("nightly 2_%".into())).await, "258");
    assert_eq!(filtered(&|query| query.text = Some("KEY-3".into())).await, "3");
    assert_eq!(filtered(&|query| query.text = Some("sear".into())).await, "4");
    assert_eq!(filtered(&|query| query.text = Some("night%".into())).await, "", "a wildcard is a letter");
    assert_eq!(filtered(&|query| query.text = Some("' OR 1=1 --".into())).await, "");
    assert_eq!(filtered(&|query| query.scenario = Some("Search".into())).await, "4");
    assert_eq!(filtered(&|query| query.scenario = Some("search".into())).await, "");
    let of = |status| CampaignStatus::Ended(status);
    assert_eq!(
        filtered(&|query| query.statuses = vec![CampaignStatus::Running, of(Status::Warning)]).await,
        "2578"
    );
    let window = |query: &mut CampaignQuery| (query.from, query.to) = (Some(second(101)), Some(second(103)));
    assert_eq!(filtered(&window).await, "2345", "the end is not part of it");
    let both = |query: &mut CampaignQuery| {
        window(query);
        query.text = Some("nightly 1".into());
        query.statuses = vec![of(Status::Failed)];
    };
    assert_eq!(filtered(&both).await, "4");
    assert_eq!(filtered(&|query| query.sort = CampaignSort::Name).await, "036147258");
    assert_eq!(filtered(&|query| query.sort = CampaignSort::Status).await, "147803625");
    assert_eq!(filtered(&|query| query.sort = CampaignSort::Ended).await, "012345678");

    let trend = store.trend("checkout", 3).await.unwrap();
    let points: Vec<_> = trend.iter().map(|point| (point.campaign.as_str(), point.status)).collect();
    let expected = [("key-6", Status::Successful), ("key-5", Status::Warning), ("key-3", Status::Successful)];
    assert_eq!(points, expected, "without those that run, and those without the scenario");
    assert_eq!(trend[0].scenario, all.campaigns[2].scenarios[0]);
    assert_eq!((trend[0].name.as_str(), trend[0].started), ("Nightly 0_%", second(103)));
}

/// Old campaigns go, by number and by age, and never one that runs.
pub(crate) async fn are_removed(store: &Store, latest: usize) {
    let now = Timestamp::from_system(SystemTime::now());
    let ago = |days: u64| Timestamp(now.0 - days * 86_400_000_000_000);
    let at = |key: &str, days| {
        let mut campaign = ended(running(key, 0), Status::Successful);
        (campaign.queued, campaign.started, campaign.ended) = (ago(days), Some(ago(days)), Some(ago(days)));
        campaign
    };
    let mut waiting = at("waiting", 400);
    (waiting.status, waiting.ended) = (CampaignStatus::Queued, None);
    store.put_campaign(&waiting).await.unwrap();
    let mut open = at("open", 300);
    (open.status, open.ended) = (CampaignStatus::Running, None);
    store.put_campaign(&open).await.unwrap();
    for (key, days) in [("a", 200), ("b", 89), ("c", 50), ("d", 10), ("e", 5)] {
        store.put_campaign(&at(key, days)).await.unwrap();
    }
    let last = at("f", 1);
    let file = StoredFile { name: "summary.json".into(), content: b"{}".to_vec() };
    store.writer("f").finish(&last, &[file]).await.unwrap();
    // Waits for what was queued before.
    assert_eq!(store.delete_campaign("none").await, Ok(false));
    let page =
        store.campaigns(&CampaignQuery { descending: false, ..CampaignQuery::default() }).await.unwrap();
    let expected = ["waiting", "open", "a", "b", "c", "d", "e", "f"];
    let kept: Vec<&str> = expected[..2].iter().chain(&expected[8 - latest..]).copied().collect();
    assert_eq!(keys(&page), kept);
}

#[tokio::test]
async fn sqlite_gives_campaigns_back() {
    let folder = tempdir().unwrap();
    let store = open(folder.path()).await.unwrap();
    come_back(&store).await;
}

#[tokio::test]
async fn sqlite_finds_campaigns() {
    let folder = tempdir().unwrap();
    are_found(&open(folder.path()).await.unwrap()).await;
}

#[tokio::test]
async fn sqlite_removes_what_is_not_kept() {
    let days = |days: u64| Some(Duration::from_secs(days * 86_400));
    for (keep, latest) in [
        (Keep { count: Some(3), age: None }, 3),
        (Keep { count: None, age: days(90) }, 5),
        (Keep { count: Some(4), age: days(30) }, 3),
        (Keep { count: Some(2), age: days(90) }, 2),
        (Keep::default(), 6),
    ] {
        let folder = tempdir().unwrap();
        are_removed(&open_keeping(folder.path(), keep).await.unwrap(), latest).await;
    }
}
