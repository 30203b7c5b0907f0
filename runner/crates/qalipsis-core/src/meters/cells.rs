//! Where samples are added up: a cell for each worker, and one for all other threads.
//!
//! A cell belongs to one worker thread, so its lock is free but for the drain, as that of a recorder.

use parking_lot::Mutex;
use std::cell::Cell as ThreadCell;

thread_local! {
    /// The cell of this thread; beyond the last one for a thread that is no worker.
    static OWN: ThreadCell<usize> = const { ThreadCell::new(usize::MAX) };
}

/// Makes the current thread that of the worker with this index, from 0. The engine calls it.
pub fn claim(worker: u32) {
    OWN.set(worker as usize);
}

/// The cells of one meter.
#[derive(Debug)]
pub(super) struct Cells<T> {
    cells: Box<[Cell<T>]>,
}

/// On cache lines of its own, or workers would slow each other down after all.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Cell<T>(Mutex<T>);

impl<T: Default> Cells<T> {
    /// For so many workers.
    pub(super) fn new(workers: usize) -> Self {
        Self { cells: std::iter::repeat_with(Cell::default).take(workers + 1).collect() }
    }

    /// Changes the cell of the current thread.
    pub(super) fn change(&self, change: impl FnOnce(&mut T)) {
        let index = OWN.get().min(self.cells.len() - 1);
        change(&mut self.cells[index].0.lock());
    }

    /// Empties all cells.
    pub(super) fn drain(&self) -> impl Iterator<Item = T> {
        self.cells.iter().map(|cell| std::mem::take(&mut *cell.0.lock()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn each_worker_has_a_cell_and_all_others_share_one() {
        let cells = Arc::new(Cells::<Vec<u32>>::new(2));
        let add = |worker: Option<u32>, value: u32| {
            let cells = Arc::clone(&cells);
            let body = move || {
                if let Some(worker) = worker {
                    claim(worker);
                }
                cells.change(|cell| cell.push(value));
            };
            std::thread::spawn(body).join().unwrap();
        };
        for (worker, value) in [(Some(0), 1), (Some(1), 2), (None, 3), (Some(0), 4), (None, 5), (Some(9), 6)]
        {
            add(worker, value);
        }
        assert_eq!(cells.drain().collect::<Vec<_>>(), [vec![1, 4], vec![2], vec![3, 5, 6]]);
        assert_eq!(cells.drain().map(|cell| cell.len()).sum::<usize>(), 0);
    }
}
