//! Inventory plugins: those of platforms that Strata has, and all others through an ansible that is installed.

use std::{
    collections::BTreeMap,
    hash::{BuildHasher, Hasher, RandomState},
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, OnceLock},
};

use serde_json::{Map, Value as Json};
use strata_core::files::Files;
use strata_jinja::{Engine, NoSurroundings, Now, Surroundings, Templar, Variable, is_omit};
use strata_playbook::vault::Secrets;
use strata_runner::Lookup;

use crate::{
    playbook::{Project, lookups, modules},
    process::Process,
    registry::Platforms,
    stop::Stop,
};

use super::{incus, proxmox};

/// Options that every plugin has.
const USUAL: &[&str] = &[
    "plugin",
    "strict",
    "compose",
    "groups",
    "keyed_groups",
    "leading_separator",
    "use_extra_vars",
    "cache",
    "cache_plugin",
    "cache_timeout",
    "cache_connection",
    "cache_prefix",
];

/// Asks inventory plugins.
pub(super) struct Plugins {
    process: Process,
    engine: Arc<Engine>,
    world: Arc<World>,
}

impl Plugins {
    pub(super) fn new(process: &Process, project: &Project) -> Self {
        let environment = Arc::new(process.environment.clone());
        Self {
            process: process.clone(),
            engine: Engine::new(),
            world: Arc::new(World {
                files: project.files.clone(),
                secrets: project.secrets.clone(),
                lookup: lookups::all(
                    environment.clone(),
                    project.secrets.clone(),
                    project.settings.clone(),
                    // Inventories are read before there is a run that could be stopped gently.
                    Stop::new().signal(),
                ),
                environment,
                folders: Vec::new(),
            }),
        }
    }

    /// What a plugin of ours says; none if there is none of this name.
    pub(super) fn ask(
        &self,
        name: &str,
        settings: &Json,
        path: &Path,
    ) -> Option<Result<Json, String>> {
        let listed = match name {
            "community.proxmox.proxmox" | "community.general.proxmox" => proxmox::list,
            "community.general.incus" => incus::list,
            _ => return None,
        };
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let given = Given {
            plugin: name,
            settings,
            templar: self.templar(BTreeMap::new(), folder),
            environment: &self.process.environment,
        };
        Some(listed(&given, &Platforms::real(&self.process)))
    }

    fn templar(&self, variables: BTreeMap<String, Variable>, folder: PathBuf) -> Templar {
        let world = World {
            folders: vec![folder],
            ..(*self.world).clone()
        };
        Templar::new(&self.engine, Arc::new(variables), Arc::new(world))
    }

    /// The program of an installed ansible that asks plugins which Strata does not have.
    pub(super) fn elsewhere(&self) -> Option<Command> {
        let core = modules::core(&self.process.environment)?;
        let program = core.ancestors().nth(4)?.join("bin/ansible-inventory");
        let mut command = Command::new(program.is_file().then_some(program)?);
        command
            .env_clear()
            .envs(&self.process.environment)
            // Variables of groups and hosts beside it are read by us.
            .env("ANSIBLE_VARS_ENABLED", "")
            .env("ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED", "true")
            .env("ANSIBLE_NOCOLOR", "1")
            .env_remove("ANSIBLE_INVENTORY");
        Some(command)
    }
}

/// What a plugin was given.
pub(super) struct Given<'a> {
    plugin: &'a str,
    settings: &'a Json,
    templar: Templar,
    environment: &'a BTreeMap<String, String>,
}

impl Given<'_> {
    /// Refuses options that the plugin does not have.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), String> {
        let given = self.settings.as_object().into_iter().flatten();
        let mut unknown = given
            .filter(|(name, _)| !known.contains(&name.as_str()) && !USUAL.contains(&name.as_str()));
        match unknown.next() {
            Some((name, _)) => Err(format!(
                "the plugin `{}` has no option `{name}`; it has {}",
                self.plugin,
                known.join(", ")
            )),
            None => Ok(()),
        }
    }

    /// An option, its templates rendered; else what the environment says.
    pub(super) fn text(&self, name: &str, variable: &str) -> Result<Option<String>, String> {
        let Some(value) = self.settings.get(name).filter(|value| !value.is_null()) else {
            return Ok(self.environment.get(variable).cloned());
        };
        let rendered = self.templar.render(value);
        let rendered = rendered.map_err(|error| format!("`{name}` cannot be used: {error}"))?;
        Ok(match rendered {
            value if is_omit(&value) || value.is_null() => None,
            Json::String(text) => Some(text),
            other => Some(other.to_string()),
        })
    }

    /// An option that says yes or no.
    pub(super) fn flag(&self, name: &str, usual: bool) -> Result<bool, String> {
        match self.settings.get(name) {
            None | Some(Json::Null) => Ok(usual),
            Some(Json::Bool(value)) => Ok(*value),
            Some(Json::String(text)) if matches!(text.as_str(), "yes" | "true" | "True") => {
                Ok(true)
            }
            Some(Json::String(text)) if matches!(text.as_str(), "no" | "false" | "False") => {
                Ok(false)
            }
            Some(other) => Err(format!("`{name}` must be true or false, not `{other}`")),
        }
    }

    /// An option that is a list of texts.
    pub(super) fn list(&self, name: &str) -> Result<Vec<String>, String> {
        let text = |value: &Json| value.as_str().map(str::to_owned);
        match self.settings.get(name) {
            None | Some(Json::Null) => Ok(Vec::new()),
            Some(Json::String(one)) => Ok(vec![one.clone()]),
            Some(Json::Array(items)) => items
                .iter()
                .map(|item| text(item).ok_or_else(|| format!("`{name}` must be a list of texts")))
                .collect(),
            Some(_) => Err(format!("`{name}` must be a list of texts")),
        }
    }
}

/// The language of filters, in which any value says yes or no; made once.
static LENIENT: OnceLock<Arc<Engine>> = OnceLock::new();

/// Whether a host with these variables passes a filter, an expression of Jinja.
pub(super) fn passes(filter: &str, variables: &Map<String, Json>) -> Result<bool, String> {
    let variables: BTreeMap<String, Variable> = variables
        .iter()
        .map(|(name, value)| (name.clone(), Variable::Plain(Arc::new(value.clone()))))
        .collect();
    let surroundings = Arc::new(NoSurroundings::default());
    let engine = LENIENT.get_or_init(|| Engine::with(true));
    let templar = Templar::new(engine, Arc::new(variables), surroundings);
    let holds = templar.condition(&Json::from(filter));
    holds.map_err(|error| error.to_string())
}

/// The world as the options of a plugin see it.
#[derive(Clone)]
struct World {
    files: Arc<dyn Files>,
    secrets: Arc<Secrets>,
    lookup: Arc<Lookup>,
    environment: Arc<BTreeMap<String, String>>,
    folders: Vec<PathBuf>,
}

impl Surroundings for World {
    fn files(&self) -> &dyn Files {
        self.files.as_ref()
    }

    fn search_folders(&self) -> Vec<PathBuf> {
        self.folders.clone()
    }

    fn environment_variable(&self, name: &str) -> Option<String> {
        self.environment.get(name).cloned()
    }

    fn now(&self) -> Now {
        crate::playbook::now()
    }

    fn random(&self) -> u64 {
        RandomState::new().build_hasher().finish()
    }

    fn decrypt(&self, text: &str) -> Option<Result<String, String>> {
        Some(self.secrets.value(text).map_err(|error| error.to_string()))
    }

    fn lookup(
        &self,
        name: &str,
        terms: &[Json],
        options: &Map<String, Json>,
    ) -> Option<Result<Vec<Json>, String>> {
        let folder = self.folders.last().map_or(Path::new(""), PathBuf::as_path);
        (self.lookup)(folder, name, terms, options)
    }
}
