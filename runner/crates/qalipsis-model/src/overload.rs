//! What happens to releases while too many minions are active.

/// What a scenario does while its minions do not end as fast as they are released.
///
/// Limits count the minions of one factory that were released and have not ended. A dropped minion never
/// starts; released and dropped ones are always all that were planned, unless the campaign is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Overload {
    /// Releases all the same; the system under test, or the machine, queues them.
    #[default]
    Queue,
    /// Drops what is to be released while so many are active, and counts it.
    Drop(u32),
    /// Stops the campaign when one is to be released while so many are active; the rest counts as dropped.
    Abort(u32),
}

impl Overload {
    /// Whether a minion must not be released while `active` others are.
    pub fn exceeded(self, active: u64) -> bool {
        match self {
            Self::Queue => false,
            Self::Drop(limit) | Self::Abort(limit) => active >= u64::from(limit),
        }
    }
}
