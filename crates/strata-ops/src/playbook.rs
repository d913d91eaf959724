//! Playbooks and inventories by themselves, as `ansible-playbook` and `ansible-inventory` have them.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Map, Value as Json};
use strata_core::{Diagnostic, Diagnostics, Events, Source, files::Files};
use strata_jinja::{Now, yaml};
use strata_playbook::{Inventory, variables::InventoryVariables};
use strata_runner::{BecomeDefaults, Pace, Recap, StopSignal};

use crate::{
    files::Disk,
    process::Process,
    registry::{Platforms, split},
};

/// How long a host may take to answer.
const READY: Duration = Duration::from_secs(60);

/// How to run playbooks.
#[derive(Clone, Debug)]
pub struct Options {
    /// Inventory files and folders, or names with commas between.
    pub inventory: Vec<String>,
    /// Only these hosts.
    pub limit: Option<String>,
    /// `-e` arguments.
    pub extra_vars: Vec<String>,
    /// Only tasks with these tags.
    pub tags: Vec<String>,
    /// No tasks with these tags.
    pub skip_tags: Vec<String>,
    /// Begin at this task.
    pub start_at_task: Option<String>,
    /// Change nothing.
    pub check: bool,
    /// Show how files change.
    pub diff: bool,
    /// Hosts worked on at once.
    pub forks: usize,
    /// Work as another user, unless a play says otherwise.
    pub become_enabled: bool,
    /// Which one.
    pub become_user: Option<String>,
    /// User to log in as.
    pub remote_user: Option<String>,
    /// Private key to log in with.
    pub private_key: Option<PathBuf>,
    /// Way to the hosts.
    pub connection: Option<String>,
    /// How much to show.
    pub verbosity: u8,
}

/// Checks playbooks without running them.
pub fn syntax_check(playbooks: &[PathBuf], options: &Options) -> Result<(), Diagnostics> {
    let mut diags = Diagnostics::new();
    let extra = extra_vars(&options.extra_vars, &mut diags);
    for playbook in playbooks {
        strata_playbook::load(
            &Disk,
            playbook,
            &load_options(extra.clone(), &[]),
            &mut diags,
        );
    }
    diags.into_result(())
}

/// Runs playbooks one after another; ends with the first that fails. Gives the recaps of those that ran.
pub async fn run(
    playbooks: &[PathBuf],
    options: &Options,
    process: &Process,
    platforms: &Platforms,
    stop: &StopSignal,
    events: &Events,
) -> Result<Vec<Recap>, Diagnostics> {
    let mut diags = Diagnostics::new();
    let extra = extra_vars(&options.extra_vars, &mut diags);
    let loaded: Vec<_> = playbooks
        .iter()
        .map(|path| {
            strata_playbook::load(&Disk, path, &load_options(extra.clone(), &[]), &mut diags)
        })
        .collect();
    let (inventory, folders) = inventory(&options.inventory, &mut diags);
    if diags.has_errors() {
        return Err(diags);
    }
    let mut recaps = Vec::new();
    for (path, playbook) in playbooks.iter().zip(loaded.into_iter().flatten()) {
        let folder = path.parent();
        let variables = InventoryVariables::load(&Disk, &inventory, &folders, folder, &mut diags);
        let mut settings =
            runner_options(process, extra.clone(), Arc::new(variables), stop.clone());
        apply(options, &mut settings);
        if diags.has_errors() {
            return Err(diags);
        }
        let connect =
            |target: &strata_runner::Target| platforms.connect(&with_defaults(target, options));
        let recap = strata_runner::run(&playbook, &inventory, &connect, &settings, events).await?;
        let failed = recap.exit_code() != 0 || recap.stopped;
        recaps.push(recap);
        if failed {
            break;
        }
    }
    diags
        .into_iter()
        .for_each(|warning| events.diagnostic(warning));
    Ok(recaps)
}

fn apply(options: &Options, settings: &mut strata_runner::Options) {
    settings.forks = options.forks;
    settings.check = options.check;
    settings.diff = options.diff;
    settings.tags = options.tags.clone();
    settings.skip_tags = options.skip_tags.clone();
    settings.limit = options.limit.clone();
    settings.start_at_task = options.start_at_task.clone();
    settings.verbosity = options.verbosity;
    settings.become_defaults.enabled = options.become_enabled;
    if let Some(user) = &options.become_user {
        settings.become_defaults.user = user.clone();
    }
}

/// What the command line says of a connection counts where the inventory is silent.
fn with_defaults(target: &strata_runner::Target, options: &Options) -> strata_runner::Target {
    let key = options
        .private_key
        .as_ref()
        .map(|path| path.display().to_string());
    let defaults = [
        ("ansible_user", &options.remote_user),
        ("ansible_ssh_private_key_file", &key),
        ("ansible_connection", &options.connection),
    ];
    let mut target = target.clone();
    for (name, value) in defaults {
        if let Some(value) = value {
            target
                .variables
                .entry(name)
                .or_insert_with(|| Json::from(value.as_str()));
        }
    }
    target
}

/// How playbooks are looked for and what is given to all of them.
pub(crate) fn load_options(
    extra: Map<String, Json>,
    roles_path: &[PathBuf],
) -> strata_playbook::load::Options {
    strata_playbook::load::Options {
        roles_path: roles_path.to_vec(),
        extra_vars: Arc::new(extra),
    }
}

/// The runner's options where nothing else was asked for.
pub(crate) fn runner_options(
    process: &Process,
    extra: Map<String, Json>,
    variables: Arc<InventoryVariables>,
    stop: StopSignal,
) -> strata_runner::Options {
    strata_runner::Options {
        files: Arc::new(Disk),
        disk: true,
        environment: Arc::new(process.environment.clone()),
        now: Arc::new(now),
        load: load_options(extra, &[]),
        inventory_variables: variables,
        prompted: Arc::default(),
        forks: 5,
        check: false,
        diff: false,
        tags: Vec::new(),
        skip_tags: Vec::new(),
        limit: None,
        start_at_task: None,
        force_handlers: false,
        verbosity: 0,
        pace: Pace::Lockstep,
        become_defaults: BecomeDefaults {
            enabled: false,
            user: "root".to_owned(),
            method: "sudo".to_owned(),
            password: None,
        },
        ready_timeout: READY,
        stop,
    }
}

fn now() -> Now {
    let zoned = Timestamp::now().to_zoned(TimeZone::system());
    let (seconds, nanoseconds) = (
        zoned.timestamp().as_second(),
        zoned.timestamp().subsec_nanosecond(),
    );
    Now {
        seconds,
        nanoseconds: nanoseconds.unsigned_abs(),
        offset_seconds: zoned.offset().seconds(),
    }
}

/// Reads the inventory sources of `-i`, and the folders whose `group_vars` and `host_vars` count.
pub(crate) fn inventory(sources: &[String], diags: &mut Diagnostics) -> (Inventory, Vec<PathBuf>) {
    let (names, paths): (Vec<&String>, Vec<&String>) =
        sources.iter().partition(|source| source.contains(','));
    let paths: Vec<PathBuf> = paths.into_iter().map(PathBuf::from).collect();
    for path in paths.iter().filter(|path| Disk.kind(path).is_none()) {
        let diagnostic = Diagnostic::error(
            "no-inventory",
            format!("There is no inventory `{}`", path.display()),
        )
        .hint("A list of hosts has a comma at its end: `-i web1,`.");
        diags.push(diagnostic);
    }
    let mut inventory = Inventory::load(&Disk, &paths, diags);
    for source in names {
        let hosts: Vec<String> = source
            .split(',')
            .map(|name| name.trim().to_owned())
            .filter(|name| !name.is_empty())
            .collect();
        inventory.merge(Inventory::from_names(&hosts));
    }
    let folder = |path: &PathBuf| {
        if path.is_dir() {
            path.clone()
        } else {
            path.parent().unwrap_or(Path::new("")).to_path_buf()
        }
    };
    (inventory, paths.iter().map(folder).collect())
}

/// Reads `-e`: `@FILE`, JSON or YAML in braces, or words `NAME=VALUE`.
fn extra_vars(arguments: &[String], diags: &mut Diagnostics) -> Map<String, Json> {
    let mut all = Map::new();
    for argument in arguments {
        let variables = match argument.strip_prefix('@') {
            Some(file) => strata_playbook::load::vars_file(&Disk, Path::new(file), diags),
            None if argument.trim_start().starts_with(['{', '[']) => inline(argument, diags),
            None => words(argument, diags),
        };
        all.extend(variables.unwrap_or_default());
    }
    all
}

fn inline(text: &str, diags: &mut Diagnostics) -> Option<Map<String, Json>> {
    let source = Source::new("--extra-vars", text);
    match yaml::parse(&source, diags)?.to_json() {
        Json::Object(variables) => Some(variables),
        _ => {
            diags.push(Diagnostic::error(
                "extra-vars",
                "`-e` needs a mapping of names to values",
            ));
            None
        }
    }
}

fn words(text: &str, diags: &mut Diagnostics) -> Option<Map<String, Json>> {
    let Some(words) = split(text) else {
        diags.push(Diagnostic::error(
            "extra-vars",
            format!("`-e {text}` has an open quote"),
        ));
        return None;
    };
    let mut variables = Map::new();
    for word in words {
        match word.split_once('=') {
            Some((name, value)) => drop(variables.insert(name.to_owned(), Json::from(value))),
            None => diags.push(
                Diagnostic::error("extra-vars", format!("`-e {word}` has no value"))
                    .hint("Write `-e NAME=VALUE`, `-e '{\"name\": value}'` or `-e @FILE`."),
            ),
        }
    }
    Some(variables)
}

/// The whole inventory as `ansible-inventory --list` prints it.
pub fn inventory_list(sources: &[String]) -> Result<Json, Diagnostics> {
    let mut diags = Diagnostics::new();
    let (inventory, folders) = inventory(sources, &mut diags);
    let variables = InventoryVariables::load(&Disk, &inventory, &folders, None, &mut diags);
    let hosts: BTreeMap<&str, Json> = inventory
        .hosts()
        .iter()
        .map(|host| {
            (
                host.name.as_str(),
                Json::Object((*variables.of(&host.name)).clone()),
            )
        })
        .collect();
    let mut list = Map::new();
    list.insert("_meta".to_owned(), serde_json::json!({ "hostvars": hosts }));
    for group in inventory.groups() {
        let mut entry = Map::new();
        if !group.children.is_empty() {
            entry.insert("children".to_owned(), Json::from(group.children.clone()));
        }
        if !group.hosts.is_empty() && group.name != "all" {
            entry.insert("hosts".to_owned(), Json::from(group.hosts.clone()));
        }
        if !entry.is_empty() {
            list.insert(group.name.clone(), Json::Object(entry));
        }
    }
    diags.into_result(Json::Object(list))
}

/// One host's variables as `ansible-inventory --host` prints them.
pub fn inventory_host(sources: &[String], host: &str) -> Result<Json, Diagnostics> {
    let mut diags = Diagnostics::new();
    let (inventory, folders) = inventory(sources, &mut diags);
    if inventory.host(host).is_none() {
        diags.push(Diagnostic::error(
            "unknown-host",
            format!("There is no host `{host}` in the inventory"),
        ));
    }
    let variables = InventoryVariables::load(&Disk, &inventory, &folders, None, &mut diags);
    diags.into_result(Json::Object((*variables.of(host)).clone()))
}
