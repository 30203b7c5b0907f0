//! The file of events of a campaign.

use crate::line_file::{self, LineFile, Lines, Queue};
use qalipsis_head::EventSink;
use qalipsis_judge::described::Described;
use qalipsis_model::event::Event;
use qalipsis_model::plan::FactoryPlan;
use qalipsis_report::events::{self, EventContext};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

/// The events of one factory in one message.
#[derive(Debug)]
struct Batch(Arc<EventContext>, Vec<Event>);

impl Lines for Batch {
    fn count(&self) -> u64 {
        self.1.len() as u64
    }

    fn write(&self, mut out: &mut dyn Write) -> io::Result<()> {
        self.1.iter().try_for_each(|event| events::write(&mut out, &self.0, event))
    }
}

/// The way to the file, for the head.
#[derive(Debug)]
pub(crate) struct Sink {
    described: Vec<Described>,
    contexts: Vec<Arc<EventContext>>,
    queue: Queue<Batch>,
}

/// Begins the file of a campaign.
pub(crate) fn begin(folder: &Path, key: &str, described: Vec<Described>) -> (Sink, LineFile) {
    let (queue, file) = line_file::begin(events::path(folder, key), "events", true);
    (Sink { described, contexts: Vec::new(), queue }, file)
}

impl Sink {
    fn context(&mut self, plan: &FactoryPlan) -> Arc<EventContext> {
        // Factories have names of their own.
        if let Some(known) = self.contexts.iter().find(|context| context.factory == plan.factory) {
            return Arc::clone(known);
        }
        let steps = |scenario: &str| {
            let found = self.described.iter().find(|described| described.scenario.name == scenario);
            found.map_or_else(Vec::new, |d| d.scenario.steps.iter().map(|s| s.name.clone()).collect())
        };
        let scenarios = plan.campaign.scenarios.iter().map(|scenario| &scenario.name);
        let context = Arc::new(EventContext {
            campaign: plan.campaign.key.clone(),
            factory: plan.factory.clone(),
            zone: plan.zone.clone(),
            scenarios: scenarios.map(|name| (name.clone(), steps(name))).collect(),
        });
        self.contexts.push(Arc::clone(&context));
        context
    }
}

impl EventSink for Sink {
    fn take(&mut self, factory: &FactoryPlan, events: Vec<Event>) -> u64 {
        let context = self.context(factory);
        self.queue.take(Batch(context, events))
    }
}
