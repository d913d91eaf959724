//! The project file `strata.hcl`: which environments there are, and the stages of each.
//!
//! [`load()`] reads it with the `.env` files and reports every mistake in them. What a stage needs
//! from earlier stages stays an expression until they are done: [`Scope`] evaluates it then.

pub mod env_file;
mod load;
mod order;
mod scope;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use strata_core::{Span, StageKind, Value};
use strata_hcl::Expression;

pub(crate) use load::lenient_conditionals;
pub(crate) use load::stage_id;
pub use load::{FILE_NAME, load};
pub use scope::{Outputs, Scope};

/// A folder with a `strata.hcl`.
pub struct Project {
    /// Its name.
    pub name: Arc<str>,
    /// The folder; paths in the file are relative to it.
    pub folder: PathBuf,
    /// What `env.NAME` stands for.
    pub env: env_file::Variables,
    /// Secrets that are kept elsewhere.
    pub secrets: Vec<Secret>,
    /// Its environments, in the order of the file.
    pub environments: Vec<Environment>,
}

/// A secret that is kept elsewhere: what `secret.NAME` stands for.
pub struct Secret {
    /// Its name.
    pub name: Arc<str>,
    /// Where it is.
    pub source: SecretSource,
    /// Where it is written down.
    pub span: Span,
}

/// Where a secret is, with expressions that may refer to `env` and `environment`.
pub enum SecretSource {
    /// A file that SOPS encrypted, and the path to the text in it.
    Sops {
        /// The file.
        file: Expression,
        /// Names with dots between them.
        key: Expression,
    },
    /// A reference for 1Password's `op`.
    OnePassword(Expression),
    /// An item of Bitwarden.
    Bitwarden {
        /// Its name or id.
        item: Expression,
        /// Its field; without it the password.
        field: Option<Expression>,
    },
    /// A file that Ansible Vault encrypted, and the path to the text in it.
    AnsibleVault {
        /// The file.
        file: Expression,
        /// Names with dots between them.
        key: Expression,
        /// Where its password is; what `ansible.cfg` says without it.
        password_file: Option<Expression>,
    },
    /// A program that prints it: a list of words.
    Command(Expression),
    /// A name of the environment.
    Environment(Expression),
}

/// One deployable copy of the project.
pub struct Environment {
    /// Its name.
    pub name: Arc<str>,
    /// Members of the cluster that its twin is; a single server if there are none.
    pub twin_members: Vec<String>,
    /// Its stages, each behind those it comes after.
    pub stages: Vec<Stage>,
}

/// One step of an environment.
pub struct Stage {
    /// Its name; unique for its kind.
    pub name: Arc<str>,
    /// Positions in [`Environment::stages`] of those that must be done before.
    pub after: Vec<usize>,
    /// What it does.
    pub body: StageBody,
    /// Where it is written.
    pub span: Span,
}

/// What a stage does.
pub enum StageBody {
    /// Makes machines, networks, storage.
    Provision(Provision),
    /// Runs a playbook.
    Configure(Configure),
    /// Builds an image or a template.
    Image(Image),
    /// Checks from outside.
    Verify(Verify),
}

/// A stage that applies an HCL root module.
pub struct Provision {
    /// Folder of the root module.
    pub directory: PathBuf,
    /// Files with values for the root module's variables.
    pub variable_files: Vec<PathBuf>,
    /// Object with values for the root module's variables; they win over those of files.
    pub variables: Option<Expression>,
}

/// A stage that runs a playbook.
pub struct Configure {
    /// The playbook.
    pub playbook: PathBuf,
    /// Settings of Ansible; none for those that it would find itself.
    pub ansible_config: Option<PathBuf>,
    /// Inventory files and folders, as with `-i`.
    pub inventory: Vec<PathBuf>,
    /// Map from group to hosts; none to make the inventory from the outputs.
    pub hosts: Option<Expression>,
    /// Object with extra variables.
    pub variables: Option<Expression>,
    /// Copies of the application, each with a run of its own; none for a single run.
    pub instances: Vec<Instance>,
}

/// A stage that builds an image or a template out of one machine.
pub struct Image {
    /// The root module that makes the machine.
    pub machine: Provision,
    /// The playbook that configures it; none if its cloud-init does all.
    pub playbook: Option<Configure>,
    /// What the image is called, where machines are made from images by name.
    pub alias: Option<Arc<str>>,
}

/// One of several copies of an application on the same hosts.
pub struct Instance {
    /// Its name, which is also a group of all hosts: `group_vars/NAME` belongs to it.
    pub name: Arc<str>,
    /// Variables that the project file gives to it.
    pub variables: BTreeMap<Arc<str>, Value>,
}

/// A stage that checks from outside.
pub struct Verify {
    /// What is checked.
    pub check: VerifyCheck,
    /// How long to go on asking.
    pub retry: Duration,
}

/// What a `verify` stage checks, with expressions that may refer to outputs.
pub enum VerifyCheck {
    /// A URL that must answer.
    Http {
        /// The URL.
        url: Expression,
        /// Accepted status codes; none for any of success.
        status: Option<Expression>,
    },
    /// An address that must accept connections.
    Tcp(Expression),
    /// A command that must succeed, here or on hosts of the inventory.
    Command {
        /// A list of words.
        words: Expression,
        /// List of groups or hosts; this machine without it.
        hosts: Option<Expression>,
    },
    /// A service that must run on hosts of the inventory.
    Service {
        /// The service's name.
        service: Expression,
        /// List of groups or hosts; all without it.
        hosts: Option<Expression>,
    },
}

impl Configure {
    /// A playbook for the hosts of outputs.
    fn on_outputs(playbook: PathBuf, ansible_config: Option<PathBuf>) -> Self {
        Self {
            playbook,
            ansible_config,
            inventory: Vec::new(),
            hosts: None,
            variables: None,
            instances: Vec::new(),
        }
    }
}

impl Project {
    /// The environment of a name.
    pub fn environment(&self, name: &str) -> Option<&Environment> {
        self.environments
            .iter()
            .find(|environment| &*environment.name == name)
    }
}

impl Verify {
    /// All its expressions.
    pub(crate) fn expressions(&self) -> Vec<&Expression> {
        match &self.check {
            VerifyCheck::Http { url, status } => std::iter::once(url).chain(status).collect(),
            VerifyCheck::Tcp(address) => vec![address],
            VerifyCheck::Command { words, hosts } => std::iter::once(words).chain(hosts).collect(),
            VerifyCheck::Service { service, hosts } => {
                std::iter::once(service).chain(hosts).collect()
            }
        }
    }
}

impl Stage {
    /// All its expressions that are evaluated when it runs.
    pub(crate) fn expressions(&self) -> Vec<&Expression> {
        match &self.body {
            StageBody::Provision(provision) => provision.variables.iter().collect(),
            StageBody::Configure(configure) => {
                configure.hosts.iter().chain(&configure.variables).collect()
            }
            StageBody::Image(image) => image.machine.variables.iter().collect(),
            StageBody::Verify(verify) => verify.expressions(),
        }
    }

    /// The root module that it applies, if it does.
    pub(crate) fn root_module(&self) -> Option<&Provision> {
        match &self.body {
            StageBody::Provision(provision) => Some(provision),
            StageBody::Image(image) => Some(&image.machine),
            StageBody::Configure(_) | StageBody::Verify(_) => None,
        }
    }

    /// By which name its outputs are kept: those of an image are apart, for they make no hosts.
    pub(crate) fn outputs_key(&self) -> Arc<str> {
        match self.body {
            StageBody::Image(_) => image_outputs(&self.name),
            _ => self.name.clone(),
        }
    }

    /// Which kind it is.
    pub fn kind(&self) -> StageKind {
        match self.body {
            StageBody::Provision(_) => StageKind::Provision,
            StageBody::Configure(_) => StageKind::Configure,
            StageBody::Image(_) => StageKind::Image,
            StageBody::Verify(_) => StageKind::Verify,
        }
    }
}

/// By which name [`Outputs`] have those of an image; no stage can be called so.
pub(crate) fn image_outputs(name: &str) -> Arc<str> {
    stage_id(StageKind::Image, name).into()
}

/// The word of the project file for a kind.
pub(crate) fn keyword(kind: StageKind) -> &'static str {
    match kind {
        StageKind::Provision => "provision",
        StageKind::Configure => "configure",
        StageKind::Image => "image",
        StageKind::Verify => "verify",
    }
}
