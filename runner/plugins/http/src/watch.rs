//! What a server says about the end of an HTTP/2 connection.
//!
//! The client library ends streams that a GOAWAY cuts off, but says neither that one came nor why a
//! connection was closed after it. So its frame is read here as it passes by.

use parking_lot::Mutex;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The frame's type: <https://www.rfc-editor.org/rfc/rfc9113#section-6.8>.
const GOAWAY: u8 = 7;

/// Bytes of a frame's header.
const HEADER: usize = 9;

/// Bytes of a GOAWAY before what the server may add for people.
const FIXED: usize = 8;

/// How much of what the server adds for people is kept.
const DEBUG_DATA: usize = 120;

/// What is known of one connection.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// Whether a request was answered on it.
    answered: AtomicBool,
    is_going_away: AtomicBool,
    /// The last one: a server that ends gently sends two.
    goaway: Mutex<Option<GoAway>>,
    /// Whether anything came.
    has_spoken: AtomicBool,
    /// Whether the first bytes were a TLS alert or an answer in HTTP/1.
    stranger: Mutex<Option<Stranger>>,
}

/// A server that ends a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GoAway {
    /// Streams above it were not processed.
    pub(crate) last_stream: u32,
    reason: h2::Reason,
    debug_data: String,
}

/// Something that does not speak HTTP/2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stranger {
    /// It wants TLS.
    Tls,
    /// It speaks an earlier version.
    Http1,
}

impl Watch {
    pub(crate) fn answered(&self) {
        if !self.answered.load(Ordering::Relaxed) {
            self.answered.store(true, Ordering::Relaxed);
        }
    }

    /// Whether the server takes no more requests on it.
    pub(crate) fn is_going_away(&self) -> bool {
        self.is_going_away.load(Ordering::Relaxed)
    }

    pub(crate) fn goaway(&self) -> Option<GoAway> {
        self.goaway.lock().clone()
    }

    pub(crate) fn has_spoken(&self) -> bool {
        self.has_spoken.load(Ordering::Relaxed)
    }

    pub(crate) fn stranger(&self) -> Option<Stranger> {
        *self.stranger.lock()
    }

    /// Whether the server processed any request on it.
    pub(crate) fn was_useful(&self) -> bool {
        self.answered.load(Ordering::Relaxed)
            || self.goaway.lock().as_ref().is_some_and(|goaway| goaway.last_stream > 0)
    }

    fn see_goaway(&self, payload: &[u8]) {
        let Some((fixed, rest)) = payload.split_at_checked(FIXED) else { return };
        let number = |bytes: &[u8]| bytes.iter().fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte));
        let goaway = GoAway {
            last_stream: number(&fixed[..4]) & (u32::MAX >> 1),
            reason: h2::Reason::from(number(&fixed[4..])),
            debug_data: String::from_utf8_lossy(rest).chars().filter(|c| !c.is_control()).collect(),
        };
        *self.goaway.lock() = Some(goaway);
        self.is_going_away.store(true, Ordering::Relaxed);
    }

    fn see_first(&self, first: &[u8]) {
        self.has_spoken.store(true, Ordering::Relaxed);
        let stranger = match first {
            // An alert of any version of TLS.
            [21, 3, ..] => Stranger::Tls,
            _ if first.starts_with(b"HTTP/1") => Stranger::Http1,
            _ => return,
        };
        *self.stranger.lock() = Some(stranger);
    }
}

/// `GOAWAY NO_ERROR`, with what the server added.
impl fmt::Display for GoAway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GOAWAY {:?}", self.reason)?;
        match self.debug_data.is_empty() {
            true => Ok(()),
            false => write!(f, " '{}'", self.debug_data),
        }
    }
}

/// Finds the frames in what is read.
#[derive(Debug, Default)]
struct Frames {
    started: bool,
    header: [u8; HEADER],
    /// How much of the header is there.
    have: usize,
    /// How much of the payload is still to come.
    left: usize,
    /// The payload of a GOAWAY, as far as it is kept.
    kept: Option<Vec<u8>>,
}

impl Frames {
    fn read(&mut self, mut bytes: &[u8], watch: &Watch) {
        if !self.started && !bytes.is_empty() {
            self.started = true;
            watch.see_first(bytes);
        }
        while !bytes.is_empty() {
            if self.have < HEADER {
                let (now, rest) = bytes.split_at(bytes.len().min(HEADER - self.have));
                self.header[self.have..self.have + now.len()].copy_from_slice(now);
                self.have += now.len();
                bytes = rest;
                if self.have < HEADER {
                    return;
                }
                let [a, b, c, kind, ..] = self.header;
                self.left = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
                self.kept = (kind == GOAWAY).then(Vec::new);
            }
            let (now, rest) = bytes.split_at(bytes.len().min(self.left));
            if let Some(kept) = &mut self.kept {
                let more = (FIXED + DEBUG_DATA).saturating_sub(kept.len()).min(now.len());
                kept.extend_from_slice(&now[..more]);
            }
            self.left -= now.len();
            bytes = rest;
            if self.left == 0 {
                self.have = 0;
                if let Some(kept) = self.kept.take() {
                    watch.see_goaway(&kept);
                }
            }
        }
    }
}

/// A stream whose frames are watched.
pub(crate) struct Watched<T> {
    stream: T,
    frames: Frames,
    watch: Arc<Watch>,
}

impl<T> Watched<T> {
    pub(crate) fn new(stream: T, watch: Arc<Watch>) -> Self {
        Self { stream, frames: Frames::default(), watch }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Watched<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let done = Pin::new(&mut this.stream).poll_read(cx, buffer);
        this.frames.read(&buffer.filled()[before..], &this.watch);
        done
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Watched<T> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        [&length[1..], &[kind, 0, 0, 0, 0, 1], payload].concat()
    }

    proptest! {
        /// However the bytes are cut into reads.
        #[test]
        fn d1_goaway_is_found_among_other_frames(
            before in prop::collection::vec((0_u8..7, prop::collection::vec(any::<u8>(), 0..40)), 0..8),
            last_stream in 0_u32..=u32::MAX >> 1,
            reason in 0_u32..14,
            cut in 1_usize..30,
        ) {
            let debug = "x".repeat(200);
            let goaway = [&last_stream.to_be_bytes()[..], &reason.to_be_bytes(), debug.as_bytes()].concat();
            let mut bytes: Vec<u8> = before.iter().flat_map(|(kind, payload)| frame(*kind, payload)).collect();
            let (watch, mut frames) = (Watch::default(), Frames::default());
            bytes.iter().for_each(|byte| frames.read(&[*byte], &watch));
            prop_assert!(!watch.is_going_away());
            bytes.extend(frame(GOAWAY, &goaway));
            let (watch, mut frames) = (Watch::default(), Frames::default());
            bytes.chunks(cut).for_each(|bytes| frames.read(bytes, &watch));
            let seen = watch.goaway().unwrap();
            prop_assert_eq!(
                (seen.last_stream, seen.reason, seen.debug_data.len()),
                (last_stream, h2::Reason::from(reason), DEBUG_DATA)
            );
        }
    }
}
