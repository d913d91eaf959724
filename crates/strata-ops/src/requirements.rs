//! `providers`: which module needs which providers, also of tests, and the state.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use strata_config::{Config, LoadOptions, TestFile, module::Module};
use strata_core::{Diagnostic, Diagnostics, addr, files::Files};

use crate::{
    infrastructure::{Settings, data_folder, places::workspace, stored},
    process::Process,
};

/// A module with the providers it needs and the modules it calls.
#[derive(Clone, Debug)]
pub struct ModuleRequirements {
    /// What calls it, such as `module.web`, `test.tests.main` or `run.setup`; empty for the root module.
    pub name: String,
    /// Full addresses and the versions that will do; empty for any.
    pub providers: BTreeMap<String, String>,
    /// The modules it calls, by name.
    pub children: Vec<ModuleRequirements>,
}

/// What configuration and state need.
#[derive(Clone, Debug)]
pub struct Requirements {
    /// The root module.
    pub root: ModuleRequirements,
    /// The providers that state names, sorted.
    pub state: Vec<String>,
}

impl Requirements {
    /// The full addresses of all providers, each once.
    pub fn sources(&self) -> BTreeSet<String> {
        let mut all: BTreeSet<String> = self.state.iter().cloned().collect();
        let mut open = vec![&self.root];
        while let Some(module) = open.pop() {
            all.extend(module.providers.keys().cloned());
            open.extend(&module.children);
        }
        all
    }
}

/// Reads configuration, tests and state of a folder; `tests` is the folder with tests beside those in this one.
pub fn requirements(
    files: &dyn Files,
    tests: &Path,
    process: &Process,
) -> Result<Requirements, Diagnostics> {
    let mut diags = Diagnostics::new();
    let config = strata_config::load(files, Path::new("."), &mut diags);
    let settings = Settings::of(".".into());
    let tests = of_tests(files, tests, &settings, process, &mut diags);
    if diags.has_errors() {
        return Err(diags);
    }
    let state = stored::read(&settings, process)?;
    let mut used: Vec<_> = state
        .instances()
        .map(|(_, resource, _)| source(&resource.provider))
        .collect();
    used.sort();
    used.dedup();
    let mut root = of_module(&config, &addr::Module::root(), String::new());
    root.children.extend(tests);
    Ok(Requirements { root, state: used })
}

/// What the modules need that runs of tests have in the place of the configuration.
fn of_tests(
    files: &dyn Files,
    tests: &Path,
    settings: &Settings,
    process: &Process,
    diags: &mut Diagnostics,
) -> Vec<ModuleRequirements> {
    let data = data_folder(settings, process);
    let options = LoadOptions {
        inputs: &[],
        workspace: &workspace(settings, process),
        data_directory: Some(&data),
        working_directory: Some(&process.working_directory),
    };
    let found = strata_config::test_files(files, &settings.directory, tests, diags);
    let mut of_file = |file: &TestFile| {
        let runs = file.runs.iter();
        let runs = runs.filter_map(|run| Some((run, run.module.as_ref()?)));
        let children = runs.map(|(run, module)| {
            let path = strata_config::run_path(&file.name, &run.name);
            let module = (path, module);
            let config =
                strata_config::load_run(files, &settings.directory, &options, module, diags);
            of_module(&config, &addr::Module::root(), format!("run.{}", run.name))
        });
        ModuleRequirements {
            children: children.collect(),
            name: strata_config::run_path(&file.name, "").0[..]
                .split_last()
                .map_or_else(String::new, |(_, names)| names.join(".")),
            providers: BTreeMap::new(),
        }
    };
    found.files.iter().map(&mut of_file).collect()
}

/// The address in `provider["…"]`, as state has it.
fn source(provider: &str) -> String {
    let inside = provider.split('"').nth(1);
    inside.unwrap_or(provider).to_owned()
}

fn of_module(config: &Config, path: &addr::Module, name: String) -> ModuleRequirements {
    let Some(module) = config.module(path) else {
        return ModuleRequirements {
            name,
            providers: BTreeMap::new(),
            children: Vec::new(),
        };
    };
    let child =
        |name: &Arc<str>| of_module(config, &path.child(name.clone()), format!("module.{name}"));
    ModuleRequirements {
        name,
        providers: providers(config, path, module),
        children: module.calls.keys().map(child).collect(),
    }
}

fn providers(config: &Config, path: &addr::Module, module: &Module) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for requirement in module.settings.required_providers.values() {
        let versions = requirement.version.as_deref().unwrap_or_default();
        found.insert(requirement.source.to_string(), versions_text(versions));
    }
    let resources = module.resources.keys().map(|key| addr::ConfigResource {
        module: path.clone(),
        mode: key.mode,
        type_name: key.type_name.clone(),
        name: key.name.clone(),
    });
    let used = resources.filter_map(|resource| config.provider_of(&resource));
    for provider in used {
        found.entry(provider.source.to_string()).or_default();
    }
    found
}

/// Writes constraints in Terraform's form: `0.1` as `0.1.0`, the lowest version first.
fn versions_text(constraints: &str) -> String {
    let parts = constraints
        .split(',')
        .filter_map(|part| constraint(part.trim()));
    let mut parts: Vec<_> = parts.collect();
    parts.sort_by(|left, right| {
        left.numbers
            .cmp(&right.numbers)
            .then(left.rank.cmp(&right.rank))
    });
    let mut texts: Vec<_> = parts.into_iter().map(|part| part.text).collect();
    texts.dedup();
    texts.join(", ")
}

struct Constraint {
    numbers: Vec<u64>,
    rank: usize,
    text: String,
}

fn constraint(part: &str) -> Option<Constraint> {
    let at = part.find(|c: char| c.is_ascii_digit())?;
    let (operator, version) = part.split_at(at);
    let (operator, version) = (operator.trim().trim_end_matches('v').trim(), version.trim());
    let (core, rest) = version.split_at(version.find(['-', '+']).unwrap_or(version.len()));
    let mut numbers: Vec<u64> = core
        .split('.')
        .map_while(|number| number.parse().ok())
        .collect();
    let least = if operator == "~>" { 2 } else { 3 };
    numbers.resize(numbers.len().max(least), 0);
    let written: Vec<_> = numbers.iter().map(u64::to_string).collect();
    let operator = if operator == "=" { "" } else { operator };
    let space = if operator.is_empty() { "" } else { " " };
    let text = format!("{operator}{space}{}{rest}", written.join("."));
    let order = [">", ">=", "~>", "", "!=", "<", "<="];
    let rank = order
        .iter()
        .position(|known| *known == operator)
        .unwrap_or(order.len());
    numbers.resize(3, 0);
    Some(Constraint {
        numbers,
        rank,
        text,
    })
}

/// The versions that `.terraform.lock.hcl` settles on, by full address; empty without the file.
pub fn selections(files: &dyn Files) -> Result<BTreeMap<String, String>, Diagnostics> {
    let path = Path::new(".terraform.lock.hcl");
    if files.kind(path).is_none() {
        return Ok(BTreeMap::new());
    }
    let text = files.read_text(path).map_err(|error| {
        Diagnostic::error("lock-file", "The dependency lock file cannot be read")
            .detail(error.to_string())
    })?;
    let source = Arc::new(strata_core::Source::new(".terraform.lock.hcl", text));
    let mut diags = Diagnostics::new();
    let body = strata_hcl::parse(&source, &mut diags);
    let mut found = BTreeMap::new();
    for block in body.blocks_of("provider") {
        let version = block.body.attribute("version");
        let version = version.map(|version| {
            strata_hcl::evaluate(&version.expression, &strata_hcl::EmptyScope, &mut diags)
        });
        let version = version.as_ref().and_then(strata_core::Value::as_str);
        if let (Some(name), Some(version)) = (block.label(0), version) {
            found.insert(name.to_owned(), version.to_owned());
        }
    }
    diags.into_result(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_written_as_terraform_writes_them() {
        let check = |from: &str, to: &str| assert_eq!(versions_text(from), to);
        check("< 2.0, >= 0.1", ">= 0.1.0, < 2.0.0");
        check("~>1, != 1.5, ~> 1.0.0", "~> 1.0, ~> 1.0.0, != 1.5.0");
        check("1.2", "1.2.0");
        check("= 1.2.3-beta1, > 1", "> 1.0.0, 1.2.3-beta1");
        check("", "");
    }

    #[test]
    fn the_lock_file_tells_the_versions() {
        let files = strata_core::files::MemoryFiles::new([(
            ".terraform.lock.hcl",
            "provider \"registry.terraform.io/lxc/incus\" {\n  version = \"1.0.0\"\n  hashes = []\n}\n",
        )]);
        let found = selections(&files).unwrap();
        assert_eq!(found["registry.terraform.io/lxc/incus"], "1.0.0");
    }
}
