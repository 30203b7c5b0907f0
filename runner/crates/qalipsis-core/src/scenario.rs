//! A scenario as an author declares it.

use crate::meters::{Meters, Opening};
use crate::minion::Minion;
use crate::properties::Properties;
use crate::setup::{Setup, SetupContext, SetupError};
use crate::step::Outcome;
use crate::steps::{StepSpec, Steps};
use futures::future::BoxFuture;
use pin_project_lite::pin_project;
use qalipsis_minion::current::Entered;
use qalipsis_minion::state::MinionState;
use qalipsis_model::criterion::Criterion;
use qalipsis_model::description::{ScenarioDescription, StepDescription};
use qalipsis_model::location::SourceLocation;
use qalipsis_model::plan::PropertyValues;
use qalipsis_profile::overload::Overload;
use qalipsis_profile::profile::Profile;
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// One iteration of one minion, ready to run.
pub type Iteration = BoxFuture<'static, Outcome>;

/// What runs one iteration of a minion in an opened world.
pub type Iterate = Arc<dyn Fn(Arc<MinionState>) -> Iteration + Send + Sync>;

type Open = Arc<
    dyn Fn(PropertyValues, Arc<SetupContext>) -> BoxFuture<'static, Result<Iterations, SetupError>>
        + Send
        + Sync,
>;

pin_project! {
    /// An iteration that is known as the current one while it is polled.
    struct CurrentIteration<F> {
        minion: Option<Arc<MinionState>>,
        #[pin]
        iteration: F,
    }
}

impl<F: Future<Output = Outcome> + Send + 'static> CurrentIteration<F> {
    /// The iteration that `make` makes.
    fn begin(minion: Arc<MinionState>, make: impl FnOnce(Arc<MinionState>) -> F) -> Iteration {
        let mut current = Some(Arc::clone(&minion));
        let entered = Entered::iteration(&mut current);
        let iteration = make(minion);
        drop(entered);
        Box::pin(Self { minion: current, iteration })
    }
}

impl<F: Future> Future for CurrentIteration<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _entered = Entered::iteration(this.minion);
        this.iteration.poll(cx)
    }
}

/// What runs in an opened world.
#[derive(Clone)]
pub struct Iterations {
    /// One iteration of one minion.
    pub iterate: Iterate,
    /// The closing check, once all minions are done.
    pub after: Option<Iterate>,
}

/// What minions do, how many there are and when they start, and the criteria that judge the run.
pub struct Scenario {
    description: ScenarioDescription,
    steps: &'static [StepSpec],
    crate_id: (&'static str, &'static str),
    folder: &'static str,
    open: Open,
}

impl Scenario {
    /// A scenario of one minion that runs at once.
    ///
    /// `open` opens the world, once per factory, before any load; its `Setup<P, M>` names the structs of the
    /// properties and of the meters. `iterate` is one iteration of one minion; its `Minion<S>` names the enum of the steps.
    #[track_caller]
    pub fn new<P, M, W, S, O, OF, I, IF>(name: impl Into<String>, open: O, iterate: I) -> Self
    where
        P: Properties,
        M: Meters,
        W: Send + Sync + 'static,
        S: Steps,
        O: Fn(Setup<P, M>) -> OF + Send + Sync + 'static,
        OF: Future<Output = Result<W, SetupError>> + Send + 'static,
        I: Fn(Minion<S>, Arc<W>) -> IF + Clone + Send + Sync + 'static,
        IF: Future<Output = Outcome> + Send + 'static,
    {
        Self::declare::<P, M, S>(
            name.into(),
            opening(open, move |world| Iterations { iterate: in_world(world, iterate.clone()), after: None }),
        )
    }

    /// Like [`new`](Self::new), with a check of the system once all minions are done and the sources have drained:
    /// sums and balances that no single minion sees. It has the world and the steps of the scenario.
    ///
    /// Each factory that hosts the scenario runs it; on one machine that is one. It is left out when the
    /// campaign was stopped before its end.
    #[track_caller]
    pub fn with_closing_check<P, M, W, S, O, OF, I, IF, C, CF>(
        name: impl Into<String>,
        open: O,
        iterate: I,
        check: C,
    ) -> Self
    where
        P: Properties,
        M: Meters,
        W: Send + Sync + 'static,
        S: Steps,
        O: Fn(Setup<P, M>) -> OF + Send + Sync + 'static,
        OF: Future<Output = Result<W, SetupError>> + Send + 'static,
        I: Fn(Minion<S>, Arc<W>) -> IF + Clone + Send + Sync + 'static,
        IF: Future<Output = Outcome> + Send + 'static,
        C: Fn(Minion<S>, Arc<W>) -> CF + Clone + Send + Sync + 'static,
        CF: Future<Output = Outcome> + Send + 'static,
    {
        Self::declare::<P, M, S>(
            name.into(),
            opening(open, move |world| Iterations {
                iterate: in_world(Arc::clone(&world), iterate.clone()),
                after: Some(in_world(world, check.clone())),
            }),
        )
    }

    #[track_caller]
    fn declare<P: Properties, M: Meters, S: Steps>(name: String, open: Open) -> Self {
        let steps = S::ALL
            .iter()
            .map(|step| StepDescription {
                name: step.name.to_owned(),
                description: step.description.to_owned(),
                monitor: step.monitor,
                optional: step.optional,
            })
            .collect();
        Self {
            description: ScenarioDescription {
                name,
                description: String::new(),
                minions: 1,
                profile: Profile::Immediate,
                overload: Overload::Queue,
                steps,
                properties: P::describe(),
                meters: M::describe(),
                criteria: Vec::new(),
                location: SourceLocation::from(Location::caller()),
            },
            steps: S::ALL,
            crate_id: S::CRATE,
            folder: S::FOLDER,
            open,
        }
    }

    /// One line for people.
    #[must_use]
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description.description = text.into();
        self
    }

    /// How many minions run it. Default 1, or what the profile gives: arrivals and explicit batches have a number of
    /// their own, and another one is refused before anything runs.
    #[must_use]
    pub fn minions(mut self, count: u32) -> Self {
        self.description.minions = count;
        self
    }

    /// When its minions start. Default: all at once.
    #[must_use]
    pub fn profile(mut self, profile: Profile) -> Self {
        let given = self.description.profile.minions().unwrap_or(1);
        if self.description.minions == given {
            self.description.minions = profile.minions().unwrap_or(1);
        }
        self.description.profile = profile;
        self
    }

    /// What happens while too many of its minions are active. Default: they are released all the same.
    #[must_use]
    pub fn overload(mut self, policy: Overload) -> Self {
        self.description.overload = policy;
        self
    }

    /// What its figures must be, judged on the merged figures of all factories.
    #[must_use]
    pub fn expect(mut self, criterion: Criterion) -> Self {
        self.description.criteria.push(criterion);
        self
    }

    /// Everything that is declared.
    pub fn describe(&self) -> &ScenarioDescription {
        &self.description
    }

    /// The declared steps.
    pub fn steps(&self) -> &'static [StepSpec] {
        self.steps
    }

    /// Name and version of the crate that declares its steps.
    pub fn crate_id(&self) -> (&'static str, &'static str) {
        self.crate_id
    }

    /// Folder of the package that declares its steps.
    pub fn folder(&self) -> &'static str {
        self.folder
    }

    /// Opens the world. The engine calls it.
    pub fn open(
        &self,
        values: PropertyValues,
        context: Arc<SetupContext>,
    ) -> BoxFuture<'static, Result<Iterations, SetupError>> {
        let open = Arc::clone(&self.open);
        // Not before it is polled: what the author's function does before its first await may block as well.
        Box::pin(async move { open(values, context).await })
    }
}

/// Reads the properties, opens the meters and the world, and gives what `iterations` makes of it.
fn opening<P, M, W, O, OF>(
    open: O,
    iterations: impl Fn(Arc<W>) -> Iterations + Clone + Send + Sync + 'static,
) -> Open
where
    P: Properties,
    M: Meters,
    W: Send + Sync + 'static,
    O: Fn(Setup<P, M>) -> OF + Send + Sync + 'static,
    OF: Future<Output = Result<W, SetupError>> + Send + 'static,
{
    Arc::new(move |values, context| {
        let iterations = iterations.clone();
        let opening = P::read(&values)
            .map(|properties| {
                let meters = M::open(&Opening::new(&context.instruments, context.scenario.clock));
                open(Setup::new(properties, meters, context))
            })
            .map_err(SetupError::from);
        Box::pin(async move { Ok(iterations(Arc::new(opening?.await?))) })
    })
}

/// What runs `iterate` in this world, known as the current iteration while it is polled.
fn in_world<W, S, I, IF>(world: Arc<W>, iterate: I) -> Iterate
where
    W: Send + Sync + 'static,
    S: Steps,
    I: Fn(Minion<S>, Arc<W>) -> IF + Send + Sync + 'static,
    IF: Future<Output = Outcome> + Send + 'static,
{
    Arc::new(move |minion| {
        let world = Arc::clone(&world);
        CurrentIteration::begin(minion, |minion| iterate(Minion::new(minion), world))
    })
}

impl fmt::Debug for Iterations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iterations").finish_non_exhaustive()
    }
}

impl fmt::Debug for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scenario").field("description", &self.description).finish_non_exhaustive()
    }
}
