//! Where a minion is in the records of a data.

use crate::state::MinionState;
use parking_lot::Mutex;
use qalipsis_model::snapshot::RecordsPerIteration;

/// The records that a minion took of one `Data`, over its iterations.
#[derive(Debug)]
pub struct RecordCursor {
    name: String,
    count: Mutex<Count>,
}

#[derive(Debug)]
struct Count {
    /// In all its iterations; `None` when a replay does not know.
    taken: Option<u64>,
    /// The last iteration in which it took one, and how many it had taken before that iteration.
    iteration: Option<(u64, u64)>,
}

impl RecordCursor {
    /// Of a minion that has not taken any, or takes part in a replay.
    pub fn new(name: &str, digest: Option<u64>, minion: &MinionState) -> Self {
        if let Some(digest) = digest {
            minion.recorder().scenario(minion.scenario_index(), |figures| figures.read_file(name, digest));
        }
        let taken = minion.scenario().replay.as_ref().map_or(Some(0), |replay| replay.taken(name));
        Self { name: name.to_owned(), count: Mutex::new(Count { taken, iteration: None }) }
    }

    /// Takes one: how many there were before.
    ///
    /// # Errors
    /// When a replay does not know how many there were.
    pub fn turn(&self, minion: &MinionState) -> Result<u64, String> {
        let mut count = self.count.lock();
        let iteration = minion.iteration();
        let Some(turn) = count.taken else {
            return Err(format!(
                "{}: iterations of that campaign took different numbers of records, so that a replay cannot give iteration {iteration} \
                 of minion {} those that it had",
                self.name,
                minion.index()
            ));
        };
        if count.iteration.is_none_or(|(last, _)| last != iteration) {
            count.iteration = Some((iteration, turn));
            if iteration > 0 {
                let records = RecordsPerIteration::of(turn, iteration);
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

    /// How many it had taken before this iteration.
    pub(crate) fn before(&self, iteration: u64) -> u64 {
        let count = self.count.lock();
        match count.iteration {
            Some((last, before)) if last == iteration => before,
            _ => count.taken.unwrap_or(0),
        }
    }
}
