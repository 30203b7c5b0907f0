//! How much a figure differs between runs of the same system, and whether a run stands out of that.

use statrs::distribution::{ContinuousCDF, StudentsT};

/// One figure of one run, on a scale on which noise is about the same everywhere.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sample {
    /// The figure.
    pub(super) value: f64,
    /// Its variance within the run: the one that a repetition under the very same
    /// conditions would have.
    pub(super) variance: f64,
    /// How many executions it is made of.
    pub(super) count: u64,
}

/// What is assumed of the noise between runs before any is seen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Prior {
    /// Standard deviation between runs, beyond that within them.
    pub(super) deviation: f64,
}

/// How many runs' worth of belief the assumption has.
const BELIEF: f64 = 8.0;

/// How many runs' worth of belief there is that the machine is no noisier than assumed.
const SCALE_BELIEF: f64 = 1.0;

/// The earlier runs and the current one, in one figure.
#[derive(Debug, Clone)]
pub(super) struct Question {
    pub(super) before: Vec<Sample>,
    pub(super) after: Sample,
    pub(super) prior: Prior,
}

/// How far the current run stands out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answer {
    /// Current figure minus the mean of the earlier ones.
    pub(super) difference: f64,
    /// The standard error of that difference.
    pub(super) error: f64,
    /// Degrees of freedom of that error.
    pub(super) freedom: f64,
}

impl Question {
    fn mean(&self) -> f64 {
        self.before.iter().map(|s| s.value).sum::<f64>() / self.before.len() as f64
    }

    /// The mean variance within the earlier runs.
    fn within(&self) -> f64 {
        self.before.iter().map(|s| s.variance).sum::<f64>() / self.before.len() as f64
    }

    /// The variance of one run that is assumed.
    fn assumed(&self) -> f64 {
        self.prior.deviation.powi(2) + self.within()
    }

    /// Degrees of freedom that the earlier runs have.
    fn seen_freedom(&self) -> f64 {
        (self.before.len() - 1) as f64
    }

    /// The sum of squares around their mean.
    fn squares(&self) -> f64 {
        let mean = self.mean();
        self.before.iter().map(|s| (s.value - mean).powi(2)).sum()
    }

    /// A variance between what is assumed and what was seen, more of the latter the more was seen: the
    /// moderated variance of Smyth (2004), made for few repetitions of many measurements.
    pub(super) fn answer(&self, scale: f64) -> Answer {
        let freedom = BELIEF + self.seen_freedom();
        let variance = (BELIEF * self.assumed() * scale + self.squares()) / freedom;
        // The current run says less about itself than the earlier ones when it has fewer executions. Were
        // nothing changed, it would have their spread: its own is part of what is asked.
        let spread = self.before.iter().map(|s| s.variance * s.count as f64).sum::<f64>();
        let own = spread / self.before.len() as f64 / self.after.count.max(1) as f64;
        let more = (own - self.within()).max(0.0);
        Answer {
            difference: self.after.value - self.mean(),
            error: (variance * (1.0 + 1.0 / self.before.len() as f64) + more).sqrt(),
            freedom,
        }
    }
}

/// How much noisier the earlier runs were than assumed, over all their figures; at least 1.
///
/// A machine that is noisy for one step is noisy for all. The figures of one run depend on each other, so
/// that together they count as one.
pub(super) fn scale<'a>(questions: impl Iterator<Item = &'a Question>) -> f64 {
    let (mut seen, mut ratios, mut count) = (0.0_f64, 0.0, 0.0);
    for question in questions.filter(|q| q.before.len() > 1) {
        seen = seen.max(question.seen_freedom());
        ratios += question.squares() / question.seen_freedom() / question.assumed();
        count += 1.0;
    }
    if count == 0.0 {
        return 1.0;
    }
    ((SCALE_BELIEF + seen * ratios / count) / (SCALE_BELIEF + seen)).max(1.0)
}

impl Answer {
    /// The probability of a difference at least as high by chance alone.
    pub(super) fn chance_of_more(&self) -> f64 {
        self.distribution().sf(self.difference / self.error)
    }

    /// The difference that would stand out at this level.
    pub(super) fn noticed_from(&self, level: f64) -> f64 {
        // By symmetry: of a small probability the lower tail is exact, that of nearly 1 is not.
        -self.distribution().inverse_cdf(level) * self.error
    }

    fn distribution(&self) -> StudentsT {
        StudentsT::new(0.0, 1.0, self.freedom).expect("there are always degrees of freedom")
    }

    /// The same, seen from the other side.
    pub(super) fn reversed(self) -> Self {
        Self { difference: -self.difference, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(before: &[f64], after: f64) -> Question {
        let sample = |value| Sample { value, variance: 0.0, count: 1 };
        Question {
            before: before.iter().map(|v| sample(*v)).collect(),
            after: sample(after),
            prior: Prior { deviation: 0.1 },
        }
    }

    #[test]
    fn a_single_baseline_is_judged_by_what_is_assumed() {
        let answer = question(&[1.0], 1.5).answer(1.0);
        assert!((answer.difference - 0.5).abs() < 1e-12);
        assert!((answer.error - 0.1 * 2.0_f64.sqrt()).abs() < 1e-12, "{answer:?}");
        assert_eq!(answer.freedom, 8.0);
    }

    #[test]
    fn chances_are_those_of_the_printed_tables() {
        // t, degrees of freedom and one-sided probability, as printed in tables of Student's distribution.
        for (t, freedom, probability) in [
            (12.706, 1.0, 0.025),
            (2.920, 2.0, 0.05),
            (3.747, 4.0, 0.01),
            (4.501, 8.0, 0.001),
            (2.764, 10.0, 0.01),
            (2.750, 30.0, 0.005),
            (3.090, 1e6, 0.001),
        ] {
            let answer = Answer { difference: t * 0.1, error: 0.1, freedom };
            let chance = answer.chance_of_more();
            assert!((chance - probability).abs() < probability * 0.002, "t {t}, {freedom}: {chance}");
            let noticed = answer.noticed_from(probability) / 0.1;
            assert!((noticed - t).abs() < 0.001 * t, "{freedom}: {noticed} for {t}");
            assert!((answer.reversed().chance_of_more() - (1.0 - probability)).abs() < 1e-4);
        }
        let equal = Answer { difference: 0.0, error: 0.1, freedom: 5.0 };
        assert!((equal.chance_of_more() - 0.5).abs() < 1e-12);
    }

    #[test]
    fn more_baselines_notice_less_and_noisy_ones_more() {
        let quiet = [1.0, 1.01, 0.99, 1.0, 1.01, 0.99];
        let loud = [0.6, 1.4, 0.8, 1.2, 0.7, 1.3];
        let noticed = |before: &[f64]| {
            let question = question(before, 1.0);
            let scale = scale(std::iter::once(&question));
            question.answer(scale).noticed_from(0.01)
        };
        let (one, few, many) = (noticed(&[1.0]), noticed(&quiet[..3]), noticed(&quiet));
        assert!(many < few && few < one, "{many} {few} {one}");
        let loud = noticed(&loud);
        assert!(loud > 0.7, "as much as the earlier runs differ themselves: {loud}");
    }

    #[test]
    fn one_noisy_step_makes_all_suspicious_and_a_quiet_one_none() {
        let loud = question(&[0.0, 1.0, 0.0, 1.0, 0.0], 0.0);
        let quiet = question(&[0.0, 0.0, 0.0, 0.0, 0.0], 0.0);
        assert!(scale([&loud, &quiet].into_iter()) > 5.0);
        assert_eq!(scale(std::iter::once(&quiet)), 1.0, "never less than assumed");
        assert_eq!(scale(std::iter::empty()), 1.0);
    }
}
