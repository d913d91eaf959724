//! Taking over objects that are there: what an import id says.

use strata_core::{
    Diagnostic, Diagnostics, Value,
    provider::{Object, Progress},
};

use super::{
    attributes::{self, Attributes},
    entity, instance,
    lifecycle::Entity,
    session::Session,
    unknown_type,
};

/// The object that an id names, before it is read: `[REMOTE:][PROJECT/]NAME`.
pub(crate) fn empty(type_name: &str, id: &str) -> Result<Value, Diagnostics> {
    let schema = match entity(type_name) {
        Some(entity) => entity.schema(),
        None if type_name == instance::TYPE => instance::schema(),
        None => return Err(unknown_type(type_name).into()),
    };
    let empty = schema.block.empty_value();
    let parts = split(type_name, id).map_err(|reason| {
        let summary = format!("`{id}` is not an id of `{type_name}`");
        Diagnostic::error("import-id", summary).detail(reason)
    })?;
    Ok(attributes::with(&empty, parts))
}

fn split(type_name: &str, id: &str) -> Result<Vec<(&'static str, Value)>, String> {
    let (remote, rest) = match id.split_once(':') {
        Some((remote, rest)) => (Some(remote), rest),
        None => (None, id),
    };
    let (rest, image) = match rest.split_once(",image=") {
        Some((rest, image)) if type_name == instance::TYPE => (rest, Some(image)),
        _ => (rest, None),
    };
    let slashes = entity(type_name).map_or(1, Entity::import_parts);
    let has_project = type_name != "incus_project" && rest.matches('/').count() == slashes;
    let (project, rest) = match rest.split_once('/') {
        Some((project, rest)) if has_project => {
            (Some(project).filter(|name| !name.is_empty()), rest)
        }
        _ => (None, rest),
    };
    let mut parts = match entity(type_name) {
        Some(entity) => entity.import(rest)?,
        None => vec![("name", Value::from(rest))],
    };
    if rest.is_empty() {
        return Err("it names nothing".to_owned());
    }
    parts.push(("remote", attributes::text(remote)));
    if type_name != "incus_project" {
        // A profile's project has a default, so state has it written out.
        let project = project.or((type_name == "incus_profile").then_some("default"));
        parts.push(("project", attributes::text(project)));
    }
    if type_name == instance::TYPE {
        parts.push(("image", attributes::text(image)));
    }
    Ok(parts)
}

/// Reads an instance as it is now; none if it is gone.
pub(crate) async fn read_instance(
    session: &Session,
    object: Object,
) -> Result<Option<Object>, Diagnostics> {
    let progress = Progress::ignored();
    let work = instance::Work::new(session, &object.value, &progress)?;
    let name = Attributes(&object.value).text("name").unwrap_or_default();
    let found = work.find(name).await.map_err(|error| {
        Diagnostics::from(error.diagnostic(format!("cannot read instance `{name}`")))
    })?;
    Ok(found.map(|server| Object {
        value: instance::state(&object.value, &server),
        private: object.private,
    }))
}

#[cfg(test)]
mod tests {
    use strata_core::Type;

    use super::*;

    fn check(type_name: &str, id: &str) -> String {
        let value = match empty(type_name, id) {
            Ok(value) => value,
            Err(diags) => return diags.iter().map(|error| error.detail.as_str()).collect(),
        };
        let names = ["remote", "project", "pool", "name", "image"];
        let read = |name: &&str| Some(format!("{name}={}", Attributes(&value).text(name)?));
        names.iter().filter_map(read).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn ids_name_remote_project_and_object() {
        assert_eq!(check("incus_instance", "web"), "name=web");
        assert_eq!(
            check("incus_instance", "lab:p/web,image=debian/12"),
            "remote=lab project=p name=web image=debian/12"
        );
        assert_eq!(check("incus_profile", "base"), "project=default name=base");
        assert_eq!(check("incus_project", "lab:p"), "remote=lab name=p");
        assert_eq!(check("incus_storage_volume", "pool/v"), "pool=pool name=v");
        assert_eq!(
            check("incus_storage_volume", "p/pool/v"),
            "project=p pool=pool name=v"
        );
        assert_eq!(check("incus_storage_volume", "v"), "`POOL/NAME` is wanted");
        assert_eq!(check("incus_network", ""), "it names nothing");
    }

    #[test]
    fn a_type_that_we_lack_is_named() {
        let error = empty("incus_cluster_group", "a").err();
        assert_eq!(
            error.map(|diags| diags
                .iter()
                .map(|error| error.summary.clone())
                .collect::<String>()),
            Some("`incus_cluster_group` is not supported yet".to_owned())
        );
    }

    #[test]
    fn nothing_is_unknown_before_it_is_read() {
        let value = empty("incus_instance", "web").ok();
        assert_eq!(
            value.and_then(|value| value.get("image").cloned()),
            Some(Value::Null(Type::String))
        );
    }
}
