//! Configuration: the module tree, what refers to what, and the evaluator.
//!
//! Files become a [`Config`] through [`load()`]; [`validate()`] says what is wrong with it before anything is known;
//! [`dependencies()`] tells the engine what must come before what; an [`Evaluator`] computes values. The evaluator is
//! a spreadsheet: a variable, local or output is a cell, evaluated once, when asked for, and the values of resources
//! are handed in by the engine, one instance at a time.
//!
//! This crate must never know state, plans or a provider's code (schemas come in as data), nor touch a disk, clock
//! or environment. Start reading at [`module`], then [`load()`], then `evaluate`.

mod context;
mod decode;
mod dependencies;
mod evaluate;
mod graph;
mod inputs;
mod load;
mod manifest;
pub mod module;
mod provider;
mod provisioners;
mod references;
mod relevant;
mod schemas;
mod source;
mod steps;
mod suggest;
mod test_file;
mod tree;
mod unsupported;
mod validate;
mod version;

pub use context::context;
pub use dependencies::{Dependencies, dependencies};
pub use evaluate::{
    CheckStatus, Evaluator, EvaluatorOptions, Expansion, ImportTarget, Mode, ModuleExpansion,
    Named, ReplaceTrigger,
};
pub use inputs::{
    VariableInput, VariableOrigin, VariableText, automatic_variable_files, given_variables,
    root_variables, variable_file,
};
pub use load::{
    BACKEND_ARGUMENT, LoadOptions, MissingModule, encryption, load, load_run, load_with, run_path,
};
pub use manifest::{MANIFEST, ManifestModule, ModuleManifest};
pub use provider::ProviderAddress;
pub use provisioners::{connection_body, connection_schema, provisioner_schema};
pub use relevant::{Relevant, relevant};
pub use schemas::{Schemas, plain_source};
pub use source::{Getter, ModuleSource, RegistryModule, RemoteModule};
pub use steps::{Step, StepShape, Steps, steps};
pub use strata_hcl::Chance;
pub use test_file::{
    Mock, MockType, Override, Run, RunModule, RunOptions, TestFile, TestFiles, mock_files,
    test_file, test_files,
};
pub use tree::Config;
pub use unsupported::{STORAGE, unsupported, unsupported_storage};
pub use validate::{
    AskProvider, unknown_providers, validate, validate_with_files, validate_with_providers,
};
pub use version::{Version, VersionConstraint};
