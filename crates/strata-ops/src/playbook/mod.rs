//! Playbooks by themselves, as `ansible-playbook` has them: from the command line and `ansible.cfg` to a run.

mod connection;
mod extra_vars;
mod fact_cache;
pub mod inventory;
mod limit;
mod list;
mod lookups;
mod modules;
mod passwords;
pub(crate) mod plugins;
pub(crate) mod random;
mod resume;
pub mod settings;
mod sops;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Map, Value as Json};
use strata_core::{Diagnostic, Diagnostics, Event, Events, Severity, files::Files};
use strata_jinja::Now;
use strata_playbook::{
    Inventory, Playbook,
    variables::{InventoryVariables, Reading},
    vault::{Secrets, VaultFiles},
};
use strata_runner::{Ask, BecomeDefaults, Findings, Gathering, Pace, Recap, StopSignal};

use crate::{files::Disk, mask, process::Process, registry::Platforms, vault};
pub(crate) use connection::ConnectionDefaults;
pub use list::{Listing, list};
pub(crate) use passwords::connection_password;
use settings::Settings;
pub use strata_playbook::variables::ansible_core;

/// How to run playbooks, as the command line says it; what it leaves open is up to [`Settings`].
#[derive(Clone, Debug, Default)]
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
    /// Go on where the last run stopped.
    pub resume: bool,
    /// Ask before each task.
    pub step: bool,
    /// Change nothing.
    pub check: bool,
    /// Show how files change.
    pub diff: bool,
    /// Hosts worked on at once.
    pub forks: Option<usize>,
    /// Failed hosts run their handlers, too.
    pub force_handlers: bool,
    /// Forget what the fact cache has.
    pub flush_cache: bool,
    /// Work as another user, unless a play says otherwise.
    pub become_enabled: bool,
    /// Which one.
    pub become_user: Option<String>,
    /// By which tool.
    pub become_method: Option<String>,
    /// Ask for the password for it.
    pub ask_become_pass: bool,
    /// The file it is in.
    pub become_password_file: Option<PathBuf>,
    /// Ask for the password to log in with.
    pub ask_pass: bool,
    /// The file it is in.
    pub connection_password_file: Option<PathBuf>,
    /// User to log in as.
    pub remote_user: Option<String>,
    /// Private key to log in with.
    pub private_key: Option<PathBuf>,
    /// Way to the hosts.
    pub connection: Option<String>,
    /// Seconds that connecting may take.
    pub timeout: Option<u64>,
    /// More arguments for ssh.
    pub ssh_common_args: Option<String>,
    /// Still more.
    pub ssh_extra_args: Option<String>,
    /// Where the passwords of encrypted files come from.
    pub vault: vault::Sources,
    /// How much to show.
    pub verbosity: u8,
}

/// A project as a run sees it: settings, passwords, and its files as they are once decrypted.
#[derive(Clone)]
pub struct Project {
    /// `ansible.cfg` and the environment.
    pub settings: Arc<Settings>,
    /// The passwords of encrypted files.
    pub secrets: Arc<Secrets>,
    /// The disk, with encrypted files read as what is in them.
    pub files: Arc<dyn Files>,
    /// The folder of Python's packages with the collections of an installed ansible.
    pub(crate) installed: Option<PathBuf>,
}

impl Project {
    /// Reads settings and passwords; asks for those that are to be asked for.
    pub fn open(
        sources: &vault::Sources,
        process: &Process,
        ask: Option<&Arc<Ask>>,
        diags: &mut Diagnostics,
    ) -> Self {
        let settings = Settings::read(&Disk, process, diags);
        let secrets = vault::secrets(sources, &settings, process, ask, diags);
        let secrets = Arc::new(secrets);
        let files: Arc<dyn Files> = Arc::new(VaultFiles::new(Arc::new(Disk), secrets.clone()));
        Self {
            files: sops::decrypting(files, &settings, &secrets, &process.environment),
            settings: Arc::new(settings),
            secrets,
            installed: modules::collections(&process.environment),
        }
    }

    /// The disk, without settings and passwords, for plays of our own.
    pub(crate) fn bare() -> Self {
        Self {
            settings: Arc::default(),
            secrets: Arc::default(),
            files: Arc::new(Disk),
            installed: None,
        }
    }

    /// Where roles and collections are looked for.
    pub(crate) fn load_options(&self, extra: Map<String, Json>) -> strata_playbook::load::Options {
        let usual = |places: Vec<PathBuf>, home: &str, system: &str| {
            if !places.is_empty() {
                return places;
            }
            let home = self.settings.home_folder(home);
            home.into_iter().chain([PathBuf::from(system)]).collect()
        };
        let mut roles = usual(
            self.settings.paths("roles_path", ':'),
            ".ansible/roles",
            "/usr/share/ansible/roles",
        );
        if self.settings.text("roles_path").is_none() {
            roles.push("/etc/ansible/roles".into());
        }
        let mut collections = usual(
            self.settings.paths("collections_path", ':'),
            ".ansible/collections",
            "/usr/share/ansible/collections",
        );
        collections.extend(self.installed.clone());
        strata_playbook::load::Options {
            roles_path: roles,
            collections_path: collections,
            merge_hashes: self.merges_hashes(),
            private_role_vars: self.settings.flag("private_role_vars").unwrap_or(false),
            extra_vars: Arc::new(extra),
        }
    }

    /// Whether mappings of the same name are merged.
    pub(crate) fn merges_hashes(&self) -> bool {
        self.settings.text("hash_behaviour").as_deref() == Some("merge")
    }

    /// How `group_vars` and `host_vars` are read.
    pub(crate) fn reading(&self) -> Reading {
        Reading {
            merge: self.merges_hashes(),
            sops: sops::is_enabled(&self.settings),
        }
    }

    /// Whether facts are variables of their own, beside `ansible_facts`.
    pub(crate) fn injects_facts(&self) -> bool {
        self.settings.flag("inject_facts_as_vars").unwrap_or(true)
    }

    /// Passes events on with what was decrypted masked, but where a task is there to show it.
    pub(crate) fn masked(&self, events: &Events) -> Events {
        let secrets = self.secrets.clone();
        mask::decrypted(events, move || secrets.revealed())
    }
}

/// Checks playbooks without running them, with the words of each play that need variables; gives the warnings.
pub fn syntax_check(
    playbooks: &[PathBuf],
    options: &Options,
    process: &Process,
    ask: Option<&Arc<Ask>>,
) -> Result<Diagnostics, Diagnostics> {
    let listed = list(playbooks, options, Listing::default(), process, ask);
    listed.map(|(_, warnings)| warnings)
}

/// The modules that are not to be found; whether a condition would spare the task does not count, as in Ansible.
fn missing_modules(playbooks: &[PathBuf], options: &Options, process: &Process) -> Diagnostics {
    let mut diags = Diagnostics::new();
    let project = Project::open(&options.vault, process, None, &mut Diagnostics::new());
    let (loaded, extra) = load(playbooks, options, &project, &mut Diagnostics::new());
    let around = Around {
        process,
        platforms: &Platforms::real(process),
        stop: &crate::stop::Stop::new().signal(),
        ask: None,
    };
    // The search looks at no host.
    let nobody = Inventory::from_names(&[]);
    let variables = InventoryVariables::load(
        project.files.as_ref(),
        &nobody,
        &[],
        None,
        Reading::default(),
        &mut Diagnostics::new(),
    );
    let runner = runner_options(&around, &project, extra, Arc::new(variables));
    for playbook in loaded.iter().flatten() {
        for mut found in strata_runner::unsupported_modules(playbook, &runner) {
            if found.severity == Severity::Warning {
                found.severity = Severity::Error;
                found.detail = String::new();
            }
            diags.push(found);
        }
    }
    diags
}

/// Loads playbooks with the variables of the command line.
fn load(
    playbooks: &[PathBuf],
    options: &Options,
    project: &Project,
    diags: &mut Diagnostics,
) -> (Vec<Option<Playbook>>, Map<String, Json>) {
    let files = project.files.as_ref();
    let extra = extra_vars::read(files, &options.extra_vars, diags);
    let load_options = project.load_options(extra.clone());
    // Tasks see the playbook's folder: `playbook_dir` and `role_path` are absolute, as in Ansible.
    let read = |path: &PathBuf| strata_playbook::load(files, &absolute(path), &load_options, diags);
    (playbooks.iter().map(read).collect(), extra)
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// What a run needs of the process around it.
pub struct Around<'a> {
    /// The process.
    pub process: &'a Process,
    /// The platforms that hosts are on.
    pub platforms: &'a Platforms,
    /// Stops the run.
    pub stop: &'a StopSignal,
    /// Asks the user, if there is one.
    pub ask: Option<Arc<Ask>>,
}

/// Runs playbooks one after another; ends with the first that fails. Gives the recaps of those that ran.
pub async fn run(
    playbooks: &[PathBuf],
    options: &Options,
    around: &Around<'_>,
    events: &Events,
) -> Result<Vec<Recap>, Diagnostics> {
    let mut diags = Diagnostics::new();
    let project = Project::open(
        &options.vault,
        around.process,
        around.ask.as_ref(),
        &mut diags,
    );
    let (loaded, extra) = load(playbooks, options, &project, &mut diags);
    let events = &project.masked(events);
    let mut recaps = Vec::new();
    for (path, playbook) in playbooks.iter().zip(loaded) {
        let named = Some(path.as_path());
        let path = absolute(path);
        let one = One {
            named,
            playbook: playbook.as_ref(),
            path: Some(&path),
            folder: path.parent(),
            extra: &extra,
            project: &project,
            findings: recaps
                .last()
                .map_or_else(Arc::default, |recap: &Recap| recap.findings.clone()),
        };
        let Some(recap) = one.run(options, around, events, &mut diags).await? else {
            continue;
        };
        let failed = recap.exit_code() != 0 || recap.stopped;
        recaps.push(recap);
        if failed {
            break;
        }
    }
    diags.into_result(recaps)
}

/// Runs a playbook that stands in `files` beside the project's own.
pub(crate) async fn run_text(
    files: &dyn Files,
    path: &Path,
    options: &Options,
    around: &Around<'_>,
    events: &Events,
) -> Result<Recap, Diagnostics> {
    let mut diags = Diagnostics::new();
    let project = Project::open(
        &options.vault,
        around.process,
        around.ask.as_ref(),
        &mut diags,
    );
    let extra = extra_vars::read(project.files.as_ref(), &options.extra_vars, &mut diags);
    let load_options = project.load_options(extra.clone());
    let playbook = strata_playbook::load(files, path, &load_options, &mut diags);
    let one = One {
        playbook: playbook.as_ref(),
        named: None,
        path: None,
        folder: Some(Path::new("")),
        extra: &extra,
        project: &project,
        findings: Arc::default(),
    };
    let events = &project.masked(events);
    let recap = one.run(options, around, events, &mut diags).await?;
    diags.into_result(recap.unwrap_or_default())
}

/// One playbook of a run.
struct One<'a> {
    playbook: Option<&'a Playbook>,
    /// Its file as the user named it.
    named: Option<&'a Path>,
    /// Its file, if it has one.
    path: Option<&'a Path>,
    folder: Option<&'a Path>,
    extra: &'a Map<String, Json>,
    project: &'a Project,
    /// What those before it found out.
    findings: Arc<Findings>,
}

impl One<'_> {
    /// Runs it; mistakes of those before it count, too.
    async fn run(
        &self,
        options: &Options,
        around: &Around<'_>,
        events: &Events,
        diags: &mut Diagnostics,
    ) -> Result<Option<Recap>, Diagnostics> {
        let project = self.project;
        let found = inventory::read(
            &options.inventory,
            project,
            around.process,
            self.folder,
            diags,
        );
        let variables = found.variables.clone();
        let mut runner = runner_options(around, project, self.extra.clone(), variables);
        let password = connection_password(options, &project.settings, around, diags);
        apply(options, project, around, &mut runner, diags);
        runner.reload = Some(self.reload(options, around));
        runner.findings = self.findings.clone();
        if let Some(folder) = self.folder {
            plugins::add(&mut runner, project, folder, diags);
        }
        self.resume(options, &mut runner, diags);
        diags.extend(limit::leaves_nobody(
            &found.inventory,
            runner.limit.as_deref(),
        ));
        let earlier = self.path.and_then(resume::earlier_journal);
        if let (Some(path), Some(playbook), false) = (self.path, self.playbook, options.check) {
            runner.journal = resume::journal(path, playbook, &runner);
        }
        if diags.has_errors() {
            return Err(std::mem::take(diags));
        }
        let Some(playbook) = self.playbook else {
            return Ok(None);
        };
        std::mem::take(diags)
            .into_iter()
            .for_each(|warning| events.diagnostic(warning));
        let defaults = ConnectionDefaults::of(options, &project.settings, password);
        if let Some(named) = self.named {
            let settings = project.settings.file.as_deref();
            let settings = settings.map(|path| around.process.working_directory.join(path));
            events.send(Event::PlaybookStarted {
                path: named.display().to_string().into(),
                plays: playbook.plays.len(),
                check: options.check,
                settings: settings.map(|path| path.display().to_string().into()),
            });
        }
        let connect =
            |target: &strata_runner::Target| around.platforms.connect(&defaults.applied(target));
        let done = strata_runner::run(playbook, &found.inventory, &connect, &runner, events).await;
        if let (Some(path), Err(_)) = (self.path, &done) {
            resume::take_back(path, earlier.as_deref());
        }
        let recap = done?;
        if let (Some(path), false) = (self.path, options.check)
            && let Err(warning) = resume::keep(path, &recap.progress, &runner)
        {
            events.diagnostic(*warning);
        }
        Ok(Some(recap))
    }

    /// Takes up what the last run left, with the hosts and tags it was bound to where nothing else is asked for.
    fn resume(
        &self,
        options: &Options,
        runner: &mut strata_runner::Options,
        diags: &mut Diagnostics,
    ) {
        let Some(path) = self.path.filter(|_| options.resume) else {
            return;
        };
        match resume::read(path) {
            Ok(saved) => {
                runner.limit = runner.limit.take().or(saved.limit.clone());
                if runner.tags.is_empty() && runner.skip_tags.is_empty() {
                    runner.tags.clone_from(&saved.tags);
                    runner.skip_tags.clone_from(&saved.skip_tags);
                }
                runner.resume = Some(Arc::new(saved.progress()));
            }
            Err(diagnostic) => diags.push(*diagnostic),
        }
    }

    /// Reads the same inventory again.
    fn reload(&self, options: &Options, around: &Around<'_>) -> Arc<strata_runner::Reload> {
        let (given, project) = (options.inventory.clone(), self.project.clone());
        let process = around.process.clone();
        let folder = self.folder.map(Path::to_owned);
        Arc::new(move || {
            let mut diags = Diagnostics::new();
            let found = inventory::read(&given, &project, &process, folder.as_deref(), &mut diags);
            diags.into_result((found.inventory, (*found.variables).clone()))
        })
    }
}

/// Puts the command line and the settings into the runner's options.
pub(crate) fn apply(
    options: &Options,
    project: &Project,
    around: &Around<'_>,
    runner: &mut strata_runner::Options,
    diags: &mut Diagnostics,
) {
    let settings = &project.settings;
    let forks = settings.number("forks", diags).map(|forks| forks as usize);
    runner.forks = options.forks.or(forks).unwrap_or(5);
    let mut seen = ConnectionDefaults::of(options, settings, None).seen();
    let folder = &around.process.working_directory;
    let shown = |path: &Path| Json::from(folder.join(path).display().to_string());
    let sources = inventory::sources_shown(&options.inventory, project, folder);
    seen.insert("ansible_inventory_sources".to_owned(), sources.into());
    let file = settings.file.as_deref().map(shown);
    seen.insert("ansible_config_file".to_owned(), file.into());
    runner.reached = Arc::new(seen);
    runner.check = options.check;
    runner.diff = options.diff || settings.flag("always_show_diff").unwrap_or(false);
    let tags = |own: &[String], name: &str| {
        if own.is_empty() {
            settings.list(name)
        } else {
            own.to_vec()
        }
    };
    runner.tags = tags(&options.tags, "run_tags");
    runner.skip_tags = tags(&options.skip_tags, "skip_tags");
    match limit::pattern(options.limit.as_deref(), project.files.as_ref()) {
        Ok(pattern) => runner.limit = pattern,
        Err(diagnostic) => diags.push(*diagnostic),
    }
    runner.start_at_task = options.start_at_task.clone();
    runner.step = options.step;
    runner.force_handlers =
        options.force_handlers || settings.flag("force_handlers").unwrap_or(false);
    runner.any_errors_fatal = settings.flag("any_errors_fatal").unwrap_or(false);
    runner.needs_handlers = settings.flag("error_on_missing_handler").unwrap_or(true);
    runner.verbosity = options.verbosity;
    runner.no_log = settings.flag("no_log").unwrap_or(false);
    runner.tells_arguments = settings.flag("display_args_to_stdout").unwrap_or(false);
    runner.managed = settings.text("ansible_managed");
    let seconds = settings.number("task_timeout", diags);
    runner.task_timeout = seconds
        .filter(|seconds| *seconds > 0)
        .map(Duration::from_secs);
    apply_become(options, settings, around, runner, diags);
    runner.gathering = match settings.text("gathering").as_deref() {
        None | Some("implicit") => Gathering::Implicit,
        Some("explicit") => Gathering::Explicit,
        Some("smart") => Gathering::Smart,
        Some(other) => {
            let message =
                format!("`gathering` is `implicit`, `explicit` or `smart`, not `{other}`");
            diags.push(Diagnostic::error("ansible-cfg", message));
            Gathering::Implicit
        }
    };
    runner.fact_cache = fact_cache::of(settings, options.flush_cache, diags);
}

fn apply_become(
    options: &Options,
    settings: &Settings,
    around: &Around<'_>,
    runner: &mut strata_runner::Options,
    diags: &mut Diagnostics,
) {
    let defaults = &mut runner.become_defaults;
    defaults.enabled = options.become_enabled || settings.flag("become").unwrap_or(false);
    if let Some(user) = options.become_user.clone().or(settings.text("become_user")) {
        defaults.user = user;
    }
    if let Some(method) = options
        .become_method
        .clone()
        .or(settings.text("become_method"))
    {
        defaults.method = method;
    }
    defaults.exe = settings.text("become_exe");
    defaults.flags = settings.text("become_flags");
    let file = options
        .become_password_file
        .clone()
        .or(settings.path("become_password_file"));
    let asked = options.ask_become_pass || settings.flag("become_ask_pass").unwrap_or(false);
    defaults.password =
        passwords::password(file, asked.then_some("BECOME password: "), around, diags);
}

/// The runner's options where nothing else was asked for.
pub(crate) fn runner_options(
    around: &Around<'_>,
    project: &Project,
    extra: Map<String, Json>,
    variables: Arc<InventoryVariables>,
) -> strata_runner::Options {
    let environment = Arc::new(around.process.environment.clone());
    strata_runner::Options {
        reached: Arc::default(),
        files: project.files.clone(),
        disk: true,
        environment: environment.clone(),
        vault: project.secrets.clone(),
        lookup: lookups::all(
            environment,
            project.secrets.clone(),
            project.settings.clone(),
            around.stop.clone(),
        ),
        ask: around.ask.clone(),
        gathering: Gathering::Implicit,
        fact_cache: None,
        reload: None,
        step: false,
        inject_facts: project.injects_facts(),
        lenient_conditions: project
            .settings
            .flag("allow_broken_conditionals")
            .unwrap_or(false),
        now: Arc::new(now),
        load: project.load_options(extra),
        inventory_variables: variables,
        prompted: Arc::default(),
        forks: 5,
        check: false,
        diff: false,
        tags: Vec::new(),
        skip_tags: Vec::new(),
        limit: None,
        start_at_task: None,
        resume: None,
        findings: Arc::default(),
        modules: modules::paths(project, &around.process.environment),
        any_errors_fatal: false,
        needs_handlers: true,
        force_handlers: false,
        verbosity: 0,
        pace: Pace::Lockstep,
        become_defaults: BecomeDefaults {
            enabled: false,
            user: "root".to_owned(),
            method: "sudo".to_owned(),
            exe: None,
            flags: None,
            password: None,
        },
        plugins: None,
        journal: None,
        ready_timeout: None,
        no_log: false,
        tells_arguments: false,
        managed: None,
        task_timeout: None,
        debugs: project
            .settings
            .flag("enable_task_debugger")
            .unwrap_or(false),
        stop: around.stop.clone(),
    }
}

/// A value as Python's `str()` writes it.
pub fn shown_python(value: &Json) -> String {
    strata_jinja::as_python(value)
}

/// A value as YAML shows it to people: texts of several lines as blocks, lines folded behind column 80.
pub fn shown_yaml(value: &Json) -> String {
    let style = strata_jinja::yaml::DumpStyle {
        indent: 4,
        width: 80,
        sort_keys: true,
        flow: strata_jinja::yaml::Flow::Never,
        unicode: true,
        explicit_start: false,
        blocks: true,
    };
    let text = strata_jinja::yaml::dump(value, &style);
    text.trim_end()
        .trim_end_matches("...")
        .trim_end()
        .to_owned()
}

pub(crate) fn now() -> Now {
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

/// Waits for something apart from the runtime that may be waiting for the caller.
pub(crate) fn apart<T: Send + 'static>(
    work: impl Future<Output = Result<T, String>> + Send + 'static,
) -> Result<T, String> {
    let waiting = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime
            .map_err(|error| error.to_string())
            .and_then(|runtime| runtime.block_on(work))
    });
    waiting
        .join()
        .unwrap_or_else(|_| Err("it ended with a mistake of ours".to_owned()))
}
