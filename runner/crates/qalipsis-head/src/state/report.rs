//! The end of a campaign: from what is known to its report.

use super::{Cause, Start, State};
use crate::factory::FactoryState;
use crate::now::Now;
use qalipsis_judge::judge::{Ending, JudgeInput, judge};
use qalipsis_judge::report::Report;

impl State {
    /// Judges what is known now.
    pub(crate) fn into_report(mut self, now: Now) -> Report {
        for factory in &self.factories {
            self.notes.extend(factory.silence.note(&factory.plan.factory));
        }
        self.notes.extend(self.running.note());
        let ending = self.ending();
        std::mem::take(&mut self.notes).into_iter().for_each(|note| self.aggregate.note(note));
        let before = Start { wall: self.opened.wall, monotonic: self.opened.monotonic };
        let start = self.started.unwrap_or(before);
        // Not what the wall clock says: it may have been set meanwhile.
        let ended = start.wall.plus(now.monotonic.saturating_sub(start.monotonic));
        judge(JudgeInput {
            plan: &self.plan,
            described: &self.described,
            replay: self.factories.iter().any(|factory| factory.plan.replay.is_some()),
            aggregate: &self.aggregate,
            ending: &ending,
            started: start.wall,
            ended,
            factories: self.factories.iter().map(FactoryState::report).collect(),
            git_revision: self.git_revision,
            environment: self.environment,
        })
    }

    fn ending(&mut self) -> Ending {
        match &self.cause {
            Cause::Interrupted if !self.unfinished.is_empty() => {
                Ending::InterruptedWarmUp(std::mem::take(&mut self.unfinished))
            }
            Cause::Interrupted => Ending::Interrupted,
            Cause::Completed if !self.not_ready.is_empty() => {
                Ending::NotReady(std::mem::take(&mut self.not_ready))
            }
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
