//! The figures of each second, and windows of them.

use crate::fixtures::{open, random, running, second, slice};
use proptest::prelude::*;
use qalipsis_model::snapshot::ScenarioFigures;
use qalipsis_store::{Lost, Slice};
use std::collections::BTreeMap;
use std::fs;
use tempfile::tempdir;
use tokio::runtime::Runtime;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// Whatever the figures are, a window of the store has exactly those of its seconds together.
    #[test]
    fn a_window_is_exactly_its_seconds(seed in any::<u64>(), from in 0_u64..20, length in 0_u64..25, zones in 0_usize..3) {
        let mut random = random(seed);
        let zones: &[Option<&str>] = match zones {
            0 => &[None],
            1 => &[Some("eu")],
            _ => &[Some("eu"), Some("us")],
        };
        let seconds: Vec<Vec<Slice>> = (0..20)
            .map(|number| zones.iter().map(|zone| {
                let (steps, executions) = ((random() * 4.0) as u32, (random() * 30.0) as u32);
                slice(&mut random, number, *zone, steps, executions)
            }).collect())
            .collect();
        let mut expected: BTreeMap<(String, Option<String>), ScenarioFigures> = BTreeMap::new();
        for slice in seconds.iter().flatten().filter(|slice| (second(from)..second(from + length)).contains(&slice.at)) {
            expected.entry((slice.scenario.clone(), slice.zone.clone())).or_default().merge(&slice.figures);
        }
        let found = Runtime::new().unwrap().block_on(async {
            let folder = tempdir().unwrap();
            let store = open(folder.path()).await.unwrap();
            store.put_campaign(&running("one", 0)).await.unwrap();
            let mut writer = store.writer("one");
            seconds.iter().for_each(|slices| writer.second(slices));
            // Waits for the seconds.
            store.put_campaign(&running("one", 0)).await.unwrap();
            assert_eq!(writer.lost(), Lost::default());
            store.window("one", second(from)..second(from + length)).await.unwrap()
        });
        // Equal figures have equal counts and percentiles: a histogram is compared bucket by bucket.
        let counts = |of: &BTreeMap<_, ScenarioFigures>| of.values().map(|figures| figures.released).collect::<Vec<_>>();
        prop_assert!(found == expected, "released {:?}, expected {:?}", counts(&found), counts(&expected));
    }
}

/// So ten minutes stay below 5 MB.
#[tokio::test]
async fn a_minute_of_50_steps_stays_below_500_kb() {
    let folder = tempdir().unwrap();
    let store = open(folder.path()).await.unwrap();
    store.put_campaign(&running("one", 0)).await.unwrap();
    let mut writer = store.writer("one");
    let mut random = random(7);
    (0..60).for_each(|number| writer.second(&[slice(&mut random, number, None, 50, 100)]));
    store.close().await.unwrap();
    assert_eq!(writer.lost(), Lost::default());
    let size: u64 =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
    println!("{size} bytes");
    assert!(size < 500_000, "{size} bytes");
}
