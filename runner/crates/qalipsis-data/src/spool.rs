//! Records of a stream that ends, kept in a file that nobody else sees.

use super::Records;
use super::layout::Reader;
use super::pages::Name;
use futures::{Stream, StreamExt as _};
use qalipsis_minion::fault::chain;
use qalipsis_minion::setup_error::SetupError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::error::Error;
use std::fmt::Display;
use std::fs::File;
use std::io::{BufWriter, Seek as _, Write as _};

impl<T: DeserializeOwned + Send + Sync + 'static> Records<T> {
    /// The records of a stream that ends: it is read to its end now, before any load, into a file in the folder
    /// for temporary files, which ends with the campaign. From then on they are read as those of a file are, so
    /// there may be more of them than the memory holds, and a replay finds them again if the stream then gives
    /// the same.
    ///
    /// Every factory reads the stream for itself: all of them have to be given the same records in the same order.
    /// A stream without an end is read until the warm-up is over: use [`Data::from_stream`](super::Data::from_stream).
    ///
    /// # Errors
    /// The first error of the stream, with the number of the record; a stream without records; a file that
    /// cannot be written.
    pub async fn from_stream<E>(
        name: impl Into<String>,
        stream: impl Stream<Item = Result<T, E>>,
    ) -> Result<Self, SetupError>
    where
        T: Serialize,
        E: Error + Send + Sync + 'static,
    {
        let written = stream.map(|record| {
            let record = record.map_err(|error| chain(&error))?;
            serde_json::to_string(&record).map_err(|error| error.to_string())
        });
        spooled(name.into(), written).await
    }

    /// Like [`from_stream`](Self::from_stream), of a stream whose items are the JSON texts of values: what a
    /// plugin does for records that its server can give as JSON.
    ///
    /// # Errors
    /// As [`from_stream`](Self::from_stream); a text that is no `T`, with its number.
    pub async fn from_json<E>(
        name: impl Into<String>,
        stream: impl Stream<Item = Result<String, E>>,
    ) -> Result<Self, SetupError>
    where
        E: Error + Send + Sync + 'static,
    {
        // Between the parts of a value a line may end, within text it cannot.
        let lines = stream.map(|text| text.map(in_one_line).map_err(|error| chain(&error)));
        spooled(name.into(), lines).await
    }
}

fn in_one_line(text: String) -> String {
    if text.contains(['\n', '\r']) { text.replace(['\n', '\r'], " ") } else { text }
}

async fn spooled<T: DeserializeOwned + Send + Sync + 'static>(
    name: String,
    lines: impl Stream<Item = Result<String, String>>,
) -> Result<Records<T>, SetupError> {
    let unwritten = |error: &dyn Display| {
        let folder = std::env::temp_dir();
        SetupError::new(format!("{name}: cannot be kept in {}: {error}", folder.display()))
    };
    let mut file = BufWriter::new(tempfile::tempfile().map_err(|error| unwritten(&error))?);
    let mut lines = std::pin::pin!(lines);
    let mut number = 0_u64;
    while let Some(line) = lines.next().await {
        number += 1;
        let line = line.map_err(|error| SetupError::new(format!("{name}, record {number}: {error}")))?;
        writeln!(file, "{line}").map_err(|error| unwritten(&error))?;
        // A stream that never has to wait must not keep the warm-up from ending.
        tokio::task::consume_budget().await;
    }
    let mut file: File = file.into_inner().map_err(|error| unwritten(&error))?;
    file.rewind().map_err(|error| unwritten(&error))?;
    Records::of_text(Name { text: name, line: ", record " }, file, Reader::json_lines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::stream;
    use qalipsis_minion::fault::Fault;

    async fn spooled(texts: &[&str]) -> Result<u64, String> {
        let texts = texts.iter().map(|text| match *text {
            "broken" => Err(Fault::error("the server is gone")),
            text => Ok(text.to_owned()),
        });
        let records = Records::<Vec<u32>>::from_json("numbers", stream::iter(texts)).await;
        records.map(|records| records.count()).map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn a_stream_is_read_to_its_end_and_what_is_wrong_with_it_named() {
        assert_eq!(spooled(&["[1]", "[1,\r\n2]", "[]"]).await, Ok(3));
        assert_eq!(spooled(&[]).await.unwrap_err(), "numbers: has no record");
        assert_eq!(spooled(&["[1]", "broken"]).await.unwrap_err(), "numbers, record 2: the server is gone");
        assert_eq!(
            spooled(&["[1]", "[\n1]", "[-1]", "[2]"]).await.unwrap_err(),
            "numbers, record 3: invalid value: integer `-1`, expected u32, at column 3"
        );
    }

    #[tokio::test]
    async fn values_are_kept_as_they_are() {
        let values = ["a\nb", ""].map(|text| Ok::<_, Fault>(text.to_owned()));
        let records = Records::from_stream("texts", stream::iter(values)).await.unwrap();
        let first = records.origin.record(0).await.unwrap().unwrap();
        assert_eq!((first.as_str(), records.count()), ("a\nb", 2));
    }
}
