//! Values for the root module's variables, in the order in which they count.

use std::{collections::BTreeMap, path::PathBuf};

use strata_config::{
    Config, VariableInput, VariableOrigin, VariableText, automatic_variable_files,
    module::Variable, variable_file,
};
use strata_core::{Diagnostic, Diagnostics, Type, Value, files::Files};

use super::Settings;

/// A value on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VariableArgument {
    /// `-var`, `NAME=VALUE`.
    Value(String),
    /// `-var-file`.
    File(PathBuf),
}

/// Collects from the environment, the files beside the configuration, the command line and the project; later ones win.
pub(crate) fn collect(
    settings: &Settings,
    environment: &BTreeMap<String, String>,
    files: &dyn Files,
    diags: &mut Diagnostics,
) -> Vec<VariableInput> {
    let mut inputs: Vec<VariableInput> = environment.iter().filter_map(from_environment).collect();
    inputs.extend(automatic_variable_files(files, &settings.directory, diags));
    for path in &settings.variable_files {
        inputs.extend(variable_file(files, path, diags));
    }
    for argument in &settings.variables {
        match argument {
            VariableArgument::Value(text) => inputs.extend(from_command_line(text, diags)),
            VariableArgument::File(path) => inputs.extend(variable_file(files, path, diags)),
        }
    }
    let given = settings.given.iter().map(|(name, value)| VariableInput {
        name: name.clone(),
        value: VariableText::Value(value.clone()),
        origin: VariableOrigin::Given("strata.hcl".to_owned()),
    });
    inputs.extend(given);
    inputs
}

/// Unknown values for the variables that must be set; those that come after them win.
pub(crate) fn unset(config: &Config) -> Vec<VariableInput> {
    let declared = config.root().variables.values();
    let unset = declared.filter(|variable| variable.default.is_none());
    let unknown = |variable: &Variable| {
        let ty = variable
            .ty
            .as_ref()
            .map_or(Type::Dynamic, |ty| ty.ty.clone());
        VariableInput {
            name: variable.name.clone(),
            value: VariableText::Value(Value::unknown(ty)),
            origin: VariableOrigin::Given("nobody".to_owned()),
        }
    };
    unset.map(unknown).collect()
}

fn from_environment((name, value): (&String, &String)) -> Option<VariableInput> {
    let name = name.strip_prefix("TF_VAR_")?;
    let value = VariableText::Raw(value.clone());
    Some(VariableInput {
        name: name.into(),
        value,
        origin: VariableOrigin::Environment,
    })
}

fn from_command_line(text: &str, diags: &mut Diagnostics) -> Option<VariableInput> {
    let Some((name, value)) = text.split_once('=') else {
        let diagnostic = Diagnostic::error("invalid-var", "Invalid -var option").detail(format!(
            "`-var {text}` has no value: a variable is set as `-var NAME=VALUE`."
        ));
        diags.push(diagnostic);
        return None;
    };
    let value = VariableText::Raw(value.to_owned());
    Some(VariableInput {
        name: name.trim().into(),
        value,
        origin: VariableOrigin::CommandLine,
    })
}
