//! `template`: renders a file of ours and puts it on the host, by the agent's `copy`.

use std::path::Path;

use serde_json::Value as Json;
use strata_agent::encoding::Encoding;
use strata_jinja::{FileOptions, Templar};
use strata_transport::Content;

use super::{copy, find_file};
use crate::{
    JsonMap, outcome,
    scope::with_local,
    session::TaskError,
    surroundings::template_file,
    task::{ActionResult, Call},
};

/// Arguments that concern the rendering alone.
const OWN: &[&str] = &[
    "src",
    "trim_blocks",
    "lstrip_blocks",
    "newline_sequence",
    "block_start_string",
    "block_end_string",
    "variable_start_string",
    "variable_end_string",
    "comment_start_string",
    "comment_end_string",
    "output_encoding",
];

pub(super) async fn run(call: &Call<'_>) -> Result<ActionResult, TaskError> {
    let name = call.required("src")?;
    let destination = call.required("dest")?;
    let encoding = encoding(call)?;
    let text = text(call, &name, &destination, &call.arguments)?;
    let bytes = encoding.encode(&text).ok_or_else(|| {
        TaskError::Failed(format!(
            "`{name}` says what cannot be written as `output_encoding` ({encoding:?})"
        ))
    })?;
    let mut arguments = call.arguments.clone();
    arguments.retain(|name, _| !OWN.contains(&name.as_str()));
    let path = find_file::required(call, "templates", &name)?;
    copy::preserve_mode(call, &path, &mut arguments)?;
    let base = Path::new(&name)
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    let content = Content::from_bytes(&base.unwrap_or(name), bytes);
    call.module("copy", arguments, Some(content)).await
}

/// How the file is written.
fn encoding(call: &Call<'_>) -> Result<Encoding, TaskError> {
    let Some(name) = call.text("output_encoding") else {
        return Ok(Encoding::Utf8);
    };
    Encoding::named(&name).ok_or_else(|| {
        TaskError::Failed(format!(
            "`output_encoding: {name}` is not supported by Strata"
        ))
    })
}

/// What a template of ours says; `options` are the arguments that concern its rendering.
pub(super) fn text(
    call: &Call<'_>,
    name: &str,
    destination: &str,
    options: &JsonMap,
) -> Result<String, TaskError> {
    let path = find_file::required(call, "templates", name)?;
    find_file::regular(call, &path)?;
    let files = call.shared.options.files.as_ref();
    let source = files
        .read_text(&path)
        .map_err(|error| TaskError::Failed(error.to_string()))?;
    render(call, &path, (name, destination), &source, options)
}

fn render(
    call: &Call<'_>,
    path: &Path,
    (name, destination): (&str, &str),
    source: &str,
    options: &JsonMap,
) -> Result<String, TaskError> {
    let options = file_options(options)?;
    let file = template_file(&call.shared.options, path);
    let about =
        strata_jinja::about::template(&file, path, (name, Some(destination)), call.templar)?;
    let variables = with_local(call.variables, about);
    // A template includes others from beside itself.
    let mut templates = call.job.templates.clone();
    if let Some(folder) = path.parent() {
        templates.folders.insert(0, folder.to_owned());
    }
    let templar = templates.templar(&variables);
    let file = path.display().to_string();
    let mut text = templar.render_file(&file, source, &options)?;
    if options.delimiters.is_none() && is_one_value(&templar, source) {
        let bare = text.trim_end_matches(['\r', '\n']).len();
        text.truncate(bare);
    }
    Ok(text)
}

/// Whether a file is one expression, and that no text: Ansible keeps the ends of lines only after texts.
fn is_one_value(templar: &Templar, source: &str) -> bool {
    let bare = source.trim_end_matches('\n');
    let is_expression = bare.starts_with("{{") && bare.ends_with("}}");
    if !is_expression || bare.len() == source.len() || bare.matches("{{").count() > 1 {
        return false;
    }
    let value = templar.render(&Json::from(bare));
    value.is_ok_and(|value| !value.is_string())
}

fn file_options(options: &JsonMap) -> Result<FileOptions, TaskError> {
    let defaults = FileOptions::ansible();
    let flag = |name: &str, default| options.get(name).map_or(default, outcome::truth);
    Ok(FileOptions {
        trim_blocks: flag("trim_blocks", defaults.trim_blocks),
        lstrip_blocks: flag("lstrip_blocks", defaults.lstrip_blocks),
        newline_sequence: newline(options, defaults.newline_sequence)?,
        delimiters: delimiters(options),
    })
}

fn given(options: &JsonMap, name: &str) -> Option<String> {
    let value = options.get(name).filter(|value| !value.is_null());
    value.map(outcome::text)
}

fn newline(options: &JsonMap, default: String) -> Result<String, TaskError> {
    let Some(text) = given(options, "newline_sequence") else {
        return Ok(default);
    };
    match text.as_str() {
        "\\n" | "\n" => Ok("\n".to_owned()),
        "\\r" | "\r" => Ok("\r".to_owned()),
        "\\r\\n" | "\r\n" => Ok("\r\n".to_owned()),
        other => Err(TaskError::Failed(format!(
            "`newline_sequence` must be \\n, \\r or \\r\\n, not `{other}`"
        ))),
    }
}

fn delimiters(options: &JsonMap) -> Option<[String; 6]> {
    let names = [
        ("block_start_string", "{%"),
        ("block_end_string", "%}"),
        ("variable_start_string", "{{"),
        ("variable_end_string", "}}"),
        ("comment_start_string", "{#"),
        ("comment_end_string", "#}"),
    ];
    let is_text = |name: &str| matches!(options.get(name), Some(Json::String(_)));
    let text =
        |name: &str, default: &str| given(options, name).unwrap_or_else(|| default.to_owned());
    names
        .iter()
        .any(|(name, _)| is_text(name))
        .then(|| names.map(|(name, default)| text(name, default)))
}
