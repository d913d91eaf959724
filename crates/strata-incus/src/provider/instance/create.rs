//! Makes an instance: one call that also starts it, then what the guest must do.

use hyper::Method;
use serde_json::{Value as Json, json};
use strata_core::{Diagnostic, Diagnostics, Value, provider::ApplyResponse};

use super::{Work, failed, files, finished, wait_for};
use crate::{
    client::{ApiPath, ClientError},
    provider::{attributes::Attributes, config, devices, lifecycle::is_marked},
};

/// Creates an instance.
pub(crate) async fn create(work: &Work<'_>, planned: &Value, marker: &str) -> ApplyResponse {
    let object = Attributes(planned);
    let name = object.text("name").unwrap_or_default();
    let source = match work.session.image_source(&work.client, object) {
        Ok(source) => source,
        Err(diagnostic) => return nothing(diagnostic),
    };
    let body = body(planned, name, source, marker);
    let path = ApiPath::new(&["instances"]).project(&work.project);
    let notes = |text: &str| work.note(text);
    work.note("creates the instance");
    if let Err(error) = work
        .client
        .change(Method::POST, &path, &body, None, &notes)
        .await
    {
        return not_created(work, planned, marker, &error).await;
    }
    let outcome = async {
        files::upload(work, name, planned).await?;
        match object.flag("running") {
            Some(true) => wait_for::wait_for(work, name, object).await,
            _ => Ok(()),
        }
    };
    match outcome.await {
        Ok(()) => finished(work, planned).await,
        Err(diagnostic) => failed(work, planned, diagnostic).await,
    }
}

fn body(planned: &Value, name: &str, source: Json, marker: &str) -> Json {
    let object = Attributes(planned);
    let running = object.flag("running") == Some(true);
    let mut body = json!({
        "name": name,
        "type": object.text("type").unwrap_or("container"),
        "source": source,
        "description": object.text("description").unwrap_or_default(),
        "ephemeral": object.flag("ephemeral").unwrap_or_default(),
        "profiles": object.texts("profiles").unwrap_or_default(),
        "config": config::marked(object.map("config"), marker),
        "devices": devices::of(planned),
        "start": running,
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
        Ok(Some(found)) if is_marked(Some(&found.config), marker) => {
            failed(work, planned, diagnostics).await
        }
        // If nobody can tell, it is recorded: the next run looks again, and nothing is forgotten.
        Err(_) if error.is_ambiguous() => failed(work, planned, diagnostics).await,
        _ => nothing(diagnostics),
    }
}

fn explain(work: &Work<'_>, planned: &Value, name: &str, error: &ClientError) -> Diagnostic {
    let summary = format!("cannot create instance `{name}`");
    match error.server_message() {
        Some(message) if message.contains("UNIQUE constraint failed") => {
            Diagnostic::error("incus-name-taken", summary)
                .detail(format!(
                    "There is an instance `{name}` in project `{}` already, and it is not ours.",
                    work.project
                ))
                .hint("choose another name, or take it over with `import`")
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
