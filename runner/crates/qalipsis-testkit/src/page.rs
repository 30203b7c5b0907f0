//! A page in a browser that tests use as people do: over the DevTools protocol.

use crate::process::Process;
use serde_json::{Value, json};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tungstenite::{Message, WebSocket};

/// How long a browser may take for one answer, on a machine that is busy with other things.
const LIMIT: Duration = Duration::from_secs(90);

/// A file opened in headless Chromium, which ends with the handle.
pub struct Page {
    socket: WebSocket<TcpStream>,
    session: Option<String>,
    sent: u64,
    events: Vec<Value>,
    _process: Process,
    _profile: TempDir,
}

impl Page {
    /// Opens a file in a window of this size, and waits until it is loaded.
    ///
    /// # Panics
    /// As everything here: when Chromium cannot be started, or does not answer in time.
    pub fn open(file: &Path, width: u32, height: u32) -> Self {
        let file = file.canonicalize().expect("the page is there");
        Self::visit(&format!("file://{}", file.display()), width, height)
    }

    /// Opens an address in a window of this size, and waits until it is loaded.
    pub fn visit(url: &str, width: u32, height: u32) -> Self {
        let profile = tempfile::tempdir().expect("a folder for temporary files");
        let mut command = Command::new("chromium");
        command.env("TMPDIR", profile.path());
        command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]);
        command.args(["--disable-background-networking", "--disable-component-update", "--disable-sync"]);
        command.args(["--remote-debugging-port=0", "--remote-allow-origins=*", "about:blank"]);
        command.arg(format!("--user-data-dir={}", profile.path().display()));
        let process = Process::spawn(&mut command).expect("Debian's package chromium is installed");
        let listening = process.wait_for_line(|line| line.contains("DevTools listening on ws://"), LIMIT);
        let listening = listening.expect("the browser listens");
        let (_, address) = listening.split_once("ws://").expect("an address follows");
        let host = address.split('/').next().expect("a host comes first");
        let stream = TcpStream::connect(host).expect("the browser accepts connections");
        stream.set_read_timeout(Some(LIMIT)).expect("a limit can be set");
        let (socket, _) =
            tungstenite::client(format!("ws://{address}"), stream).expect("it speaks WebSocket");
        let mut page =
            Self { socket, session: None, sent: 0, events: Vec::new(), _process: process, _profile: profile };
        let target = page.call("Target.createTarget", json!({"url": "about:blank"}));
        let attached =
            page.call("Target.attachToTarget", json!({"targetId": target["targetId"], "flatten": true}));
        page.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page.enable", "Runtime.enable", "Log.enable", "Network.enable"] {
            page.call(domain, json!({}));
        }
        page.resize(width, height);
        page.go(url);
        page
    }

    /// Goes to another address, and waits until it is loaded.
    pub fn go(&mut self, url: &str) {
        let loaded =
            |page: &Self| page.events.iter().filter(|event| event["method"] == "Page.loadEventFired").count();
        let before = loaded(self);
        self.call("Page.navigate", json!({"url": url}));
        while loaded(self) == before {
            self.read();
        }
    }

    /// Waits until an expression of JavaScript is true, also on the page that follows this one.
    ///
    /// # Panics
    /// When it does not become true in time.
    pub fn until(&mut self, expression: &str) {
        let end = Instant::now() + LIMIT;
        // While a page is loaded nothing can be asked of it.
        while self.evaluate(expression)["result"]["value"] != true {
            assert!(Instant::now() < end, "{expression}: {}", self.value("document.body.innerText"));
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Gives its window another size.
    pub fn resize(&mut self, width: u32, height: u32) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.call("Emulation.setDeviceMetricsOverride", size);
    }

    /// The value of an expression of JavaScript.
    ///
    /// # Panics
    /// When it throws.
    pub fn value(&mut self, expression: &str) -> Value {
        let result = self.evaluate(expression);
        assert!(result.get("exceptionDetails").is_none(), "{expression}: {result}");
        result["result"]["value"].clone()
    }

    fn evaluate(&mut self, expression: &str) -> Value {
        let parameters = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        self.call("Runtime.evaluate", parameters)
    }

    /// Shows it on `screen` or in `print`, in `light` or `dark` colours.
    pub fn show_as(&mut self, media: &str, colors: &str) {
        let features = json!([{"name": "prefers-color-scheme", "value": colors}]);
        self.call("Emulation.setEmulatedMedia", json!({"media": media, "features": features}));
    }

    /// Moves the pointer to a place of the window.
    pub fn point(&mut self, x: f64, y: f64) {
        self.mouse("mouseMoved", x, y, 0);
    }

    /// Presses the button at one place, moves to another, and releases it there.
    pub fn drag(&mut self, (x, y): (f64, f64), (to_x, to_y): (f64, f64)) {
        self.mouse("mousePressed", x, y, 1);
        self.mouse("mouseMoved", (x + to_x) / 2.0, (y + to_y) / 2.0, 1);
        self.mouse("mouseMoved", to_x, to_y, 1);
        self.mouse("mouseReleased", to_x, to_y, 0);
    }

    fn mouse(&mut self, kind: &str, x: f64, y: f64, buttons: u8) {
        let button = if kind == "mouseMoved" { "none" } else { "left" };
        let clicks = u8::from(kind != "mouseMoved");
        let parameters =
            json!({"type": kind, "x": x, "y": y, "button": button, "buttons": buttons, "clickCount": clicks});
        self.call("Input.dispatchMouseEvent", parameters);
    }

    /// Presses a key by its name, as `ArrowRight`, with the shift key or without.
    pub fn press(&mut self, key: &str, shift: bool) {
        let code = match key {
            "Tab" => 9,
            "Enter" => 13,
            "Escape" => 27,
            "End" => 35,
            "Home" => 36,
            "ArrowLeft" => 37,
            "ArrowRight" => 39,
            other => panic!("no such key here: {other}"),
        };
        for kind in ["rawKeyDown", "keyUp"] {
            // What is entered is what activates links and buttons.
            let text = if key == "Enter" && kind == "rawKeyDown" { "\r" } else { "" };
            let parameters = json!({
                "type": if text.is_empty() { kind } else { "keyDown" }, "text": text, "key": key, "code": key, "windowsVirtualKeyCode": code,
                "modifiers": if shift { 8 } else { 0 },
            });
            self.call("Input.dispatchKeyEvent", parameters);
        }
    }

    /// Types text into what has the focus.
    pub fn write(&mut self, text: &str) {
        self.call("Input.insertText", json!({"text": text}));
    }

    /// A picture of the window as PNG, in base64.
    pub fn picture(&mut self) -> String {
        let taken =
            self.call("Page.captureScreenshot", json!({"format": "png", "captureBeyondViewport": true}));
        taken["data"].as_str().expect("it is a picture").to_owned()
    }

    /// What the page wrote to its console, and what the browser had to say about it.
    pub fn complaints(&self) -> Vec<String> {
        let methods = ["Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"];
        let complaints =
            self.events.iter().filter(|event| methods.iter().any(|method| event["method"] == *method));
        complaints.map(Value::to_string).collect()
    }

    /// Addresses that were requested.
    pub fn requests(&self) -> Vec<String> {
        let sent = self.events.iter().filter(|event| event["method"] == "Network.requestWillBeSent");
        sent.map(|event| event["params"]["request"]["url"].as_str().unwrap_or_default().to_owned()).collect()
    }

    fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.sent += 1;
        let mut message = json!({"id": self.sent, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        self.socket.send(Message::text(message.to_string())).expect("the browser listens");
        loop {
            if let Some(answer) = self.read() {
                assert!(answer.get("error").is_none(), "{method}: {answer}");
                return answer["result"].clone();
            }
        }
    }

    /// Reads one message: the answer to the last call, or an event, which is kept.
    fn read(&mut self) -> Option<Value> {
        let message = self.socket.read().expect("the browser answers in time");
        let message: Value = serde_json::from_str(message.to_text().ok()?).ok()?;
        if message["id"] == json!(self.sent) {
            return Some(message);
        }
        self.events.push(message);
        None
    }
}
