//! Provisioners, checks and imports, evaluated with unknown values.

use strata_core::{Diagnostic, Diagnostics, Value, addr};

use crate::{
    evaluate::Evaluator,
    module::{Provisioner, Resource},
    provisioners::provisioner_schema,
    suggest,
    tree::Node,
};

/// Checks the `check` and `import` blocks of a module.
pub(super) fn check(
    evaluator: &Evaluator,
    node: &Node,
    instance: &addr::ModuleInstance,
    diags: &mut Diagnostics,
) {
    for name in node.module.checks.keys() {
        // That a condition does not hold says nothing as long as nothing is known.
        let mut found = Diagnostics::new();
        evaluator.check_block(instance, name, &mut found);
        diags.extend(found.into_iter().filter(|d| d.code != "check-failed"));
    }
    if node.path.0.is_empty() && !node.module.imports.is_empty() {
        evaluator.import_targets(diags);
    }
}

/// Checks the provisioners of a resource; `itself` is what `self` reads as.
pub(super) fn provisioners(
    evaluator: &Evaluator,
    instance: &addr::ResourceInstance,
    resource: &Resource,
    itself: &Value,
    diags: &mut Diagnostics,
) {
    for provisioner in &resource.provisioners {
        match provisioner_schema(&provisioner.kind) {
            Some(schema) => {
                let value =
                    evaluator.provisioner_config(instance, provisioner, schema, itself, diags);
                combination(provisioner, &value, diags);
            }
            None => diags.push(unknown(provisioner)),
        }
        let around = resource.connection.as_ref();
        evaluator.connection_config(instance, provisioner, around, itself, diags);
    }
}

fn unknown(provisioner: &Provisioner) -> Diagnostic {
    let kind = &provisioner.kind;
    let found = Diagnostic::error("unknown-provisioner", "Missing required provisioner plugin")
        .detail(format!("There is no provisioner `{kind}`."))
        .at(provisioner.span.clone());
    match suggest::hint(kind, ["local-exec", "remote-exec", "file"]) {
        Some(hint) => found.hint(hint),
        None => found,
    }
}

/// Reports arguments that exclude each other, and the absence of all of those of which one is needed.
fn combination(provisioner: &Provisioner, value: &Value, diags: &mut Diagnostics) {
    let names: &[&str] = match &*provisioner.kind {
        "file" => &["source", "content"],
        "remote-exec" => &["inline", "script", "scripts"],
        _ => return,
    };
    let is_set = |name: &&&str| value.get(name).is_some_and(|value| !value.is_null());
    let why = match names.iter().filter(is_set).count() {
        1 => return,
        0 => "Exactly one of these must be set",
        _ => "Only one of these may be set",
    };
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    let summary = format!("Invalid {} provisioner configuration", provisioner.kind);
    diags.push(
        Diagnostic::error("invalid-provisioner", summary)
            .detail(format!("{why}: {}.", names.join(", ")))
            .at(provisioner.span.clone()),
    );
}
