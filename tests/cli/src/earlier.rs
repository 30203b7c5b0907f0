//! A scenario executable of version 1 of the contract: it describes itself, and as a factory sends JSON messages.

use std::env;
use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::time::Duration;

const DESCRIPTION: &str = r#"{"contract":1,"crate_name":"earlier","crate_version":"0.1.0","scenarios":[]}"#;

/// How often a factory shows that it is alive.
const HEARTBEAT: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let option = |name: &str| {
        let place = arguments.iter().position(|argument| argument == name)?;
        arguments.get(place + 1)
    };
    match (arguments.first().map(String::as_str), option("--connect"), option("--name")) {
        (Some("describe"), ..) => {
            println!("{DESCRIPTION}");
            ExitCode::SUCCESS
        }
        (Some("factory"), Some(socket), Some(name)) => match serve(socket, name) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("error: {error}");
                ExitCode::FAILURE
            }
        },
        _ => ExitCode::from(2),
    }
}

/// Greets the head and waits for a plan, until the head is gone.
fn serve(socket: &str, name: &str) -> io::Result<()> {
    let mut head = UnixStream::connect(socket)?;
    send(&mut head, &format!(r#"{{"type":"hello","body":{{"contract":1,"name":"{name}"}}}}"#))?;
    while send(&mut head, r#"{"type":"heartbeat"}"#).is_ok() {
        std::thread::sleep(HEARTBEAT);
    }
    Ok(())
}

/// One message behind its length.
fn send(head: &mut UnixStream, message: &str) -> io::Result<()> {
    let length = u32::try_from(message.len()).map_err(io::Error::other)?;
    head.write_all(&length.to_be_bytes())?;
    head.write_all(message.as_bytes())
}
