//! Every argument that the documentation of ansible-core 2.19 names for a module of `ansible.builtin` is taken, under
//! each of its names, or refused by its name.
//!
//! `documented.json` holds names alone, as `ansible-doc -j` lists them. What this machine and not the host does stands in
//! [`ELSEWHERE`], and arguments that never come to the host in [`NOT_SENT`].

#![expect(clippy::unwrap_used, reason = "a test that cannot go on shall fail")]

use std::collections::{BTreeMap, BTreeSet};

use strata_agent::arguments::Field;
use strata_agent::modules;

/// Words of the language, or arguments that this machine takes, `module argument`.
const NOT_SENT: &[&str] = &[
    "assemble decrypt",
    "assemble remote_src",
    "command free_form",
    "gather_facts parallel",
    "raw free_form",
    "shell free_form",
];

/// Done by this machine, or part of the language of playbooks.
const ELSEWHERE: &[&str] = &[
    "add_host",
    "assert",
    "async_status",
    "debug",
    "fail",
    "fetch",
    "group_by",
    "import_playbook",
    "import_role",
    "import_tasks",
    "include_role",
    "include_tasks",
    "include_vars",
    "meta",
    "pause",
    "reboot",
    "script",
    "set_fact",
    "set_stats",
    "template",
    "validate_argument_spec",
    "wait_for_connection",
];

/// What every module that makes files takes beside its own arguments.
const OF_FILES: &[&str] = &[
    "mode",
    "owner",
    "group",
    "seuser",
    "serole",
    "setype",
    "selevel",
    "attributes",
    "attr",
    "unsafe_writes",
];

type Documented = BTreeMap<String, BTreeMap<String, Vec<String>>>;

fn documented() -> Documented {
    serde_json::from_str(include_str!("documented.json")).unwrap()
}

/// The names of arguments that a module takes, and of those that it refuses.
fn known(module: &str) -> Option<(BTreeSet<&'static str>, BTreeSet<&'static str>)> {
    let spec = modules::spec(module)?;
    let names = |field: &'static Field| {
        let aliases = field.aliases.iter().copied();
        std::iter::once(field.name).chain(aliases)
    };
    let fields = || spec.fields.iter().chain(spec.shared).chain(spec.more);
    let (refused, taken): (Vec<_>, Vec<_>) = fields().partition(|field| field.unsupported);
    let mut taken: BTreeSet<&str> = taken.into_iter().flat_map(names).collect();
    let refused: BTreeSet<&str> = refused.into_iter().flat_map(names).collect();
    if spec.file_attributes {
        taken.extend(OF_FILES);
    }
    Some((taken, refused))
}

#[test]
fn every_module_of_ansible_builtin_is_known() {
    let all = documented();
    let missing = all
        .keys()
        .filter(|module| modules::spec(module).is_none() && !ELSEWHERE.contains(&module.as_str()));
    assert_eq!(missing.collect::<Vec<_>>(), Vec::<&String>::new());
}

#[test]
fn every_documented_argument_is_taken_or_refused_by_name() {
    let mut unknown = Vec::new();
    for (module, arguments) in documented() {
        let Some((taken, refused)) = known(&module) else {
            continue;
        };
        for (argument, aliases) in &arguments {
            for name in std::iter::once(argument).chain(aliases) {
                if !refused.contains(name.as_str()) && !taken.contains(name.as_str()) {
                    unknown.push(format!("{module} {name}"));
                }
            }
        }
    }
    assert_eq!(unknown, NOT_SENT);
}

#[test]
fn package_takes_what_apt_takes() {
    let (apt, _) = known("apt").unwrap();
    let (package, _) = known("package").unwrap();
    let missing: Vec<_> = apt.difference(&package).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
