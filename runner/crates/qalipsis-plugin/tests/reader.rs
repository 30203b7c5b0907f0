//! How the thread of a source ends.

use qalipsis_core::fault::Fault;
use qalipsis_core::source::{Feed, Source};
use qalipsis_plugin::reader::{self, Ending};
use qalipsis_testkit::plugin::{Opened, open};
use std::thread;
use std::time::Duration;

/// Far longer than a source waits for its thread, which ends with the process.
const LONG: Duration = Duration::from_secs(60);

/// What a thread does once its source has to end.
#[derive(Debug, Clone, Copy)]
enum End {
    /// It fails, and what it leaves takes long to close.
    FailsAndClosesSlowly,
    /// It does not return.
    Stays,
    /// It fails while a blocking call of its runtime goes on.
    FailsWithBlockingCall,
}

struct Slow;

impl Drop for Slow {
    fn drop(&mut self) {
        thread::sleep(LONG);
    }
}

struct Ends {
    how: End,
    ready: bool,
}

fn failure() -> Result<(), Fault> {
    Err(Fault::error("the offsets are gone").code("gone"))
}

impl Source for Ends {
    type Record = u32;

    fn name(&self) -> String {
        format!("{:?}", self.how)
    }

    async fn run(self, feed: Feed<u32>) -> Result<(), Fault> {
        if self.ready {
            feed.ready();
        }
        match self.how {
            End::FailsWithBlockingCall => {
                let read = |_, ending: Ending| async move {
                    tokio::task::spawn_blocking(|| thread::sleep(LONG));
                    ending.wait().await;
                    failure()
                };
                reader::run_async("ends", feed, read).await
            }
            End::FailsAndClosesSlowly => {
                let read = |_: &_, ending: &Ending| {
                    wait(ending);
                    (failure(), Some(Slow))
                };
                reader::run("ends", feed, read).await
            }
            End::Stays => {
                let read = |_: &_, ending: &Ending| {
                    wait(ending);
                    thread::sleep(LONG);
                    (Ok(()), None::<Slow>)
                };
                reader::run("ends", feed, read).await
            }
        }
    }
}

fn wait(ending: &Ending) {
    while !ending.is_set() {
        thread::sleep(Duration::from_millis(1));
    }
}

async fn opened(how: End) -> Opened<u32> {
    open(Ends { how, ready: true }).await.ready().await
}

#[tokio::test]
async fn law1_an_error_is_returned_though_closing_takes_long() {
    let fault = opened(End::FailsAndClosesSlowly).await.stop().await.1.expect_err("it failed");
    assert_eq!((&*fault.message, &*fault.code), ("the offsets are gone", "gone"));
}

#[tokio::test]
async fn law1_an_error_is_returned_though_a_blocking_call_goes_on() {
    let fault = opened(End::FailsWithBlockingCall).await.stop().await.1.expect_err("it failed");
    assert_eq!(&*fault.code, "gone");
}

#[tokio::test]
async fn law1_a_thread_that_does_not_end_is_an_error() {
    let fault = opened(End::Stays).await.stop().await.1.expect_err("it has not ended");
    let expected = "was still decoding, or waiting for an answer, 800 ms after it had to end";
    assert_eq!((&*fault.message, &*fault.code), (expected, "stuck"));
    open(Ends { how: End::Stays, ready: false }).await.stop().await.1.expect("it was not ready");
}
