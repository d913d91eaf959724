//! `vars_files` of a play, for one host: their names may be made of its variables, and of its facts.
//!
//! They are read when a batch begins. Where a name needs what is not known by then, as in
//! `{{ ansible_facts.os_family }}.yml`, that file is read once the host's facts are there; without facts it is left
//! out, as in Ansible.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::Value as Json;
use strata_core::{Diagnostic, Diagnostics, files::Files};
use strata_jinja::TemplateErrorKind;
use strata_playbook::{
    load,
    play::{Play, Spanned},
};

use crate::{
    JsonMap,
    magic::PlayScope,
    outcome::text,
    run::unusable,
    scope::{Templates, Watch},
};

/// Whether the facts of a host could make a difference to which files are read.
pub(crate) fn depend_on_facts(play: &Play) -> bool {
    let is_template = |entry: &Spanned<Json>| entry.value.to_string().contains("{{");
    play.vars_files.iter().any(is_template)
}

/// Reads the files for one host; `has_facts` says whether a name that cannot be made is a mistake.
pub(crate) fn read(
    templates: impl Fn(Arc<Watch>) -> Templates,
    scope: &Arc<PlayScope>,
    host: &str,
    has_facts: bool,
    diags: &mut Diagnostics,
) -> Vec<Arc<JsonMap>> {
    let play = &scope.play;
    let files = scope.options.files.as_ref();
    let mut read: Vec<Arc<JsonMap>> = Vec::new();
    for entry in &play.vars_files {
        let watch = Watch::new(None);
        let mut variables = scope.of(host, &watch);
        variables.vars_files.clone_from(&read);
        let templar = templates(watch).templar(&variables);
        let names = match templar.render(&entry.value) {
            Ok(Json::Array(names)) => names.iter().map(text).collect(),
            Ok(name) => vec![text(&name)],
            Err(error) if error.kind == TemplateErrorKind::Undefined && !has_facts => continue,
            Err(error) => {
                diags.push(unusable("vars_files", &error.to_string(), entry));
                continue;
            }
        };
        let mut places = names.iter();
        let Some(path) = places.find_map(|name| first_place(files, &play.folder, name)) else {
            diags.push(missing(&names, entry));
            continue;
        };
        if let Some(map) = load::vars_file(files, &path, diags) {
            read.push(Arc::new(map));
        }
    }
    read
}

fn missing(names: &[String], entry: &Spanned<Json>) -> Diagnostic {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    Diagnostic::error(
        "missing-vars-file",
        format!("the variables file {} was not found", names.join(" or ")),
    )
    .at(entry.span.clone())
    .hint("Files are looked for in the playbook's folder, first below `vars`.")
}

fn first_place(files: &dyn Files, folder: &Path, name: &str) -> Option<PathBuf> {
    let places = [folder.join("vars").join(name), folder.join(name)];
    places.into_iter().find(|path| files.kind(path).is_some())
}
