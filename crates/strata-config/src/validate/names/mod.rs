//! What the words alone tell: what references name, and what module calls pass.

mod providers;

use std::sync::Arc;

use strata_core::{Diagnostic, Diagnostics, addr::ResourceMode};
use strata_hcl::{Expression, Traversal, TraversalStep};

use crate::{
    load::{missing_argument, unsupported_argument},
    module::{Check, Import, Module, ModuleCall, Repeat, Resource, ResourceKey, Variable},
    references::{self, Target},
    suggest,
    tree::{Config, Node, NodeId},
};

/// Checks all modules.
pub(super) fn check(config: &Config, diags: &mut Diagnostics) {
    for node in 0..config.nodes.len() {
        let mut names = Names {
            config,
            node: &config.nodes[node],
            diags,
        };
        names.module();
    }
}

/// Checks an expression that stands nowhere in the configuration.
pub(super) fn expression(
    config: &Config,
    node: NodeId,
    expression: &Expression,
    diags: &mut Diagnostics,
) {
    let mut names = Names {
        config,
        node: &config.nodes[node],
        diags,
    };
    names.expression(expression, Context::NOTHING);
}

/// What may be referred to besides what is declared.
#[derive(Clone, Copy)]
struct Context<'a> {
    each: bool,
    count: bool,
    itself: bool,
    /// The `check` block around it, whose data source may be referred to.
    check: Option<&'a str>,
}

impl<'a> Context<'a> {
    const NOTHING: Self = Self {
        each: false,
        count: false,
        itself: false,
        check: None,
    };

    fn itself(self) -> Self {
        Self {
            itself: true,
            ..self
        }
    }

    fn in_check(name: &'a str) -> Self {
        Self {
            check: Some(name),
            ..Self::NOTHING
        }
    }

    fn each(each: bool) -> Self {
        Self {
            each,
            ..Self::NOTHING
        }
    }

    fn of(repeat: &Repeat) -> Self {
        Self {
            each: matches!(repeat, Repeat::ForEach(_)),
            count: matches!(repeat, Repeat::Count(_)),
            itself: false,
            check: None,
        }
    }
}

struct Names<'a> {
    config: &'a Config,
    node: &'a Node,
    diags: &'a mut Diagnostics,
}

impl Names<'_> {
    fn module(&mut self) {
        let module = self.node.module.clone();
        for local in module.locals.values() {
            self.expression(&local.value, Context::NOTHING);
        }
        for variable in module.variables.values() {
            self.checks(&variable.validations, Context::NOTHING);
            for check in &variable.validations {
                self.looks_at_something(check, "validation");
                self.looks_at_itself(variable, check);
            }
        }
        for output in module.outputs.values() {
            self.expression(&output.value, Context::NOTHING);
            self.order(&output.depends_on);
            self.checks(&output.preconditions, Context::NOTHING);
        }
        for provider in module.providers.values() {
            self.provider_block(provider);
        }
        for resource in module.resources.values() {
            self.resource(resource);
        }
        for (name, call) in &module.calls {
            self.call(name, call);
        }
        for (name, check) in &module.checks {
            let context = Context::in_check(name);
            self.checks(&check.asserts, context);
        }
        for import in &module.imports {
            self.import(import);
        }
    }

    fn import(&mut self, import: &Import) {
        let context = Context::each(import.for_each.is_some());
        if let Some(for_each) = &import.for_each {
            self.expression(for_each, Context::NOTHING);
        }
        self.expression(&import.id, context);
        if !self.node.path.0.is_empty() {
            self.diags.push(
                Diagnostic::error("invalid-import", "Invalid import configuration")
                    .detail(format!(
                        "Import blocks are only allowed in the root module, and this one is in `{}`.",
                        self.node.path
                    ))
                    .at(import.span.clone()),
            );
        }
        let target = self.config.resource(&import.resource);
        if let (Some(provider), Some(_)) = (&import.provider, target) {
            self.diags.push(
                Diagnostic::error("import-provider", "Invalid import provider argument")
                    .detail("Only an import that will generate configuration has a `provider`: this resource is in the configuration.")
                    .at(provider.span.clone())
                    .hint("name the provider in the `resource` block"),
            );
        }
        // The address itself names what is to come; only its keys refer to anything.
        let address = import.to.references();
        let first = address.iter().map(|reference| reference.range.start).min();
        let keys: Vec<Traversal> = address
            .into_iter()
            .filter(|reference| Some(reference.range.start) != first)
            .collect();
        self.all(&keys, context);
    }

    fn resource(&mut self, resource: &Resource) {
        if let Some(reference) = &resource.provider {
            self.provider(reference, Context::of(&resource.repeat));
        }
        self.repeat(&resource.repeat);
        self.order(&resource.depends_on);
        self.whole_objects(&resource.depends_on);
        let context = Context {
            check: resource.scoped_to.as_deref(),
            ..Context::of(&resource.repeat)
        };
        self.all(&references::in_body(&resource.body), context);
        self.provisioners(resource, context.itself());
        let lifecycle = &resource.lifecycle;
        for trigger in &lifecycle.replace_triggered_by {
            self.expression(trigger, context);
        }
        for check in &lifecycle.preconditions {
            self.looks_at_something(check, "precondition");
        }
        for check in &lifecycle.postconditions {
            self.looks_at_something(check, "postcondition");
        }
        self.checks(&lifecycle.preconditions, context);
        self.checks(&lifecycle.postconditions, context.itself());
    }

    /// What `depends_on` names must be whole.
    fn whole_objects(&mut self, depends_on: &[Traversal]) {
        for traversal in depends_on {
            let named = 1 + usize::from(is_prefixed(traversal));
            let is_resource = matches!(references::target(traversal), Ok(Target::Resource(_)));
            let rest = traversal.steps.iter().skip(named);
            let mut rest = rest.map(|step| step.attribute().is_some());
            if is_resource && rest.any(|is_attribute| is_attribute) {
                self.diags.push(
                    Diagnostic::error("invalid-depends-on", "Invalid depends_on reference")
                        .detail("References in `depends_on` must be to a whole object, not to an attribute of it.")
                        .at(traversal.span()),
                );
            }
        }
    }

    fn provisioners(&mut self, resource: &Resource, context: Context<'_>) {
        let own = resource.provisioners.iter().flat_map(|provisioner| {
            let connection = provisioner.connection.as_ref().map(|c| &c.body);
            [&provisioner.body].into_iter().chain(connection)
        });
        let connection = resource.connection.as_ref().map(|c| &c.body);
        for body in own.chain(connection) {
            self.all(&references::in_body(body), context);
        }
    }

    fn call(&mut self, name: &Arc<str>, call: &ModuleCall) {
        self.repeat(&call.repeat);
        self.order(&call.depends_on);
        let context = Context::of(&call.repeat);
        for reference in call.providers.values() {
            self.provider(reference, context);
        }
        for argument in call.arguments.values() {
            self.expression(&argument.value, context);
        }
        if let Some(child) = self.node.children.get(name) {
            let child = self.config.nodes[*child].module.clone();
            self.arguments(&child, call);
            self.aliases(&child, name, call);
            self.passed_providers(&child, name, call);
            self.own_providers(&child, call);
        }
    }

    /// Compares what is passed with what the called module declares.
    fn arguments(&mut self, child: &Module, call: &ModuleCall) {
        for (name, argument) in &call.arguments {
            let variable = child.variables.get(name);
            if let Some(message) = variable.and_then(|variable| variable.deprecated.as_ref()) {
                self.diags.push(
                    Diagnostic::warning(
                        "deprecated-variable",
                        "Variable marked as deprecated by the module author",
                    )
                    .detail(format!(
                        "Variable `{name}` is marked as deprecated: {message}"
                    ))
                    .at(argument.span.clone()),
                );
            }
            if variable.is_none() {
                let known = child.variables.keys().map(|name| &**name);
                self.diags.push(unsupported_argument(
                    name,
                    argument.span.clone(),
                    false,
                    known,
                ));
            }
        }
        for variable in child.variables.values() {
            if variable.default.is_none() && !call.arguments.contains_key(&variable.name) {
                let found = missing_argument(&variable.name, call.span.clone());
                self.diags
                    .push(found.label(variable.span.clone(), "declared here"));
            }
        }
    }

    fn repeat(&mut self, repeat: &Repeat) {
        if let Some(expression) = repeat.expression() {
            self.expression(expression, Context::NOTHING);
        }
    }

    fn checks(&mut self, checks: &[Check], context: Context<'_>) {
        for check in checks {
            self.expression(&check.condition, context);
            self.expression(&check.error_message, context);
        }
    }

    /// A validation that does not look at its own variable cannot tell a right value from a wrong one.
    fn looks_at_itself(&mut self, variable: &Variable, check: &Check) {
        let own = Target::Variable(variable.name.clone());
        let references = check.condition.references();
        if !references
            .iter()
            .any(|reference| references::target(reference).is_ok_and(|found| found == own))
        {
            let summary = "Invalid variable validation condition";
            self.diags.push(
                Diagnostic::error("invalid-condition", summary)
                    .detail(format!(
                        "The condition must refer to `var.{}`, the value it is about.",
                        variable.name
                    ))
                    .at(check.condition.span()),
            );
        }
    }

    /// A condition without references is always true or always false.
    fn looks_at_something(&mut self, check: &Check, kind: &str) {
        if check.condition.references().is_empty() {
            self.diags.push(
                Diagnostic::error("invalid-condition", format!("Invalid {kind} expression"))
                    .detail("The condition must refer to at least one object of the configuration, or it never changes.")
                    .at(check.condition.span()),
            );
        }
    }

    fn expression(&mut self, expression: &Expression, context: Context<'_>) {
        self.all(&expression.references(), context);
    }

    fn all(&mut self, traversals: &[Traversal], context: Context<'_>) {
        for traversal in traversals {
            match references::target(traversal) {
                Ok(target) => self.diags.extend(self.target(&target, traversal, context)),
                Err(found) => self.diags.append(found),
            }
        }
    }

    /// What is wrong with `depends_on`: as in Terraform, it waits for the whole module, whatever output it names.
    fn order(&mut self, depends_on: &[Traversal]) {
        for traversal in depends_on {
            let found = match references::target(traversal) {
                Ok(Target::Module(call, _)) if self.node.module.calls.contains_key(&call) => None,
                Ok(target) => self.target(&target, traversal, Context::NOTHING),
                Err(found) => {
                    self.diags.append(found);
                    None
                }
            };
            self.diags.extend(found);
        }
    }

    /// What is wrong with one reference.
    fn target(
        &self,
        target: &Target,
        traversal: &Traversal,
        context: Context<'_>,
    ) -> Option<Diagnostic> {
        let module = &self.node.module;
        match target {
            Target::Variable(name) => (!module.variables.contains_key(name)).then(|| {
                let declare = format!("Declare it with `variable \"{name}\" {{}}`.");
                let found = undeclared(traversal, 1, "input variable", format!("An input variable with the name `{name}` has not been declared."));
                let names = module.variables.keys().map(|name| &**name);
                found.hint(suggest::hint(name, names).unwrap_or(declare))
            }),
            Target::Local(name) => (!module.locals.contains_key(name)).then(|| {
                let found = undeclared(traversal, 1, "local value", format!("A local value with the name `{name}` has not been declared."));
                with_hint(found, suggest::hint(name, module.locals.keys().map(|name| &**name)))
            }),
            Target::Resource(key) => match module.resources.get(key) {
                Some(resource) => out_of_scope(resource, traversal, context)
                    .or_else(|| missing_key(resource, traversal))
                    .or_else(|| needless_key(resource, traversal)),
                None => Some(self.undeclared_resource(key, traversal)),
            },
            Target::Module(call, output) => self.module_target(call, output.as_deref(), traversal),
            Target::Path(name) => attribute_of("path", name, &["module", "root", "cwd"], traversal),
            Target::Terraform(name) => attribute_of("terraform", name, &["workspace"], traversal),
            Target::Each(name) if context.each || !["key", "value"].contains(&&**name) => attribute_of("each", name, &["key", "value"], traversal),
            Target::Count(name) if context.count || &**name != "index" => attribute_of("count", name, &["index"], traversal),
            Target::Each(name) if &**name == "value" => Some(
                Diagnostic::error("each-without-for-each", "each.value cannot be used in this context")
                    .detail("`each` can be used only in `module`, `resource` and `data` blocks with `for_each`.")
                    .at(traversal.span_to(1)),
            ),
            Target::Each(_) => Some(
                Diagnostic::error("each-without-for-each", "Reference to \"each\" in context without for_each")
                    .detail("`each` can be used only in `module`, `resource` and `data` blocks with `for_each`.")
                    .at(traversal.span_to(1)),
            ),
            Target::Count(_) => Some(
                Diagnostic::error("count-without-count", "Reference to \"count\" in non-counted context")
                    .detail("`count` can be used only in `module`, `resource` and `data` blocks with `count`.")
                    .at(traversal.span_to(1)),
            ),
            Target::SelfValue => (!context.itself).then(|| {
                Diagnostic::error("invalid-self", "Invalid \"self\" reference")
                    .detail("`self` can be used only in `postcondition` blocks of resources.")
                    .at(traversal.span_to(0))
            }),
        }
    }

    fn undeclared_resource(&self, key: &ResourceKey, traversal: &Traversal) -> Diagnostic {
        let module = &self.node.module;
        let kind = match key.mode {
            ResourceMode::Managed => "A managed",
            ResourceMode::Data => "A data",
            ResourceMode::Ephemeral => "An ephemeral",
        };
        let steps = 1 + usize::from(is_prefixed(traversal));
        let why = format!(
            "{kind} resource `{}` `{}` has not been declared in {}.",
            key.type_name,
            key.name,
            self.place()
        );
        let found = undeclared(traversal, steps, "resource", why);
        // A variable that lost its `var.` looks like a resource type, a `for` variable that is misspelt too.
        let written = key.to_string();
        let names: Vec<String> = module.resources.keys().map(ToString::to_string).collect();
        let hint = suggest::hint(&written, names.iter().map(String::as_str));
        with_hint(
            found,
            hint.or_else(|| suggest::hint(&key.type_name, references::ROOTS)),
        )
    }

    fn module_target(
        &self,
        call: &str,
        output: Option<&str>,
        traversal: &Traversal,
    ) -> Option<Diagnostic> {
        let Some(found) = self.node.module.calls.get(call) else {
            let why = format!(
                "No module call named `{call}` is declared in {}.",
                self.place()
            );
            let hint = suggest::hint(call, self.node.module.calls.keys().map(|name| &**name));
            return Some(with_hint(undeclared(traversal, 1, "module", why), hint));
        };
        let child = &self.config.nodes[*self.node.children.get(call)?].module;
        let repeated = !matches!(found.repeat, Repeat::Once | Repeat::Enabled(_));
        let step = traversal.steps.get(1).map(|step| &step.kind);
        match (repeated, step, output) {
            (true, Some(TraversalStep::Attribute(_)), _) => Some(
                Diagnostic::error("missing-instance-key", "Unsupported attribute")
                    .detail(format!(
                        "`module.{call}` has several instances; an output is reached by way of one of them."
                    ))
                    .at(traversal.span_to(2))
                    .hint(format!("Write `module.{call}[KEY]`, or `module.{call}[*]` for all.")),
            ),
            (_, _, Some(output)) if !child.outputs.contains_key(output) => {
                let known = child.outputs.keys().map(|name| &**name);
                let found = Diagnostic::error("unsupported-attribute", "Unsupported attribute")
                    .detail(format!("`module.{call}` has no output named `{output}`."))
                    .at(traversal.span_to(if repeated { 3 } else { 2 }));
                Some(with_hint(found, suggest::hint(output, known)))
            }
            (_, _, Some(output)) => {
                let message = child.outputs.get(output)?.deprecated.as_ref()?;
                Some(
                    Diagnostic::warning("deprecated-output", "Value derived from a deprecated source")
                        .detail(format!("Output `{output}` of `module.{call}` is deprecated: {message}"))
                        .at(traversal.span()),
                )
            }
            _ => None,
        }
    }

    /// The module as messages name it.
    fn place(&self) -> String {
        match self.node.path.0.is_empty() {
            true => "the root module".to_owned(),
            false => format!("`{}`", self.node.path),
        }
    }
}

fn undeclared(traversal: &Traversal, steps: usize, what: &str, why: String) -> Diagnostic {
    Diagnostic::error(
        "undeclared-reference",
        format!("Reference to undeclared {what}"),
    )
    .detail(why)
    .at(traversal.span_to(steps))
}

fn with_hint(diagnostic: Diagnostic, hint: Option<String>) -> Diagnostic {
    match hint {
        Some(hint) => diagnostic.hint(hint),
        None => diagnostic,
    }
}

/// True if the type of a resource is not the first word of a reference to it.
fn is_prefixed(traversal: &Traversal) -> bool {
    matches!(&*traversal.root, "data" | "resource" | "ephemeral")
}

/// The data source of a `check` block is nobody else's.
fn out_of_scope(
    resource: &Resource,
    traversal: &Traversal,
    context: Context<'_>,
) -> Option<Diagnostic> {
    let check = resource.scoped_to.as_deref()?;
    (context.check != Some(check)).then(|| {
        Diagnostic::error("scoped-reference", "Reference to scoped resource")
            .detail(format!(
                "`{}` belongs to the check `{check}`, and only that may refer to it.",
                resource.key
            ))
            .at(traversal.span_to(2))
    })
}

/// The attributes of a resource with several instances are reached by way of one of them.
fn missing_key(resource: &Resource, traversal: &Traversal) -> Option<Diagnostic> {
    let argument = match resource.repeat {
        Repeat::Once | Repeat::Enabled(_) => return None,
        Repeat::Count(_) => "count",
        Repeat::ForEach(_) => "for_each",
    };
    let named = 1 + usize::from(is_prefixed(traversal));
    let TraversalStep::Attribute(_) = &traversal.steps.get(named)?.kind else {
        return None;
    };
    let key = &resource.key;
    Some(
        Diagnostic::error("missing-instance-key", "Missing resource instance key")
            .detail(format!(
                "Because `{key}` has `{argument}` set, its attributes must be accessed on specific instances."
            ))
            .at(traversal.span())
            .hint(format!("Write `{key}[{argument}.{}]` where the numbers of both match, or `{key}[*]` for all.", match argument {
                "count" => "index",
                _ => "key",
            })),
    )
}

/// A single resource has no instances to choose from.
fn needless_key(resource: &Resource, traversal: &Traversal) -> Option<Diagnostic> {
    if !matches!(resource.repeat, Repeat::Once) {
        return None;
    }
    let named = 1 + usize::from(is_prefixed(traversal));
    let step = traversal.steps.get(named)?;
    if !matches!(step.kind, TraversalStep::Index(_) | TraversalStep::Computed) {
        return None;
    }
    Some(
        Diagnostic::error("needless-instance-key", "Unexpected resource instance key")
            .detail(format!(
                "Because `{}` has neither `count` nor `for_each`, references to it must not include an index.",
                resource.key
            ))
            .at(traversal.span_of(step))
            .hint("Remove the index."),
    )
}

fn attribute_of(
    object: &str,
    name: &str,
    known: &[&str],
    traversal: &Traversal,
) -> Option<Diagnostic> {
    if known.contains(&name) {
        return None;
    }
    let found = Diagnostic::error(
        "unsupported-attribute",
        format!("Invalid \"{object}\" attribute"),
    )
    .detail(format!(
        "The `{object}` object does not have an attribute named `{name}`."
    ))
    .at(traversal
        .steps
        .first()
        .map_or_else(|| traversal.span(), |_| traversal.span_to(1)));
    Some(with_hint(found, suggest::hint(name, known.iter().copied())))
}
