//! What `up` would do, in both layers, without doing it.

use std::{collections::BTreeSet, path::PathBuf};

use strata_core::{BoxFuture, Diagnostic, Diagnostics, Event, StageOutcome, Value};
use strata_engine::{Plan, PlanMode};

use super::{Made, Run, StageEnd, Summary, check, configure::Manner, stages, up::left_out};
use crate::{
    infrastructure::Session,
    mask,
    project::{Configure, Instance, Outputs, Provision, Stage, StageBody},
};

/// Plans all stages. `show` is given the plan of each provision stage.
///
/// A playbook is run in check mode on the hosts that are there, and on models of those that are not.
pub async fn plan<'a>(
    run: &'a Run<'a>,
    show: &'a (dyn Fn(&str, &Plan) + Send + Sync),
) -> Result<Summary, Diagnostics> {
    let mut diags = run.unknown_names();
    check(run, &mut diags);
    run.go_on_after(diags)?;
    let opened = run.open_secrets().await?;
    let run = &run.with(&opened);
    Ok(stages::run(run, |stage, made| stage_plan(run, stage, made, show)).await)
}

fn stage_plan<'a>(
    run: &'a Run<'a>,
    stage: &'a Stage,
    made: Made,
    show: &'a (dyn Fn(&str, &Plan) + Send + Sync),
) -> BoxFuture<'a, StageEnd> {
    Box::pin(async move {
        if !run.wants(stage) {
            return left_out(run, stage, made);
        }
        if matches!(stage.body, StageBody::Verify(_)) {
            return StageEnd::of(StageOutcome::Skipped).left_out();
        }
        run.events.send(Event::StageStarted {
            stage: stage.name.clone(),
            kind: stage.kind(),
        });
        let end = match &stage.body {
            StageBody::Provision(provision) => {
                run.plan_provision(stage, provision, &made.outputs, show)
                    .await
            }
            StageBody::Configure(configure) => run.plan_configure(stage, configure, &made).await,
            StageBody::Image(image) => run.plan_image(stage, image, &made, show).await,
            StageBody::Verify(_) => Ok(StageEnd::of(StageOutcome::Skipped)),
        };
        let end = end.unwrap_or_else(|diags| {
            run.tell(stage, diags);
            StageEnd::of(StageOutcome::Failed)
        });
        run.events.send(Event::StageFinished {
            stage: stage.name.clone(),
            kind: stage.kind(),
            outcome: end.outcome,
        });
        end
    })
}

impl Run<'_> {
    async fn plan_provision(
        &self,
        stage: &Stage,
        provision: &Provision,
        outputs: &Outputs,
        show: &(dyn Fn(&str, &Plan) + Send + Sync),
    ) -> Result<StageEnd, Diagnostics> {
        let settings = self.settings(stage, provision, outputs)?;
        let session = Session::open(
            &settings,
            "OperationTypePlan",
            self.process,
            self.platforms,
            self.events,
        )
        .await?;
        let plan = session
            .plan(&self.plan_options(stage, PlanMode::Normal)?, self.events)
            .await?;
        show(&stage.name, &plan);
        let (remade, planned_hosts) = self.tell_hosts(stage, &plan);
        let outcome = if plan.is_empty() {
            StageOutcome::Unchanged
        } else {
            StageOutcome::Changed
        };
        let mut made = self.made(stage, session.state());
        // What is made anew is not there yet, whatever stands in its place now.
        made.hosts.retain(|host| !remade.contains(&host.name));
        made.planned = planned_hosts;
        let planned = plan
            .outputs
            .iter()
            .filter_map(|(name, change)| Some((name.clone(), shown(change.after.as_ref()?))));
        made.outputs
            .insert(stage.name.clone(), Value::object(planned));
        Ok(StageEnd {
            made,
            ..StageEnd::of(outcome)
        })
    }

    pub(super) async fn plan_configure(
        &self,
        stage: &Stage,
        configure: &Configure,
        made: &Made,
    ) -> Result<StageEnd, Diagnostics> {
        if let Some(awaited) = self.awaited_inventory(stage, configure) {
            self.tell(stage, awaited.into());
            return Ok(StageEnd::of(StageOutcome::Changed));
        }
        let mut outcomes = Vec::new();
        for instance in self.instances(configure) {
            self.tell_instance(stage, instance);
            outcomes.push(self.plan_instance(stage, configure, instance, made).await?);
        }
        let worst = [StageOutcome::Failed, StageOutcome::Changed]
            .into_iter()
            .find(|outcome| outcomes.contains(outcome));
        Ok(StageEnd::of(worst.unwrap_or(StageOutcome::Unchanged)))
    }

    /// Says of a stage that it cannot be planned yet, if an inventory of its own is not there, and a root module
    /// before it may write it.
    fn awaited_inventory(&self, stage: &Stage, configure: &Configure) -> Option<Diagnostic> {
        // They stand in the order in which they run.
        let stages = self.environment.stages.iter();
        let mut before = stages.take_while(|other| !std::ptr::eq(*other, stage));
        let first = before.find(|other| matches!(other.body, StageBody::Provision(_)))?;
        let is_absent = |path: &&PathBuf| !path.to_string_lossy().contains(',') && !path.exists();
        let absent = configure.inventory.iter().find(is_absent)?;
        let summary = format!("There is no inventory `{}` yet", absent.display());
        let why = format!(
            "`{}` comes before this stage and may write it, so that `up` knows its hosts, and a plan does not.",
            first.name
        );
        let told = Diagnostic::warning("inventory-awaited", summary).detail(why);
        Some(told.hint("With `hosts`, or outputs `GROUP_instances`, a plan knows them, too."))
    }

    async fn plan_instance(
        &self,
        stage: &Stage,
        configure: &Configure,
        instance: Option<&Instance>,
        made: &Made,
    ) -> Result<StageOutcome, Diagnostics> {
        let prepared = self.prepare(configure, instance, made)?;
        let there: BTreeSet<String> = made
            .hosts
            .iter()
            .map(|host| host.name.to_string())
            .collect();
        let all = prepared.hosts();
        // A host of no provider is somebody's machine: it is there.
        let managed = |host: &String| prepared.is_made_by_provider(host);
        let (new, old): (Vec<String>, Vec<String>) = all
            .into_iter()
            .partition(|host| !there.contains(host) && managed(host));
        let events = mask::events(self.events, self.hidden_texts(made));
        let mut changed = 0;
        let mut matched = false;
        let mut failed = false;
        for (hosts, exist) in [(old, true), (new, false)] {
            if hosts.is_empty() {
                continue;
            }
            let manner = Manner {
                check: exist,
                diff: true,
                limit: Some(hosts.join(":")),
                on_models: !exist,
            };
            let recap = self.play(&prepared, &manner, &events).await?;
            changed += recap.changed();
            matched |= !recap.hosts.is_empty();
            failed |= recap.exit_code() != 0 || recap.stopped;
        }
        if !matched && !failed {
            return Err(prepared.without_hosts(stage).into());
        }
        Ok(match (failed, changed) {
            (true, _) => StageOutcome::Failed,
            (false, 0) => StageOutcome::Unchanged,
            (false, _) => StageOutcome::Changed,
        })
    }
}

/// The value with what is not known yet said in words, so that files made of it can be shown.
pub(super) fn shown(value: &Value) -> Value {
    match value {
        Value::Unknown(_) => Value::from("(known after apply)"),
        value => value.map_children(|_, child| shown(child)),
    }
}

#[cfg(test)]
mod tests {
    use strata_core::Type;

    use super::*;

    #[test]
    fn what_is_not_known_yet_is_said_in_words() {
        let value = Value::object([
            ("a", Value::unknown(Type::String)),
            (
                "b",
                Value::tuple(vec![Value::from(1), Value::unknown(Type::Number)]),
            ),
        ]);
        let words = Value::from("(known after apply)");
        let expected = Value::object([
            ("a", words.clone()),
            ("b", Value::tuple(vec![Value::from(1), words])),
        ]);
        assert_eq!(shown(&value), expected);
    }
}
