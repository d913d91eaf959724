//! What conditions and `check` blocks have found: the part of a plan and a state that says so.

use std::sync::Arc;

use serde_json::{Value as Json, json};
use strata_config::CheckStatus;
use strata_core::{
    Diagnostics,
    addr::{ConfigResource, Module, ModuleInstance, ResourceInstance},
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

/// Evaluates `check` blocks, and tells of all other conditions, which hold, or planning would have ended.
///
/// `is_pending` says which instances change, so that their conditions are looked at again.
pub(crate) fn evaluate(
    session: &Session<'_>,
    is_pending: &dyn Fn(&ResourceInstance) -> bool,
    diags: &mut Diagnostics,
) -> Vec<CheckResult> {
    let config = &session.environment.config;
    let mut results = Vec::new();
    for (module, found) in config.modules() {
        let instances = session.evaluator.module_instances(module, diags).instances;
        let each = |subject: CheckSubject, name: String| {
            let object = |instance: &ModuleInstance| CheckObject {
                address: within(&instance.to_string(), &name),
                status: Status::Pass,
                messages: Vec::new(),
            };
            CheckResult {
                subject,
                objects: instances.iter().map(object).collect(),
            }
        };
        for (name, _) in found
            .variables
            .iter()
            .filter(|(_, v)| !v.validations.is_empty())
        {
            let subject = CheckSubject::Variable(module.clone(), name.clone());
            results.push(each(subject, format!("var.{name}")));
        }
        for (name, _) in found
            .outputs
            .iter()
            .filter(|(_, o)| !o.preconditions.is_empty())
        {
            let subject = CheckSubject::Output(module.clone(), name.clone());
            results.push(each(subject, format!("output.{name}")));
        }
        for name in found.checks.keys() {
            let mut result = each(
                CheckSubject::Check(module.clone(), name.clone()),
                format!("check.{name}"),
            );
            for (object, instance) in result.objects.iter_mut().zip(&instances) {
                let found = session.evaluator.check_block(instance, name, diags);
                (object.status, object.messages) = sum_up(found);
            }
            results.push(result);
        }
    }
    for (address, block) in config.resources() {
        let lifecycle = &block.lifecycle;
        if lifecycle.preconditions.is_empty() && lifecycle.postconditions.is_empty() {
            continue;
        }
        let modules = session.evaluator.module_instances(&address.module, diags);
        let mut objects = Vec::new();
        for module in &modules.instances {
            let (mode, type_name) = (address.mode, address.type_name.clone());
            let resource = module.resource(mode, type_name, address.name.clone());
            let expansion = session.evaluator.resource_instances(&resource, diags);
            for key in expansion.keys() {
                let instance = resource.instance(key);
                let is_open = !lifecycle.postconditions.is_empty() && is_pending(&instance);
                objects.push(CheckObject {
                    address: instance.to_string(),
                    status: if is_open {
                        Status::Unknown
                    } else {
                        Status::Pass
                    },
                    messages: Vec::new(),
                });
            }
        }
        results.push(CheckResult {
            subject: CheckSubject::Resource(address),
            objects,
        });
    }
    results.sort_by_cached_key(|result| result.subject.display());
    results
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

fn within(module: &str, name: &str) -> String {
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
    let object = |object: &CheckObject| {
        let mut json = json!({
            "address": { "to_display": object.address },
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
            "instances": result.objects.iter().map(object).collect::<Json>(),
        })
    };
    results.iter().map(result).collect()
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
