//! The draft: one environment after the other, the stages of each in the order in which they run.

use std::{collections::BTreeSet, fmt::Write, sync::Arc};

use strata_core::Source;

use super::{
    Draft, Found,
    environments::{stage_name, stem},
    names::{MAIN, free_name, last_of, playbook_name, telling, top},
    playbooks::Entry,
    terraform::RootModule,
    walk::split,
};

/// Words for taking away or stopping.
const UNDOING: [&str; 17] = [
    "clean",
    "cleanup",
    "decommission",
    "delete",
    "destroy",
    "poweroff",
    "purge",
    "reboot",
    "remove",
    "reset",
    "restart",
    "rollback",
    "shutdown",
    "stop",
    "teardown",
    "uninstall",
    "wipe",
];

pub(super) fn write(found: &Found, name: &str) -> Draft {
    let mut draft = Draft {
        text: String::new(),
        placed: Vec::new(),
        unplaced: found.glue.clone(),
    };
    draft.text.push_str("# A first project file, written by `strata init --from`. Look it through, then try `strata plan ENV`.\n\n");
    project(found, name, &mut draft);
    let playbooks = chosen(found, &mut draft);
    for environment in environments(found) {
        write_environment(found, &playbooks, &environment, &mut draft);
    }
    unused_names(found, &mut draft);
    draft.text = formatted(draft.text);
    draft
}

/// Names of the environment file that no variable of a root module has.
fn unused_names(found: &Found, draft: &mut Draft) {
    let Some(file) = &found.env_file else { return };
    for name in &file.names {
        // Those of Terraform and Ansible count wherever they are set.
        let own = ["TF_", "ANSIBLE_"];
        let is_their_own = own.iter().any(|prefix| name.starts_with(prefix));
        let used = format!("env.{name}\n");
        if !is_their_own && !draft.text.contains(&used) {
            let why = format!("no variable is called so; write `env.{name}` where it belongs");
            draft.unplaced.push((format!(".env: {name}"), why));
        }
    }
}

/// The text as `strata fmt` writes it.
fn formatted(text: String) -> String {
    let text = text.replace("\n\n}", "\n}").replace("{\n}", "{}");
    let source = Arc::new(Source::new("strata.hcl", text));
    strata_hcl::format(&source).unwrap_or_else(|_| source.text.to_string())
}

fn project(found: &Found, name: &str, draft: &mut Draft) {
    let text = &mut draft.text;
    line(
        text,
        0,
        &format!("project {} {{", quoted(&stage_name(name))),
    );
    if let Some(file) = &found.env_file {
        line(text, 1, "env_file = [\".env\"]");
        if !file.exists {
            line(text, 1, "# Copy `.env.example` to `.env` and fill it in.");
        }
    }
    line(text, 0, "}");
}

/// The environments that paths name; `local` if none does.
fn environments(found: &Found) -> Vec<String> {
    let modules = found
        .modules
        .iter()
        .filter_map(|module| module.environment.clone());
    let files = found
        .modules
        .iter()
        .flat_map(|module| &module.variable_files);
    let files = files.filter_map(|(environment, _)| environment.clone());
    let playbooks = found
        .playbooks
        .iter()
        .filter_map(|playbook| playbook.environment.clone());
    let inventories = found
        .inventories
        .iter()
        .filter_map(|source| source.environment.clone());
    let names: BTreeSet<String> = modules
        .chain(files)
        .chain(playbooks)
        .chain(inventories)
        .collect();
    if names.is_empty() {
        return vec!["local".to_owned()];
    }
    names.into_iter().collect()
}

/// The playbooks that become stages: of each folder the main one, or all if none is, there or beside `playbooks`.
fn chosen<'a>(found: &'a Found, draft: &mut Draft) -> Vec<&'a Entry> {
    let is_main = |entry: &&Entry| MAIN.contains(&stem(split(&entry.path).1));
    let mut chosen = Vec::new();
    for entry in &found.playbooks {
        let folder = split(&entry.path).0;
        let main_of = |folder: &str| {
            let mut inside = found.playbooks.iter().filter(is_main);
            inside.find(|other| split(&other.path).0 == folder)
        };
        let main = main_of(folder).or_else(|| main_of(above_playbooks(folder)?));
        match main.map(|main| &main.path) {
            Some(main) if *main != entry.path => {
                let how = if split(main).0 == folder {
                    "beside"
                } else {
                    "no part of"
                };
                let why =
                    format!("is {how} `{main}`; run it with `strata playbook`, or give it a stage");
                draft.unplaced.push((entry.path.clone(), why));
            }
            None if undoes(&entry.path) => {
                let why = "undoes or interrupts something, by its name; run it with `strata playbook` when that is wanted";
                draft.unplaced.push((entry.path.clone(), why.to_owned()));
            }
            _ => chosen.push(entry),
        }
    }
    chosen
}

/// The folder that has the folder `playbooks` on the way to this one.
fn above_playbooks(folder: &str) -> Option<&str> {
    let mut folders = std::iter::successors(Some(folder), |folder| match split(folder) {
        ("", _) => None,
        (above, _) => Some(above),
    });
    let found = folders.find(|folder| split(folder).1 == "playbooks");
    found.map(|folder| split(folder).0)
}

/// True for a playbook that no `up` should run: its name begins or ends with a word for taking away or stopping.
fn undoes(path: &str) -> bool {
    let name = stem(split(path).1).to_lowercase();
    let words: Vec<&str> = name.split(['-', '_', '.', ' ']).collect();
    let is_undoing = |word: Option<&&str>| word.is_some_and(|word| UNDOING.contains(word));
    is_undoing(words.first()) || is_undoing(words.last())
}

fn write_environment(found: &Found, playbooks: &[&Entry], environment: &str, draft: &mut Draft) {
    let is_here =
        |other: &Option<String>| other.as_deref().is_none_or(|other| other == environment);
    draft.text.push('\n');
    line(
        &mut draft.text,
        0,
        &format!("environment {} {{", quoted(environment)),
    );
    draft.placed.push(format!("environment {environment}"));
    let playbooks: Vec<&Entry> = playbooks
        .iter()
        .copied()
        .filter(|playbook| is_here(&playbook.environment))
        .collect();
    let (first, then): (Vec<&Entry>, Vec<&Entry>) = playbooks
        .into_iter()
        .partition(|playbook| is_for_hypervisors(playbook));
    let mut playbook_names = BTreeSet::new();
    let mut stages: Vec<String> = Vec::new();
    for playbook in first {
        let name = free_name(playbook_name(playbook, environment), &mut playbook_names);
        configure(found, playbook, &name, environment, &[], draft);
        stages.push(format!("configure.{name}"));
    }
    let hypervisors = stages.clone();
    let mut names = BTreeSet::new();
    let modules: Vec<&RootModule> = found
        .modules
        .iter()
        .filter(|module| is_here(&module.environment))
        .collect();
    let usual: Vec<&str> = modules
        .iter()
        .map(|module| last_of(&module.directory, environment))
        .collect();
    let mut applied: Vec<(&str, String)> = Vec::new();
    for module in &modules {
        let name = telling(&module.directory, environment, &usual);
        let name = free_name(name, &mut names);
        let numbered = stages.last().filter(|_| is_numbered(module));
        let before: Vec<&String> = match numbered {
            Some(last) => vec![last],
            None => hypervisors.iter().collect(),
        };
        provision(found, module, &name, environment, &before, draft);
        stages.push(format!("provision.{name}"));
        applied.push((top(&module.directory), format!("provision.{name}")));
    }
    let usual: Vec<&str> = then
        .iter()
        .map(|playbook| playbook_name(playbook, environment))
        .collect();
    for (playbook, name) in then.iter().zip(&usual) {
        let name = match usual.iter().filter(|other| *other == name).count() {
            1 => name,
            _ => telling(split(&playbook.path).0, environment, &usual),
        };
        let name = free_name(name, &mut playbook_names);
        let before = before_playbook(&playbook.path, &applied, &hypervisors, &stages);
        configure(found, playbook, &name, environment, &before, draft);
    }
    line(&mut draft.text, 0, "}");
}

/// The stages before a playbook: all, or where each folder of the repository is a part with root modules of its
/// own, those of its part.
fn before_playbook(
    path: &str,
    applied: &[(&str, String)],
    hypervisors: &[String],
    stages: &[String],
) -> Vec<String> {
    let parts: BTreeSet<&str> = applied.iter().map(|(part, _)| *part).collect();
    let own = applied.iter().filter(|(part, _)| *part == top(path));
    let own: Vec<&String> = own.map(|(_, stage)| stage).collect();
    match parts.len() > 1 && !own.is_empty() {
        true => hypervisors.iter().chain(own).cloned().collect(),
        false => stages.to_vec(),
    }
}

fn provision(
    found: &Found,
    module: &RootModule,
    name: &str,
    environment: &str,
    before: &[&String],
    draft: &mut Draft,
) {
    let text = &mut draft.text;
    line(text, 1, &format!("provision {} {{", quoted(name)));
    let directory = if module.directory.is_empty() {
        "."
    } else {
        &module.directory
    };
    line(text, 2, &format!("directory = {}", quoted(directory)));
    let own = |(of, _): &&(Option<String>, String)| of.as_deref() == Some(environment);
    let files: Vec<String> = module
        .variable_files
        .iter()
        .filter(own)
        .map(|(_, file)| quoted(file))
        .collect();
    if !files.is_empty() {
        line(text, 2, &format!("variable_files = [{}]", files.join(", ")));
    }
    if !before.is_empty() {
        let before: Vec<&str> = before.iter().map(|stage| stage.as_str()).collect();
        line(text, 2, &format!("after = [{}]", before.join(", ")));
    }
    if let Some(example) = &module.example {
        let copy = format!("# Copy `{example}` to `terraform.tfvars` beside it and fill it in.");
        line(text, 2, &copy);
    }
    if !module.required.is_empty() {
        variables(found, module, text);
    }
    line(text, 1, "}");
    draft.text.push('\n');
    draft
        .placed
        .push(format!("  provision {name}: {directory}"));
}

/// True for folders that begin with a number: they are meant to be run one after the other.
fn is_numbered(module: &RootModule) -> bool {
    let name = split(&module.directory).1;
    name.starts_with(|c: char| c.is_ascii_digit())
}

/// True for a playbook that configures what machines are made on: it comes first.
fn is_for_hypervisors(playbook: &Entry) -> bool {
    let words = ["hypervisor", "incus", "proxmox", "pve"];
    let mut hosts = playbook.hosts.iter();
    hosts.any(|host| host.split(['_', '-']).any(|part| words.contains(&part)))
}

/// Values for variables without a default: from the environment file, or left to the reader.
fn variables(found: &Found, module: &RootModule, text: &mut String) {
    let env = found
        .env_file
        .as_ref()
        .map(|file| file.names.as_slice())
        .unwrap_or_default();
    let (mut known, mut open) = (Vec::new(), Vec::new());
    for (name, kind) in &module.required {
        let same = |other: &&String| other.eq_ignore_ascii_case(name);
        let given = env.iter().any(|other| *other == format!("TF_VAR_{name}"));
        match env.iter().find(same) {
            _ if given => {}
            Some(found) => known.push(format!("{name} = env.{found}")),
            None => {
                let kind = kind.as_deref().unwrap_or("any");
                open.push(format!("# {name} = …  # {kind}, needs a value"));
            }
        }
    }
    if known.is_empty() && open.is_empty() {
        return;
    }
    line(text, 2, "variables = {");
    known
        .iter()
        .chain(&open)
        .for_each(|entry| line(text, 3, entry));
    line(text, 2, "}");
}

fn configure(
    found: &Found,
    playbook: &Entry,
    name: &str,
    environment: &str,
    stages: &[String],
    draft: &mut Draft,
) {
    let text = &mut draft.text;
    line(text, 1, &format!("configure {} {{", quoted(name)));
    line(text, 2, &format!("playbook = {}", quoted(&playbook.path)));
    if let Some(settings) = &playbook.ansible_config {
        line(text, 2, &format!("ansible_config = {}", quoted(settings)));
    }
    let sources = found.inventories.iter();
    let inventories: Vec<String> = sources
        .filter(|source| is_of(source.environment.as_deref(), environment))
        .filter(|source| source.may_have(&playbook.hosts))
        .map(|source| quoted(&source.path))
        .collect();
    let inventories = match inventories.is_empty() && !is_only_here(playbook) {
        true => written_inventories(found, environment),
        false => inventories,
    };
    if !inventories.is_empty() {
        line(
            text,
            2,
            &format!("inventory = [{}]", inventories.join(", ")),
        );
    } else if !has_instances(found, playbook) && !is_only_here(playbook) {
        for hint in hints_of_hosts(found, playbook, environment, stages) {
            line(text, 2, &hint);
        }
    }
    if !stages.is_empty() {
        line(text, 2, &format!("after = [{}]", stages.join(", ")));
    }
    line(text, 1, "}");
    draft.text.push('\n');
    draft
        .placed
        .push(format!("  configure {name}: {}", playbook.path));
}

/// True if what was found belongs to this environment, or to all.
fn is_of(found: Option<&str>, environment: &str) -> bool {
    found.is_none_or(|of| of == environment)
}

/// Names of this machine, which needs no inventory.
const HERE: [&str; 2] = ["localhost", "127.0.0.1"];

/// True for a playbook of this machine alone.
fn is_only_here(playbook: &Entry) -> bool {
    let mut hosts = playbook.hosts.iter();
    !playbook.hosts.is_empty() && hosts.all(|host| HERE.contains(&host.as_str()))
}

/// The inventories that root modules of the environment write.
fn written_inventories(found: &Found, environment: &str) -> Vec<String> {
    let modules = found.modules.iter();
    let modules = modules.filter(|module| is_of(module.environment.as_deref(), environment));
    let names: BTreeSet<&String> = modules.flat_map(|module| &module.inventories).collect();
    names.into_iter().map(|name| quoted(name)).collect()
}

/// Comments that say how the stage could come to its hosts, where nothing names them.
fn hints_of_hosts(
    found: &Found,
    playbook: &Entry,
    environment: &str,
    stages: &[String],
) -> Vec<String> {
    let plain = |name: &&str| {
        name.chars()
            .all(|c| c.is_alphanumeric() || "_-.".contains(c))
    };
    let groups = playbook.hosts.iter().map(String::as_str);
    let groups: Vec<&str> = groups
        .filter(|name| !name.is_empty() && plain(name) && !HERE.contains(name))
        .collect();
    let group = groups
        .iter()
        .find(|name| **name != "all")
        .unwrap_or(&"GROUP");
    let modules = found.modules.iter();
    let modules = modules.filter(|module| is_of(module.environment.as_deref(), environment));
    let outputs = modules.flat_map(|module| &module.outputs);
    let outputs: Vec<&str> = outputs.map(String::as_str).collect();
    let stage = stages.last().map_or("provision.STAGE", String::as_str);
    const HOSTS: [&str; 8] = [
        "addr", "host", "instance", "ip", "machine", "node", "server", "vm",
    ];
    let is_of_hosts = |output: &&&str| {
        let mut words = output.split(['_', '-']);
        words.any(|word| HOSTS.iter().any(|known| word.starts_with(known)))
    };
    let output = outputs.iter().find(is_of_hosts).unwrap_or(&"OUTPUT");
    let wanted = match groups.is_empty() {
        true => "# The plays name their hosts by templates.".to_owned(),
        false => format!("# The plays want: {}.", groups.join(", ")),
    };
    let mut hints = vec![
        format!("{wanted} Name their hosts, or let outputs `GROUP_instances` do it."),
        format!("# hosts = {{ {group} = {stage}.{output} }}"),
    ];
    if outputs.len() > 1 {
        hints.push(format!("# The outputs are: {}.", outputs.join(", ")));
    }
    hints
}

/// True if an output names the hosts of a group that the playbook wants.
fn has_instances(found: &Found, playbook: &Entry) -> bool {
    let outputs = found.modules.iter().flat_map(|module| &module.outputs);
    let mut groups = outputs.filter_map(|output| output.strip_suffix("_instances"));
    groups.any(|group| playbook.hosts.contains(group))
}

fn quoted(text: &str) -> String {
    let escaped = text
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace("${", "$${")
        .replace("%{", "%%{");
    format!("\"{escaped}\"")
}

fn line(text: &mut String, indent: usize, content: &str) {
    let indent = "  ".repeat(indent);
    writeln!(text, "{indent}{content}").expect("a String takes all that is written");
}
