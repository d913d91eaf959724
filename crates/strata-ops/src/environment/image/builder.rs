//! One image: its machine, what it is made of, and what the state says of both.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
};

use serde_json::{Map, Value as Json};
use strata_config::module::{Repeat, Resource};
use strata_core::{
    Diagnostic, Diagnostics, Value,
    addr::{ResourceInstance, ResourceMode, Target},
};
use strata_engine::{Plan, PlanMode, PlanOptions};
use strata_state::State;

use super::{
    super::{Made, Run, configure},
    inputs::{self, Witness},
};
use crate::{
    files::Disk,
    infrastructure::{Session, Settings, check_inputs, stored},
    project::{Configure, Image, Stage},
    registry::publishing::{Marks, Phase, Publishing},
};

/// Said of what is published, before the hash of what it was made of.
const PUBLISHED: &str = "Built by Strata from ";
/// Said of a machine that is still worked on.
const BUILDING: &str = "Strata is building an image from ";

/// All that is needed to build an image.
pub(super) struct Builder<'a> {
    pub(super) run: &'a Run<'a>,
    pub(super) stage: &'a Stage,
    pub(super) image: &'a Image,
    pub(super) publishing: Publishing,
    /// Type and name of the machine's resource.
    machine: (Arc<str>, Arc<str>),
    settings: Settings,
    /// What it is made of; none if that is not known before stages before it have run.
    inputs: Option<String>,
}

/// What the state says of an image.
#[derive(Default)]
pub(super) struct Recorded {
    /// The machine, if it is there.
    pub(super) machine: Option<(ResourceInstance, Json)>,
    /// What is published, if anything is.
    pub(super) published: Option<(ResourceInstance, Json)>,
    /// True if nothing at all is there.
    pub(super) nothing: bool,
}

impl<'a> Builder<'a> {
    /// Reads root module and playbook.
    pub(super) fn new(
        run: &'a Run<'a>,
        stage: &'a Stage,
        image: &'a Image,
        made: &Made,
    ) -> Result<Self, Diagnostics> {
        let settings = run.settings(stage, &image.machine, &made.outputs)?;
        let witness = Witness::new(&Disk);
        let mut diags = Diagnostics::new();
        let inputs = check_inputs(&witness, &settings, run.process, run.platforms, &mut diags);
        let (config, values) = (inputs.config, inputs.variables);
        if diags.has_errors() {
            return Err(diags);
        }
        let machines = config.root().resources.values();
        let machines: Vec<&Resource> = machines.filter(|it| is_machine(it)).collect();
        let [machine] = machines[..] else {
            return Err(not_one(stage, machines.len()).into());
        };
        let publishing = Publishing::of(&machine.key.type_name).expect("it was asked for");
        refuse(stage, image, machine, publishing)?;
        let mut paths = witness.paths();
        inputs::tree(&Disk, &image.machine.directory, &mut paths);
        if let Some(playbook) = &image.playbook {
            paths.extend(files_of(run, playbook)?);
        }
        let root = &run.process.working_directory;
        let paths: BTreeSet<PathBuf> = paths.iter().map(|path| root.join(path)).collect();
        let mut values: BTreeMap<Arc<str>, Value> = values;
        values.extend(settings.given.iter().cloned());
        let inputs = inputs::hash(&Disk, root, &paths, &values);
        Ok(Self {
            run,
            stage,
            image,
            publishing,
            machine: (machine.key.type_name.clone(), machine.key.name.clone()),
            settings,
            inputs,
        })
    }

    /// What the state says, once it is known what became of the calls that a killed run had under way.
    pub(super) async fn settled(&self) -> Result<Recorded, Diagnostics> {
        if !stored::is_interrupted(&self.settings, self.run.process)? {
            return self.recorded();
        }
        let run = self.run;
        let session = Session::open(
            &self.settings,
            "OperationTypeApply",
            run.process,
            run.platforms,
            run.events,
        );
        Ok(self.recorded_in(session.await?.state()))
    }

    /// What the state says, as the last run left it.
    pub(super) fn recorded(&self) -> Result<Recorded, Diagnostics> {
        let state = stored::read(&self.settings, self.run.process)?;
        Ok(self.recorded_in(&state))
    }

    /// What a state says.
    pub(super) fn recorded_in(&self, state: &State) -> Recorded {
        let machine = format!("{}.{}", self.machine.0, self.machine.1);
        let at = |wanted: &str| {
            let mut instances = state.instances();
            let (address, _, instance) =
                instances.find(|(address, _, _)| address.to_string() == wanted)?;
            let object = serde_json::from_str(&instance.current.as_ref()?.attributes).ok()?;
            Some((address, object))
        };
        let published = at(&self.publishing.address(&machine));
        Recorded {
            machine: at(&machine),
            published,
            nothing: state.instances().next().is_none(),
        }
    }

    /// True if what is published was made of what there is now.
    pub(super) fn is_current(&self, recorded: &Recorded) -> bool {
        let published = recorded.published.as_ref();
        let mark = published.and_then(|(_, object)| self.publishing.mark(object));
        let inputs = self.inputs.as_ref();
        inputs.is_some_and(|inputs| mark == Some(format!("{PUBLISHED}{inputs}").as_str()))
    }

    /// True if the machine was begun with what there is now, so that it can be gone on with.
    pub(super) fn is_begun(&self, recorded: &Recorded) -> bool {
        let mark = recorded.machine.as_ref();
        let mark = mark.and_then(|(_, object)| object["description"].as_str());
        let is_template = recorded.machine.as_ref();
        let is_template = is_template.is_some_and(|(_, object)| object["template"] == true);
        let inputs = self.inputs.as_ref();
        let begun = inputs.map(|inputs| format!("{BUILDING}{inputs}"));
        !is_template && mark.is_some() && mark == begun.as_deref()
    }

    /// The root module with what brings the machine into a phase, and a plan of it.
    pub(super) async fn planned(
        &self,
        phase: Phase<'_>,
        options: &PlanOptions,
    ) -> Result<(Session, Plan), Diagnostics> {
        let inputs = self.inputs.as_deref().unwrap_or("what is not known yet");
        let (building, published) = (
            format!("{BUILDING}{inputs}"),
            format!("{PUBLISHED}{inputs}"),
        );
        let marks = Marks {
            building: &building,
            published: &published,
        };
        let (type_name, name) = &self.machine;
        let settings = Settings {
            added: self.publishing.files((type_name, name), phase, marks),
            ..self.settings.clone()
        };
        let run = self.run;
        let session = Session::open(
            &settings,
            "OperationTypeApply",
            run.process,
            run.platforms,
            run.events,
        );
        let session = session.await?;
        let plan = session.plan_part(options, run.events).await?;
        self.warn(plan.warnings.iter().cloned());
        Ok((session, plan))
    }

    /// Tells warnings, but for that which says that only a part is planned: that is how the stage works.
    pub(super) fn warn(&self, warnings: impl IntoIterator<Item = Diagnostic>) {
        let mut told = Diagnostics::new();
        let warnings = warnings.into_iter();
        told.extend(warnings.filter(|warning| warning.code != "targeted"));
        self.run.tell(self.stage, told);
    }

    /// Options of a plan that replaces and leaves out.
    pub(super) fn options(
        &self,
        replace: Option<&ResourceInstance>,
        exclude: Option<&ResourceInstance>,
    ) -> PlanOptions {
        PlanOptions {
            mode: PlanMode::Normal,
            refresh: true,
            targets: Vec::new(),
            exclude: exclude.cloned().map(Target::Instance).into_iter().collect(),
            replace: replace.cloned().into_iter().collect(),
            parallelism: self.run.options.parallelism,
            stop: self.run.stop.engine().clone(),
        }
    }

    /// The name of the image; empty where it has none.
    pub(super) fn alias(&self) -> &str {
        self.image.alias.as_deref().unwrap_or_default()
    }

    /// The address of the machine, whether it is there or not.
    pub(super) fn machine_address(&self) -> Result<ResourceInstance, Diagnostics> {
        let text = format!("{}.{}", self.machine.0, self.machine.1);
        let mut diags = Diagnostics::new();
        match stored::target(&text, &mut diags) {
            Some(Target::Instance(instance)) => Ok(instance),
            Some(Target::Resource(resource)) => Ok(resource.instance(None)),
            _ => Err(diags),
        }
    }
}

fn is_machine(resource: &Resource) -> bool {
    resource.key.mode == ResourceMode::Managed && Publishing::of(&resource.key.type_name).is_some()
}

/// The files that a playbook and its roles are made of.
fn files_of(run: &Run<'_>, playbook: &Configure) -> Result<BTreeSet<PathBuf>, Diagnostics> {
    let mut diags = Diagnostics::new();
    // What is in encrypted files is hashed as it is kept, so it does not matter who can read it.
    let project = run.ansible(playbook, &mut diags);
    let witness = Witness::new(project.files.as_ref());
    let root = configure::absolute(&playbook.playbook);
    let options = project.load_options(Map::new());
    strata_playbook::load(&witness, &root, &options, &mut diags);
    if diags.has_errors() {
        return Err(diags);
    }
    let mut paths = witness.paths();
    for folder in inputs::folders(&root, &paths) {
        inputs::tree(&Disk, &folder, &mut paths);
    }
    Ok(paths)
}

fn not_one(stage: &Stage, count: usize) -> Diagnostic {
    let found = match count {
        0 => "It has none.".to_owned(),
        _ => format!("It has {count}."),
    };
    let summary = format!(
        "The root module of stage `{}` must make exactly one machine",
        stage.name
    );
    let detail = format!(
        "{found} Machines are resources of the types {}, in the root module itself.",
        Publishing::types()
    );
    Diagnostic::error("image-machine", summary)
        .at(stage.span.clone())
        .detail(detail)
        .hint("Give each image a root module and a stage of its own.")
}

/// Refuses what the stage decides itself.
fn refuse(
    stage: &Stage,
    image: &Image,
    machine: &Resource,
    publishing: Publishing,
) -> Result<(), Diagnostics> {
    let mut diags = Diagnostics::new();
    if !matches!(machine.repeat, Repeat::Once) {
        let summary = "The machine of an image cannot have `count` or `for_each`";
        let diagnostic = Diagnostic::error("image-machine", summary).at(machine.span.clone());
        diags.push(diagnostic.hint("Give each image a root module and a stage of its own."));
    }
    for name in publishing.reserved() {
        if let Some(attribute) = machine.body.attribute(name) {
            let summary = format!("The machine of an image cannot have `{name}`");
            let diagnostic = Diagnostic::error("image-machine", summary).at(attribute.name_span());
            let detail = "The stage sets it: it switches the machine on and off, and writes on it what it was made of.";
            diags.push(diagnostic.detail(detail).hint("Leave it out."));
        }
    }
    let alias = match (publishing, &image.alias) {
        (Publishing::Image, None) => Some((
            "This image needs a name",
            "Machines are made from an image by its alias.",
            "Write `alias = \"NAME\"`.",
        )),
        (Publishing::Template, Some(_)) => Some((
            "A template has no alias",
            "The virtual machine becomes the template, and keeps its name and id.",
            "Leave `alias` out.",
        )),
        _ => None,
    };
    if let Some((summary, detail, hint)) = alias {
        let diagnostic = Diagnostic::error("image-alias", summary).at(stage.span.clone());
        diags.push(diagnostic.detail(detail).hint(hint));
    }
    diags.into_result(())
}
