//! One root module in memory with its state on disk, planned and applied step by step.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, reason = "in a test a panic is the message")]

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use strata_core::{Action, Diagnostics, Events, files::MemoryFiles, provider::Provider};
use strata_engine::{
    Applied, ApplyOptions, Change, Environment, Plan, PlanMode, PlanOptions, Providers, Stop,
    apply, plan, settle,
};
use strata_state::{Journal, Opened, State, Store};
use tempfile::TempDir;

/// A folder for the state, and the providers at hand.
pub struct World {
    pub folder: TempDir,
    pub providers: Providers,
    pub fold_every: std::time::Duration,
    pub parallelism: usize,
    /// The configuration that was loaded last, and from what.
    loaded: Mutex<Option<(String, Environment)>>,
}

impl World {
    pub fn new(providers: Vec<Arc<dyn Provider>>) -> Self {
        Self {
            folder: folder(),
            providers: Providers::new(providers),
            fold_every: std::time::Duration::from_secs(60),
            parallelism: 10,
            loaded: Mutex::default(),
        }
    }

    pub fn store(&self) -> Store {
        Store::new(self.folder.path().join("terraform.tfstate"))
    }

    pub fn state(&self) -> State {
        self.store().open().unwrap().state
    }

    /// Loads and validates a configuration; mistakes fail the test.
    pub fn environment(&self, text: &str) -> Environment {
        let mut loaded = self.loaded.lock().unwrap();
        if let Some((from, environment)) = &*loaded
            && from == text
        {
            return environment.clone();
        }
        let (environment, diags) = self.try_environment(&files(text));
        assert!(!diags.has_errors(), "{}", lines(&diags));
        *loaded = Some((text.to_owned(), environment.clone()));
        environment
    }

    pub fn try_environment(&self, files: &[(&str, &str)]) -> (Environment, Diagnostics) {
        let files = MemoryFiles::new(files.iter().copied());
        let mut diags = Diagnostics::new();
        let config = Arc::new(strata_config::load(&files, Path::new(""), &mut diags));
        if !diags.has_errors() {
            strata_config::validate(&config, self.providers.schemas(), &mut diags);
        }
        let variables = strata_config::root_variables(&config, &[], &mut diags);
        let environment = Environment {
            config,
            variables,
            given: Default::default(),
            workspace: "default".into(),
            files: Some(Arc::new(files)),
            working_directory: "/work".into(),
            plan_timestamp: Some("2026-01-01T00:00:00Z".into()),
        };
        (environment, diags)
    }

    pub async fn plan_with(&self, text: &str, options: &PlanOptions) -> Result<Plan, Diagnostics> {
        let environment = self.environment(text);
        plan(
            &environment,
            &self.state(),
            &self.providers,
            options,
            &Events::ignored(),
        )
        .await
    }

    pub async fn plan(&self, text: &str) -> Plan {
        self.plan_with(text, &options())
            .await
            .unwrap_or_else(|diags| panic!("{}", lines(&diags)))
    }

    /// Settles, plans, applies and writes the state, as a command would.
    pub async fn apply_with(
        &self,
        text: &str,
        options: &PlanOptions,
    ) -> Result<Applied, Diagnostics> {
        let environment = self.environment(text);
        let opened = self.open(&environment).await?;
        let plan = plan(
            &environment,
            &opened.state,
            &self.providers,
            options,
            &Events::ignored(),
        )
        .await?;
        self.apply_plan(&plan, &opened, &Stop::new()).await
    }

    pub async fn open(&self, environment: &Environment) -> Result<Opened, Diagnostics> {
        let store = self.store();
        let mut opened = store.open().unwrap();
        if opened.has_journal {
            let mut diags = Diagnostics::new();
            let events = Events::ignored();
            settle(
                environment,
                &mut opened.state,
                &opened.in_flight,
                &self.providers,
                &mut diags,
                &events,
            )
            .await?;
            store.write(&mut opened.state, &opened.base).unwrap();
            opened = store.open().unwrap();
        }
        Ok(opened)
    }

    pub async fn apply_plan(
        &self,
        plan: &Plan,
        opened: &Opened,
        stop: &Stop,
    ) -> Result<Applied, Diagnostics> {
        let (mut applied, journal) = self.apply_unfolded(plan, opened, stop).await;
        if !applied.abandoned {
            applied.state = journal.fold(applied.state).unwrap();
        }
        Ok(applied)
    }

    /// Applies, and leaves the journal as it is at the end.
    pub async fn apply_unfolded(
        &self,
        plan: &Plan,
        opened: &Opened,
        stop: &Stop,
    ) -> (Applied, Journal) {
        let mut journal = self.store().journal(&opened.base).unwrap();
        let options = ApplyOptions {
            parallelism: self.parallelism,
            fold_every: self.fold_every,
            provisioners: Arc::new(strata_engine::NoProvisioners),
        };
        let applied = apply(
            plan,
            &self.providers,
            &mut journal,
            &options,
            stop,
            &Events::ignored(),
        )
        .await;
        (applied, journal)
    }

    pub async fn apply(&self, text: &str) -> Applied {
        let applied = self
            .apply_with(text, &options())
            .await
            .unwrap_or_else(|diags| panic!("{}", lines(&diags)));
        assert!(
            !applied.diagnostics.has_errors(),
            "{}",
            lines(&applied.diagnostics)
        );
        applied
    }
}

/// The files of a text: after a line `-- PATH --` another one begins.
fn files(text: &str) -> Vec<(&str, &str)> {
    let mut parts = text.split("-- ");
    let main = parts.next().unwrap_or_default();
    let named = parts.filter_map(|part| part.split_once(" --\n"));
    std::iter::once(("main.tf", main)).chain(named).collect()
}

/// In memory where there is such a place: nothing here tells of disks, and a test syncs thousands of times.
fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

/// What a plain plan is asked.
pub fn options() -> PlanOptions {
    PlanOptions {
        mode: PlanMode::Normal,
        refresh: true,
        targets: Vec::new(),
        exclude: Vec::new(),
        replace: Vec::new(),
        parallelism: 10,
        stop: Stop::new(),
    }
}

/// Runs a test's future.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}

/// Diagnostics as lines.
pub fn lines(diags: &Diagnostics) -> String {
    let line = |diag: &strata_core::Diagnostic| {
        let place = diag
            .labels
            .first()
            .map(|label| format!(" at {}:{}", label.span.file, label.span.start.line));
        let detail = if diag.detail.is_empty() {
            String::new()
        } else {
            format!(": {}", diag.detail)
        };
        format!(
            "{:?} {}{}{detail}\n",
            diag.severity,
            diag.summary,
            place.unwrap_or_default()
        )
    };
    diags.iter().map(line).collect()
}

/// What a plan will change, one line each.
pub fn changes(plan: &Plan) -> String {
    let line = |change: &Change| {
        let deposed = change
            .deposed
            .as_ref()
            .map(|_| " (deposed)")
            .unwrap_or_default();
        let reason = change
            .reason
            .as_ref()
            .map(|reason| format!(" {reason:?}"))
            .unwrap_or_default();
        format!(
            "{} {}{deposed}{reason}\n",
            sign(change.action),
            change.address
        )
    };
    let changing = plan
        .changes
        .iter()
        .filter(|change| change.action != Action::NoOp);
    let drift = plan
        .drift
        .iter()
        .map(|change| format!("drift {}", line(change)));
    drift.chain(changing.map(line)).collect()
}

fn sign(action: Action) -> &'static str {
    match action {
        Action::NoOp => " ",
        Action::Create => "+",
        Action::Read => "<=",
        Action::Update => "~",
        Action::DeleteThenCreate => "-/+",
        Action::CreateThenDelete => "+/-",
        Action::Delete => "-",
        Action::Forget => ".",
        Action::Open | Action::Renew | Action::Close => "?",
    }
}

/// What a state holds, one line for each object.
pub fn objects(state: &State) -> String {
    let mut text = String::new();
    for (address, _, instance) in state.instances() {
        for object in instance.deposed.values() {
            text.push_str(&format!("{address} (deposed) {}\n", object.attributes));
        }
        if let Some(object) = &instance.current {
            let tainted = if object.tainted { " tainted" } else { "" };
            text.push_str(&format!("{address}{tainted} {}\n", object.attributes));
        }
    }
    text
}

/// What the platform calls the objects of a state, in order.
pub fn ids(state: &State) -> Vec<String> {
    let instances = state.instances();
    let objects = instances.flat_map(|(_, _, instance)| {
        let all = instance.current.iter().chain(instance.deposed.values());
        all.map(|object| object.attributes.clone())
            .collect::<Vec<_>>()
    });
    let mut ids: Vec<String> = objects
        .map(|attributes| {
            let json: serde_json::Value = serde_json::from_str(&attributes).unwrap();
            json["id"].as_str().unwrap().to_owned()
        })
        .collect();
    ids.sort();
    ids
}
