//! Stages: how many minions each has added.

use super::{Share, Stage};

/// The index after the last minion of each stage.
pub(super) fn ends(stages: &[Stage], minions: u32) -> impl Iterator<Item = u32> + '_ {
    // Percentages are rounded on their running sum, so that stages never lose or invent a minion.
    stages.iter().scan((0_u64, 0_u64), move |(percent, absolute), stage| {
        match stage.share {
            Share::Percent(p) => *percent += u64::from(p),
            Share::Minions(n) => *absolute += u64::from(n),
        }
        Some((u64::from(minions) * *percent / 100 + *absolute).min(u64::from(minions)) as u32)
    })
}

pub(super) fn problem(stages: &[Stage], minions: u32) -> Option<String> {
    if stages.is_empty() {
        return Some("profile stages: there must be at least one stage".into());
    }
    let mut percent = 0_u64;
    let mut absolute = 0_u64;
    let mut kinds = [false, false];
    for stage in stages {
        match stage.share {
            Share::Percent(p) => (percent, kinds[0]) = (percent + u64::from(p), true),
            Share::Minions(n) => (absolute, kinds[1]) = (absolute + u64::from(n), true),
        }
        if stage.duration().is_zero() {
            return Some("profile stages: each stage needs a ramp-up or a total duration".into());
        }
        if stage.total < stage.ramp_up && !stage.total.is_zero() {
            return Some("profile stages: the total of a stage must be at least its ramp-up".into());
        }
    }
    match kinds {
        [true, true] => Some("profile stages: percentages and absolute counts cannot be mixed".into()),
        [true, false] if percent != 100 => {
            Some(format!("profile stages: the percentages sum to {percent}, they must sum to 100"))
        }
        [false, true] if absolute != u64::from(minions) => {
            Some(format!("profile stages: the stages add {absolute} minions, the scenario has {minions}"))
        }
        _ => None,
    }
}
