//! What an expression of the project file may refer to.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use strata_core::{Diagnostic, Diagnostics, Type, Value, files::Files};
use strata_hcl::{Environment, Expression, Reference, Resolved};

use super::{env_file::Variables, image_outputs};
use crate::secrets::Secrets;

/// Root names of the project file.
pub(super) const ROOTS: [&str; 8] = [
    "configure",
    "env",
    "environment",
    "image",
    "instance",
    "provision",
    "secret",
    "verify",
];

/// Outputs of the provision stages that are done, by stage.
pub type Outputs = BTreeMap<Arc<str>, Value>;

/// Resolves `env.NAME`, `environment.name`, `instance.name`, `provision.STAGE.OUTPUT`, `image.STAGE.OUTPUT` and `secret.NAME`.
pub struct Scope<'a> {
    /// What `env.NAME` stands for.
    pub env: &'a Variables,
    /// What `environment.name` stands for.
    pub environment: Arc<str>,
    /// What `provision.STAGE` and `image.STAGE` stand for; a stage or output that is not here is not done, and is unknown.
    pub outputs: &'a Outputs,
    /// What `instance.name` stands for, in a stage with `instances`.
    pub instance: Option<Arc<str>>,
    /// What `secret.NAME` stands for; one that is not here was not read, and is an unknown text.
    pub secrets: &'a Secrets,
    /// What `file` and its kin read, from the project's folder on.
    pub files: (&'a dyn Files, &'a Path),
}

impl Scope<'_> {
    /// Evaluates an expression; mistakes are reported and give an unknown value.
    pub fn evaluate(&self, expression: &Expression, diags: &mut Diagnostics) -> Value {
        strata_hcl::evaluate(expression, self, diags)
    }

    fn env(&self, reference: &Reference<'_>, diags: &mut Diagnostics) -> Resolved {
        let Some(name) = reference.attribute(0) else {
            diags.push(
                Diagnostic::error("invalid-reference", "`env` needs a name: write `env.NAME`")
                    .at(reference.span()),
            );
            return Resolved::failed();
        };
        match self.env.get(name) {
            Some(value) => Resolved::new(Value::from(value), 1),
            None => {
                diags.push(missing_env(name).at(reference.span()));
                Resolved::failed()
            }
        }
    }

    fn secret(&self, reference: &Reference<'_>, diags: &mut Diagnostics) -> Resolved {
        let Some(name) = reference.attribute(0) else {
            let summary = "`secret` needs a name: write `secret.NAME`";
            diags.push(Diagnostic::error("invalid-reference", summary).at(reference.span()));
            return Resolved::failed();
        };
        let value = self.secrets.get(name).cloned();
        Resolved::new(
            value.unwrap_or_else(|| Value::unknown(Type::String).sensitive()),
            1,
        )
    }

    fn instance_name(&self, reference: &Reference<'_>, diags: &mut Diagnostics) -> Resolved {
        match &self.instance {
            Some(name) => only_name(name, reference, diags),
            None => {
                let summary = "`instance` is only there in a stage with `instances`";
                diags.push(
                    Diagnostic::error("invalid-reference", summary)
                        .at(reference.span())
                        .hint("Give the stage `instances = [\"dev\", \"prod\"]`."),
                );
                Resolved::failed()
            }
        }
    }

    fn made(&self, reference: &Reference<'_>, diags: &mut Diagnostics) -> Resolved {
        let kind = reference.root;
        let (Some(stage), Some(output)) = (reference.attribute(0), reference.attribute(1)) else {
            let summary =
                format!("`{kind}` needs a stage and an output: write `{kind}.STAGE.OUTPUT`");
            let diagnostic = Diagnostic::error("invalid-reference", summary);
            diags.push(diagnostic.at(reference.span()));
            return Resolved::failed();
        };
        let key = match kind {
            "image" => image_outputs(stage),
            _ => Arc::from(stage),
        };
        let Some(outputs) = self.outputs.get(&key) else {
            return Resolved::new(Value::unknown(Type::Dynamic), 2);
        };
        // Whether it is declared was looked at before anything ran; a stage that was cut off may not have it yet.
        let value = outputs.get(output).cloned();
        Resolved::new(value.unwrap_or_else(|| Value::unknown(Type::Dynamic)), 2)
    }
}

/// Something that has a name and nothing else.
fn only_name(name: &Arc<str>, reference: &Reference<'_>, diags: &mut Diagnostics) -> Resolved {
    if reference.attribute(0) == Some("name") {
        return Resolved::new(Value::string(name.clone()), 1);
    }
    let summary = format!("`{}` has only `name`", reference.root);
    diags.push(Diagnostic::error("invalid-reference", summary).at(reference.span()));
    Resolved::failed()
}

/// A name that neither the process environment nor a `.env` file sets.
pub(super) fn missing_env(name: &str) -> Diagnostic {
    Diagnostic::error("missing-env", format!("`{name}` is not set"))
        .detail("Neither the environment of this process nor an `env_file` of the project sets it.")
        .hint(format!("Add a line `{name}=...` to `.env`."))
}

impl strata_hcl::Scope for Scope<'_> {
    fn resolve(&self, reference: &Reference<'_>, diags: &mut Diagnostics) -> Option<Resolved> {
        Some(match reference.root {
            "env" => self.env(reference, diags),
            "environment" => only_name(&self.environment, reference, diags),
            "instance" => self.instance_name(reference, diags),
            "image" | "provision" => self.made(reference, diags),
            "secret" => self.secret(reference, diags),
            _ => return None,
        })
    }

    fn environment(&self) -> Environment<'_> {
        let (files, directory) = self.files;
        Environment {
            files: Some(files),
            directory,
            ..Environment::none()
        }
    }

    fn roots(&self) -> Vec<String> {
        ROOTS.map(str::to_owned).to_vec()
    }
}
