//! What a template that is rendered as a file knows about itself.

use std::path::Path;

use serde_json::{Map, Value as Json, json};

use crate::{Templar, TemplateError, TemplateFile};

/// `template_path`, `template_host` and the like, and `ansible_managed` where the user has none of that name, as
/// ansible-core 2.19 has them. A template has the `name` by which it was asked for, and may have a destination.
///
/// Times are texts here.
pub fn template(
    file: &TemplateFile,
    path: &Path,
    (name, destination): (&str, Option<&str>),
    templar: &Templar,
) -> Result<Map<String, Json>, TemplateError> {
    let text = |expression: &str| -> Result<Json, TemplateError> {
        Ok(match templar.expression(expression)? {
            Json::String(text) => text.into(),
            value => value.to_string().into(),
        })
    };
    let time = |format: &str| {
        let format = Json::from(format).to_string();
        text(&format!("{format} | strftime({})", file.modified))
    };
    let mut about = Map::from_iter([
        ("template_host".to_owned(), json!(file.host)),
        ("template_uid".to_owned(), json!(file.owner)),
        ("template_mtime".to_owned(), time("%Y-%m-%d %H:%M:%S")?),
        ("template_path".to_owned(), json!(name)),
        (
            "template_fullpath".to_owned(),
            json!(path.display().to_string()),
        ),
        ("template_destpath".to_owned(), json!(destination)),
        ("template_run_date".to_owned(), text("now()")?),
    ]);
    if templar.variables.get("ansible_managed").is_none() {
        let managed = match &file.managed {
            None => json!("Ansible managed"),
            Some(format) => {
                let format = format
                    .replace("{file}", name)
                    .replace("{host}", &file.host)
                    .replace("{uid}", &file.owner);
                time(&format)?
            }
        };
        about.insert("ansible_managed".to_owned(), managed);
    }
    Ok(about)
}
