//! A plugin of a protocol in memory that can break each rule of the contract: the suite notices each, and
//! nothing of the one that keeps them all.

use qalipsis_core::fault::Fault;
use qalipsis_core::probe::{Probe, Reading};
use qalipsis_core::source::Recovery;
use qalipsis_core::source::{Feed, Source};
use qalipsis_testkit::plugin::compliance::{
    self, ActionKit, Doomed, Interruptible, ProbeKit, SECRET, SourceKit,
};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

/// What the plugin does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flaw {
    None,
    // Of a source.
    ReadyTooEarly,
    ReadsFromBefore,
    EndsBeforeReady,
    HandsOverTwice,
    SwallowsGarbage,
    EndsAtGarbage,
    ReportsNoCoordinates,
    GoesOnWhenStopped,
    ReportsNoLag,
    HidesOutage,
    ReportsGapForNothing,
    NeverResumes,
    StopsReadingAfterOutage,
    NamesNoCause,
    ShowsPasswordInCause,
    EndsWithoutAddress,
    OutlivesItsLog,
    // Of all.
    HangsWhenUnreachable,
    NamesNothing,
    ShowsPassword,
    ShowsPasswordInDebug,
    // Of an action.
    LeaksPlaces,
    Fails,
    // Of a probe.
    Changes,
}

/// The server: a log that can be read from any position, and its plugin's client.
struct Memory {
    flaw: Flaw,
    /// `None` is garbage.
    log: Mutex<Vec<Option<u64>>>,
    written: watch::Sender<usize>,
    places: AtomicUsize,
    readings: AtomicU64,
    away: watch::Sender<bool>,
    deleted: watch::Sender<bool>,
}

impl Memory {
    fn with(flaw: Flaw) -> Plugin {
        Plugin(Arc::new(Self {
            flaw,
            log: Mutex::default(),
            written: watch::Sender::new(0),
            places: AtomicUsize::new(10),
            readings: AtomicU64::new(0),
            away: watch::Sender::new(false),
            deleted: watch::Sender::new(false),
        }))
    }

    fn write(&self, record: Option<u64>) {
        let mut log = self.log.lock().unwrap();
        log.push(record);
        self.written.send_replace(log.len());
    }
}

/// What the suite checks.
struct Plugin(Arc<Memory>);

impl Plugin {
    fn client(&self, away: Option<String>) -> Client {
        Client { server: Arc::clone(&self.0), away }
    }
}

/// A client of the server, or of one that is away.
struct Client {
    server: Arc<Memory>,
    away: Option<String>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let password = if self.server.flaw == Flaw::ShowsPasswordInDebug { SECRET } else { "***" };
        write!(f, "Client {{ password: {password} }}")
    }
}

impl Client {
    async fn connected(&self) -> Result<(), Fault> {
        let Some(address) = &self.away else { return Ok(()) };
        match self.server.flaw {
            Flaw::HangsWhenUnreachable => std::future::pending().await,
            Flaw::NamesNothing => Err(Fault::error("connection refused")),
            Flaw::ShowsPassword => Err(Fault::error(format!("memory://:{SECRET}@{address}: refused"))),
            _ => Err(Fault::error(format!("memory at {address}: connection refused"))),
        }
    }
}

/// Returns when a value is as wanted.
async fn becomes<T>(value: &watch::Sender<T>, wanted: impl FnMut(&T) -> bool) {
    let _ = value.subscribe().wait_for(wanted).await;
}

impl Source for Client {
    type Record = u64;

    fn name(&self) -> String {
        "memory log".to_owned()
    }

    async fn run(self, feed: Feed<u64>) -> Result<(), Fault> {
        tokio::select! {
            connected = self.connected() => connected?,
            () = feed.stopped() => return Ok(()),
        }
        let (server, flaw) = (&self.server, self.server.flaw);
        if flaw == Flaw::EndsBeforeReady {
            return Err(Fault::error("memory log: no such log"));
        }
        if flaw == Flaw::ReadyTooEarly {
            feed.ready();
            sleep(Duration::from_millis(20)).await;
        }
        let mut next = if flaw == Flaw::ReadsFromBefore { 0 } else { server.log.lock().unwrap().len() };
        feed.ready();
        if flaw == Flaw::ReportsGapForNothing {
            feed.interrupted("idle");
        }
        loop {
            let fresh: Vec<Option<u64>> = server.log.lock().unwrap()[next..].to_vec();
            for record in fresh {
                match record {
                    Some(number) => {
                        feed.record(number, Instant::now());
                        if flaw == Flaw::HandsOverTwice && number == 3 {
                            feed.record(number, Instant::now());
                        }
                    }
                    None if flaw == Flaw::SwallowsGarbage => {}
                    None if flaw == Flaw::EndsAtGarbage => return Err(Fault::error("not a number")),
                    None if flaw == Flaw::ReportsNoCoordinates => feed.undecodable(Fault::undecodable("bad")),
                    None => feed.undecodable(Fault::undecodable(format!("memory log at {next}: bad"))),
                }
                next += 1;
            }
            if flaw != Flaw::ReportsNoLag {
                feed.lag((server.log.lock().unwrap().len() - next) as u64);
            }
            tokio::select! {
                () = becomes(&server.written, |written| *written > next) => {}
                () = becomes(&server.away, |away| *away) => {
                    match flaw {
                        Flaw::HidesOutage => {}
                        Flaw::NamesNoCause => feed.interrupted(""),
                        Flaw::ShowsPasswordInCause => feed.interrupted(format!("refused {SECRET}")),
                        _ => feed.interrupted("connection reset"),
                    }
                    tokio::select! {
                        () = becomes(&server.away, |away| !*away) => {}
                        () = feed.stopped() => return Ok(()),
                    }
                    match flaw {
                        Flaw::NeverResumes => {}
                        Flaw::StopsReadingAfterOutage => {
                            feed.resumed(Recovery::Complete);
                            feed.stopped().await;
                            return Ok(());
                        }
                        _ => feed.resumed(Recovery::Complete),
                    }
                }
                () = becomes(&server.deleted, |deleted| *deleted), if flaw != Flaw::OutlivesItsLog => {
                    let place = if flaw == Flaw::EndsWithoutAddress { "" } else { " at memory:1" };
                    return Err(Fault::error(format!("the log{place} was deleted")));
                }
                () = feed.stopped(), if flaw != Flaw::GoesOnWhenStopped => return Ok(()),
            }
        }
    }
}

impl SourceKit for Plugin {
    type Source = Client;
    const REPORTS_LAG: bool = true;
    const DECODES: bool = true;

    async fn source(&self) -> Client {
        self.client(None)
    }

    async fn unreachable(&self, address: String) -> Result<Client, Fault> {
        Ok(self.client(Some(address)))
    }

    async fn produce(&self, number: u64) {
        self.0.write(Some(number));
    }

    async fn produce_garbage(&self) {
        self.0.write(None);
    }

    fn number(record: &u64) -> u64 {
        *record
    }

    fn place(&self) -> String {
        "memory log at ".to_owned()
    }

    async fn interruptible(&self) -> Option<Interruptible<Client>> {
        let (begin, end) = (Arc::clone(&self.0), Arc::clone(&self.0));
        Some(Interruptible {
            source: self.client(None),
            begin: Box::new(move || _ = begin.away.send_replace(true)),
            end: Box::new(move || _ = end.away.send_replace(false)),
        })
    }

    async fn doomed(&self) -> Option<Doomed<Client>> {
        let server = Arc::clone(&self.0);
        let doom = Box::pin(async move { _ = server.deleted.send_replace(true) });
        Some(Doomed { source: self.client(None), doom, address: "memory:1".to_owned() })
    }
}

/// Something to do that takes a place of a small pool.
#[derive(Debug)]
struct Work(Client);

impl IntoFuture for Work {
    type Output = Result<(), Fault>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        /// Gives its place back.
        struct Place(Arc<Memory>);
        impl Drop for Place {
            fn drop(&mut self) {
                self.0.places.fetch_add(1, SeqCst);
            }
        }
        Box::pin(async move {
            self.0.connected().await?;
            let server = &self.0.server;
            if server.flaw == Flaw::Fails {
                return Err(Fault::error("memory: out of order"));
            }
            let taken = server.places.fetch_update(SeqCst, SeqCst, |places| places.checked_sub(1));
            taken.map_err(|_| Fault::error("memory: no place is left in the pool"))?;
            let leaks = server.flaw == Flaw::LeaksPlaces;
            let place = (!leaks).then(|| Place(Arc::clone(server)));
            sleep(Duration::from_millis(5)).await;
            if leaks {
                server.places.fetch_add(1, SeqCst);
            }
            drop(place);
            Ok(())
        })
    }
}

impl ActionKit for Plugin {
    type Action = Work;

    fn action(&self) -> Work {
        Work(self.client(None))
    }

    async fn unreachable(&self, address: String) -> Result<Work, Fault> {
        Ok(Work(self.client(Some(address))))
    }
}

impl Probe for Client {
    fn name(&self) -> String {
        "length of memory log".to_owned()
    }

    async fn read(&mut self) -> Result<Reading, Fault> {
        self.connected().await?;
        let changed =
            if self.server.flaw == Flaw::Changes { self.server.readings.fetch_add(1, SeqCst) } else { 0 };
        Ok((changed as f64).into())
    }
}

impl ProbeKit for Plugin {
    type Probe = Client;

    fn probe(&self) -> Client {
        self.client(None)
    }

    async fn unreachable(&self, address: String) -> Result<Client, Fault> {
        Ok(self.client(Some(address)))
    }
}

/// The broken rules that the suite names.
fn rules(broken: &[compliance::Broken]) -> Vec<&'static str> {
    broken.iter().map(|broken| broken.rule).collect()
}

#[tokio::test(start_paused = true)]
async fn a_plugin_that_keeps_the_contract_breaks_no_rule() {
    let plugin = Memory::with(Flaw::None);
    assert_eq!(compliance::source(&plugin).await, []);
    assert_eq!(compliance::action(&plugin).await, []);
    assert_eq!(compliance::probe(&plugin).await, []);
}

#[tokio::test(start_paused = true)]
async fn each_flaw_of_a_source_is_noticed() {
    for (flaw, rule) in [
        (Flaw::ReadyTooEarly, "ready"),
        (Flaw::ReadsFromBefore, "ready"),
        (Flaw::EndsBeforeReady, "ready"),
        (Flaw::HandsOverTwice, "once"),
        (Flaw::SwallowsGarbage, "garbage"),
        (Flaw::EndsAtGarbage, "garbage"),
        (Flaw::ReportsNoCoordinates, "garbage"),
        (Flaw::GoesOnWhenStopped, "stop"),
        (Flaw::ReportsNoLag, "lag"),
        (Flaw::HidesOutage, "outage"),
        (Flaw::ReportsGapForNothing, "outage"),
        (Flaw::NeverResumes, "outage"),
        (Flaw::StopsReadingAfterOutage, "outage"),
        (Flaw::NamesNoCause, "outage"),
        (Flaw::ShowsPasswordInCause, "secret"),
        (Flaw::EndsWithoutAddress, "failure"),
        (Flaw::OutlivesItsLog, "failure"),
        (Flaw::HangsWhenUnreachable, "unreachable"),
        (Flaw::NamesNothing, "unreachable"),
        (Flaw::ShowsPassword, "secret"),
        (Flaw::ShowsPasswordInDebug, "secret"),
    ] {
        let broken = compliance::source(&Memory::with(flaw)).await;
        assert!(rules(&broken).contains(&rule), "{flaw:?}: {broken:?}");
        // What ends before it is ready, or never ends, is noticed wherever it is opened.
        if !matches!(
            flaw,
            Flaw::EndsBeforeReady
                | Flaw::GoesOnWhenStopped
                | Flaw::ReadsFromBefore
                | Flaw::ReadyTooEarly
                | Flaw::ReportsGapForNothing
        ) {
            assert_eq!(broken.len(), 1, "{flaw:?}: {broken:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn each_flaw_of_an_action_is_noticed() {
    for (flaw, rule) in [
        (Flaw::LeaksPlaces, "cancel"),
        (Flaw::Fails, "work"),
        (Flaw::HangsWhenUnreachable, "unreachable"),
        (Flaw::NamesNothing, "unreachable"),
        (Flaw::ShowsPassword, "secret"),
        (Flaw::ShowsPasswordInDebug, "secret"),
    ] {
        let broken = compliance::action(&Memory::with(flaw)).await;
        assert_eq!(rules(&broken), [rule], "{flaw:?}: {broken:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_flaw_of_a_probe_is_noticed() {
    for (flaw, rule) in [
        (Flaw::Changes, "reading"),
        (Flaw::HangsWhenUnreachable, "unreachable"),
        (Flaw::NamesNothing, "unreachable"),
        (Flaw::ShowsPassword, "secret"),
        (Flaw::ShowsPasswordInDebug, "secret"),
    ] {
        let broken = compliance::probe(&Memory::with(flaw)).await;
        assert_eq!(rules(&broken), [rule], "{flaw:?}: {broken:?}");
    }
}
