//! Ends clients away from the thread that drops them: librdkafka's clients block while they close.

use std::fmt;
use std::ops::Deref;
use std::thread;

/// A value that is dropped on a thread of its own.
pub(crate) struct Closing<T: Send + 'static>(Option<T>);

impl<T: Send + 'static> Closing<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Some(value))
    }
}

impl<T: Send + 'static> Deref for Closing<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_ref().expect("it is taken only when dropped")
    }
}

impl<T: Send + 'static> Drop for Closing<T> {
    fn drop(&mut self) {
        let value = self.0.take();
        // Without a thread the closure, and so the value, is dropped here.
        let _ = thread::Builder::new().name("kafka-close".to_owned()).spawn(move || drop(value));
    }
}

impl<T: Send + 'static> fmt::Debug for Closing<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Closing").finish_non_exhaustive()
    }
}
