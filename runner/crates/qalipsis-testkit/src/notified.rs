//! Servers that are notified: one of mail, and one that speaks the part of Slack's API that a message needs.

use crate::port::free_port;
use crate::process::Process;
use anyhow::Context;
use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;
use tempfile::TempDir;

/// Far longer than Python needs, for machines that are busy with other tests.
const START_WITHIN: Duration = Duration::from_secs(60);

const INSTALL: &str = "install it with `apt-get install --no-install-recommends python3-aiosmtpd`";

/// Keeps each mail as its reader sees it: subject and plain text in one file, markup in another.
const MAIL: &str = r#"
import email, email.policy, pathlib, signal, sys
from aiosmtpd.controller import Controller
port, folder = int(sys.argv[1]), pathlib.Path(sys.argv[2])
class Handler:
    count = 0
    async def handle_DATA(self, server, session, envelope):
        Handler.count += 1
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        plain, html = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))
        for name, text in (("plain", mail["subject"] + "\n" + plain), ("html", html)):
            (folder / "new").write_text(text)
            (folder / "new").rename(folder / f"{Handler.count:04}.{name}")
        return "250 OK"
Controller(Handler(), hostname="127.0.0.1", port=port).start()
print("ready", flush=True)
signal.pause()
"#;

/// Keeps the texts of each message, one a line, with Slack's three entities resolved.
const SLACK: &str = r#"
import http.server, json, pathlib, sys
port, folder = int(sys.argv[1]), pathlib.Path(sys.argv[2])
def texts(value):
    if isinstance(value, dict):
        own = [value["text"]] if isinstance(value.get("text"), str) else []
        return own + [text for key, part in value.items() if key != "text" or not own for text in texts(part)]
    return [text for part in value for text in texts(part)] if isinstance(value, list) else []
class Handler(http.server.BaseHTTPRequestHandler):
    count = 0
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        Handler.count += 1
        text = "\n".join(texts(body))
        for entity, sign in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
            text = text.replace(entity, sign)
        (folder / "new").write_text(text)
        (folder / "new").rename(folder / f"{Handler.count:04}.text")
        message = {"type": "message", "user": "U1", "ts": "1795410367.000100", "text": "posted"}
        answer = {"ok": True, "channel": "C0CI", "ts": message["ts"], "message": message}
        answer = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
    def log_message(self, *_):
        pass
server = http.server.HTTPServer(("127.0.0.1", port), Handler)
print("ready", flush=True)
server.serve_forever()
"#;

/// A server that keeps the messages that it receives. It ends with its handle.
#[derive(Debug)]
pub struct NotifiedServer {
    port: u16,
    folder: TempDir,
    _process: Process,
}

impl NotifiedServer {
    /// A mail server without TLS and log-in, that takes every mail.
    ///
    /// # Errors
    ///
    /// When Python's aiosmtpd is missing (with the package to install), or does not start.
    pub fn mail() -> anyhow::Result<Self> {
        Self::start(MAIL)
    }

    /// As [`mail`](Self::mail), one for all tests of the process.
    ///
    /// # Errors
    ///
    /// As [`mail`](Self::mail).
    pub fn shared_mail() -> anyhow::Result<&'static Self> {
        static SHARED: LazyLock<anyhow::Result<NotifiedServer>> = LazyLock::new(NotifiedServer::mail);
        SHARED.as_ref().map_err(|error| anyhow::anyhow!("{error:#}"))
    }

    /// What answers as Slack's methods do, and takes every message.
    ///
    /// # Errors
    ///
    /// When Python does not start.
    pub fn slack() -> anyhow::Result<Self> {
        Self::start(SLACK)
    }

    /// As [`slack`](Self::slack), one for all tests of the process.
    ///
    /// # Errors
    ///
    /// As [`slack`](Self::slack).
    pub fn shared_slack() -> anyhow::Result<&'static Self> {
        static SHARED: LazyLock<anyhow::Result<NotifiedServer>> = LazyLock::new(NotifiedServer::slack);
        SHARED.as_ref().map_err(|error| anyhow::anyhow!("{error:#}"))
    }

    /// Where it listens, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The texts of received messages that contain `word`, oldest first: for mail the part `plain` or `html`, for
    /// Slack the part `text`.
    ///
    /// # Errors
    ///
    /// When its files cannot be read.
    pub fn received(&self, part: &str, word: &str) -> anyhow::Result<Vec<String>> {
        let mut paths: Vec<_> = std::fs::read_dir(self.folder.path())?
            .map(|entry| Ok(entry?.path()))
            .collect::<std::io::Result<_>>()?;
        paths.retain(|path| path.extension().is_some_and(|extension| extension == part));
        paths.sort();
        let mut texts = Vec::new();
        for path in paths {
            texts.push(std::fs::read_to_string(&path).with_context(|| path.display().to_string())?);
        }
        texts.retain(|text| text.contains(word));
        Ok(texts)
    }

    fn start(program: &str) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let port = free_port()?;
        let mut command = Command::new("/usr/bin/python3");
        command.args(["-c", program, &port.to_string()]).arg(folder.path());
        let process = Process::spawn(&mut command)?;
        process.wait_for_line(|line| line == "ready", START_WITHIN).context(INSTALL)?;
        Ok(Self { port, folder, _process: process })
    }
}
