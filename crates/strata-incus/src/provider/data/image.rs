//! Data source `incus_image`: an image that is there, by alias or fingerprint.

use serde_json::Value as Json;
use strata_core::{Diagnostic, Diagnostics, Type, Value, schema::Resource};

use crate::{
    client::{Answer, ApiPath, Client, ClientError},
    provider::{
        attributes::{self, Attributes},
        schemas::{computed, defaulted, optional, place, resource},
        time, validate as checks,
    },
};

pub(super) const TYPE: &str = "incus_image";

pub(super) fn schema() -> Resource {
    let attributes = [
        optional("name", "Its alias."),
        defaulted("fingerprint", Type::String, "Its fingerprint."),
        defaulted("type", Type::String, "`container` or `virtual-machine`."),
        defaulted("architecture", Type::String, "Its architecture."),
        computed("aliases", Type::set(Type::String), "All its aliases."),
        computed(
            "created_at",
            Type::Number,
            "When it was made, in Unix time.",
        ),
    ];
    let attributes = attributes.into_iter().chain(place());
    resource("An image that is there.", attributes, [])
}

pub(super) fn validate(config: Attributes<'_>, diags: &mut Diagnostics) {
    checks::one_of(config, "type", &["container", "virtual-machine"], diags);
    if config.is_set("name") == config.is_set("fingerprint") {
        let summary = "an image needs either a `name` or a `fingerprint`";
        diags.push(Diagnostic::error("incus-invalid-value", summary));
    }
}

pub(super) async fn read(client: &Client, config: &Value) -> Result<Value, Diagnostics> {
    let object = Attributes(config);
    let wanted = object.some_text("name").or(object.some_text("fingerprint"));
    let wanted = wanted.unwrap_or_default();
    let image = look_up(client, object).await;
    let image = image.map_err(|error| error.diagnostic(format!("cannot read image `{wanted}`")))?;
    for name in ["type", "architecture"] {
        let found = image[name].as_str().unwrap_or_default();
        if object.some_text(name).is_some_and(|asked| asked != found) {
            let summary = format!("image `{wanted}` has another `{name}`: `{found}`");
            return Err(Diagnostic::error("incus-image-not-found", summary).into());
        }
    }
    let text = |name: &str| Value::from(image[name].as_str().unwrap_or_default());
    let aliases = image["aliases"].as_array().into_iter().flatten();
    let aliases = aliases.filter_map(|alias| Some(alias["name"].as_str()?.to_owned()));
    let told = [
        ("fingerprint", text("fingerprint")),
        ("type", text("type")),
        ("architecture", text("architecture")),
        ("aliases", attributes::set(&aliases.collect::<Vec<_>>())),
        ("created_at", time::unix_value(image.get("created_at"))),
    ];
    Ok(attributes::with(config, told))
}

async fn look_up(client: &Client, object: Attributes<'_>) -> Result<Json, ClientError> {
    let project = object.text("project").unwrap_or(&client.remote().project);
    let fingerprint = match object.some_text("name") {
        None => object.text("fingerprint").unwrap_or_default().to_owned(),
        Some(name) => {
            let path = ApiPath::new(&["images", "aliases", name]).project(project);
            // The same alias may name an image for containers and one for virtual machines.
            let path = match object.some_text("type") {
                Some(kind) => path.query("type", kind),
                None => path,
            };
            let alias: Answer<Json> = client.get(&path).await?;
            alias.value["target"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        }
    };
    let path = ApiPath::new(&["images", &fingerprint]).project(project);
    let image: Answer<Json> = client.get(&path).await?;
    Ok(image.value)
}
