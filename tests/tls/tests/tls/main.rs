//! Who is trusted and who is refused, for each plugin but HTTP, whose own tests have this: `runner/docs/tls.md`.

mod kafka;
mod postgres;
mod rabbitmq;
mod redis;

use qalipsis_core::fault::Fault;

/// The one line that says why nobody is connected. It names the target, and no secret.
fn refusal<T>(connected: Result<T, Fault>, target: &str) -> String {
    let Err(fault) = connected else { panic!("{target} was not refused") };
    assert!(fault.message.contains(target) && !fault.message.contains('\n'), "{fault}");
    for secret in ["open-sesame", "guest:guest", "PRIVATE KEY"] {
        assert!(!fault.message.contains(secret), "{fault}");
    }
    fault.message.clone()
}

/// Whether one of these words, which stand for the same cause, is there.
fn assert_one_of(message: &str, causes: &[&str]) {
    assert!(causes.iter().any(|cause| message.contains(cause)), "none of {causes:?} in: {message}");
}
