//! `vars_files` of a play, for one host: their names may be made of its variables, and of its facts.
//!
//! They are read when a batch begins. Where a name needs what is not known by then, as in
//! `{{ ansible_facts.os_family }}.yml`, that file is read once the host's facts are there; without facts it is left
//! out with a warning, as in ansible-core 2.19. That goes on without a word where no file of an entry is there; here
//! that is a warning, too. A file that cannot be read is a mistake.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::Value as Json;
use strata_core::{Diagnostic, Diagnostics, Events, files::Files};
use strata_jinja::{Templar, TemplateError, TemplateErrorKind};
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

/// What is known of a host's facts when its files are looked for.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Facts {
    /// They may follow, and the files are then looked for again.
    Follow,
    /// The play begins without any.
    None,
    /// They are there: a name that cannot be made now is a mistake.
    There,
}

/// Reads the files for one host. What is left out is told as warnings.
pub(crate) fn read(
    templates: impl Fn(Arc<Watch>) -> Templates,
    scope: &Arc<PlayScope>,
    host: &str,
    facts: Facts,
    diags: &mut Diagnostics,
) -> Vec<Arc<JsonMap>> {
    let play = &scope.play;
    let files = scope.options.files.as_ref();
    let mut read: Vec<Arc<JsonMap>> = Vec::new();
    for entry in &play.vars_files {
        let watch = Watch::new(None);
        let mut variables = scope.of(host, &watch);
        variables.vars_files.clone_from(&read);
        // What tasks said comes after these files, and so has no say in their names.
        variables.set_facts = Arc::default();
        variables.include_vars = Arc::default();
        let templar = templates(watch).templar(&variables);
        let found = match first_found(&templar, files, &play.folder, &entry.value) {
            Ok(Ok(path)) => path,
            Ok(Err(names)) => {
                diags.push(missing(&names, &play.folder, entry));
                continue;
            }
            Err(error) if error.kind == TemplateErrorKind::Undefined && facts != Facts::There => {
                if facts == Facts::None {
                    diags.push(undefined(&error.to_string(), entry));
                }
                continue;
            }
            Err(error) => {
                diags.push(unusable("vars_files", &error.to_string(), entry));
                continue;
            }
        };
        if let Some(map) = load::vars_file(files, &found, diags) {
            read.push(Arc::new(map));
        }
    }
    read
}

/// The first of the files of an entry that is there, or the names of all. Behind it none is rendered.
fn first_found(
    templar: &Templar,
    files: &dyn Files,
    folder: &Path,
    entry: &Json,
) -> Result<Result<PathBuf, Vec<String>>, TemplateError> {
    let alternatives = match entry {
        Json::Array(alternatives) => alternatives.as_slice(),
        one => std::slice::from_ref(one),
    };
    let mut names = Vec::new();
    for alternative in alternatives {
        let rendered = match templar.render(alternative)? {
            Json::Array(several) => several.iter().map(text).collect(),
            one => vec![text(&one)],
        };
        for name in rendered {
            if let Some(path) = first_place(files, folder, &name) {
                return Ok(Ok(path));
            }
            names.push(name);
        }
    }
    Ok(Err(names))
}

fn undefined(reason: &str, entry: &Spanned<Json>) -> Diagnostic {
    let summary = "skipping vars_files item due to an undefined variable";
    Diagnostic::warning("undefined-vars-file", summary)
        .detail(reason)
        .at(entry.span.clone())
}

fn missing(names: &[String], folder: &Path, entry: &Spanned<Json>) -> Diagnostic {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    let places = names.iter().flat_map(|name| places(folder, name));
    let mut places: Vec<String> = places
        .map(|place| format!("`{}`", place.display()))
        .collect();
    places.dedup();
    Diagnostic::warning(
        "missing-vars-file",
        format!(
            "the variables file {} was not found, and is left out",
            quoted.join(" or ")
        ),
    )
    .detail(format!("It was looked for as {}.", places.join(", ")))
    .at(entry.span.clone())
}

/// Tells of what is left out, of each once in a run, as every host and batch looks for the same files. Gives the
/// mistakes, each once, too.
pub(crate) fn tell(
    diags: Diagnostics,
    told: &mut BTreeSet<String>,
    events: &Events,
) -> Diagnostics {
    let mut errors = Diagnostics::new();
    for diagnostic in diags {
        if diagnostic.is_error() {
            if errors.iter().all(|known| *known != diagnostic) {
                errors.push(diagnostic);
            }
        } else if told.insert(format!("{:?} {}", diagnostic.labels, diagnostic.summary)) {
            events.diagnostic(diagnostic);
        }
    }
    errors
}

fn places(folder: &Path, name: &str) -> [PathBuf; 2] {
    [folder.join("vars").join(name), folder.join(name)]
}

fn first_place(files: &dyn Files, folder: &Path, name: &str) -> Option<PathBuf> {
    let mut places = places(folder, name).into_iter();
    places.find(|path| files.kind(path).is_some())
}
