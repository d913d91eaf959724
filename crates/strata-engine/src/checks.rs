//! What conditions and `check` blocks have found: the part of a plan and a state that says so.

use std::sync::Arc;

use serde_json::{Value as Json, json};
use strata_config::{
    CheckStatus,
    module::{self, Lifecycle},
};
use strata_core::{
    Diagnostic, Diagnostics,
    addr::{ConfigResource, Module, ModuleInstance, ResourceInstance, ResourceMode},
};

use crate::session::Session;

/// What one block with conditions has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckResult {
    /// Which block.
    pub subject: CheckSubject,
    /// For each instance of it.
    pub objects: Vec<CheckObject>,
}

/// A block with conditions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckSubject {
    /// A resource or data source.
    Resource(ConfigResource),
    /// An output.
    Output(Module, Arc<str>),
    /// A `check` block.
    Check(Module, Arc<str>),
    /// A variable.
    Variable(Module, Arc<str>),
}

/// What the conditions of one instance have found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckObject {
    /// Its address.
    pub address: String,
    /// How far it holds.
    pub status: Status,
    /// What is said of what does not hold.
    pub messages: Vec<String>,
}

/// How far conditions hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// All hold.
    Pass,
    /// That is not known yet.
    Unknown,
    /// One does not hold.
    Fail,
    /// One could not be evaluated.
    Error,
}

impl Status {
    fn read(name: &str) -> Option<Self> {
        let all = [Status::Pass, Status::Unknown, Status::Fail, Status::Error];
        all.into_iter().find(|status| status.name() == name)
    }

    /// The published name.
    pub fn name(self) -> &'static str {
        match self {
            Status::Pass => "pass",
            Status::Unknown => "unknown",
            Status::Fail => "fail",
            Status::Error => "error",
        }
    }
}

impl CheckResult {
    /// The worst of its instances.
    pub fn status(&self) -> Status {
        let statuses = self.objects.iter().map(|object| object.status);
        statuses.max().unwrap_or(Status::Pass)
    }
}

/// What the conditions of an instance have found, and what is said of those that do not hold.
pub(crate) type Found = (Status, Vec<String>);

/// Evaluates `check` blocks and preconditions of outputs, and tells of the conditions of variables, which hold, or
/// planning would have ended.
///
/// `conditions` says what those of a resource instance have found.
pub(crate) fn evaluate(
    session: &Session<'_>,
    conditions: &dyn Fn(&ResourceInstance, &Lifecycle) -> Found,
    diags: &mut Diagnostics,
) -> Vec<CheckResult> {
    let config = &session.environment.config;
    let mut results = Vec::new();
    for (module, block) in config.modules() {
        results.extend(of_module(session, module, block, diags));
    }
    for (address, block) in config.resources() {
        let lifecycle = &block.lifecycle;
        if lifecycle.preconditions.is_empty() && lifecycle.postconditions.is_empty() {
            continue;
        }
        let object = |instance: ResourceInstance| {
            let (status, messages) = conditions(&instance, lifecycle);
            CheckObject {
                address: instance.to_string(),
                status,
                messages,
            }
        };
        let instances = instances(session, &address, diags);
        results.push(CheckResult {
            objects: instances.into_iter().map(object).collect(),
            subject: CheckSubject::Resource(address),
        });
    }
    results.sort_by_cached_key(|result| result.subject.display());
    results
}

/// What the variables, outputs and `check` blocks of a module have found, in each of its instances.
fn of_module(
    session: &Session<'_>,
    module: &Module,
    block: &module::Module,
    diags: &mut Diagnostics,
) -> Vec<CheckResult> {
    let instances = session.evaluator.module_instances(module, diags).instances;
    type Find<'f> = &'f mut dyn FnMut(&ModuleInstance, &str) -> Found;
    let each = |subject: CheckSubject, name: String, find: Find<'_>| {
        let object = |instance: &ModuleInstance| {
            let address = within(&instance.to_string(), &name);
            let (status, messages) = find(instance, &address);
            CheckObject {
                address,
                status,
                messages,
            }
        };
        CheckResult {
            objects: instances.iter().map(object).collect(),
            subject,
        }
    };
    let mut results = Vec::new();
    let variables = block.variables.iter();
    for (name, _) in variables.filter(|(_, variable)| !variable.validations.is_empty()) {
        let subject = CheckSubject::Variable(module.clone(), name.clone());
        let holds = &mut |_: &ModuleInstance, _: &str| (Status::Pass, Vec::new());
        results.push(each(subject, format!("var.{name}"), holds));
    }
    let outputs = block.outputs.iter();
    for (name, _) in outputs.filter(|(_, output)| !output.preconditions.is_empty()) {
        let subject = CheckSubject::Output(module.clone(), name.clone());
        results.push(each(
            subject,
            format!("output.{name}"),
            &mut |instance, _| sum_up(session.evaluator.output_preconditions(instance, name)),
        ));
    }
    for (name, check) in &block.checks {
        let subject = CheckSubject::Check(module.clone(), name.clone());
        results.push(each(
            subject,
            format!("check.{name}"),
            &mut |instance, address| {
                if let Some(message) = session.unreadable(address) {
                    return (Status::Fail, vec![message]);
                }
                let found = session.evaluator.check_block(instance, name, diags);
                diags.extend(later(&found, &check.asserts));
                sum_up(found)
            },
        ));
    }
    results
}

/// The instances of a resource that are known.
fn instances(
    session: &Session<'_>,
    address: &ConfigResource,
    diags: &mut Diagnostics,
) -> Vec<ResourceInstance> {
    let modules = session.evaluator.module_instances(&address.module, diags);
    let mut instances = Vec::new();
    for module in &modules.instances {
        let (mode, type_name) = (address.mode, address.type_name.clone());
        let resource = module.resource(mode, type_name, address.name.clone());
        let keys = session
            .evaluator
            .resource_instances(&resource, diags)
            .keys();
        instances.extend(keys.into_iter().map(|key| resource.instance(key)));
    }
    instances
}

/// Evaluates what the outputs of called modules ask for; those of the root module are planned.
pub(crate) fn of_module_outputs(session: &Session<'_>, diags: &mut Diagnostics) {
    let modules = session.environment.config.modules();
    for (module, found) in modules.filter(|(module, _)| !module.0.is_empty()) {
        let outputs = found.outputs.iter();
        let outputs = outputs.filter(|(_, output)| !output.preconditions.is_empty());
        let names: Vec<_> = outputs.map(|(name, _)| name).collect();
        if names.is_empty() {
            continue;
        }
        let instances = session.evaluator.module_instances(module, diags).instances;
        for instance in &instances {
            for name in &names {
                session.evaluator.output(instance, name, diags);
            }
        }
    }
}

/// The warnings of what a check block asserts that cannot be told before everything is applied.
fn later(
    found: &[CheckStatus],
    asserts: &[strata_config::module::Check],
) -> impl Iterator<Item = Diagnostic> {
    let asserts = found.iter().zip(asserts);
    let open = asserts.filter(|(status, _)| **status == CheckStatus::Unknown);
    open.map(|(_, assert)| {
        Diagnostic::warning("check-later", "Check block assertion known after apply")
            .detail(
                "The condition depends on values that are not known until everything is applied.",
            )
            .at(assert.condition.span())
    })
}

fn sum_up(found: Vec<CheckStatus>) -> (Status, Vec<String>) {
    let mut status = Status::Pass;
    let mut messages = Vec::new();
    for found in found {
        let one = match found {
            CheckStatus::Pass => Status::Pass,
            CheckStatus::Unknown => Status::Unknown,
            CheckStatus::Error => Status::Error,
            CheckStatus::Fail(message) => {
                messages.push(message);
                Status::Fail
            }
        };
        status = status.max(one);
    }
    (status, messages)
}

pub(crate) fn within(module: &str, name: &str) -> String {
    match module {
        "" => name.to_owned(),
        module => format!("{module}.{name}"),
    }
}

impl CheckSubject {
    /// The address as users write it.
    pub fn display(&self) -> String {
        match self {
            CheckSubject::Resource(address) => address.to_string(),
            CheckSubject::Output(module, name) => {
                within(&module.to_string(), &format!("output.{name}"))
            }
            CheckSubject::Check(module, name) => {
                within(&module.to_string(), &format!("check.{name}"))
            }
            CheckSubject::Variable(module, name) => {
                within(&module.to_string(), &format!("var.{name}"))
            }
        }
    }

    /// As plans describe it.
    pub(crate) fn to_json(&self) -> Json {
        let (kind, module, name) = match self {
            CheckSubject::Resource(address) => ("resource", &address.module, &address.name),
            CheckSubject::Output(module, name) => ("output_value", module, name),
            CheckSubject::Check(module, name) => ("check", module, name),
            CheckSubject::Variable(module, name) => ("var", module, name),
        };
        let mut json = json!({ "kind": kind });
        if let CheckSubject::Resource(address) = self {
            json["mode"] = json!(address.mode.name());
        }
        if !module.0.is_empty() {
            json["module"] = json!(module.to_string());
        }
        json["name"] = json!(&**name);
        json["to_display"] = json!(self.display());
        if let CheckSubject::Resource(address) = self {
            json["type"] = json!(&*address.type_name);
        }
        json
    }

    /// The subject that a state file names.
    fn read(kind: &str, address: &str) -> Option<Self> {
        let mut parts: Vec<&str> = address.split('.').collect();
        let name: Arc<str> = parts.pop()?.into();
        let kind_or_type = parts.pop()?;
        let mode = match (kind, parts.last()) {
            ("resource", Some(&"data")) => ResourceMode::Data,
            ("resource", Some(&"ephemeral")) => ResourceMode::Ephemeral,
            _ => ResourceMode::Managed,
        };
        if mode != ResourceMode::Managed {
            parts.pop();
        }
        let steps = parts.chunks(2).filter_map(|step| step.get(1));
        let module = Module(steps.map(|name| Arc::from(*name)).collect());
        Some(match kind {
            "resource" => CheckSubject::Resource(ConfigResource {
                module,
                mode,
                type_name: kind_or_type.into(),
                name,
            }),
            "output" => CheckSubject::Output(module, name),
            "check" => CheckSubject::Check(module, name),
            "var" => CheckSubject::Variable(module, name),
            _ => return None,
        })
    }

    /// The address without its module.
    fn local(&self) -> String {
        match self {
            CheckSubject::Resource(address) => {
                let mode = address.mode.prefix();
                format!("{mode}{}.{}", address.type_name, address.name)
            }
            CheckSubject::Output(_, name) => format!("output.{name}"),
            CheckSubject::Check(_, name) => format!("check.{name}"),
            CheckSubject::Variable(_, name) => format!("var.{name}"),
        }
    }

    /// The address of one of its instances, as plans describe it.
    fn instance_json(&self, address: &str) -> Json {
        let mut json = json!({ "to_display": address });
        let local = self.local();
        let Some((module, key)) = address.rsplit_once(&*local) else {
            return json;
        };
        if let Some(module) = module.strip_suffix('.') {
            json["module"] = json!(module);
        }
        let key = key.strip_prefix('[').and_then(|key| key.strip_suffix(']'));
        if let Some(key) = key.and_then(|key| serde_json::from_str::<Json>(key).ok()) {
            json["instance_key"] = key;
        }
        json
    }

    fn kind_in_state(&self) -> &'static str {
        match self {
            CheckSubject::Resource(_) => "resource",
            CheckSubject::Output(..) => "output",
            CheckSubject::Check(..) => "check",
            CheckSubject::Variable(..) => "var",
        }
    }
}

/// Results as plans describe them.
pub(crate) fn to_json(results: &[CheckResult]) -> Json {
    let object = |subject: &CheckSubject, object: &CheckObject| {
        let mut json = json!({
            "address": subject.instance_json(&object.address),
            "status": object.status.name(),
        });
        if !object.messages.is_empty() {
            let problem = |message: &String| json!({ "message": message });
            json["problems"] = object.messages.iter().map(problem).collect();
        }
        json
    };
    let result = |result: &CheckResult| {
        json!({
            "address": result.subject.to_json(),
            "status": result.status().name(),
            "instances": result.objects.iter().map(|one| object(&result.subject, one)).collect::<Json>(),
        })
    };
    results.iter().map(result).collect()
}

/// Reads the results that a state file has; what cannot be read is left out.
pub(crate) fn from_state(text: Option<&str>) -> Vec<CheckResult> {
    let json: Json = text
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default();
    let results = json.as_array().into_iter().flatten();
    results.filter_map(result_from_state).collect()
}

fn result_from_state(json: &Json) -> Option<CheckResult> {
    let subject = CheckSubject::read(json["object_kind"].as_str()?, json["config_addr"].as_str()?)?;
    let object = |json: &Json| {
        let messages = json["failure_messages"].as_array().into_iter().flatten();
        Some(CheckObject {
            address: json["object_addr"].as_str()?.to_owned(),
            status: Status::read(json["status"].as_str()?)?,
            messages: messages
                .filter_map(|text| Some(text.as_str()?.to_owned()))
                .collect(),
        })
    };
    let objects = json["objects"].as_array().into_iter().flatten();
    Some(CheckResult {
        subject,
        objects: objects.filter_map(object).collect(),
    })
}

/// What the state file says once all is destroyed: there is nothing that conditions could speak of.
pub(crate) fn of_nothing(config: &strata_config::Config) -> Option<Arc<str>> {
    let mut subjects = Vec::new();
    for (module, found) in config.modules() {
        let variables = found.variables.iter();
        let variables = variables.filter(|(_, variable)| !variable.validations.is_empty());
        let variables =
            variables.map(|(name, _)| CheckSubject::Variable(module.clone(), name.clone()));
        let outputs = found.outputs.iter();
        let outputs = outputs.filter(|(_, output)| !output.preconditions.is_empty());
        let outputs = outputs.map(|(name, _)| CheckSubject::Output(module.clone(), name.clone()));
        let checks = found.checks.keys();
        let checks = checks.map(|name| CheckSubject::Check(module.clone(), name.clone()));
        subjects.extend(variables.chain(outputs).chain(checks));
    }
    let has_conditions = |lifecycle: &Lifecycle| {
        !lifecycle.preconditions.is_empty() || !lifecycle.postconditions.is_empty()
    };
    let resources = config.resources();
    let resources = resources.filter(|(_, block)| has_conditions(&block.lifecycle));
    subjects.extend(resources.map(|(address, _)| CheckSubject::Resource(address)));
    subjects.sort_by_cached_key(CheckSubject::display);
    let result = |subject: &CheckSubject| {
        let unknown = Status::Unknown.name();
        let address = subject.display();
        let objects = match subject {
            // The outputs of the root module are there as long as it is.
            CheckSubject::Output(module, _) if module.0.is_empty() => {
                json!([{ "object_addr": address, "status": unknown }])
            }
            _ => Json::Null,
        };
        json!({
            "object_kind": subject.kind_in_state(),
            "config_addr": address,
            "status": unknown,
            "objects": objects,
        })
    };
    if subjects.is_empty() {
        return None;
    }
    let json: Json = subjects.iter().map(result).collect();
    Some(json.to_string().into())
}

/// Results as the state file has them; none if there are none.
pub(crate) fn to_state(results: &[CheckResult]) -> Option<Arc<str>> {
    let object = |object: &CheckObject| {
        let mut json = json!({
            "object_addr": object.address,
            "status": object.status.name(),
        });
        if !object.messages.is_empty() {
            json["failure_messages"] = json!(object.messages);
        }
        json
    };
    let result = |result: &CheckResult| {
        json!({
            "object_kind": result.subject.kind_in_state(),
            "config_addr": result.subject.display(),
            "status": result.status().name(),
            "objects": result.objects.iter().map(object).collect::<Json>(),
        })
    };
    if results.is_empty() {
        return None;
    }
    let json: Json = results.iter().map(result).collect();
    Some(json.to_string().into())
}
