//! Sources and minions on several threads: nothing is counted twice or lost.

use super::Bench;
use crate::join::Limits;
use futures::FutureExt;
use std::sync::{Arc, Barrier};
use std::time::Duration;

/// How many of each.
const KEYS: u32 = 4_000;

fn play(limits: Option<Limits>) {
    let bench = Arc::new(Bench::new(limits));
    // Half way, each minion awaits a key of its own whose record comes only then: whichever threads
    // run first, something matches.
    let half_way = Arc::new(Barrier::new(4));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let handle = runtime.handle().clone();
    std::thread::scope(|scope| {
        for source in 0..2_u32 {
            let (bench, half_way) = (Arc::clone(&bench), Arc::clone(&half_way));
            scope.spawn(move || {
                for n in 0..KEYS {
                    if n == KEYS / 2 {
                        half_way.wait();
                        bench.record(251 + source as u8, n);
                    } else {
                        bench.record((n.wrapping_mul(7 + source) % 251) as u8, n);
                    }
                }
            });
        }
        for minion in 0..2_u32 {
            let (bench, handle) = (Arc::clone(&bench), handle.clone());
            let half_way = Arc::clone(&half_way);
            scope.spawn(move || {
                let _entered = handle.enter();
                let mut open = Vec::new();
                let mut own = None;
                for n in 0..KEYS {
                    if n == KEYS / 2 {
                        let expect = bench.join.expect(251 + minion as u8);
                        own = Some(expect.within(Duration::from_secs(60)).boxed());
                        half_way.wait();
                    }
                    let expect = bench.join.expect((n.wrapping_mul(3 + minion) % 251) as u8);
                    let limit = if n % 3 == 0 { Duration::ZERO } else { Duration::from_secs(60) };
                    open.push(match n % 5 {
                        0 => expect.until(|(_, value)| value % 4 == 0).within(limit).boxed(),
                        _ => expect.within(limit).boxed(),
                    });
                    // Some are awaited, others are given up.
                    if n % 7 == 0 {
                        open.retain_mut(|one| one.now_or_never().is_none());
                    }
                    if open.len() > 50 {
                        open.drain(..25);
                    }
                }
                drop(open);
                if let Some(own) = own {
                    handle.block_on(own).expect("the record of its own key");
                }
            });
        }
    });
    let figures = bench.end();
    assert_eq!(figures.records, u64::from(2 * KEYS));
    assert!(figures.matched > 0 && figures.abandoned > 0, "{figures:?}");
    assert_eq!(figures.keys_of_known_outcome(), i128::from(figures.expected), "{figures:?}");
    assert_eq!(figures.records_of_known_outcome(), i128::from(figures.records), "{figures:?}");
}

#[test]
fn counts_of_several_threads_add_up() {
    play(None);
}

#[test]
fn counts_of_a_buffered_ledger_add_up() {
    play(Some(Limits { records: 20, age: Duration::from_millis(5) }));
}
