//! A run of a playbook in memory: files, hosts that are models, and the events folded into text.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Map, Value as Json};
use strata_agent::host::{Host, Model};
use strata_core::{
    Diagnostics, Event, Events, FileDiff, TaskOutcome,
    files::{Files, MemoryFiles},
};
use strata_jinja::Now;
use strata_playbook::{
    Inventory, load,
    variables::{InventoryVariables, Reading},
};
use strata_runner::{
    BecomeDefaults, Gathering, HostLink, Options, Pace, Recap, StopSignal, Target, run, stop_handle,
};
use strata_transport::AgentSession;

/// A project in memory with hosts that are models.
pub(crate) struct World {
    pub(crate) files: Arc<MemoryFiles>,
    pub(crate) options: Options,
    inventory: Inventory,
    models: Mutex<BTreeMap<String, Model>>,
    /// Whether all hosts are one machine.
    shared: Option<Model>,
}

/// What a run gave.
pub(crate) struct Ran {
    pub(crate) recap: Result<Recap, Diagnostics>,
    pub(crate) events: Vec<Event>,
}

impl World {
    /// Files with `inventory.ini` and `playbook.yml` among them.
    pub(crate) fn new<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self::with_vars(files, Map::new())
    }

    pub(crate) fn with_vars<'a>(
        files: impl IntoIterator<Item = (&'a str, &'a str)>,
        extra_vars: Map<String, Json>,
    ) -> Self {
        let files = Arc::new(MemoryFiles::new(files));
        let mut diags = Diagnostics::new();
        let sources = [PathBuf::from("inventory.ini")];
        let inventory = Inventory::load(files.as_ref(), &sources, &mut diags);
        let folder = PathBuf::from("");
        let folders = [PathBuf::from("")];
        let variables = InventoryVariables::load(
            files.as_ref(),
            &inventory,
            &folders,
            Some(&folder),
            Reading::default(),
            &mut diags,
        );
        assert!(!diags.has_errors(), "{diags:?}");
        let (_, stop) = stop_handle();
        Self {
            options: options(files.clone(), variables, extra_vars, stop),
            files,
            inventory,
            models: Mutex::default(),
            shared: None,
        }
    }

    /// All hosts are the same machine from here on.
    pub(crate) fn share(&mut self, model: Model) {
        self.shared = Some(model);
    }

    /// The machine behind a host.
    pub(crate) fn model(&self, host: &str) -> Model {
        if let Some(model) = &self.shared {
            return model.clone();
        }
        let mut models = self.models.lock().unwrap();
        let model = models.entry(host.to_owned());
        model.or_insert_with(|| Model::debian(host)).clone()
    }

    pub(crate) fn run(&self) -> Ran {
        self.run_with(&|target: &Target| {
            let model = self.model(&target.host);
            Ok(HostLink::session(AgentSession::for_model(model)))
        })
    }

    pub(crate) fn run_with(&self, connect: &strata_runner::Connect<'_>) -> Ran {
        self.run_seeing(connect, |_| {})
    }

    /// The same; `seeing` gets each event as it comes.
    pub(crate) fn run_seeing(
        &self,
        connect: &strata_runner::Connect<'_>,
        seeing: impl Fn(&Event) + Send + Sync + 'static,
    ) -> Ran {
        let mut diags = Diagnostics::new();
        let playbook = load(
            self.files.as_ref() as &dyn Files,
            Path::new("playbook.yml"),
            &self.options.load,
            &mut diags,
        );
        let Some(playbook) = playbook else {
            return Ran {
                recap: Err(diags),
                events: Vec::new(),
            };
        };
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sink = seen.clone();
        let events = Events::new(move |event| {
            seeing(&event);
            sink.lock().unwrap().push(event);
        });
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let recap = runtime.block_on(run(
            &playbook,
            &self.inventory,
            connect,
            &self.options,
            &events,
        ));
        let events = seen.lock().unwrap().clone();
        Ran { recap, events }
    }
}

fn options(
    files: Arc<MemoryFiles>,
    variables: InventoryVariables,
    extra_vars: Map<String, Json>,
    stop: StopSignal,
) -> Options {
    Options {
        files,
        disk: false,
        environment: Arc::default(),
        now: Arc::new(|| Now {
            seconds: 1_767_225_600,
            nanoseconds: 0,
            offset_seconds: 0,
        }),
        load: load::Options {
            roles_path: Vec::new(),
            collections_path: Vec::new(),
            merge_hashes: false,
            private_role_vars: false,
            extra_vars: Arc::new(extra_vars),
        },
        vault: Arc::default(),
        lookup: Arc::new(|_, _, _, _| None),
        ask: None,
        gathering: Gathering::Implicit,
        fact_cache: None,
        reload: None,
        step: false,
        debugs: false,
        inject_facts: true,
        findings: Arc::default(),
        lenient_conditions: false,
        reached: Arc::default(),
        inventory_variables: Arc::new(variables),
        prompted: Arc::default(),
        forks: 5,
        check: false,
        diff: false,
        tags: Vec::new(),
        skip_tags: Vec::new(),
        limit: None,
        start_at_task: None,
        resume: None,
        modules: strata_runner::ModulePaths::default(),
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
        ready_timeout: Some(Duration::from_secs(60)),
        no_log: false,
        tells_arguments: false,
        managed: None,
        task_timeout: None,
        stop,
    }
}

/// The events as lines, in the look of Ansible's own output; hosts in order within a task.
pub(crate) fn transcript(events: &[Event]) -> String {
    let mut text = String::new();
    let mut hosts: BTreeMap<Arc<str>, String> = BTreeMap::new();
    let mut nobody = false;
    let mut recap = false;
    for (at, event) in events.iter().enumerate() {
        match event {
            Event::PlayStarted { name, .. } => {
                flush(&mut text, &mut hosts);
                text.push_str(&format!("PLAY [{name}]\n"));
                if std::mem::take(&mut nobody) {
                    text.push_str("  skipping: no hosts matched\n");
                }
            }
            // Meta tasks have a header and mostly no results; they are not compared.
            Event::TaskStarted { .. } if is_meta(&events[at..]) => {}
            Event::TaskStarted { task, .. } | Event::TaskFinished { task, .. }
                if &**task == "meta" => {}
            Event::TaskStarted { task, handler, .. } => {
                flush(&mut text, &mut hosts);
                let what = if *handler { "RUNNING HANDLER" } else { "TASK" };
                text.push_str(&format!("{what} [{task}]\n"));
            }
            Event::TaskFinished { host, .. } => {
                let lines = hosts.entry(host.clone()).or_default();
                finished(lines, event);
            }
            Event::Diagnostic { diagnostic } => nobody |= diagnostic.code == "no-hosts-matched",
            Event::HostRecap { host, counts } => {
                flush(&mut text, &mut hosts);
                if !std::mem::replace(&mut recap, true) {
                    text.push_str("PLAY RECAP\n");
                }
                text.push_str(&format!(
                    "  {host}: ok={} changed={} unreachable={} failed={} skipped={} rescued={} ignored={}\n",
                    counts.ok,
                    counts.changed,
                    counts.unreachable,
                    counts.failed,
                    counts.skipped,
                    counts.rescued,
                    counts.ignored
                ));
            }
            _ => {}
        }
    }
    flush(&mut text, &mut hosts);
    text
}

/// True if no result follows the header of a task before something else begins.
fn is_meta(events: &[Event]) -> bool {
    let next = events.iter().skip(1).find(|event| {
        !matches!(
            event,
            Event::Diagnostic { .. } | Event::HostReady { .. } | Event::HostWaiting { .. }
        )
    });
    matches!(
        next,
        None | Some(
            Event::TaskStarted { .. } | Event::PlayStarted { .. } | Event::HostRecap { .. }
        )
    )
}

fn flush(text: &mut String, hosts: &mut BTreeMap<Arc<str>, String>) {
    for lines in std::mem::take(hosts).into_values() {
        text.push_str(&lines);
    }
}

fn finished(lines: &mut String, event: &Event) {
    let Event::TaskFinished {
        host,
        item,
        outcome,
        message,
        diffs,
        result,
        ..
    } = event
    else {
        return;
    };
    let arrow = item
        .as_ref()
        .map(|item| format!(" => (item={item})"))
        .unwrap_or_default();
    let looped = item.is_none() && result.contains("\"results\":");
    if let Some(included) = message
        .as_ref()
        .filter(|text| text.starts_with("included: "))
    {
        lines.push_str(&format!("  {included}{arrow}\n"));
        return;
    }
    for diff in diffs {
        show_diff(lines, diff);
    }
    let failed = match item {
        Some(item) => format!("  failed: [{host}] (item={item})\n"),
        None => format!("  fatal: [{host}]: FAILED!\n"),
    };
    let head = match outcome {
        TaskOutcome::Ok if looped => return,
        TaskOutcome::Changed if looped => return,
        TaskOutcome::Failed if looped => return,
        TaskOutcome::Ignored if looped => String::new(),
        TaskOutcome::Ok => format!("  ok: [{host}]{arrow}\n"),
        TaskOutcome::Changed => format!("  changed: [{host}]{arrow}\n"),
        TaskOutcome::Skipped => format!("  skipping: [{host}]{arrow}\n"),
        TaskOutcome::Failed | TaskOutcome::Ignored => failed,
        TaskOutcome::Unreachable => format!("  fatal: [{host}]: UNREACHABLE!\n"),
    };
    lines.push_str(&head);
    if let Some(message) = message
        && *outcome != TaskOutcome::Skipped
        && !looped
    {
        lines.push_str(&format!("    {}\n", message.replace('\n', "\n    ")));
    }
    if *outcome == TaskOutcome::Ignored && item.is_none() {
        lines.push_str("  ...ignoring\n");
    }
}

fn show_diff(lines: &mut String, diff: &FileDiff) {
    let lacks = |text: &str, line: &str| !text.lines().any(|other| other == line);
    for line in diff.before.lines().filter(|line| lacks(&diff.after, line)) {
        lines.push_str(&format!("  |-{line}\n"));
    }
    for line in diff.after.lines().filter(|line| lacks(&diff.before, line)) {
        lines.push_str(&format!("  |+{line}\n"));
    }
}

/// The files below a folder of a model, with modes and texts.
pub(crate) fn tree(model: &Model, below: &str) -> String {
    let mut text = String::new();
    for (path, content) in model.paths() {
        let metadata = model.metadata(&path).unwrap().unwrap();
        let file = metadata.kind == strata_agent::host::Kind::File;
        if file && path.starts_with(below) {
            let mode = metadata.mode & 0o777;
            text.push_str(&format!("FILE {} {mode:o}\n{content}\n", path.display()));
        }
    }
    text
}
