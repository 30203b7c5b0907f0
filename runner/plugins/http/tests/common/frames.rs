//! A server of HTTP/2 that does exactly what a test says, frame by frame.

use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

pub(crate) const NO_ERROR: u32 = 0;
pub(crate) const INTERNAL_ERROR: u32 = 2;
pub(crate) const REFUSED_STREAM: u32 = 7;
pub(crate) const CANCEL: u32 = 8;
pub(crate) const ENHANCE_YOUR_CALM: u32 = 11;

pub(crate) const MAX_CONCURRENT_STREAMS: u16 = 3;

pub(crate) struct Listener(TcpListener);

impl Listener {
    pub(crate) async fn new() -> (Self, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        (Self(listener), address)
    }

    /// The next connection, to which these settings are sent.
    pub(crate) async fn accept(&self, settings: &[(u16, u32)]) -> Connection {
        let (mut stream, _) = self.0.accept().await.unwrap();
        let mut preface = [0; 24];
        stream.read_exact(&mut preface).await.unwrap();
        assert_eq!(&preface, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        let mut connection = Connection { stream };
        let payload: Vec<u8> = settings
            .iter()
            .flat_map(|(name, value)| [&name.to_be_bytes()[..], &value.to_be_bytes()].concat())
            .collect();
        connection.send(SETTINGS, 0, 0, &payload).await;
        connection
    }
}

pub(crate) struct Connection {
    stream: TcpStream,
}

impl Connection {
    /// The id of the next request, when it is complete; `None` when the client closed the connection.
    pub(crate) async fn request(&mut self) -> Option<u32> {
        loop {
            let mut header = [0; 9];
            self.stream.read_exact(&mut header).await.ok()?;
            let [a, b, c, kind, flags, id @ ..] = header;
            let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
            self.stream.read_exact(&mut payload).await.ok()?;
            if matches!(kind, HEADERS | DATA) && flags & END_STREAM != 0 {
                return Some(u32::from_be_bytes(id));
            }
            if kind == SETTINGS && flags == 0 {
                self.send(SETTINGS, 1, 0, &[]).await;
            }
        }
    }

    /// A status of 200; the stream ends with it unless there is to be a body.
    pub(crate) async fn answer(&mut self, id: u32, end: bool) {
        let flags = END_HEADERS | if end { END_STREAM } else { 0 };
        // The eighth entry of the static table is `:status: 200`.
        self.send(HEADERS, flags, id, &[0x88]).await;
    }

    /// A part of the body.
    pub(crate) async fn data(&mut self, id: u32, part: &[u8]) {
        self.send(DATA, 0, id, part).await;
    }

    pub(crate) async fn reset(&mut self, id: u32, code: u32) {
        self.send(RST_STREAM, 0, id, &code.to_be_bytes()).await;
    }

    pub(crate) async fn goaway(&mut self, last: u32, code: u32, debug: &str) {
        let payload = [&last.to_be_bytes()[..], &code.to_be_bytes(), debug.as_bytes()].concat();
        self.send(GOAWAY, 0, 0, &payload).await;
    }

    async fn send(&mut self, kind: u8, flags: u8, id: u32, payload: &[u8]) {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let frame = [&length[1..], &[kind, flags], &id.to_be_bytes(), payload].concat();
        self.stream.write_all(&frame).await.unwrap();
    }
}
