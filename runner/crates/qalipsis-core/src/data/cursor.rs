//! Where a minion is in the records of a data.

use crate::minion::MinionState;
use parking_lot::Mutex;
use qalipsis_model::snapshot::RecordsPerIteration;

/// The records that a minion took of one [`Data`](super::Data), over its passes.
pub(crate) struct RecordCursor {
    name: String,
    count: Mutex<Count>,
}

struct Count {
    /// In all its passes; `None` when a replay does not know.
    taken: Option<u64>,
    /// The last pass in which it took one, and how many it had taken before that pass.
    pass: Option<(u64, u64)>,
}

impl RecordCursor {
    /// Of a minion that has not taken any, or takes part in a replay.
    pub(super) fn new(name: &str, digest: Option<u64>, minion: &MinionState) -> Self {
        if let Some(digest) = digest {
            minion.recorder().scenario(minion.scenario_index(), |figures| figures.read_file(name, digest));
        }
        let taken = minion.scenario().replay.as_ref().map_or(Some(0), |replay| replay.taken(name));
        Self { name: name.to_owned(), count: Mutex::new(Count { taken, pass: None }) }
    }

    /// Takes one: how many there were before.
    pub(super) fn turn(&self, minion: &MinionState) -> Result<u64, String> {
        let mut count = self.count.lock();
        let pass = minion.iteration();
        let Some(turn) = count.taken else {
            return Err(format!(
                "{}: passes of that campaign took different numbers of records, so that a replay cannot give pass {pass} \
                 of minion {} those that it had",
                self.name,
                minion.index()
            ));
        };
        if count.pass.is_none_or(|(last, _)| last != pass) {
            count.pass = Some((pass, turn));
            if pass > 0 {
                let records = RecordsPerIteration::of(turn, pass);
                minion
                    .recorder()
                    .scenario(minion.scenario_index(), |figures| figures.took(&self.name, records));
            }
        }
        count.taken = Some(turn + 1);
        Ok(turn)
    }

    /// Name of the data.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// How many it had taken before this pass.
    pub(crate) fn before(&self, pass: u64) -> u64 {
        let count = self.count.lock();
        match count.pass {
            Some((last, before)) if last == pass => before,
            _ => count.taken.unwrap_or(0),
        }
    }
}
