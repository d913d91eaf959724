//! Values for the root module's variables: from where they come, and what becomes of them.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use strata_core::{Diagnostics, Span, Value, files::Files};

use crate::tree::Config;

/// A value given for a variable of the root module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VariableInput {
    /// The variable's name.
    pub name: Arc<str>,
    /// What it is given.
    pub value: VariableText,
    /// Who gives it.
    pub origin: VariableOrigin,
}

/// What a variable is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VariableText {
    /// Text as typed: taken as it is for a variable of a primitive type, else an HCL expression.
    Raw(String),
    /// A value.
    Value(Value),
}

/// Who gives a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VariableOrigin {
    /// `-var` on the command line.
    CommandLine,
    /// An environment variable, `TF_VAR_name`.
    Environment,
    /// A file given by `-var-file`: the place of the entry.
    NamedFile(Span),
    /// A file found beside the configuration: the place of the entry.
    AutomaticFile(Span),
    /// Strata itself, such as the project file.
    Given(String),
}

/// Reads a `.tfvars` file that the user named.
pub fn variable_file(
    _files: &dyn Files,
    _path: &Path,
    _diags: &mut Diagnostics,
) -> Vec<VariableInput> {
    unimplemented!()
}

/// Reads `terraform.tfvars` and all `*.auto.tfvars` beside the root module, in the order in which they count.
pub fn automatic_variable_files(
    _files: &dyn Files,
    _root: &Path,
    _diags: &mut Diagnostics,
) -> Vec<VariableInput> {
    unimplemented!()
}

/// The values of the root module's variables, converted to their types; of several inputs for one name the last counts.
pub fn root_variables(
    _config: &Config,
    _inputs: &[VariableInput],
    _diags: &mut Diagnostics,
) -> BTreeMap<Arc<str>, Value> {
    unimplemented!()
}
