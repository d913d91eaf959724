//! Test files, `.tftest.hcl`: runs of a configuration, and what must hold after each.
//!
//! [`test_files()`] finds and reads them. Nothing is evaluated here: variables and conditions are expressions until
//! their run comes, since they may use what earlier runs gave.

mod find;
mod mock;
mod read;
mod run;
mod shape;

use std::{collections::BTreeMap, sync::Arc};

use strata_core::{Span, addr::Target};
use strata_hcl::{Expression, Traversal};

use crate::{
    module::{Argument, Check, ProviderBlock, ProviderKey, ProviderReference},
    source::ModuleSource,
    version::VersionConstraint,
};

pub use find::{TestFiles, test_files};
pub use read::{mock_files, test_file};

/// Which properties of a test file in JSON are blocks.
pub(crate) fn shape() -> &'static strata_hcl::Shape {
    &shape::FILE
}

/// One test file.
#[derive(Clone, Debug, Default)]
pub struct TestFile {
    /// Its name, as the user would type it in the root module's folder.
    pub name: String,
    /// Values of variables in all its runs.
    pub variables: BTreeMap<Arc<str>, Argument>,
    /// Provider configurations, in the place of those of the configuration.
    pub providers: BTreeMap<ProviderKey, ProviderBlock>,
    /// Providers that are only played.
    pub mocks: BTreeMap<ProviderKey, Mock>,
    /// Objects that are not made in any run.
    pub overrides: Vec<Override>,
    /// The runs, in order.
    pub runs: Vec<Run>,
}

/// A `run` block.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its name.
    pub name: Arc<str>,
    /// True if it only plans.
    pub plans_only: bool,
    /// How it plans.
    pub options: RunOptions,
    /// Values of variables.
    pub variables: BTreeMap<Arc<str>, Argument>,
    /// What must hold.
    pub asserts: Vec<Check>,
    /// Which conditions of the configuration must not hold.
    pub expect_failures: Vec<Traversal>,
    /// The module that is run in the place of the configuration under test.
    pub module: Option<RunModule>,
    /// The configuration's provider names and what they get.
    pub providers: BTreeMap<ProviderKey, ProviderReference>,
    /// Objects that are not made.
    pub overrides: Vec<Override>,
    /// Which state it works on; none for that of its module.
    pub state_key: Option<Arc<str>>,
    /// The place of the block's header.
    pub span: Span,
}

/// How a run plans.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// True if it only takes into state what has changed.
    pub refresh_only: bool,
    /// False if state is believed.
    pub refresh: bool,
    /// What to narrow the plan to.
    pub targets: Vec<Target>,
    /// What to replace.
    pub replace: Vec<Target>,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            refresh_only: false,
            refresh: true,
            targets: Vec::new(),
            replace: Vec::new(),
        }
    }
}

/// The `module` of a run.
#[derive(Clone, Debug)]
pub struct RunModule {
    /// Where it comes from: a folder, seen from the configuration under test, or a registry.
    pub source: ModuleSource,
    /// Which versions will do, with the text of it.
    pub version: Option<(VersionConstraint, Arc<str>)>,
    /// The place of its source.
    pub span: Span,
}

/// A `mock_provider` block.
#[derive(Clone, Debug)]
pub struct Mock {
    /// The provider, and the alias under which it is played.
    pub key: ProviderKey,
    /// A folder with more of it.
    pub source: Option<(Arc<str>, Span)>,
    /// What objects of a type get where nobody sets it: `mock_resource`.
    pub resources: BTreeMap<Arc<str>, MockType>,
    /// The same of data sources: `mock_data`.
    pub data: BTreeMap<Arc<str>, MockType>,
    /// Objects of this provider that get other values.
    pub overrides: Vec<Override>,
    /// True if all of it is known while planning.
    pub during_plan: bool,
}

/// A `mock_resource` or `mock_data` block.
#[derive(Clone, Debug)]
pub struct MockType {
    /// An object with values of attributes.
    pub defaults: Option<Expression>,
    /// True if they are known while planning.
    pub during_plan: bool,
}

/// An `override_resource`, `override_data` or `override_module` block.
#[derive(Clone, Debug)]
pub struct Override {
    /// What it stands for.
    pub target: Target,
    /// The place of that address.
    pub target_span: Span,
    /// An object with values of attributes, or of outputs.
    pub values: Option<Expression>,
    /// True if they are known while planning; none for what is around it.
    pub during_plan: Option<bool>,
    /// The place of the block's header.
    pub span: Span,
}
