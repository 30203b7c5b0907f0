//! The socket between processes of one machine: JSON messages, each behind its length.

use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio_util::codec::{FramedRead, FramedWrite, LengthDelimitedCodec};

/// The largest message, in bytes: a snapshot of 1,000 steps is below 10 MB.
const LARGEST_MESSAGE: usize = 64 * 1024 * 1024;

/// Why head and factory cannot talk.
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
    pub async fn accept<Out: Serialize, In: DeserializeOwned>(
        &self,
    ) -> Result<(Sender<Out>, Receiver<In>), ConnectError> {
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
pub async fn connect<Out: Serialize, In: DeserializeOwned>(
    path: &Path,
) -> Result<(Sender<Out>, Receiver<In>), ConnectError> {
    let error = |cause| ConnectError { action: "connect to", path: path.to_owned(), cause };
    Ok(split(UnixStream::connect(path).await.map_err(error)?))
}

fn split<Out, In>(stream: UnixStream) -> (Sender<Out>, Receiver<In>) {
    let codec = || LengthDelimitedCodec::builder().max_frame_length(LARGEST_MESSAGE).new_codec();
    let (read, write) = stream.into_split();
    (
        Sender { frames: FramedWrite::new(write, codec()), message: PhantomData },
        Receiver { frames: FramedRead::new(read, codec()), message: PhantomData },
    )
}

/// The way out.
#[derive(Debug)]
pub struct Sender<M> {
    frames: FramedWrite<OwnedWriteHalf, LengthDelimitedCodec>,
    message: PhantomData<fn(M)>,
}

impl<M: Serialize> Sender<M> {
    /// Sends one message.
    ///
    /// # Errors
    /// When the other side is gone.
    pub async fn send(&mut self, message: &M) -> io::Result<()> {
        self.frames.send(Bytes::from(serde_json::to_vec(message)?)).await
    }
}

/// The way in.
#[derive(Debug)]
pub struct Receiver<M> {
    frames: FramedRead<OwnedReadHalf, LengthDelimitedCodec>,
    message: PhantomData<fn() -> M>,
}

impl<M: DeserializeOwned> Receiver<M> {
    /// The next message; `None` when the other side is gone. Can be cancelled without loss.
    ///
    /// # Errors
    /// When the connection breaks, or what came is no message of this version.
    pub async fn receive(&mut self) -> io::Result<Option<M>> {
        match self.frames.next().await {
            None => Ok(None),
            Some(frame) => Ok(Some(serde_json::from_slice(&frame?)?)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn messages_cross_in_both_directions_and_the_end_is_seen() {
        let folder = std::env::temp_dir().join(format!("qalipsis-cluster-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("socket");
        let listener = Listener::bind(&path).unwrap();
        let factory = async {
            let (mut out, mut from) = connect::<String, u32>(&path).await.unwrap();
            out.send(&"hello".to_owned()).await.unwrap();
            from.receive().await.unwrap()
        };
        let head = async {
            let (mut out, mut from) = listener.accept::<u32, String>().await.unwrap();
            let hello = from.receive().await.unwrap();
            out.send(&7).await.unwrap();
            (hello, from.receive().await.unwrap())
        };
        let (got, (hello, end)) = futures::join!(factory, head);
        assert_eq!((got, hello, end), (Some(7), Some("hello".to_owned()), None));
        drop(listener);
        assert!(!path.exists());
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[tokio::test]
    async fn nobody_listening_is_a_clear_error() {
        let error = connect::<u8, u8>(Path::new("/nowhere/socket")).await.unwrap_err();
        assert!(
            error.to_string().starts_with("failed to connect to the local socket /nowhere/socket: "),
            "{error}"
        );
    }
}
