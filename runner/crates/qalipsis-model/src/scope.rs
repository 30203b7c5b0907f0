//! Which part of a run a criterion is about.

use crate::duration::human;
use qalipsis_profile::profile::Profile;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// A window of time, in one zone or in all.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Scope {
    /// The window.
    pub window: Window,
    /// The zone; `None` for all together.
    pub zone: Option<String>,
}

/// A window of time. All times count from the start of the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Window {
    /// The entire run, drain included.
    #[default]
    Whole,
    /// From a time to the end: what comes before is warm-up.
    After(Duration),
    /// From a time, included, to another, excluded.
    During(Duration, Duration),
    /// The stage or rate of arrivals of this number, from 1, of a profile that has some.
    Stage(u32),
}

/// A scope in plain times, once the profile is known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Slice {
    /// Since the start of the load.
    pub from: Duration,
    /// Excluded; `None` for the end.
    pub to: Option<Duration>,
    /// The zone; `None` for all together.
    pub zone: Option<String>,
}

impl Scope {
    /// In plain times; `None` when the profile has no such stage.
    pub fn slice(&self, profile: &Profile) -> Option<Slice> {
        let (from, to) = match self.window {
            Window::Whole => (Duration::ZERO, None),
            Window::After(from) => (from, None),
            Window::During(from, to) => (from, Some(to)),
            Window::Stage(number) => {
                let (from, to) = stage(profile, number)?;
                (from, Some(to))
            }
        };
        Some(Slice { from, to, zone: self.zone.clone() })
    }
}

/// When a stage begins and ends.
fn stage(profile: &Profile, number: u32) -> Option<(Duration, Duration)> {
    profile.stage_times().get(number.checked_sub(1)? as usize).copied()
}

impl Slice {
    /// The entire run in all zones.
    pub const WHOLE: Self = Self { from: Duration::ZERO, to: None, zone: None };

    /// Whether what happened at this time in this zone belongs to it.
    pub fn contains(&self, elapsed: Duration, zone: Option<&str>) -> bool {
        elapsed >= self.from
            && self.to.is_none_or(|to| elapsed < to)
            && self.zone.as_deref().is_none_or(|own| zone == Some(own))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.window {
            Window::Whole => {}
            Window::After(from) => write!(f, " after {}", human(from))?,
            Window::During(from, to) => write!(f, " from {} to {}", human(from), human(to))?,
            Window::Stage(number) => write!(f, " in stage {number}")?,
        }
        match &self.zone {
            Some(zone) => write!(f, " in zone {zone}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use qalipsis_profile::profile::{ArrivalRate, Stage};

    const fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn slice(window: Window) -> Option<Slice> {
        let stages = [
            Stage::percent(50).ramp_up(secs(5)).total(secs(20)),
            Stage::percent(50).ramp_up(secs(10)),
            Stage::percent(0).total(secs(30)),
        ];
        Scope { window, zone: None }.slice(&Profile::stages(stages))
    }

    #[test]
    fn a_stage_is_a_window_of_its_profile() {
        let times = |window| slice(window).map(|s| (s.from.as_secs(), s.to.map(|to| to.as_secs())));
        assert_eq!(times(Window::Stage(1)), Some((0, Some(20))));
        assert_eq!(times(Window::Stage(2)), Some((20, Some(30))));
        assert_eq!(times(Window::Stage(3)), Some((30, Some(60))));
        assert_eq!(times(Window::Stage(0)), None);
        assert_eq!(times(Window::Stage(4)), None);
        assert_eq!(times(Window::After(secs(7))), Some((7, None)));
        let scope = Scope { window: Window::Stage(1), zone: None };
        assert_eq!(scope.slice(&Profile::immediate()), None);
    }

    #[test]
    fn a_rate_of_arrivals_is_a_stage() {
        let rates = [
            ArrivalRate::per_second(5).ramp(secs(10)).total(secs(30)),
            ArrivalRate::per_second(0).ramp(secs(5)),
        ];
        let scope = Scope { window: Window::Stage(2), zone: None };
        let slice = scope.slice(&Profile::arrivals(rates)).unwrap();
        assert_eq!((slice.from, slice.to), (secs(30), Some(secs(35))));
    }

    #[test]
    fn a_slice_has_its_start_and_not_its_end() {
        let eu = Slice { from: secs(10), to: Some(secs(20)), zone: Some("eu".into()) };
        assert!(eu.contains(secs(10), Some("eu")) && eu.contains(Duration::from_millis(19_999), Some("eu")));
        assert!(!eu.contains(secs(20), Some("eu")) && !eu.contains(secs(9), Some("eu")));
        assert!(!eu.contains(secs(10), Some("us")) && !eu.contains(secs(10), None));
        assert!(Slice::WHOLE.contains(secs(99), None) && Slice::WHOLE.contains(secs(0), Some("us")));
    }

    #[test]
    fn a_scope_reads_as_part_of_a_sentence() {
        let zone = |zone: Option<&str>| zone.map(str::to_owned);
        let during = Scope { window: Window::During(secs(10), secs(20)), zone: zone(Some("eu")) };
        assert_eq!(during.to_string(), " from 10 s to 20 s in zone eu");
        assert_eq!(Scope { window: Window::After(secs(10)), zone: None }.to_string(), " after 10 s");
        assert_eq!(Scope { window: Window::Stage(2), zone: None }.to_string(), " in stage 2");
        assert_eq!(Scope::default().to_string(), "");
    }
}
