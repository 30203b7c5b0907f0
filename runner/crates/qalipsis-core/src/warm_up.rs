//! What a world that is being opened waits for, so that one that never opens can be explained.

use parking_lot::Mutex;
use std::future::Future;
use std::sync::Arc;

tokio::task_local! {
    static TARGETS: Targets;
}

/// The targets that one world waits for.
#[derive(Debug, Clone, Default)]
pub struct Targets(Arc<Mutex<Waits>>);

#[derive(Debug, Default)]
struct Waits {
    next: u64,
    open: Vec<(u64, String)>,
}

impl Targets {
    /// Polls the opening of a world, whose targets are noted here.
    pub fn follow<F: Future>(&self, opening: F) -> impl Future<Output = F::Output> + use<F> {
        TARGETS.scope(self.clone(), opening)
    }

    /// What is being waited for now, in the order of its begin: `PostgreSQL at db:5432`; `None` when nothing is known.
    pub fn waited_for(&self) -> Option<String> {
        let waits = self.0.lock();
        let names: Vec<&str> = waits.open.iter().map(|(_, target)| target.as_str()).collect();
        (!names.is_empty()).then(|| names.join(", "))
    }
}

/// Notes that a plugin waits for this target, until the guard is dropped: its protocol and address, without passwords.
///
/// Without effect outside of `World::open` and of the task that runs it.
pub fn waiting_for(target: impl FnOnce() -> String) -> Waiting {
    let noted = TARGETS.try_with(|targets| {
        let mut waits = targets.0.lock();
        waits.next += 1;
        let id = waits.next;
        waits.open.push((id, target()));
        (targets.clone(), id)
    });
    Waiting(noted.ok())
}

/// A wait that ends when this is dropped.
#[derive(Debug)]
#[must_use = "the wait ends when this is dropped"]
pub struct Waiting(Option<(Targets, u64)>);

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some((targets, own)) = self.0.take() {
            targets.0.lock().open.retain(|(id, _)| *id != own);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_world_is_explained_by_what_it_waits_for_now() {
        let targets = Targets::default();
        let inside = targets.clone();
        targets
            .follow(async move {
                let first = waiting_for(|| "a at x:1".to_owned());
                let second = waiting_for(|| "b at y:2".to_owned());
                assert_eq!(inside.waited_for().as_deref(), Some("a at x:1, b at y:2"));
                drop(first);
                assert_eq!(inside.waited_for().as_deref(), Some("b at y:2"));
                drop(second);
                assert_eq!(inside.waited_for(), None);
            })
            .await;
        let _outside = waiting_for(|| unreachable!("no world is being opened"));
        assert_eq!(targets.waited_for(), None);
    }
}
