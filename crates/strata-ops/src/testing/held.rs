//! The states of one test file, and how what is in them is destroyed.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use strata_core::{Diagnostic, Diagnostics, Events};
use strata_engine::{ApplyOptions, Environment, Plan, PlanMode, PlanOptions, Providers, Stop};
use strata_state::{State, Store};

use super::{Told, run::World};
use crate::infrastructure::provisioners::BuiltIn;

/// A test's states are not written in between: nobody would look for them.
const FOLD_EVERY: Duration = Duration::from_secs(3600);

/// The states of a file, by their keys.
pub(super) struct Held {
    folder: tempfile::TempDir,
    states: BTreeMap<String, Kept>,
    /// How many applies there were.
    applied: usize,
}

impl Drop for Held {
    /// Keeps the states if somebody leaves before what is in them is destroyed.
    fn drop(&mut self) {
        if self.states.values().any(|kept| kept.last.is_some()) {
            self.folder.disable_cleanup(true);
        }
    }
}

/// One state, and with what it was worked on last.
struct Kept {
    file: PathBuf,
    last: Option<Last>,
}

struct Last {
    run: Arc<str>,
    environment: Environment,
    providers: Providers,
    /// Which apply of the file it was.
    number: usize,
}

/// What came of applying a plan.
pub(super) struct Applied {
    pub(super) state: State,
    pub(super) diagnostics: Diagnostics,
}

impl Held {
    /// Starts without states.
    pub(super) fn new() -> Result<Self, Diagnostics> {
        let folder = tempfile::Builder::new().prefix("strata-test-").tempdir();
        let folder = folder.map_err(|error| {
            let summary = "The tests' states cannot be kept";
            Diagnostics::from(Diagnostic::error("state-file", summary).detail(error.to_string()))
        })?;
        Ok(Self {
            folder,
            states: BTreeMap::new(),
            applied: 0,
        })
    }

    fn kept(&mut self, key: &str) -> &mut Kept {
        let number = self.states.len();
        let file = self.folder.path().join(format!("{number}.tfstate"));
        let entry = self.states.entry(key.to_owned());
        entry.or_insert(Kept { file, last: None })
    }

    /// The state of a key as it is now.
    pub(super) fn state(&mut self, key: &str) -> Result<State, Diagnostics> {
        let opened = Store::new(self.kept(key).file.clone()).open();
        Ok(opened.map_err(broken)?.state)
    }

    /// Applies a plan on the state of a key.
    pub(super) async fn apply(
        &mut self,
        key: &str,
        run: &Arc<str>,
        plan: &Plan,
        providers: &Providers,
        world: &World<'_>,
        stop: &Stop,
    ) -> Result<Applied, Diagnostics> {
        self.applied += 1;
        let number = self.applied;
        let kept = self.kept(key);
        kept.last = Some(Last {
            run: run.clone(),
            environment: plan.environment.clone(),
            providers: providers.clone(),
            number,
        });
        let store = Store::new(kept.file.clone());
        let opened = store.open().map_err(broken)?;
        let mut journal = store.journal(&opened.base).map_err(broken)?;
        let options = ApplyOptions {
            parallelism: world.parallelism,
            fold_every: FOLD_EVERY,
            provisioners: BuiltIn::new(&world.process.environment, false),
        };
        let unheard = Events::ignored();
        let mut applied =
            strata_engine::apply(plan, providers, &mut journal, &options, stop, &unheard).await;
        journal.finish(&mut applied.state).map_err(broken)?;
        Ok(Applied {
            state: applied.state,
            diagnostics: applied.diagnostics,
        })
    }

    /// Destroys what is in all states, the one that was worked on last first.
    pub(super) async fn tear_down(
        mut self,
        world: &World<'_>,
        file: &str,
        tell: &mut dyn FnMut(Told<'_>),
    ) -> Diagnostics {
        let number = |kept: &Kept| kept.last.as_ref().map(|last| last.number);
        let mut keys: Vec<_> = self
            .states
            .iter()
            .map(|(key, kept)| (number(kept), key.clone()))
            .collect();
        keys.sort();
        let mut diags = Diagnostics::new();
        let mut is_left = false;
        for (_, key) in keys.into_iter().rev() {
            match self.destroy(&key, world, file, tell).await {
                Ok(is_gone) => is_left |= !is_gone,
                Err(found) => diags.append(found),
            }
        }
        if is_left || diags.has_errors() {
            // What is left can only be found by its state.
            self.folder.disable_cleanup(true);
            let folder = self.folder.path().display();
            let detail = format!("Their states are in `{folder}`.");
            let summary = "What the tests made is not all gone";
            diags.push(Diagnostic::error("left-behind", summary).detail(detail));
        }
        diags
    }

    /// False if something is still there, which was told then.
    async fn destroy(
        &mut self,
        key: &str,
        world: &World<'_>,
        file: &str,
        tell: &mut dyn FnMut(Told<'_>),
    ) -> Result<bool, Diagnostics> {
        let Some(last) = self.kept(key).last.take() else {
            return Ok(true);
        };
        let state = self.state(key)?;
        let is_there = state
            .resources
            .keys()
            .any(|address| !address.mode.prefix().starts_with("data"));
        if !is_there {
            return Ok(true);
        }
        let run = &*last.run;
        tell(Told::RunTearingDown { file, run });
        let options = PlanOptions {
            mode: PlanMode::Destroy,
            ..plan_options(world, &Stop::new())
        };
        let stop = options.stop.clone();
        let unheard = Events::ignored();
        let plan = strata_engine::plan(
            &last.environment,
            &state,
            &last.providers,
            &options,
            &unheard,
        )
        .await;
        let found = match plan {
            Ok(plan) => {
                let applied = self.apply(key, &last.run, &plan, &last.providers, world, &stop);
                applied.await?.diagnostics
            }
            Err(found) => found,
        };
        let left = self.state(key)?;
        let left = left.instances().flat_map(|(address, _, instance)| {
            let address = address.to_string();
            let current = instance.current.iter().map(|_| None);
            let keys = instance.deposed.keys().map(|key| Some(key.to_string()));
            let objects = current.chain(keys);
            objects.map(move |key| (address.clone(), key))
        });
        let left: Vec<_> = left.collect();
        if found.has_errors() || !left.is_empty() {
            tell(Told::LeftBehind {
                file,
                run,
                objects: &left,
                diagnostics: &found,
            });
            return Ok(false);
        }
        // Nothing is there any more that anybody could look for.
        self.kept(key).last = None;
        Ok(true)
    }
}

/// How everything is planned where nothing else is said.
pub(super) fn plan_options(world: &World<'_>, stop: &Stop) -> PlanOptions {
    PlanOptions {
        mode: PlanMode::Normal,
        refresh: true,
        targets: Vec::new(),
        exclude: Vec::new(),
        replace: Vec::new(),
        parallelism: world.parallelism,
        stop: stop.clone(),
    }
}

fn broken(error: strata_state::StateError) -> Diagnostics {
    Diagnostic::error("state-file", "A test's state cannot be kept")
        .detail(error.to_string())
        .into()
}
