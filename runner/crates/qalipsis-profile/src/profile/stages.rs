//! Stages: how many minions each has added.

use super::{ProfileProblem, Share, Stage};

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

pub(super) fn problem(stages: &[Stage], minions: u32) -> Option<ProfileProblem> {
    if stages.is_empty() {
        return Some(ProfileProblem::Empty);
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
            return Some(ProfileProblem::NoDuration);
        }
        if stage.total < stage.ramp_up && !stage.total.is_zero() {
            return Some(ProfileProblem::TotalBelowRamp);
        }
    }
    match kinds {
        [true, true] => Some(ProfileProblem::MixedShares),
        [true, false] if percent != 100 => Some(ProfileProblem::Percentages { sum: percent }),
        [false, true] if absolute != u64::from(minions) => {
            Some(ProfileProblem::OtherMinions { given: absolute, scenario: minions })
        }
        _ => None,
    }
}
