//! One root module in memory, with a folder for its state and files, and a clock to turn.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use serde_json::Value as Json;
use strata_builtin::{Clock, Settings, Templates};
use strata_core::{
    Action, Diagnostics, Events, Text, Value,
    files::MemoryFiles,
    provider::{FindRequest, Found, Provider},
};
use strata_engine::{
    ApplyOptions, Environment, Plan, PlanMode, PlanOptions, Providers, Stop, apply, plan,
};
use strata_state::Store;
use tempfile::TempDir;

/// When the world begins: 2026-01-31T00:00:00Z.
const BEGIN: i64 = 1_769_817_600;

pub(crate) struct World {
    folder: TempDir,
    providers: Providers,
    settings: Settings,
    clock: Arc<AtomicI64>,
    runtime: tokio::runtime::Runtime,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(true)
    }

    /// One whose machines are models.
    pub(crate) fn of_models() -> Self {
        Self::with(false)
    }

    fn with(waits: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(AtomicI64::new(BEGIN));
        let told = clock.clone();
        let settings = Settings {
            working_directory: folder.path().to_owned(),
            clock: Clock::by(move || {
                jiff::Timestamp::from_second(told.load(Ordering::Relaxed)).unwrap()
            }),
            templates: Templates::by(|template, variables| match template {
                "" => Err("nothing in it".to_owned()),
                _ => Ok(format!("{template} {variables:?}")),
            }),
            waits,
        };
        Self {
            providers: Providers::new(strata_builtin::providers(&settings)),
            folder,
            settings,
            clock,
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap(),
        }
    }

    /// Turns the clock.
    pub(crate) fn wait_hours(&self, hours: i64) {
        self.clock.fetch_add(hours * 3600, Ordering::Relaxed);
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn environment(&self, text: &str) -> Result<Environment, Diagnostics> {
        let files = MemoryFiles::new([("main.tf", text)]);
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
            working_directory: self.folder.path().to_owned(),
            plan_timestamp: Some("2026-01-01T00:00:00Z".into()),
        };
        diags.into_result(environment)
    }

    fn store(&self) -> Store {
        Store::new(self.path("terraform.tfstate"))
    }

    fn try_plan(&self, text: &str) -> Result<Plan, Diagnostics> {
        let environment = self.environment(text)?;
        let options = PlanOptions {
            mode: PlanMode::Normal,
            refresh: true,
            targets: Vec::new(),
            exclude: Vec::new(),
            replace: Vec::new(),
            parallelism: 10,
            stop: strata_engine::Stop::new(),
        };
        let state = self.store().open().unwrap().state;
        let events = Events::ignored();
        let plan = plan(&environment, &state, &self.providers, &options, &events);
        self.runtime.block_on(plan)
    }

    fn try_apply(&self, text: &str) -> Result<(), Diagnostics> {
        let plan = self.try_plan(text)?;
        let opened = self.store().open().unwrap();
        let mut journal = self.store().journal(&opened.base).unwrap();
        let options = ApplyOptions {
            parallelism: 10,
            fold_every: std::time::Duration::MAX,
            provisioners: Arc::new(strata_engine::NoProvisioners),
        };
        let (stop, events) = (Stop::new(), Events::ignored());
        let work = apply(
            &plan,
            &self.providers,
            &mut journal,
            &options,
            &stop,
            &events,
        );
        let applied = self.runtime.block_on(work);
        journal.fold(applied.state).unwrap();
        applied.diagnostics.into_result(())
    }

    /// What a plan would do, one word and address a line; nothing if nothing changes.
    pub(crate) fn plan(&self, text: &str) -> String {
        let plan = self
            .try_plan(text)
            .unwrap_or_else(|diags| panic!("{}", lines(&diags)));
        let line = |change: &strata_engine::Change| {
            let word = match change.action {
                Action::NoOp | Action::Open | Action::Renew | Action::Close => return None,
                Action::Create => "create",
                Action::Read => "read",
                Action::Update => "update",
                Action::DeleteThenCreate | Action::CreateThenDelete => "replace",
                Action::Delete => "delete",
                Action::Forget => "forget",
            };
            let because: Vec<String> = change
                .requires_replace
                .iter()
                .map(ToString::to_string)
                .collect();
            Some(
                format!("{word} {} {}", change.address, because.join(","))
                    .trim()
                    .to_owned(),
            )
        };
        plan.changes
            .iter()
            .filter_map(line)
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// Applies, and sees that nothing is left to do.
    pub(crate) fn apply(&self, text: &str) {
        self.try_apply(text)
            .unwrap_or_else(|diags| panic!("{}", lines(&diags)));
        assert_eq!(self.plan(text), "", "the second plan is not empty");
    }

    /// What is said of a configuration that is wrong, or cannot be made.
    pub(crate) fn refused(&self, text: &str) -> String {
        match self.try_apply(text) {
            Ok(()) => panic!("it was accepted"),
            Err(diags) => lines(&diags),
        }
    }

    /// The value of an output in state.
    pub(crate) fn output(&self, name: &str) -> Value {
        let state = self.store().open().unwrap().state;
        state.outputs[name].value.clone()
    }

    /// The attributes of an object in state.
    pub(crate) fn object(&self, address: &str) -> Json {
        let state = self.store().open().unwrap().state;
        let found = state
            .instances()
            .find(|(found, _, _)| found.to_string() == address);
        let (_, _, instance) = found.unwrap_or_else(|| panic!("there is no `{address}`"));
        serde_json::from_str(&instance.current.as_ref().unwrap().attributes).unwrap()
    }

    /// One text of an object.
    pub(crate) fn text(&self, address: &str, attribute: &str) -> String {
        let value = self.object(address)[attribute].clone();
        value
            .as_str()
            .unwrap_or_else(|| panic!("`{attribute}` is {value}"))
            .to_owned()
    }

    /// Changes the state's text, as another program would have written it.
    pub(crate) fn rewrite_state(&self, change: impl Fn(&mut Json)) {
        let path = self.path("terraform.tfstate");
        let mut state = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        change(&mut state);
        std::fs::write(path, state.to_string()).unwrap();
    }

    /// What is found after a crash of an object of these attributes, the rest of them left open.
    pub(crate) fn find(&self, type_name: &str, attributes: &[(&str, &str)]) -> Found {
        let provider = self.provider(type_name);
        let block = &provider.schema().resources[type_name].block;
        let mut entries = block.empty_value().as_entries().unwrap().clone();
        for (name, value) in entries.iter_mut() {
            if block.attributes[&**name].presence.is_computed() {
                *value = Value::unknown(value.ty());
            }
        }
        let given = attributes
            .iter()
            .map(|(name, text)| (Text::from(*name), Value::from(*text)));
        entries.extend(given);
        let configured = provider.configure(Value::object::<&str>([])).unwrap();
        let request = FindRequest {
            type_name: type_name.into(),
            planned: Value::object(entries),
            marker: "marker".to_owned(),
        };
        self.runtime.block_on(configured.find(request)).unwrap()
    }

    fn provider(&self, type_name: &str) -> Arc<dyn Provider> {
        let mut providers = strata_builtin::providers(&self.settings).into_iter();
        let has =
            |provider: &Arc<dyn Provider>| provider.schema().resources.contains_key(type_name);
        providers.find(has).unwrap()
    }

    /// What an import makes of an id; what is wrong with it else.
    pub(crate) fn import(&self, type_name: &str, id: &str) -> Result<Value, String> {
        let provider = self.provider(type_name);
        let configured = provider.configure(Value::object::<&str>([])).unwrap();
        let imported = self
            .runtime
            .block_on(configured.import(type_name.into(), id.to_owned()));
        imported
            .map(|object| object.value)
            .map_err(|diags| lines(&diags))
    }
}

fn lines(diags: &Diagnostics) -> String {
    let line = |diag: &strata_core::Diagnostic| format!("{}: {}\n", diag.summary, diag.detail);
    diags.iter().map(line).collect()
}
