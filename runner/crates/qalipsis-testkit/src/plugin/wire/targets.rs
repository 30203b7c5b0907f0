//! Rules of targets and actions.

use super::{Broken, Rule, SECRET, Targets, until};
use crate::plugin::in_step_within;
use std::net::TcpListener;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// The ten seconds of the contract, and room for a busy machine.
const REPORTED_WITHIN: Duration = Duration::from_secs(13);

/// Steps that are cancelled: more than any pool has places.
const CANCELLED: usize = 25;

/// Connections that a target may have more than before: one of a pool, one to cancel with.
const SPARE: usize = 2;

const RECOVERS_WITHIN: Duration = Duration::from_secs(15);

/// Holds a plugin against the rules of targets and actions.
///
/// # Errors
///
/// The rule that it breaks.
///
/// # Panics
///
/// When no port is free, or the living server does not work.
pub async fn check_targets<P: Targets>(plugin: &P) -> Result<(), Broken> {
    // It accepts and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = silent.local_addr().expect("it is bound").to_string();
    // Both take their time.
    let (named, left) = tokio::join!(refused(plugin, &address), cancelled_leaves_nothing(plugin));
    named.and(left)
}

async fn refused<P: Targets>(plugin: &P, address: &str) -> Result<(), Broken> {
    let Ok(refusal) = timeout(REPORTED_WITHIN, plugin.refusal(address)).await else {
        return Err(Rule::NothingHangs.broken(format!("{address} was not reported within 10 s")));
    };
    let named = Rule::SilentServerIsNamed;
    let Some(fault) = refusal else {
        return Err(named.broken(format!("{address} was taken for a living server")));
    };
    let all = format!("{fault} {fault:?}");
    Rule::SecretsAreRedacted.check(!all.contains(SECRET), || all.clone())?;
    let cause = fault.message.split_once(address).map(|(_, cause)| cause.trim_matches([':', ' ', '/']));
    named.check(cause.is_some_and(|cause| !cause.is_empty()) && !fault.message.contains('\n'), || {
        format!("expected one line with {address} and the cause, observed {:?}", fault.message)
    })
}

async fn cancelled_leaves_nothing<P: Targets>(plugin: &P) -> Result<(), Broken> {
    let (rule, proxy) = (Rule::CancelledLeavesNothing, plugin.proxy());
    let target = plugin.open().await.expect("the server lives");
    plugin.act(&target).await.expect("the server lives");
    let before = proxy.connections();
    proxy.pause();
    let steps = (0..CANCELLED).map(|_| in_step_within(plugin.act(&target), Duration::from_millis(200)));
    let cut_off = futures::future::join_all(steps).await;
    proxy.resume();
    rule.check(cut_off.iter().all(Option::is_some), || "an action succeeded without its server".to_owned())?;

    let began = Instant::now();
    // What was under way on a shared connection may still be answered first.
    while let Err(why) = act_soon(plugin, &target).await {
        rule.check(began.elapsed() < RECOVERS_WITHIN, || format!("the target is of no use any more: {why}"))?;
    }
    let left = until(RECOVERS_WITHIN, || proxy.connections() <= before + SPARE).await;
    rule.check(left, || format!("{before} connections before, {} after", proxy.connections()))
}

async fn act_soon<P: Targets>(plugin: &P, target: &P::Target) -> Result<(), String> {
    match timeout(Duration::from_secs(3), plugin.act(target)).await {
        Ok(done) => done.map_err(|fault| fault.message.clone()),
        Err(_) => Err("no answer within 3 s".to_owned()),
    }
}
