//! From what is known of a campaign to its report.

use super::{Cause, Start, State};
use crate::factory::FactoryState;
use crate::now::Now;
use qalipsis_judge::judge::{Ending, JudgeInput, judge};
use qalipsis_judge::report::Report;

impl State {
    /// The report of a campaign that is over.
    pub(crate) fn report(&self, now: Now) -> Report {
        self.judge(&self.ending(), now)
    }

    /// What is known so far of a campaign that goes on.
    pub(crate) fn interim_report(&self, now: Now) -> Report {
        self.judge(&Ending::Running, now)
    }

    fn judge(&self, ending: &Ending, now: Now) -> Report {
        let mut notes = self.notes.clone();
        for factory in &self.factories {
            notes.extend(factory.silence.note(&factory.plan.factory));
        }
        notes.extend(self.running.note());
        let before = Start { wall: self.opened.wall, monotonic: self.opened.monotonic };
        let start = self.started.unwrap_or(before);
        let ended = start.date(now);
        judge(JudgeInput {
            plan: &self.plan,
            described: &self.described,
            replay: self.factories.iter().any(|factory| factory.plan.replay.is_some()),
            aggregate: &self.aggregate,
            ending,
            started: start.wall,
            ended,
            notes,
            factories: self.factories.iter().map(FactoryState::report).collect(),
            git_revision: self.git_revision.clone(),
            environment: self.environment.clone(),
        })
    }

    fn ending(&self) -> Ending {
        match &self.cause {
            Cause::Interrupted if !self.unfinished.is_empty() => {
                Ending::InterruptedWarmUp(self.unfinished.clone())
            }
            Cause::Interrupted => Ending::Interrupted,
            Cause::Completed if !self.not_ready.is_empty() => Ending::NotReady(self.not_ready.clone()),
            Cause::Completed => Ending::Completed,
            Cause::TimedOut(limit) => Ending::TimedOut(*limit),
            Cause::Cancelled(limit) => Ending::Cancelled(*limit),
            Cause::Breached(breach) => Ending::Breached(breach.clone()),
            Cause::Lost(id) => {
                let factory = &self.factories[id.0 as usize];
                let (when, why) = match &factory.loss {
                    Some(loss) => {
                        (loss.when.as_str(), loss.why.as_deref().unwrap_or("for an unknown reason"))
                    }
                    None => ("", "for an unknown reason"),
                };
                Ending::Lost(format!("factory '{}' was lost {when}: {why}", factory.plan.factory))
            }
        }
    }
}
