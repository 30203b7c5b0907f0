//! A file of lines that is written while a campaign runs: a thread of its own writes it, so that no disk ever delays
//! the campaign.

use qalipsis_summary::file;
use std::fs::{self, File};
use std::io::{self, BufWriter, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

/// Messages of factories that may wait for the disk, of at most 1,000 lines each.
pub(crate) const WAITING: usize = 256;
/// How long what waits at the end of a campaign may take to be written.
const LIMIT: Duration = Duration::from_secs(5);

/// Lines that belong together.
pub(crate) trait Lines: Send + 'static {
    /// How many they are.
    fn count(&self) -> u64;

    /// Writes them.
    fn write(&self, out: &mut dyn Write) -> io::Result<()>;
}

/// The way to the file.
#[derive(Debug)]
pub(crate) struct Queue<L>(SyncSender<L>);

impl<L: Lines> Queue<L> {
    /// Takes lines, and gives the number of those that had to be dropped.
    pub(crate) fn take(&self, lines: L) -> u64 {
        let count = lines.count();
        self.0.try_send(lines).map_or(count, |()| 0)
    }
}

/// The file while it is written.
#[derive(Debug)]
pub(crate) struct LineFile {
    path: PathBuf,
    /// What the lines are: `events`.
    what: &'static str,
    outcome: Receiver<Outcome>,
}

/// What became of the lines.
#[derive(Debug, Default)]
struct Outcome {
    /// Why no more is written.
    error: Option<io::Error>,
    /// Lines that are not in the file for that.
    missing: u64,
    /// Whether there was any line.
    any: bool,
}

/// Begins a file. With `empty` it is there even without any line. While it is written its name ends in `.part`.
/// What is wrong with it is reported by [`LineFile::finish`].
pub(crate) fn begin<L: Lines>(path: PathBuf, what: &'static str, empty: bool) -> (Queue<L>, LineFile) {
    let (queue, batches) = sync_channel(WAITING);
    let (end, outcome) = sync_channel(1);
    let place = path.clone();
    let work = move || {
        // The receiver is gone when its time is over.
        let _ = end.send(write::<L>(&place, &batches, empty));
    };
    // Without the thread no lines are taken: they count as dropped.
    let _ = std::thread::Builder::new().name(what.to_owned()).spawn(work);
    (Queue(queue), LineFile { path, what, outcome })
}

impl LineFile {
    /// Waits until all is written, once the queue is gone, and gives the path of the file, when there is one.
    ///
    /// # Errors
    /// When not all lines are in the file, in a line for the user.
    pub(crate) fn finish(self) -> Result<Option<String>, String> {
        let Self { path, what, outcome } = self;
        let (path, part) = (path.display(), file::part(&path));
        match outcome.recv_timeout(LIMIT) {
            Ok(Outcome { error: None, any, .. }) => Ok(any.then(|| path.to_string())),
            Ok(Outcome { error: Some(error), missing, .. }) => {
                let rest = if part.exists() {
                    format!("{missing} {what} are missing, the others are in {}", part.display())
                } else {
                    format!("{missing} {what} are missing")
                };
                Err(format!("failed to write {path}: {error}; {rest}"))
            }
            Err(RecvTimeoutError::Timeout) => Err(format!(
                "{path} was not written within {}; the last {what} are missing",
                qalipsis_model::duration::human(LIMIT)
            )),
            Err(RecvTimeoutError::Disconnected) => {
                Err(format!("{path} could not be written: no thread for it"))
            }
        }
    }
}

/// Writes all batches. After an error it goes on to take them, so that drops are not counted that have another cause.
fn write<L: Lines>(path: &Path, batches: &Receiver<L>, empty: bool) -> Outcome {
    let part = file::part(path);
    let open = || {
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        File::create(&part).map(BufWriter::new)
    };
    let mut outcome = Outcome { any: empty, ..Outcome::default() };
    let mut out = None;
    if empty {
        out = open().map_err(|error| outcome.error = Some(error)).ok();
    }
    let mut written = 0;
    for lines in batches {
        if out.is_none() && outcome.error.is_none() {
            out = open().map_err(|error| outcome.error = Some(error)).ok();
            outcome.any = true;
        }
        let Some(file) = &mut out else {
            outcome.missing += lines.count();
            continue;
        };
        // A reader who follows the file sees complete lines, and a full disk is noticed with these lines.
        match lines.write(file).and_then(|()| file.flush()).and_then(|()| file.stream_position()) {
            Ok(position) => written = position,
            Err(error) => {
                outcome.error = Some(error);
                outcome.missing = lines.count();
                end_at(out.take(), written, &part);
            }
        }
    }
    if let Some(file) = out {
        let ended =
            file.into_inner().map_err(io::IntoInnerError::into_error).and_then(|file| file.sync_all());
        outcome.error = ended.and_then(|()| fs::rename(&part, path)).err();
    }
    outcome
}

/// Leaves only complete lines, and removes the file when there is none.
fn end_at(file: Option<BufWriter<File>>, length: u64, part: &Path) {
    // What the buffer still holds is not written once more.
    let file = file.map(|file| file.into_parts().0);
    let cut = file.map(|file| file.set_len(length));
    if length == 0 || !matches!(cut, Some(Ok(()))) {
        let _ = fs::remove_file(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    struct Numbers(Vec<u64>);

    impl Lines for Numbers {
        fn count(&self) -> u64 {
            self.0.len() as u64
        }

        fn write(&self, out: &mut dyn Write) -> io::Result<()> {
            self.0.iter().try_for_each(|number| writeln!(out, "{number}"))
        }
    }

    #[test]
    fn all_that_was_taken_is_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key/numbers");
        let (queue, file) = begin(path.clone(), "numbers", true);
        for batch in 0..10 {
            assert_eq!(queue.take(Numbers((0..100).map(|number| batch * 100 + number).collect())), 0);
        }
        drop(queue);
        assert_eq!(file.finish(), Ok(Some(path.display().to_string())));
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 1_000);
        assert!(!file::part(&path).exists());
    }

    #[test]
    fn without_a_line_there_is_no_file_unless_it_is_wanted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key/numbers");
        for empty in [false, true] {
            let (queue, file) = begin::<Numbers>(path.clone(), "numbers", empty);
            drop(queue);
            assert_eq!(file.finish().unwrap().is_some(), empty);
            assert_eq!(path.exists(), empty);
        }
    }

    #[test]
    fn a_disk_that_hangs_delays_nobody_and_what_it_cannot_take_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("numbers");
        // This pipe has no reader, so that opening it to write never returns.
        assert!(Command::new("mkfifo").arg(file::part(&path)).status().unwrap().success());
        let (queue, file) = begin(path, "numbers", true);
        let dropped: u64 = (0..WAITING + 10).map(|_| queue.take(Numbers(vec![0, 1]))).sum();
        assert_eq!(dropped, 20);
        drop(queue);
        let problem = file.finish().unwrap_err();
        assert!(problem.ends_with(" was not written within 5 s; the last numbers are missing"), "{problem}");
    }

    #[test]
    fn c4_what_cannot_be_written_is_reported_with_its_number_and_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let occupied = folder.path().join("occupied");
        fs::write(&occupied, "").unwrap();
        let (queue, file) = begin(occupied.join("numbers"), "numbers", true);
        assert_eq!(queue.take(Numbers(vec![0, 1])), 0, "it is no full buffer");
        drop(queue);
        let problem = file.finish().unwrap_err();
        assert!(
            problem.starts_with("failed to write ") && problem.ends_with("; 2 numbers are missing"),
            "{problem}"
        );
        // A device that is always full.
        let path = folder.path().join("full");
        std::os::unix::fs::symlink("/dev/full", file::part(&path)).unwrap();
        let (queue, file) = begin(path.clone(), "numbers", true);
        queue.take(Numbers(vec![0, 1]));
        drop(queue);
        let problem = file.finish().unwrap_err();
        assert!(problem.contains("No space left on device") && !path.exists(), "{problem}");
        assert!(fs::symlink_metadata(file::part(&path)).is_err(), "no empty file is left");
    }
}
