//! The socket between processes of one machine: frames, each behind its length.

use crate::convert::{Encoded, Message};
use crate::frame::{Assembler, LARGEST_FRAME, Splitter};
use crate::malformed::{Cause, Malformed};
use crate::message::{FactoryMessage, HeadMessage};
use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use std::io;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio_util::codec::{FramedRead, FramedWrite, LengthDelimitedCodec};

/// Why head and factory cannot communicate.
#[derive(Debug, thiserror::Error)]
#[error("failed to {action} the local socket {path}: {cause}", path = path.display())]
pub struct ConnectError {
    action: &'static str,
    path: PathBuf,
    cause: io::Error,
}

impl ConnectError {
    pub(crate) fn new(action: &'static str, path: PathBuf, cause: io::Error) -> Self {
        Self { action, path, cause }
    }
}

/// Where the head awaits factories. The socket's file goes with it.
#[derive(Debug)]
pub struct Listener {
    listener: UnixListener,
    path: PathBuf,
}

impl Listener {
    /// Listens at `path`, which must not exist.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn bind(path: &Path) -> Result<Self, ConnectError> {
        let error = |cause| ConnectError { action: "listen on", path: path.to_owned(), cause };
        Ok(Self { listener: UnixListener::bind(path).map_err(error)?, path: path.to_owned() })
    }

    /// The next factory.
    ///
    /// # Errors
    /// When the socket fails.
    pub async fn accept(&self) -> Result<(Sender<HeadMessage>, Receiver<FactoryMessage>), ConnectError> {
        let (stream, _) = self.listener.accept().await.map_err(|cause| ConnectError {
            action: "accept on",
            path: self.path.clone(),
            cause,
        })?;
        Ok(split(stream))
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // Its folder is temporary: what cannot be removed here goes with that.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Connects a factory to its head.
///
/// # Errors
/// When nobody listens at `path`.
pub async fn connect(path: &Path) -> Result<(Sender<FactoryMessage>, Receiver<HeadMessage>), ConnectError> {
    let error = |cause| ConnectError { action: "connect to", path: path.to_owned(), cause };
    Ok(split(UnixStream::connect(path).await.map_err(error)?))
}

fn split<Out, In>(stream: UnixStream) -> (Sender<Out>, Receiver<In>) {
    let codec = || LengthDelimitedCodec::builder().max_frame_length(LARGEST_FRAME).new_codec();
    let (read, write) = stream.into_split();
    let sender = Sender {
        frames: FramedWrite::new(write, codec()),
        splitter: Splitter::default(),
        message: PhantomData,
    };
    let receiver = Receiver {
        frames: FramedRead::new(read, codec()),
        assembler: Assembler::default(),
        message: PhantomData,
    };
    (sender, receiver)
}

/// The way out.
#[derive(Debug)]
pub struct Sender<M> {
    frames: FramedWrite<OwnedWriteHalf, LengthDelimitedCodec>,
    splitter: Splitter,
    message: PhantomData<fn(M)>,
}

impl<M: Message> Sender<M> {
    /// Sends one message.
    ///
    /// # Errors
    /// When the other side is gone, or the message is too large for it.
    pub async fn send(&mut self, message: &M) -> io::Result<()> {
        let frames = self.splitter.split(message.encode());
        for frame in frames.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))? {
            self.frames.feed(frame).await?;
        }
        SinkExt::<Bytes>::flush(&mut self.frames).await
    }
}

/// The way in.
#[derive(Debug)]
pub struct Receiver<M> {
    frames: FramedRead<OwnedReadHalf, LengthDelimitedCodec>,
    assembler: Assembler,
    message: PhantomData<fn() -> M>,
}

impl<M: Message> Receiver<M> {
    /// The next message; `None` when the other side is gone. Can be cancelled without loss.
    ///
    /// # Errors
    /// When the connection breaks, or what came is no message of this version.
    pub async fn receive(&mut self) -> io::Result<Option<M>> {
        while let Some(frame) = self.frames.next().await {
            let frame = frame.map_err(explained)?.freeze();
            let message = self.assembler.add(frame).and_then(|complete| match complete {
                None => Ok(None),
                Some(Encoded::Framed(bytes)) => M::decode(bytes).map(Some),
                Some(Encoded::Greeting(json)) => M::greeted(&json).map(Some),
            });
            match message {
                Ok(None) => {}
                Ok(message) => return Ok(message),
                Err(malformed) => return Err(io::Error::new(io::ErrorKind::InvalidData, malformed)),
            }
        }
        Ok(None)
    }
}

/// The codec's own errors do not name the limit, and have no kind for an end in the middle of a frame.
fn explained(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::InvalidData => {
            io::Error::new(io::ErrorKind::InvalidData, Malformed::from(Cause::LargeFrame(LARGEST_FRAME)))
        }
        io::ErrorKind::Other => {
            io::Error::new(io::ErrorKind::UnexpectedEof, "the connection ended in the middle of a frame")
        }
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::LARGEST_MESSAGE;
    use crate::message::{ToFactory, ToHead};
    use qalipsis_model::plan::Stop;
    use tokio::io::AsyncWriteExt;

    fn message(sequence: u64, message: ToHead) -> FactoryMessage {
        FactoryMessage { incarnation: 1, sequence, received: 0, message }
    }

    #[tokio::test]
    async fn messages_cross_in_both_directions_and_the_end_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let listener = Listener::bind(&path).unwrap();
        let hello = message(0, ToHead::Hello { contract: 2, name: "checkout".into() });
        // Larger than a frame.
        let stuck = message(1, ToHead::Stuck("é".repeat(2_000_000)));
        let directive = HeadMessage { sequence: 0, message: ToFactory::Stop(Stop::Hard) };
        let factory = async {
            let (mut out, mut from) = connect(&path).await.unwrap();
            out.send(&hello).await.unwrap();
            out.send(&stuck).await.unwrap();
            from.receive().await.unwrap()
        };
        let head = async {
            let (mut out, mut from) = listener.accept().await.unwrap();
            let received = [from.receive().await.unwrap(), from.receive().await.unwrap()];
            out.send(&directive).await.unwrap();
            (received, from.receive().await.unwrap())
        };
        let (got, (received, end)) = futures::join!(factory, head);
        assert_eq!((got, end), (Some(directive), None));
        assert!(received == [Some(hello), Some(stuck)]);
        drop(listener);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_message_that_is_too_large_is_refused_where_it_is_sent() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let listener = Listener::bind(&path).unwrap();
        let (mut out, _) = connect(&path).await.unwrap();
        let (_, mut from) = listener.accept().await.unwrap();
        let error = out.send(&message(0, ToHead::Stuck("x".repeat(LARGEST_MESSAGE)))).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "a message of 67108878 bytes is larger than the limit of 67108864 bytes"
        );
        out.send(&message(0, ToHead::Ready)).await.unwrap();
        assert_eq!(from.receive().await.unwrap(), Some(message(0, ToHead::Ready)));
    }

    /// The message that the head reads from these bytes.
    async fn received_from(bytes: &[u8]) -> Result<Option<FactoryMessage>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let listener = Listener::bind(&path).unwrap();
        let mut other = UnixStream::connect(&path).await.unwrap();
        let (_, mut from) = listener.accept().await.unwrap();
        other.write_all(bytes).await.unwrap();
        drop(other);
        from.receive().await.map_err(|error| error.to_string())
    }

    fn framed(bytes: &[u8]) -> Vec<u8> {
        [&(bytes.len() as u32).to_be_bytes(), bytes].concat()
    }

    #[tokio::test]
    async fn the_hello_of_contract_1_is_read_so_that_it_can_be_refused() {
        let hello = framed(br#"{"type":"hello","body":{"contract":1,"name":"checkout"}}"#);
        let expected = ToHead::Hello { contract: 1, name: "checkout".into() };
        let expected = FactoryMessage { incarnation: 0, sequence: 0, received: 0, message: expected };
        assert_eq!(received_from(&hello).await, Ok(Some(expected)));
        let other = received_from(&framed(br#"{"type":"heartbeat"}"#)).await.unwrap_err();
        assert_eq!(other, "not a message of contract version 2: 'heartbeat' as JSON");
    }

    /// As the runner of contract 1 reads the first message.
    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(tag = "type", content = "body", rename_all = "kebab-case")]
    enum OldToHead {
        Hello { contract: u32, name: String },
    }

    #[tokio::test]
    async fn a_runner_of_contract_1_can_read_the_hello_and_refuse_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let listener = UnixListener::bind(&path).unwrap();
        let (mut out, _) = connect(&path).await.unwrap();
        out.send(&message(0, ToHead::Hello { contract: 2, name: "checkout".into() })).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let mut frames = FramedRead::new(stream, LengthDelimitedCodec::new());
        let hello: OldToHead = serde_json::from_slice(&frames.next().await.unwrap().unwrap()).unwrap();
        assert_eq!(hello, OldToHead::Hello { contract: 2, name: "checkout".into() });
    }

    #[tokio::test]
    async fn garbage_is_one_clear_error() {
        let not = "not a message of contract version 2: ";
        let http = received_from(b"GET / HTTP/1.1\r\n\r\n").await.unwrap_err();
        assert_eq!(http, format!("{not}a frame is larger than 524352 bytes"));
        for garbage in [&b"\xff\xff\xff\xff"[..], b"hello", b"\x0a\x01", b"", b"{"] {
            let error = received_from(&framed(garbage)).await.unwrap_err();
            assert!(error.starts_with(not) && !error.contains('\n'), "{garbage:?}: {error}");
        }
        let cut = received_from(&framed(&[0; 100])[..50]).await.unwrap_err();
        assert_eq!(cut, "the connection ended in the middle of a frame");
    }

    #[tokio::test]
    async fn nobody_listening_is_a_clear_error() {
        let error = connect(Path::new("/nowhere/socket")).await.unwrap_err();
        assert!(
            error.to_string().starts_with("failed to connect to the local socket /nowhere/socket: "),
            "{error}"
        );
    }
}
