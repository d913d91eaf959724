//! Decides what an instance will look like.

use strata_core::{
    Diagnostic, Diagnostics, Type, Value,
    provider::{PlanRequest, PlanResponse},
};

use super::{addresses::HardwareAddresses, effects::effects, exec, files, wait_for};
use crate::provider::{
    attributes::{self, Attributes, Texts},
    lifecycle::{changed, with_defaults},
    session::Session,
    source::at_most_one,
    validate as checks,
};

/// Attributes whose change needs a new instance.
const REPLACING: [&str; 9] = [
    "type",
    "image",
    "ephemeral",
    "project",
    "remote",
    "source_file",
    "source_instance",
    "target",
    "architecture",
];

/// What the guest decides: open again when it is started or plugged differently.
const SHOWN: [&str; 5] = [
    "ipv4_address",
    "ipv6_address",
    "mac_address",
    "interfaces",
    "status",
];

/// Checks a configuration beyond what the schema says.
pub(crate) fn validate(config: Attributes<'_>, diags: &mut Diagnostics) {
    checks::one_of(config, "type", &["container", "virtual-machine"], diags);
    at_most_one(config, &["image", "source_instance", "source_file"], diags);
    if config.flag("running") == Some(false) && config.is_set("exec") {
        let summary = "`exec` needs an instance that runs, and `running` is `false`";
        diags.push(Diagnostic::error("incus-invalid-value", summary));
    }
    exec::validate(config, diags);
    checks::devices(config, diags);
    wait_for::validate(config, diags);
    files::validate(config, diags);
}

/// Decides what an instance will look like; asks the server whether its image is there.
pub(crate) async fn plan(
    session: &Session,
    request: PlanRequest,
) -> Result<PlanResponse, Diagnostics> {
    let planned = with_defaults(&request.config, &request.proposed, defaults());
    let planned = files::with_defaults(&planned);
    let prior = request.prior.as_ref().map(|prior| &prior.value);
    let planned = match prior {
        Some(prior) => reopen(prior, planned),
        None => planned,
    };
    let requires_replace = changed(prior, &planned, &REPLACING);
    let mut warnings = session.check(&request, &planned).await?;
    if prior.is_none()
        || requires_replace
            .iter()
            .any(|path| path.to_string() == "image")
    {
        warnings.extend(session.check_image(Attributes(&planned)).await?);
    }
    let effects = prior.map(|prior| effects(prior, &planned, &requires_replace));
    // Of one that is replaced the hardware addresses are known from reading it: the new one takes them.
    let kept = match prior {
        None => session.known_addresses(&planned),
        Some(_) => HardwareAddresses::default(),
    };
    Ok(PlanResponse {
        private: kept.to_private(),
        planned,
        requires_replace,
        effects: effects.unwrap_or_default(),
        warnings,
    })
}

fn defaults() -> Vec<(&'static str, Value)> {
    vec![
        ("description", Value::from("")),
        ("type", Value::from("container")),
        ("ephemeral", Value::from(false)),
        ("running", Value::from(true)),
        ("profiles", attributes::list(["default"])),
        ("config", attributes::map(&Texts::new())),
        ("target", Value::Null(Type::String)),
    ]
}

/// Leaves open what a change of power, name, profiles or devices may change.
fn reopen(prior: &Value, planned: Value) -> Value {
    let causes = ["running", "name", "profiles", "device"];
    if causes
        .iter()
        .all(|name| prior.get(name) == planned.get(name))
    {
        return planned;
    }
    let schema = super::schema();
    let open = SHOWN.iter().filter_map(|name| {
        let ty = schema.block.attributes.get(*name)?.ty.clone();
        Some((*name, Value::unknown(ty)))
    });
    attributes::with(&planned, open)
}
