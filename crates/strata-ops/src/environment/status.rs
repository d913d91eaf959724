//! How each stage of an environment is, without changing anything.

use std::sync::Arc;

use strata_core::{Diagnostics, Events, StageKind};
use strata_engine::PlanMode;

use super::{Made, Run, configure::Manner, record::LastRun};
use crate::{
    infrastructure::Session,
    project::{Configure, Instance, Provision, Stage, StageBody, Verify},
    verify::verify,
};

/// How one stage is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageStatus {
    /// The stage.
    pub stage: Arc<str>,
    /// Its kind.
    pub kind: StageKind,
    /// In a word or two: `up`, `drifted`, `not there`, ...
    pub word: &'static str,
    /// More about it.
    pub detail: String,
    /// True if nothing is to be done.
    pub good: bool,
}

/// Looks at every stage.
pub async fn status(run: &Run<'_>) -> Result<Vec<StageStatus>, Diagnostics> {
    run.unknown_names().into_result(())?;
    let opened = run.open_secrets().await?;
    let run = &run.with(&opened);
    let made = run.made_until_now()?;
    let mut all = Vec::new();
    for stage in run
        .environment
        .stages
        .iter()
        .filter(|stage| run.wants(stage))
    {
        let (word, detail, good) = match &stage.body {
            StageBody::Provision(provision) => {
                run.provision_status(stage, provision, &made).await?
            }
            StageBody::Image(image) => run.image_status(stage, image, &made).await?,
            _ if made.hosts.is_empty() && run.has_provision() => {
                ("not there", "its hosts are not there".to_owned(), false)
            }
            StageBody::Configure(configure) => {
                run.configure_status(stage, configure, &made).await?
            }
            StageBody::Verify(verify) => run.verify_status(stage, verify, &made).await?,
        };
        all.push(StageStatus {
            stage: stage.name.clone(),
            kind: stage.kind(),
            word,
            detail,
            good,
        });
    }
    Ok(all)
}

/// A number of things, in words.
fn counted(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}

pub(super) type Status = (&'static str, String, bool);

impl Run<'_> {
    fn has_provision(&self) -> bool {
        self.environment
            .stages
            .iter()
            .any(|stage| stage.kind() == StageKind::Provision)
    }

    async fn provision_status(
        &self,
        stage: &Stage,
        provision: &Provision,
        made: &Made,
    ) -> Result<Status, Diagnostics> {
        let settings = self.settings(stage, provision, &made.outputs)?;
        let session = Session::open(
            &settings,
            "OperationTypePlan",
            self.process,
            self.platforms,
            &Events::ignored(),
        )
        .await?;
        let resources = session.state().instances().count();
        if resources == 0 {
            return Ok(("not there", "nothing was made".to_owned(), false));
        }
        let plan = session
            .plan(
                &self.plan_options(stage, PlanMode::Normal)?,
                &Events::ignored(),
            )
            .await?;
        let counts = plan.counts();
        let changes = format!(
            "{} to add, {} to change, {} to destroy",
            counts.add, counts.change, counts.destroy
        );
        Ok(match (plan.drift.len(), plan.is_empty()) {
            (0, true) => ("up", counted(resources, "object"), true),
            (0, false) => ("behind", changes, false),
            (drifted, _) => (
                "drifted",
                format!("{drifted} changed outside of Strata; {changes}"),
                false,
            ),
        })
    }

    async fn configure_status(
        &self,
        stage: &Stage,
        configure: &Configure,
        made: &Made,
    ) -> Result<Status, Diagnostics> {
        let mut worst: Option<Status> = None;
        for instance in self.instances(configure) {
            let status = self
                .instance_status(stage, configure, instance, made)
                .await?;
            let status = match instance {
                Some(instance) if !status.2 => {
                    (status.0, format!("{}: {}", instance.name, status.1), false)
                }
                _ => status,
            };
            if worst.as_ref().is_none_or(|(_, _, good)| *good) {
                worst = Some(status);
            }
        }
        Ok(worst.unwrap_or((
            "not checked",
            "none of its instances is asked for".to_owned(),
            true,
        )))
    }

    async fn instance_status(
        &self,
        stage: &Stage,
        configure: &Configure,
        instance: Option<&Instance>,
        made: &Made,
    ) -> Result<Status, Diagnostics> {
        let prepared = self.prepare(configure, instance, made)?;
        let manner = Manner {
            check: true,
            ..Manner::default()
        };
        let recap = self.play(&prepared, &manner, &Events::ignored()).await?;
        Ok(match (recap.exit_code(), recap.changed()) {
            (0, 0) => ("up", counted(recap.hosts.len(), "host"), true),
            (0, changed) => {
                let word = match self.last_run(stage) {
                    LastRun::Never => "never run",
                    LastRun::Failed => "failed",
                    LastRun::Succeeded => "behind",
                };
                (
                    word,
                    format!("{} would change something", counted(changed, "task")),
                    false,
                )
            }
            (4, _) => ("unreachable", "a host does not answer".to_owned(), false),
            _ => ("failing", "a task would fail".to_owned(), false),
        })
    }

    async fn verify_status(
        &self,
        stage: &Stage,
        settings: &Verify,
        made: &Made,
    ) -> Result<Status, Diagnostics> {
        let passed = match self.check_of(settings, made)? {
            Some(_) if self.platforms.are_twins() => {
                return Ok(("not checked", "the twin has no network".to_owned(), true));
            }
            Some(check) => verify(&check, std::time::Duration::ZERO, &Events::ignored()).await,
            None if self.unknown_to_models(settings) => {
                return Ok(("not checked", "models run no programs".to_owned(), true));
            }
            None => match self.verify_on_hosts(stage, settings, made).await? {
                Some(passed) => passed,
                None => return Ok(("not checked", "the models do not know".to_owned(), true)),
            },
        };
        Ok(if passed {
            ("up", String::new(), true)
        } else {
            ("failing", "it does not hold".to_owned(), false)
        })
    }
}
