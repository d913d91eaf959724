//! The `image` stage: a machine is made, configured, switched off and published for others to be made from.
//!
//! The machine is that of a root module; `builder` adds to it what brings it from one phase to the next
//! (`registry/publishing.rs`), so each step is a plan and an apply like any other, and a run that was cut
//! off is gone on with. What it was made of is a hash (`inputs`) that stands on what is published.

mod builder;
mod inputs;

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value as Json;
use strata_core::{Action, Diagnostic, Diagnostics, StageOutcome, Value, addr::ResourceInstance};
use strata_engine::{Plan, PlanMode, PlanOptions};
use strata_state::State;

use self::builder::{Builder, Recorded};
use super::{Made, Run, StageEnd, plan::shown, provision::not_approved, status::Status};
use crate::{
    infrastructure::{Session, outputs},
    project::{Image, Stage},
    registry::publishing::{Phase, Publishing},
};

impl Run<'_> {
    /// Builds and publishes, unless what is published was made of what there is now.
    pub(super) async fn image(
        &self,
        stage: &Stage,
        image: &Image,
        made: &Made,
    ) -> Result<StageEnd, Diagnostics> {
        let builder = Builder::new(self, stage, image, made)?;
        let recorded = builder.settled().await?;
        if let Some((session, plan)) = builder.kept(&recorded).await? {
            return builder.mend(session, &plan, &recorded).await;
        }
        let state = builder.build(&recorded).await?;
        builder.configure(&state).await?;
        let recorded = builder.recorded_in(&state);
        let state = builder.publish(&recorded).await?;
        Ok(StageEnd {
            made: self.made(stage, &state),
            ..StageEnd::of(StageOutcome::Changed)
        })
    }

    /// What [`Self::image`] would do.
    pub(super) async fn plan_image(
        &self,
        stage: &Stage,
        image: &Image,
        made: &Made,
        show: &(dyn Fn(&str, &Plan) + Send + Sync),
    ) -> Result<StageEnd, Diagnostics> {
        let builder = Builder::new(self, stage, image, made)?;
        let recorded = builder.settled().await?;
        if let Some((session, plan)) = builder.kept(&recorded).await? {
            let outcome = match builder.is_settled(&plan) {
                true => StageOutcome::Unchanged,
                false => {
                    show(&stage.name, &plan);
                    StageOutcome::Changed
                }
            };
            return Ok(StageEnd {
                made: self.made(stage, session.state()),
                ..StageEnd::of(outcome)
            });
        }
        let options = builder.build_options(&recorded)?;
        let (_, plan) = builder.planned(Phase::Build, &options).await?;
        show(&stage.name, &plan);
        let known = plan.outputs.iter();
        let known =
            known.filter_map(|(name, change)| Some((name.clone(), shown(change.after.as_ref()?))));
        let planned = Value::object(known);
        if let Some(playbook) = &image.playbook {
            let machine = self.machine_of(stage, &plan, &planned);
            self.plan_configure(stage, playbook, &machine).await?;
        }
        // What is published already keeps its name, whatever becomes of it.
        let mut outputs = planned.as_entries().cloned().unwrap_or_default();
        let published = recorded.published.as_ref().map(|(_, object)| object);
        let named = published.map(|_| given_outputs(image, None));
        outputs.extend(named.into_iter().flatten());
        let outputs = [(stage.outputs_key(), Value::object(outputs))].into();
        let made = Made {
            outputs,
            hosts: Vec::new(),
            planned: Vec::new(),
        };
        Ok(StageEnd {
            made,
            ..StageEnd::of(StageOutcome::Changed)
        })
    }

    /// The machine that a plan makes, for the playbook; it is never there yet.
    fn machine_of(&self, stage: &Stage, plan: &Plan, outputs: &Value) -> Made {
        let changes = plan.changes.iter();
        let hosts = changes.filter_map(|change| {
            let object = super::inventory::unmarked(change.after.as_ref()?);
            self.platforms
                .host(&change.address.resource.type_name, &object)
        });
        let names = hosts.map(|host| Value::string(host.name)).collect();
        let all = Value::object([("image_instances", Value::tuple(names))]);
        let outputs = [
            (stage.name.clone(), outputs.clone()),
            (format!("{} machine", stage.name).into(), all),
        ];
        Made {
            outputs: outputs.into(),
            hosts: Vec::new(),
            planned: Vec::new(),
        }
    }

    /// How an image is.
    pub(super) async fn image_status(
        &self,
        stage: &Stage,
        image: &Image,
        made: &Made,
    ) -> Result<Status, Diagnostics> {
        let builder = Builder::new(self, stage, image, made)?;
        let recorded = builder.recorded()?;
        if recorded.nothing {
            return Ok(("not there", "it was not built".to_owned(), false));
        }
        if !builder.is_current(&recorded) {
            let why = match recorded.published {
                Some(_) => "what it is made of has changed",
                None => "it is not finished",
            };
            return Ok(("behind", why.to_owned(), false));
        }
        Ok(match builder.kept(&recorded).await? {
            None => ("drifted", "it is gone".to_owned(), false),
            Some((_, plan)) if builder.is_settled(&plan) => ("up", "published".to_owned(), true),
            Some(_) => ("drifted", "changed outside of Strata".to_owned(), false),
        })
    }
}

impl Builder<'_> {
    /// A plan for what is published as it should be; none if it must be built.
    async fn kept(&self, recorded: &Recorded) -> Result<Option<(Session, Plan)>, Diagnostics> {
        let Some((address, object)) = recorded.published.as_ref() else {
            return Ok(None);
        };
        if !self.is_current(recorded) {
            return Ok(None);
        }
        let source = self.publishing.source(object);
        let (session, plan) = self
            .planned(
                Phase::Publish(self.alias(), &source),
                &self.options(None, self.gone_machine()?.as_ref()),
            )
            .await?;
        let mut changes = plan.changes.iter();
        let is_lost = changes.any(|change| change.address == *address && makes(change.action));
        Ok((!is_lost).then_some((session, plan)))
    }

    /// True if nothing is to be done. Outputs that refer to a machine which is gone stay as they are.
    fn is_settled(&self, plan: &Plan) -> bool {
        let mut changes = plan.changes.iter();
        match self.publishing {
            Publishing::Image => changes.all(|change| change.action == Action::NoOp),
            Publishing::Template => plan.is_empty(),
        }
    }

    /// The machine, where it goes once the image is there: nothing is to be made of it then.
    fn gone_machine(&self) -> Result<Option<ResourceInstance>, Diagnostics> {
        match self.publishing {
            Publishing::Image => self.machine_address().map(Some),
            Publishing::Template => Ok(None),
        }
    }

    /// Puts right what was changed behind our back, and ends what a killed run left.
    async fn mend(
        &self,
        session: Session,
        plan: &Plan,
        recorded: &Recorded,
    ) -> Result<StageEnd, Diagnostics> {
        let mut made = self.run.made(self.stage, session.state());
        let mut outcome = StageOutcome::Unchanged;
        if !self.is_settled(plan) {
            if !self.run.approve.approve(&self.stage.name, plan) {
                return Err(not_approved(self.stage));
            }
            let state = self.apply(session, plan).await?;
            made = self.run.made(self.stage, &state);
            outcome = StageOutcome::Changed;
        } else {
            drop(session);
        }
        if self.publishing == Publishing::Image && recorded.machine.is_some() {
            self.clean_up().await?;
            outcome = StageOutcome::Changed;
        }
        Ok(StageEnd {
            made,
            ..StageEnd::of(outcome)
        })
    }

    /// What is made anew, and what is left as it is, while the machine is built.
    fn build_options(&self, recorded: &Recorded) -> Result<PlanOptions, Diagnostics> {
        let machine = recorded.machine.as_ref().map(|(address, _)| address);
        let begun = self.is_begun(recorded);
        let image = recorded.published.as_ref().map(|(address, _)| address);
        let image = image.filter(|_| self.publishing == Publishing::Image);
        Ok(self.options(machine.filter(|_| !begun), image))
    }

    /// Makes the machine, anew unless an earlier run began with the same.
    async fn build(&self, recorded: &Recorded) -> Result<State, Diagnostics> {
        let options = self.build_options(recorded)?;
        let (session, plan) = self.planned(Phase::Build, &options).await?;
        if !plan.is_empty() && !self.run.approve.approve(&self.stage.name, &plan) {
            return Err(not_approved(self.stage));
        }
        if !options.replace.is_empty() {
            let hosts = self.run.hosts(session.state());
            self.run.platforms.forget(&hosts);
        }
        self.apply(session, &plan).await
    }

    /// Runs the playbook on the machine alone.
    async fn configure(&self, state: &State) -> Result<(), Diagnostics> {
        let Some(playbook) = &self.image.playbook else {
            return Ok(());
        };
        let machine = Made {
            outputs: [(self.stage.name.clone(), outputs(state))].into(),
            hosts: self.run.hosts(state),
            planned: Vec::new(),
        };
        let configured = self
            .run
            .configure_once(self.stage, playbook, None, &machine);
        configured.await.map(drop)
    }

    /// Switches the machine off and publishes it.
    async fn publish(&self, recorded: &Recorded) -> Result<State, Diagnostics> {
        let image = recorded.published.as_ref().map(|(address, _)| address);
        let image = image.filter(|_| self.publishing == Publishing::Image);
        let (session, plan) = self
            .planned(Phase::Halt, &self.options(None, image))
            .await?;
        self.apply(session, &plan).await?;
        let machine = recorded.machine.as_ref().map(|(_, object)| object);
        let phase = Phase::Publish(self.alias(), machine.unwrap_or(&Json::Null));
        let (session, plan) = self.planned(phase, &self.options(image, None)).await?;
        let state = self.apply(session, &plan).await?;
        match self.publishing {
            Publishing::Image => self.clean_up().await,
            Publishing::Template => Ok(state),
        }
    }

    /// Deletes the machine that an image was made of.
    async fn clean_up(&self) -> Result<State, Diagnostics> {
        let machine = self.machine_address()?;
        let options = PlanOptions {
            mode: PlanMode::Destroy,
            targets: vec![strata_core::addr::Target::Instance(machine)],
            ..self.options(None, None)
        };
        let (session, plan) = self.planned(Phase::Halt, &options).await?;
        let hosts = self.run.hosts(session.state());
        let state = self.apply(session, &plan).await?;
        self.run.platforms.forget(&hosts);
        Ok(state)
    }

    /// Carries a plan out; fails with what went wrong.
    async fn apply(&self, session: Session, plan: &Plan) -> Result<State, Diagnostics> {
        let applied = session.apply(plan, self.run.stop, self.run.events).await?;
        if applied.stopped {
            let summary = format!("The stage `{}` was stopped", self.stage.name);
            let diagnostic = Diagnostic::error("interrupted", summary);
            return Err(diagnostic.hint("The next run goes on where it was.").into());
        }
        if applied.diagnostics.has_errors() {
            return Err(applied.diagnostics);
        }
        self.warn(applied.diagnostics);
        Ok(applied.state)
    }
}

/// What a published image gives to stages that come after, beside the outputs of its root module.
fn given_outputs(image: &Image, object: Option<&Json>) -> BTreeMap<Arc<str>, Value> {
    let alias = image.alias.clone().map(Value::string);
    let fingerprint = object.and_then(|object| Publishing::Image.fingerprint(object));
    let given = [
        ("alias", alias),
        ("fingerprint", fingerprint.map(Value::from)),
    ];
    let given = given.into_iter();
    given
        .filter_map(|(name, value)| Some((Arc::from(name), value?)))
        .collect()
}

/// The outputs of a root module with those of the image that was published of its machine.
pub(super) fn with_image(outputs: &Value, image: &Image, state: &State) -> Value {
    let address = Publishing::Image.address("");
    let mut instances = state.instances();
    let published = instances.find(|(found, _, _)| found.to_string() == address);
    let object = published.and_then(|(_, _, instance)| {
        serde_json::from_str(&instance.current.as_ref()?.attributes).ok()
    });
    let mut all = outputs.as_entries().cloned().unwrap_or_default();
    if let Some(object) = object {
        all.extend(given_outputs(image, Some(&object)));
    }
    Value::object(all)
}

fn makes(action: Action) -> bool {
    matches!(
        action,
        Action::Create | Action::DeleteThenCreate | Action::CreateThenDelete
    )
}
