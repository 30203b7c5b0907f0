//! Records in a file, of which only the parts in use are in memory.

use super::layout::{Bad, Layout, Place, Reader};
use parking_lot::Mutex;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};
use serde::de::DeserializeOwned;
use std::fmt;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::sync::Arc;

/// Text of a file whose records are kept in memory.
const KEPT_BYTES: u64 = 16 << 20;
/// How much text is read at once. More in a file with more than [`MOST_MARKS`] such parts.
const PAGE_BYTES: u64 = 64 << 10;
/// How many places in a file are remembered.
const MOST_MARKS: usize = 1 << 16;

/// How reports name a text and its lines.
#[derive(Debug, Clone)]
pub(super) struct Name {
    /// `data file accounts.csv`
    pub(super) text: String,
    /// What is between it and the number of a line: `:`
    pub(super) line: &'static str,
}

impl Name {
    /// Says what does not fit.
    fn bad(&self, bad: &Bad) -> String {
        format!("{}{}{}: {}", self.text, self.line, bad.line, bad.cause)
    }
}

/// Where a page begins.
#[derive(Debug, Clone, Copy)]
struct Mark {
    /// Index of its first record.
    record: u64,
    place: Place,
}

/// The text of a file.
struct Text {
    name: Name,
    file: Mutex<File>,
    layout: Layout,
    marks: Vec<Mark>,
    /// After the last page.
    end: Mark,
}

/// Parses a part of a text.
type Parse<T> = fn(&Layout, &[u8], Place) -> Result<Vec<T>, Bad>;

/// The records of a file, read when they are asked for.
pub(super) struct Pages<T> {
    text: Arc<Text>,
    parse: Parse<T>,
    kept: Cache<usize, Page<T>, ByText>,
}

/// Records that lie beside each other, and the size of their text.
struct Page<T> {
    records: Arc<[T]>,
    bytes: u64,
}

impl<T> Clone for Page<T> {
    fn clone(&self) -> Self {
        Self { records: Arc::clone(&self.records), bytes: self.bytes }
    }
}

#[derive(Clone)]
struct ByText;

impl<T> Weighter<usize, Page<T>> for ByText {
    fn weight(&self, _: &usize, page: &Page<T>) -> u64 {
        page.bytes.max(1)
    }
}

/// How much is read at once, and remembered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    pub(super) page_bytes: u64,
    pub(super) most_marks: usize,
    pub(super) kept_bytes: u64,
}

impl Default for Sizes {
    fn default() -> Self {
        Self { page_bytes: PAGE_BYTES, most_marks: MOST_MARKS, kept_bytes: KEPT_BYTES }
    }
}

/// What a file is read by.
pub(super) type Open = fn(File) -> Result<Reader<File>, Bad>;

impl<T> Pages<T> {
    pub(super) fn count(&self) -> u64 {
        self.text.end.record
    }
}

impl<T: Send + Sync + 'static> Pages<T> {
    /// Reads a file once, so that all of it is known to fit, and remembers where its pages begin.
    ///
    /// # Errors
    /// When a record is no `T`: names file and line.
    pub(super) fn scan(name: Name, file: File, open: Open, sizes: Sizes) -> Result<Self, String>
    where
        T: DeserializeOwned,
    {
        let own = file.try_clone().map_err(|error| format!("{}: {error}", name.text))?;
        let named = |bad: Bad| name.bad(&bad);
        let mut reader = open(file).map_err(named)?;
        let layout = reader.layout();
        let mut marks = Marks { sizes, marks: Vec::new() };
        let mut here = Mark { record: 0, place: reader.place() };
        while reader.next::<T>().map_err(named)?.is_some() {
            marks.note(here);
            here = Mark { record: here.record + 1, place: reader.place() };
        }
        let text = Text { name, file: Mutex::new(own), layout, marks: marks.marks, end: here };
        let pages = (sizes.kept_bytes / sizes.page_bytes).max(1);
        let options = OptionsBuilder::new()
            // In shards, one page could be larger than what its shard may keep.
            .shards(1)
            .estimated_items_capacity(usize::try_from(pages).unwrap_or(usize::MAX))
            .weight_capacity(sizes.kept_bytes)
            .build()
            .expect("all that is required is given");
        let kept =
            Cache::with_options(options, ByText, DefaultHashBuilder::default(), DefaultLifecycle::default());
        Ok(Self { text: Arc::new(text), parse: parse::<T>, kept })
    }

    /// The page that has the record of this index, and its place there; `None` when there is no such record.
    ///
    /// # Errors
    /// When the file cannot be read any more, or has become another one.
    pub(super) async fn page(&self, index: u64) -> Result<Option<(Arc<[T]>, usize)>, String> {
        let marks = &self.text.marks;
        if index >= self.count() {
            return Ok(None);
        }
        let number = marks.partition_point(|mark| mark.record <= index) - 1;
        let page = self.kept.get_or_insert_async(&number, self.load(number)).await?;
        Ok(Some((page.records, (index - marks[number].record) as usize)))
    }

    async fn load(&self, number: usize) -> Result<Page<T>, String> {
        let (text, parse) = (Arc::clone(&self.text), self.parse);
        // Elsewhere, for a disk may keep whoever waits for it.
        let loaded = tokio::task::spawn_blocking(move || text.load(number, parse)).await;
        loaded.unwrap_or_else(|error| Err(format!("{}: {error}", self.text.name.text)))
    }
}

/// Where the pages of a file begin.
struct Marks {
    sizes: Sizes,
    marks: Vec<Mark>,
}

impl Marks {
    /// Notes where a record begins, if a page does. Pages are doubled when there are too many.
    fn note(&mut self, here: Mark) {
        let begins = |last: &Mark| here.place.byte - last.place.byte >= self.sizes.page_bytes;
        if self.marks.last().is_none_or(begins) {
            self.marks.push(here);
        }
        if self.marks.len() > self.sizes.most_marks {
            let mut kept = false;
            self.marks.retain(|_| {
                kept = !kept;
                kept
            });
            self.sizes.page_bytes *= 2;
        }
    }
}

impl Text {
    fn load<T>(&self, number: usize, parse: Parse<T>) -> Result<Page<T>, String> {
        let from = self.marks[number];
        let to = self.marks.get(number + 1).copied().unwrap_or(self.end);
        let bytes = to.place.byte - from.place.byte;
        let mut text = vec![0; bytes as usize];
        {
            let mut file = self.file.lock();
            file.seek(SeekFrom::Start(from.place.byte))
                .and_then(|_| file.read_exact(&mut text))
                .map_err(|error| self.changed(from, &error.to_string()))?;
        }
        let records = parse(&self.layout, &text, from.place).map_err(|bad| self.name.bad(&bad))?;
        let (expected, observed) = (to.record - from.record, records.len() as u64);
        if expected != observed {
            let cause = format!("expected records from here on: {expected}, observed: {observed}");
            return Err(self.changed(from, &cause));
        }
        Ok(Page { records: records.into(), bytes })
    }

    fn changed(&self, from: Mark, cause: &str) -> String {
        let cause = format!("{cause}; the file was changed after the warm-up");
        self.name.bad(&Bad { line: from.place.line, cause })
    }
}

fn parse<T: DeserializeOwned>(layout: &Layout, text: &[u8], place: Place) -> Result<Vec<T>, Bad> {
    let mut reader = Reader::part(layout, text, place);
    std::iter::from_fn(|| reader.next().transpose()).collect()
}

impl<T> fmt::Debug for Pages<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Text { name, marks, end, .. } = &*self.text;
        f.debug_struct("Pages")
            .field("name", &name.text)
            .field("records", &end.record)
            .field("pages", &marks.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    type Row = (String, u32);

    fn pages(text: &str, open: Open, sizes: Sizes) -> (Pages<Row>, File) {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file.rewind().unwrap();
        let own = file.try_clone().unwrap();
        (Pages::scan(Name { text: "data file rows".into(), line: ":" }, file, open, sizes).unwrap(), own)
    }

    /// All records, asked for in an order that jumps about.
    fn read(pages: &Pages<Row>) -> Vec<Row> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let count = pages.count();
        let mut rows: Vec<(u64, Row)> = (0..count)
            .map(|n| (n * 7) % count)
            .map(|n| {
                let (page, at) = runtime.block_on(pages.page(n)).unwrap().unwrap();
                (n, page[at].clone())
            })
            .collect();
        assert!(runtime.block_on(pages.page(count)).unwrap().is_none());
        rows.sort_unstable();
        rows.dedup();
        rows.into_iter().map(|(_, row)| row).collect()
    }

    fn expected() -> Vec<Row> {
        (0..100).map(|n| (format!("row\n\"{n}\""), n)).collect()
    }

    #[test]
    fn every_record_is_found_whatever_the_size_of_pages() {
        let csv: String = expected().iter().map(|(_, n)| format!("\"row\n\"\"{n}\"\"\" , {n}\r\n")).collect();
        let csv = format!("\u{feff}name,number\r\n{csv}");
        let json: String =
            expected().iter().map(|row| format!("{}\n\n", serde_json::to_string(row).unwrap())).collect();
        let marked = format!("\u{feff}{json}");
        let blanks = csv.replace("\r\n\"", "\r\n\r\n \r\n\"");
        let texts = [
            (csv, Reader::csv as Open),
            (blanks, Reader::csv),
            (json, Reader::json_lines),
            (marked, Reader::json_lines),
        ];
        for (text, open) in texts {
            for (page_bytes, most_marks) in [(1, 1_000), (1, 10), (30, 1_000), (1 << 20, 1_000)] {
                let sizes = Sizes { page_bytes, most_marks, kept_bytes: 200 };
                let (pages, _) = pages(&text, open, sizes);
                assert_eq!(read(&pages), expected(), "{pages:?}");
                assert!(pages.text.marks.len() <= most_marks, "{pages:?}");
                assert!(pages.kept.weight() <= 200, "{pages:?}");
                let lines: Vec<u64> = pages.text.marks.iter().map(|mark| mark.place.line).collect();
                assert!(lines.is_sorted(), "{lines:?}");
            }
        }
    }

    #[test]
    fn a_file_that_is_changed_in_the_middle_of_a_run_is_an_error_with_its_line() {
        let text: String = (0..100).map(|n| format!("[\"row\",{n:2}]\n")).collect();
        let sizes = Sizes { page_bytes: 1, most_marks: 1_000, kept_bytes: 1 };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let error = |change: &dyn Fn(&mut File)| {
            let (pages, mut file) = pages(&text, Reader::json_lines, sizes);
            change(&mut file);
            runtime.block_on(pages.page(55)).unwrap_err()
        };
        let write = |file: &mut File, row: u64, text: &[u8]| {
            file.seek(SeekFrom::Start(row * 11)).unwrap();
            file.write_all(text).unwrap();
        };
        assert_eq!(
            error(&|file| write(file, 55, b"[\"row\",xx]")),
            "data file rows:56: expected value, at column 8"
        );
        assert_eq!(
            error(&|file| write(file, 55, b"          ")),
            "data file rows:56: expected records from here on: 1, observed: 0; the file was changed after the warm-up"
        );
        assert_eq!(
            error(&|file| file.set_len(300).unwrap()),
            "data file rows:56: failed to fill whole buffer; the file was changed after the warm-up"
        );
    }
}
