//! `include_vars`: gives the host the variables of a file, or of all files of a folder.

use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};
use strata_core::{
    Diagnostics,
    files::{EntryKind, Files},
};
use strata_playbook::load;

use super::find_file;
use crate::{
    JsonMap,
    hosts::FactLevel,
    outcome::Effect,
    session::TaskError,
    task::{ActionResult, Call},
};

/// How deep folders are followed, whatever `depth` says.
const DEEPEST: u64 = 64;

pub(super) async fn run(call: &Call<'_>) -> Result<ActionResult, TaskError> {
    call.only(&[
        "file",
        "dir",
        "name",
        "_raw_params",
        "depth",
        "extensions",
        "files_matching",
        "ignore_files",
        "ignore_unknown_extensions",
        "hash_behaviour",
    ])?;
    let merge = match call.text("hash_behaviour").as_deref() {
        None => call.shared.options.load.merge_hashes,
        Some("merge") => true,
        Some("replace") => false,
        Some(other) => {
            return Err(TaskError::Failed(format!(
                "`hash_behaviour` is `merge` or `replace`, not `{other}`"
            )));
        }
    };
    let files = match (
        call.text("dir"),
        call.text("file").or(call.text("_raw_params")),
    ) {
        (Some(folder), _) => folder_files(call, &folder)?,
        (None, Some(file)) => vec![find_file::required(call, "vars", file.trim())?],
        (None, None) => {
            return Err(TaskError::Failed(
                "`include_vars` needs `file` or `dir`".to_owned(),
            ));
        }
    };
    let mut all = JsonMap::new();
    for file in &files {
        load::add_variables(&mut all, read(call, file)?, merge);
    }
    if let Some(name) = call.text("name") {
        all = JsonMap::from_iter([(name, Json::Object(all))]);
    }
    // Variables out of files may hold templates: they stay what they are until they are used.
    let names: Vec<String> = files
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    Ok(ActionResult {
        effects: vec![Effect::Facts {
            level: FactLevel::Included,
            facts: all.clone(),
            host: None,
        }],
        ..ActionResult::values(json!({
            "changed": false,
            "ansible_facts": Json::Object(all),
            "ansible_included_var_files": names,
        }))
    })
}

fn read(call: &Call<'_>, file: &Path) -> Result<JsonMap, TaskError> {
    let mut diags = Diagnostics::new();
    let read = load::vars_file(call.shared.options.files.as_ref(), file, &mut diags);
    match read {
        Some(map) if !diags.has_errors() => Ok(map),
        _ => {
            let reasons: Vec<String> = diags
                .iter()
                .filter(|diagnostic| diagnostic.is_error())
                .map(|diagnostic| {
                    format!("{} {}", diagnostic.summary, diagnostic.detail)
                        .trim()
                        .to_owned()
                })
                .collect();
            Err(TaskError::Failed(format!(
                "`{}` cannot be used: {}",
                file.display(),
                reasons.join("; ")
            )))
        }
    }
}

/// The files of a folder and of those in it, by name.
fn folder_files(call: &Call<'_>, folder: &str) -> Result<Vec<PathBuf>, TaskError> {
    let files = call.shared.options.files.as_ref();
    let folder = find_file::required(call, "vars", folder)?;
    let depth = match call.text("depth") {
        None => 0,
        Some(text) => text.parse().map_err(|_| {
            TaskError::Failed(format!("the argument `depth` needs a number, not `{text}`"))
        })?,
    };
    let depth = if depth == 0 {
        DEEPEST
    } else {
        depth.min(DEEPEST)
    };
    let extensions = match call.list("extensions") {
        given if given.is_empty() => ["yaml", "yml", "json"].map(str::to_owned).to_vec(),
        given => given,
    };
    let mut found = Vec::new();
    let wanted = Wanted::of(call, extensions)?;
    collect(files, &folder, depth, &wanted, &mut found)?;
    Ok(found)
}

fn collect(
    files: &dyn Files,
    folder: &Path,
    depth: u64,
    wanted: &Wanted,
    found: &mut Vec<PathBuf>,
) -> Result<(), TaskError> {
    let entries = files
        .list(folder)
        .map_err(|error| TaskError::Failed(error.to_string()))?;
    for entry in entries {
        let path = folder.join(&entry.name);
        match entry.kind {
            EntryKind::Folder if depth > 1 => collect(files, &path, depth - 1, wanted, found)?,
            EntryKind::File if wanted.takes(&path, &entry.name)? => found.push(path),
            _ => {}
        }
    }
    Ok(())
}

/// Which files of a folder are read.
struct Wanted {
    extensions: Vec<String>,
    matching: Option<regex::Regex>,
    ignored: Vec<regex::Regex>,
    skip_unknown: bool,
}

impl Wanted {
    fn of(call: &Call<'_>, extensions: Vec<String>) -> Result<Self, TaskError> {
        let compile = |pattern: &str| {
            regex::Regex::new(pattern)
                .map_err(|_| TaskError::Failed(format!("`{pattern}` is no regular expression")))
        };
        let ignored = call.list("ignore_files");
        Ok(Self {
            extensions,
            matching: call
                .text("files_matching")
                .map(|text| compile(&text))
                .transpose()?,
            ignored: ignored
                .iter()
                .map(|text| compile(&format!("{text}$")))
                .collect::<Result<_, _>>()?,
            skip_unknown: call.flag("ignore_unknown_extensions", false),
        })
    }

    /// A file with another extension is a mistake, unless it is left out by name or by wish.
    fn takes(&self, path: &Path, name: &str) -> Result<bool, TaskError> {
        let matching = self
            .matching
            .as_ref()
            .is_none_or(|regex| regex.is_match(name));
        if !matching || self.ignored.iter().any(|regex| regex.is_match(name)) {
            return Ok(false);
        }
        if has_extension(path, &self.extensions) || self.skip_unknown {
            return Ok(has_extension(path, &self.extensions));
        }
        Err(TaskError::Failed(format!(
            "{} does not have a valid extension: {}",
            path.display(),
            self.extensions.join(", ")
        )))
    }
}

fn has_extension(path: &Path, extensions: &[String]) -> bool {
    let extension = path
        .extension()
        .map(|extension| extension.to_string_lossy());
    extension.is_some_and(|extension| extensions.iter().any(|known| *known == extension))
}
