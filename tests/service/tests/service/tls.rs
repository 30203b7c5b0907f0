//! The head over TLS, with its own client.

use crate::head::{Head, command};
use qalipsis_testkit::Process;
use qalipsis_testkit::certificates::Authority;
use serde_json::Value;

#[test]
fn who_trusts_the_certificate_uses_the_head_over_tls_and_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new().unwrap();
    let files = authority.identity(&["localhost"]).unwrap().write(&authority, folder.path()).unwrap();
    let tls = [
        format!("server.tls.certificate={}", files.certificate.display()),
        format!("server.tls.key={}", files.key.display()),
    ];
    let head = Head::start(&["-c", &tls[0], "-c", &tls[1]]);
    let list = |scheme: &str, arguments: &[&str]| {
        let url = format!("{scheme}://localhost:{}", head.address.port());
        let mut command = command(folder.path());
        command
            .args(["campaign", "list", "--json", "--head", &url, "-c", "client.patience=1s"])
            .args(arguments);
        Process::spawn(&mut command).unwrap().wait(crate::head::LIMIT).unwrap()
    };
    let trusted = format!("client.certificate={}", files.ca.display());
    let known = list("https", &["-c", &trusted]);
    assert_eq!(known.code(), Some(0), "{known}");
    assert_eq!(serde_json::from_str::<Value>(&known.stdout).unwrap()["total"], 0);
    for (scheme, arguments) in [("https", &[][..]), ("http", &["-c", trusted.as_str()][..])] {
        let refused = list(scheme, arguments);
        assert_eq!((refused.code(), refused.stderr.lines().count()), (Some(5), 1), "{scheme}: {refused}");
    }
    // A file that is no key is one clear line.
    let wrong = format!("server.tls.key={}", files.certificate.display());
    let mut command = command(folder.path());
    command.args(["-c", "server.address=127.0.0.1:0", "-c", &tls[0], "-c", &wrong]);
    let finished = Process::spawn(&mut command).unwrap().wait(crate::head::LIMIT).unwrap();
    assert_eq!((finished.code(), finished.stderr.lines().count()), (Some(5), 1), "{finished}");
    assert!(finished.stderr.starts_with("error: cannot use the TLS key "), "{finished}");
}
