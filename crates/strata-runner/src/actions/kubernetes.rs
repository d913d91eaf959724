//! What this machine does for the modules of `kubernetes.core`, as the action plugin of that collection does it.
//!
//! Those for Helm are ours; the others are Python and run as any module of others. Where a task is done on this machine,
//! `kubeconfig`, `src` and `local_path` are looked for as files of a role are; `template` is rendered, and its
//! documents become the definition.

use serde_json::{Value as Json, json};

use super::{find_file, template};
use crate::{JsonMap, outcome, scope::with_local, session::TaskError, task::Call};

/// Action plugins whose work is done here.
const OURS: &[&str] = &[
    "helm",
    "helm_info",
    "helm_plugin",
    "helm_plugin_info",
    "helm_repository",
    "k8s",
    "k8s_cluster_info",
    "k8s_cp",
    "k8s_drain",
    "k8s_exec",
    "k8s_info",
    "k8s_log",
    "k8s_rollback",
    "k8s_scale",
    "k8s_service",
];

/// The module's own name, if it is one for which this machine has something to do.
pub(crate) fn own_name(name: &str) -> Option<&str> {
    let name = name.strip_prefix("kubernetes.core.")?;
    OURS.contains(&name).then_some(name)
}

/// The arguments as the module is to have them.
pub(super) fn arguments(call: &Call<'_>) -> Result<JsonMap, TaskError> {
    let mut arguments = call.arguments.clone();
    let Some(name) = own_name(call.name) else {
        return Ok(arguments);
    };
    if call.place.target.is_local() {
        find_files(call, name, &mut arguments)?;
    }
    let templates = arguments.remove("template");
    if let Some(templates) = templates.filter(|given| !given.is_null()) {
        if name != "k8s" {
            return Err(TaskError::Failed(
                "'template' is only a supported parameter for the 'k8s' module.".to_owned(),
            ));
        }
        arguments.insert("definition".to_owned(), documents(call, &templates)?);
    }
    Ok(arguments)
}

fn find_files(call: &Call<'_>, name: &str, arguments: &mut JsonMap) -> Result<(), TaskError> {
    let find = |file: &str| {
        let path = find_file::required(call, "files", file)?;
        Ok::<_, TaskError>(path.display().to_string())
    };
    let text = |arguments: &JsonMap, name: &str| {
        let text = arguments.get(name).and_then(Json::as_str);
        text.filter(|text| !text.is_empty()).map(str::to_owned)
    };
    if let Some(configs) = text(arguments, "kubeconfig") {
        let found: Result<Vec<String>, TaskError> = configs.split(':').map(find).collect();
        arguments.insert("kubeconfig".to_owned(), found?.join(":").into());
    }
    let is_address = |text: &String| {
        let schemes = ["http://", "https://", "ftp://"];
        schemes.iter().any(|scheme| text.starts_with(scheme))
    };
    if let Some(source) = text(arguments, "src").filter(|source| !is_address(source)) {
        arguments.insert("src".to_owned(), find(&source)?.into());
    }
    let sends = name == "k8s_cp" && text(arguments, "state").as_deref() == Some("to_pod");
    if let Some(path) = text(arguments, "local_path").filter(|_| sends) {
        arguments.insert("local_path".to_owned(), find(&path)?.into());
    }
    Ok(())
}

/// The documents of one template or of several.
fn documents(call: &Call<'_>, templates: &Json) -> Result<Json, TaskError> {
    let one = [templates.clone()];
    let all = templates.as_array().map_or(&one[..], Vec::as_slice);
    let mut documents = Vec::new();
    for given in all {
        let options = match given {
            Json::String(path) => outcome::map(json!({ "path": path })),
            Json::Object(options) => options.clone(),
            _ => JsonMap::new(),
        };
        let Some(path) = options.get("path").and_then(Json::as_str) else {
            return Err(TaskError::Failed(
                "Please specify path for template.".to_owned(),
            ));
        };
        let text = template::text(call, path, "", &options)?;
        let local = [("strata_rendered".to_owned(), Json::from(text))];
        let variables = with_local(call.variables, local);
        let templar = call.job.templates.templar(&variables);
        match templar.expression("strata_rendered | from_yaml_all | list")? {
            Json::Array(found) => documents.extend(found),
            other => documents.push(other),
        }
    }
    Ok(documents.into())
}
