//! Panics of scenario code, turned into failures with message and place.

use parking_lot::Once;
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};

thread_local! {
    static CATCHING: Cell<u32> = const { Cell::new(0) };
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// A panic that was caught.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Panic {
    /// Its message.
    pub message: String,
    /// `file:line:column`; empty when unknown.
    pub place: String,
}

/// Runs `body`; a panic in it is returned with its place, and is not printed.
///
/// # Errors
/// The panic.
pub fn catch<T>(body: impl FnOnce() -> T) -> Result<T, Panic> {
    install_hook();
    CATCHING.set(CATCHING.get() + 1);
    let result = panic::catch_unwind(AssertUnwindSafe(body));
    CATCHING.set(CATCHING.get() - 1);
    result.map_err(|payload| Panic {
        message: message(&*payload),
        place: PLACE.with_borrow_mut(Option::take).unwrap_or_default(),
    })
}

/// The text of a panic's payload.
pub fn message(payload: &(dyn Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "panic without a message".to_owned()
    }
}

fn install_hook() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if CATCHING.get() == 0 {
                previous(info);
                return;
            }
            let place = info.location().map(ToString::to_string);
            PLACE.with_borrow_mut(|p| *p = place);
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_and_place_are_kept() {
        let caught = catch(|| assert_eq!(1 + 1, 3, "sums")).unwrap_err();
        assert!(caught.message.contains("sums"), "{caught:?}");
        assert!(caught.place.contains("panics.rs:"), "{caught:?}");
        assert_eq!(catch(|| 7), Ok(7));
    }
}
