//! Makes an instance: one call that also starts it, then what the guest must do.

use hyper::Method;
use serde_json::{Value as Json, json};
use strata_core::{Diagnostic, Diagnostics, Value, provider::ApplyResponse};

use super::{HardwareAddresses, Work, exec, failed, finished, update, wait_for};
use crate::{
    client::{ApiPath, ClientError},
    instance_state::FullInstance,
    provider::{
        attributes::{Attributes, Texts},
        config, devices, import,
        lifecycle::is_marked,
        source::SourceFile,
    },
};

/// Creates an instance.
pub(crate) async fn create(
    work: &Work<'_>,
    planned: &Value,
    marker: &str,
    kept: HardwareAddresses,
) -> ApplyResponse {
    let object = Attributes(planned);
    let name = object.text("name").unwrap_or_default();
    let source = match source(work, object).await {
        Ok(source) => source,
        Err(diagnostic) => return nothing(diagnostic),
    };
    let config = kept.into(config::marked(object.map("config"), marker));
    work.note("creates the instance");
    if let Err(error) = make(work, planned, source, config).await {
        return not_created(work, planned, marker, &error).await;
    }
    let in_guest = async {
        if object.flag("running") == Some(true) {
            before_files(work, name, object).await?;
        }
        work.files(name).write(planned, work.notes()).await?;
        if object.flag("running") == Some(true) {
            wait_for::wait_for(work, name, object).await?;
            exec::run(work, name, &exec::due(None, planned)).await?;
        }
        Ok(())
    };
    match in_guest.await {
        Ok(()) => finished(work, planned).await,
        Err(diagnostic) => failed(work, planned, diagnostic).await,
    }
}

/// Files go into a virtual machine through its agent, which must be there first.
async fn before_files(
    work: &Work<'_>,
    name: &str,
    object: Attributes<'_>,
) -> Result<(), Diagnostics> {
    let through_agent = object.text("type") == Some("virtual-machine") && object.is_set("file");
    match through_agent {
        true => wait_for::agent(work, name).await,
        false => Ok(()),
    }
}

/// What an instance is made from.
enum Source<'a> {
    /// What the create call says.
    Named(Json),
    /// The same, of an instance whose configuration is copied with it.
    Copied(Json),
    /// A backup.
    File(SourceFile<'a>),
}

async fn source<'a>(work: &Work<'_>, object: Attributes<'a>) -> Result<Source<'a>, Diagnostics> {
    if let Some(file) = SourceFile::of(object, "backup") {
        return Ok(Source::File(file));
    }
    let Some(other) = object.object("source_instance") else {
        let image = work.session.image_source(&work.client, object).await?;
        return Ok(Source::Named(image));
    };
    let name = other.text("name").unwrap_or_default();
    let source = match other.some_text("snapshot") {
        Some(snapshot) => format!("{name}/{snapshot}"),
        None => name.to_owned(),
    };
    let project = other.text("project").unwrap_or_default();
    let copy =
        json!({ "type": "copy", "source": source, "project": project, "instance_only": true });
    Ok(Source::Copied(copy))
}

/// Makes it, and starts it if it shall run.
async fn make(
    work: &Work<'_>,
    planned: &Value,
    source: Source<'_>,
    config: Texts,
) -> Result<(), ClientError> {
    let object = Attributes(planned);
    let path = ApiPath::new(&["instances"]).project(&work.project);
    let path = match object.some_text("target") {
        Some(member) => path.query("target", member),
        None => path,
    };
    let notes = work.notes();
    let running = object.flag("running") == Some(true);
    match source {
        Source::Named(source) => {
            let body = body(object, source, config, running);
            return work
                .client
                .change(Method::POST, &path, &body, None, notes)
                .await;
        }
        Source::Copied(source) => {
            let body = body(object, source, config.clone(), false);
            work.client
                .change(Method::POST, &path, &body, None, notes)
                .await?;
        }
        Source::File(file) => file.send(&work.client, &path, notes).await?,
    }
    // It brought a configuration of its own along, of which only what configuration says is to stay.
    let name = object.text("name").unwrap_or_default();
    let finished = async {
        update::overwrite(work, name, planned, config).await?;
        match running {
            true => work.set_state(name, "start").await,
            false => Ok(()),
        }
    };
    // It is there, whatever comes now.
    finished
        .await
        .map_err(|error| ClientError::OutcomeUnknown(error.to_string()))
}

fn body(object: Attributes<'_>, source: Json, config: Texts, start: bool) -> Json {
    let mut body = json!({
        "name": object.text("name"),
        "type": object.text("type").unwrap_or("container"),
        "source": source,
        "description": object.text("description").unwrap_or_default(),
        "ephemeral": object.flag("ephemeral").unwrap_or_default(),
        "profiles": object.texts("profiles").unwrap_or_default(),
        "config": config,
        "devices": devices::of(object.0),
        "start": start,
    });
    if let Some(architecture) = object.some_text("architecture") {
        body["architecture"] = json!(architecture);
    }
    body
}

/// The create call failed. The instance may be there nevertheless: it can be made and fail to start.
async fn not_created(
    work: &Work<'_>,
    planned: &Value,
    marker: &str,
    error: &ClientError,
) -> ApplyResponse {
    let name = Attributes(planned).text("name").unwrap_or_default();
    let diagnostics = explain(work, planned, name, error).into();
    match work.find(name).await {
        Ok(Some(found)) if is_ours(planned, &found, marker, error.is_ambiguous()) => {
            failed(work, planned, diagnostics).await
        }
        // If nobody can tell, it is recorded: the next run looks again, and nothing is forgotten.
        Err(_) if error.is_ambiguous() => failed(work, planned, diagnostics).await,
        _ => nothing(diagnostics),
    }
}

/// True if an instance is the one that a create was to make. A backup brings the mark of another, or
/// none: its instance is ours if the create came far enough, since the name was free when it was planned.
pub(super) fn is_ours(planned: &Value, found: &FullInstance, marker: &str, was_made: bool) -> bool {
    let from_backup = was_made && Attributes(planned).is_set("source_file");
    from_backup || is_marked(Some(&found.config), marker)
}

fn explain(work: &Work<'_>, planned: &Value, name: &str, error: &ClientError) -> Diagnostic {
    let summary = format!("cannot create instance `{name}`");
    match error.server_message() {
        Some(message)
            if message.contains("UNIQUE constraint failed")
                || message.contains("entry already exists") =>
        {
            Diagnostic::error("incus-name-taken", summary)
                .detail(format!(
                    "There is an instance `{name}` in project `{}` already, and it is not ours.",
                    work.project
                ))
                .hint(import::hint(super::TYPE, None, Attributes(planned)))
        }
        // This is all that the server says of an alias that it does not know.
        Some("Image not provided for instance creation") => {
            let image = Attributes(planned).text("image").unwrap_or_default();
            Diagnostic::error("incus-image-not-found", summary)
                .detail(format!("There is no image `{image}`."))
        }
        _ => error.diagnostic(summary),
    }
}

fn nothing(diagnostics: Diagnostics) -> ApplyResponse {
    ApplyResponse {
        object: None,
        diagnostics,
    }
}
