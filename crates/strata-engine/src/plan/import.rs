//! Taking over objects that are there already, as `import` blocks say.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use strata_config::{Dependencies, Expansion, ImportTarget};
use strata_core::{
    Diagnostic, Diagnostics, Event, Subject,
    addr::{ConfigResource, ResourceInstance},
    provider::{ConfiguredProvider, Object},
};
use strata_state::State;

use super::{
    Planned, Refreshed,
    refresh::{Prior, Subjected, about},
};
use crate::{objects::Template, session::Session};

/// What is to be taken over.
#[derive(Default)]
pub(crate) struct Imports {
    /// Ids of objects, by the address that they get.
    known: BTreeMap<ResourceInstance, ImportId>,
    /// Blocks whose ids refer to other resources and are evaluated once those are planned.
    late: BTreeMap<ConfigResource, Vec<LateBlock>>,
}

/// A block that is evaluated once for all instances of its resource.
struct LateBlock {
    /// Which of those of the root module.
    number: usize,
    targets: OnceLock<BTreeMap<ResourceInstance, ImportTarget>>,
}

impl LateBlock {
    /// What it asks for. What is wrong with it is told to who asks first.
    fn targets(
        &self,
        session: &Session<'_>,
        diags: &mut Diagnostics,
    ) -> &BTreeMap<ResourceInstance, ImportTarget> {
        self.targets.get_or_init(|| {
            let block = &session.environment.config.root().imports[self.number];
            let targets = session.evaluator.import_targets_of(block, diags);
            let targets = targets.into_iter();
            targets.map(|target| (target.to.clone(), target)).collect()
        })
    }
}

/// By what a provider finds an object.
#[derive(Clone, Debug)]
pub(crate) struct ImportId {
    text: Arc<str>,
    /// True if it must not be shown.
    is_secret: bool,
}

impl ImportId {
    /// One that may be shown.
    pub(crate) fn open(text: &str) -> Self {
        Self {
            text: text.into(),
            is_secret: false,
        }
    }

    /// That of an import block; none if it is not known yet.
    pub(crate) fn of(target: &ImportTarget) -> Option<Self> {
        Some(Self {
            text: target.id.unmarked().as_str()?.into(),
            is_secret: !target.id.marks().is_none(),
        })
    }

    /// The id, or what stands for it where it is read.
    pub(crate) fn shown(&self) -> Arc<str> {
        match self.is_secret {
            false => self.text.clone(),
            true => HIDDEN.into(),
        }
    }

    /// A text of a provider, which may repeat the id.
    fn hidden_in(&self, text: &str) -> String {
        match self.is_secret {
            false => text.to_owned(),
            true => text.replace(&*self.text, HIDDEN),
        }
    }

    fn hide(&self, errors: Diagnostics) -> Diagnostics {
        let hide = |mut error: Diagnostic| {
            error.summary = self.hidden_in(&error.summary);
            error.detail = self.hidden_in(&error.detail);
            error.hints = error
                .hints
                .iter()
                .map(|hint| self.hidden_in(hint))
                .collect();
            error
        };
        let mut hidden = Diagnostics::new();
        hidden.extend(errors.into_iter().map(hide));
        hidden
    }
}

const HIDDEN: &str = "(sensitive value)";

/// What import blocks ask for that state does not have yet.
pub(crate) fn wanted(
    session: &Session<'_>,
    state: &State,
    dependencies: &Dependencies,
    diags: &mut Diagnostics,
) -> Imports {
    let mut imports = Imports::default();
    let config = &session.environment.config;
    for (at, import) in config.root().imports.iter().enumerate() {
        let has_block = config.resource(&import.resource).is_some();
        if has_block && !dependencies.imports(&import.resource).is_empty() {
            let late = imports.late.entry(import.resource.clone());
            late.or_default().push(LateBlock {
                number: at,
                targets: OnceLock::new(),
            });
            continue;
        }
        for target in session.evaluator.import_targets_of(import, diags) {
            if state.current(&target.to).is_some() {
                continue;
            }
            if !has_block {
                diags.push(no_configuration(&target));
                continue;
            }
            match ImportId::of(&target) {
                Some(id) => drop(imports.known.insert(target.to.clone(), id)),
                None => diags.push(unknown_id(&target)),
            }
        }
    }
    imports
}

impl Imports {
    /// The id of what becomes this instance, which state does not have. To be asked once all is planned that it needs.
    pub(crate) fn id_of(
        &self,
        session: &Session<'_>,
        state: &State,
        address: &ResourceInstance,
        diags: &mut Diagnostics,
    ) -> Option<ImportId> {
        if let Some(id) = self.known.get(address) {
            return Some(id.clone());
        }
        let late = self.late.get(&address.resource.config())?;
        if state.current(address).is_some() {
            return None;
        }
        for block in late {
            if let Some(target) = block.targets(session, diags).get(address) {
                let id = ImportId::of(target);
                if id.is_none() {
                    diags.push(unknown_id(target));
                }
                return id;
            }
        }
        None
    }
}

/// Reports those that configuration has a block for, and not the instance; those that are not part of the plan, too.
pub(crate) fn check(session: &Session<'_>, imports: &Imports, diags: &mut Diagnostics) {
    let mut unheard = Diagnostics::new();
    let late = imports.late.values().flatten();
    let late = late.flat_map(|block| block.targets(session, &mut unheard).keys());
    let all = imports.known.keys().chain(late);
    let lost = all.filter(|address| !is_configured(session, address));
    diags.extend(lost.map(no_instance));
}

/// False if configuration does not have this instance; where `count` is not known there is no telling.
pub(crate) fn is_configured(session: &Session<'_>, address: &ResourceInstance) -> bool {
    let mut unheard = Diagnostics::new();
    let (resource, evaluator) = (&address.resource, &session.evaluator);
    let modules = evaluator.module_instances(&resource.module.module(), &mut unheard);
    if !modules.instances.contains(&resource.module) {
        return !modules.complete;
    }
    match evaluator.resource_instances(resource, &mut unheard) {
        Expansion::Unknown => true,
        expansion => expansion.keys().contains(&address.key),
    }
}

/// In the words of Terraform 1.11.
pub(crate) fn no_instance(address: &ResourceInstance) -> Diagnostic {
    let summary = "Configuration for import target does not exist";
    Diagnostic::error("import-target", summary).detail(format!(
        "The configuration for the given import {address} does not exist. All target instances must have an \
         associated configuration to be imported."
    ))
}

fn no_configuration(target: &ImportTarget) -> Diagnostic {
    Diagnostic::error(
        "import-target",
        "Configuration for import target does not exist",
    )
    .detail(format!(
        "The configuration for the given import target {} does not exist.",
        target.to
    ))
    .at(target.span.clone())
    .hint("Write a `resource` block for it, or let one be written: `-generate-config-out=FILE`.")
}

fn unknown_id(target: &ImportTarget) -> Diagnostic {
    Diagnostic::error("import-id", "Invalid import id argument")
        .detail("The import block \"id\" argument depends on resource attributes that cannot be determined until apply.")
        .at(target.id_span.clone())
}

/// Takes an object over: it is in state as if it had been made here.
pub(crate) async fn import(
    session: &Session<'_>,
    subject: &Subjected<'_>,
    id: &ImportId,
    template: &Template,
    planned: &mut Planned,
) -> Option<Prior> {
    let provider = session.configured(subject.provider, &mut planned.diagnostics)?;
    let object = match ask(session, &*provider, subject.address, id).await {
        Ok(object) => object,
        Err(errors) => {
            planned.diagnostics.append(errors);
            return None;
        }
    };
    let marked = subject.kind.mark(&object.value, &[]);
    let stored = subject
        .kind
        .encode(&marked, object.private.clone(), template);
    planned.refreshed.push(Refreshed {
        address: subject.address.clone(),
        deposed: None,
        provider: subject.provider.to_string().into(),
        object: Some(stored.clone()),
    });
    Some(Prior {
        object,
        marked,
        stored,
    })
}

/// Asks the provider for the object with an id.
pub(crate) async fn ask(
    session: &Session<'_>,
    provider: &dyn ConfiguredProvider,
    address: &ResourceInstance,
    id: &ImportId,
) -> Result<Object, Diagnostics> {
    let told = Some(id.shown().to_string());
    session.events.send(Event::RefreshStarted {
        address: address.clone(),
        id: told.clone(),
    });
    let type_name = address.resource.type_name.clone();
    let imported = provider.import(type_name, id.text.to_string()).await;
    session.events.send(Event::RefreshFinished {
        address: address.clone(),
        id: told,
    });
    let object = imported.map_err(|errors| about(id.hide(errors), address))?;
    match object.value.is_null() {
        false => Ok(object),
        true => Err(missing(address, &id.shown()).into()),
    }
}

fn missing(address: &ResourceInstance, id: &str) -> Diagnostic {
    Diagnostic::error("import-missing", "Cannot import non-existent remote object")
        .detail(format!(
            "There is no object with the id `{id}` for `{address}`."
        ))
        .subject(Subject::Resource(address.clone()))
}
