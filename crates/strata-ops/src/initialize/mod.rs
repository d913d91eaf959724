//! `init` and `get`: fetching modules, and saying what a configuration needs besides.
//!
//! [`run`] loads the configuration again and again: each time [`modules`] installs what is called and not there
//! ([`fetch`] brings one package), until nothing is missing. `modules.json` is written as Terraform writes it, so both
//! can work in one folder; a lock keeps two runs apart. `.terraform.lock.hcl` is left alone: Strata has its providers
//! built in.

mod backend;
mod fetch;
mod from_module;
mod hosts;
mod manifest;
mod migrate;
mod modules;
mod providers;

use std::{path::PathBuf, sync::Arc};

use strata_config::{BACKEND_ARGUMENT, Config};
use strata_core::{Diagnostic, Diagnostics};

pub use from_module::copy_module;
pub use migrate::Ask;
pub use providers::ProviderUse;

use crate::{
    files::Disk,
    graph::without_emptiness,
    infrastructure::{Settings, initial},
    process::Process,
    registry::Platforms,
};

/// What `init` is to do.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which configuration, and the values of its variables.
    pub settings: Settings,
    /// Fetch modules anew, and take the newest versions that will do.
    pub upgrade: bool,
    /// Whether to install modules at all.
    pub modules: bool,
    /// The folder with tests, whose runs may have modules of their own.
    pub tests: PathBuf,
    /// Whether to look at the backend.
    pub backend: bool,
    /// `-backend-config` arguments.
    pub backend_config: Vec<String>,
    /// Take the backend as it is now, whatever was known of it.
    pub reconfigure: bool,
    /// Take the state along where the backend has changed.
    pub migrate_state: bool,
    /// Do so without asking.
    pub force_copy: bool,
    /// Whether programs such as git may ask questions on the terminal.
    pub input: bool,
}

/// What is happening, for who draws it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A module in a folder beside its caller was found.
    Local {
        /// The names of the calls from the root.
        key: String,
        /// The folder, relative to the root module.
        folder: String,
    },
    /// A module is fetched.
    Downloading {
        /// The names of the calls from the root.
        key: String,
        /// From where.
        source: String,
        /// The version that was chosen, for modules of registries.
        version: Option<String>,
    },
    /// A module has been fetched.
    Installed {
        /// The names of the calls from the root.
        key: String,
        /// The folder, relative to the root module.
        folder: String,
    },
}

/// What came of it.
pub struct Initialized {
    /// The configuration with all its modules.
    pub config: Arc<Config>,
    /// The providers it uses, and whether Strata has them.
    pub providers: Vec<ProviderUse>,
    /// Which backend keeps the state.
    pub backend: String,
    /// True if the folder holds no configuration.
    pub is_empty: bool,
}

/// Installs what a configuration needs. Every mistake is in `diags`; the result is then of use only for excerpts.
pub fn run(
    options: &Options,
    process: &Process,
    platforms: &Platforms,
    say: &mut dyn FnMut(Step),
    ask: Ask<'_>,
    diags: &mut Diagnostics,
) -> Initialized {
    let inputs = initial::inputs(&options.settings, process, diags);
    let place = modules::Place {
        root: options.settings.directory.clone(),
        data: initial::data_folder(&options.settings, process),
        workspace: initial::workspace(&options.settings, process),
        working_directory: process.working_directory.clone(),
    };
    let mut found = Diagnostics::new();
    let config = match options.modules {
        true => modules::install(options, &place, &inputs, process, say, &mut found),
        false => place.load(&Disk, &inputs, &mut found),
    };
    let is_empty = found.iter().any(|found| found.code == "no-configuration");
    let found = without_emptiness(found).into_iter();
    // What a backend that nobody asks for is told is of no account.
    let counts = |found: &Diagnostic| options.backend || found.code != BACKEND_ARGUMENT;
    diags.extend(found.filter(counts));
    let backend = match options.backend {
        true => backend::configure(&config, options, process, ask, diags),
        false => "local".to_owned(),
    };
    let providers = providers::check(&config, &platforms.providers(), diags);
    Initialized {
        config: Arc::new(config),
        providers,
        backend,
        is_empty,
    }
}

/// The folder where a run keeps what it fetches.
pub(crate) fn modules_folder(data: &std::path::Path) -> PathBuf {
    data.join("modules")
}
