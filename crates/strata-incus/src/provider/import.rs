//! Taking over objects that are there: what an import id says.

use strata_core::{
    Diagnostic, Diagnostics, Value,
    provider::{Object, Progress, import_block},
};

use super::{
    attributes::{self, Attributes},
    cluster_group_member, entity,
    entity::Entity,
    instance,
    session::Session,
    unknown_type,
};

/// The object that an id names, before it is read: `[REMOTE:][PROJECT/]NAME`.
pub(crate) fn empty(type_name: &str, id: &str) -> Result<Value, Diagnostics> {
    let schema = match entity(type_name) {
        Some(entity) => entity.schema(),
        None if type_name == instance::TYPE => instance::schema(),
        None if type_name == super::image::TYPE => super::image::schema(),
        None if type_name == super::server::TYPE => {
            let empty = super::server::schema().block.empty_value();
            return Ok(attributes::with(&empty, server(id)));
        }
        None if type_name == cluster_group_member::TYPE => cluster_group_member::schema(),
        None => return Err(unknown_type(type_name).into()),
    };
    let empty = schema.block.empty_value();
    let parts = split(type_name, id).map_err(|reason| {
        let summary = format!("`{id}` is not an id of `{type_name}`");
        Diagnostic::error("import-id", summary).detail(reason)
    })?;
    Ok(attributes::with(&empty, parts))
}

/// The parts of `[REMOTE:][MEMBER]`. What the server has stays its own: only keys that are written count.
fn server(id: &str) -> Vec<(&'static str, Value)> {
    let (remote, member) = id.split_once(':').unwrap_or(("", id));
    let some = |text: &str| attributes::text(Some(text).filter(|text| !text.is_empty()));
    let none = attributes::map(&attributes::Texts::new());
    vec![
        ("remote", some(remote)),
        ("target", some(member)),
        ("config", none),
    ]
}

/// What names an object in its id, after remote and project.
fn id_names(type_name: &str) -> &'static [&'static str] {
    match entity(type_name) {
        Some(entity) => entity.import_names(),
        None if type_name == super::image::TYPE => &["fingerprint"],
        None if type_name == cluster_group_member::TYPE => &cluster_group_member::NAMES,
        None => &["name"],
    }
}

fn is_in_project(type_name: &str) -> bool {
    match entity(type_name) {
        Some(entity) => entity.has_project(),
        None => type_name != cluster_group_member::TYPE,
    }
}

fn split(type_name: &str, id: &str) -> Result<Vec<(&'static str, Value)>, String> {
    // A colon behind a slash belongs to an address.
    let (remote, rest) = match id.split_once(':') {
        Some((remote, rest)) if !remote.contains('/') => (Some(remote), rest),
        _ => (None, id),
    };
    let (rest, image) = match rest.split_once(",image=") {
        Some((rest, image)) if type_name == instance::TYPE => (rest, Some(image)),
        _ => (rest, None),
    };
    let entity = entity(type_name);
    let names = id_names(type_name);
    let in_project = is_in_project(type_name);
    // The original writes a slash where other types have their project.
    let rest = match type_name {
        cluster_group_member::TYPE => rest.strip_prefix('/').unwrap_or(rest),
        _ => rest,
    };
    let (project, rest) = match rest.split_once('/') {
        Some((project, rest)) if in_project && rest.matches('/').count() + 1 >= names.len() => {
            (Some(project).filter(|name| !name.is_empty()), rest)
        }
        _ => (None, rest),
    };
    let mut parts = named(names, rest)?;
    parts.extend(entity.map(Entity::imported).unwrap_or_default());
    parts.push(("remote", attributes::text(remote)));
    if in_project {
        // A profile's project has a default, so state has it written out.
        let project = project.or((type_name == "incus_profile").then_some("default"));
        parts.push(("project", attributes::text(project)));
    }
    if type_name == instance::TYPE {
        parts.push(("image", attributes::text(image)));
    }
    Ok(parts)
}

/// The parts of an id by their names, such as pool and name of a volume.
fn named(names: &[&'static str], id: &str) -> Result<Vec<(&'static str, Value)>, String> {
    let parts: Vec<&str> = id.splitn(names.len(), '/').collect();
    if id.is_empty() {
        return Err("it names nothing".to_owned());
    }
    if parts.len() != names.len() {
        let wanted = names.join("/").to_uppercase();
        return Err(format!("`{wanted}` is wanted"));
    }
    let parts = parts.into_iter().map(Value::from);
    Ok(names.iter().copied().zip(parts).collect())
}

/// The id by which an object would be imported.
pub(crate) fn id(type_name: &str, object: Attributes<'_>) -> String {
    let names = id_names(type_name)
        .iter()
        .map(|name| object.text(name).unwrap_or_default());
    let mut id = names.collect::<Vec<_>>().join("/");
    let in_project = is_in_project(type_name);
    let project = object
        .some_text("project")
        .filter(|name| in_project && *name != "default");
    if let Some(project) = project {
        id = format!("{project}/{id}");
    }
    if type_name == cluster_group_member::TYPE {
        id = format!("/{id}");
    }
    if let Some(remote) = object.some_text("remote") {
        id = format!("{remote}:{id}");
    }
    match object.some_text("image") {
        Some(image) if type_name == instance::TYPE => format!("{id},image={image}"),
        _ => id,
    }
}

/// What to do about a name that is taken by what a resource describes.
pub(crate) fn hint(type_name: &str, address: Option<&str>, object: Attributes<'_>) -> String {
    let id = id(type_name, object);
    let block = match address {
        Some(address) => import_block(address, &id),
        None => import_block(&format!("{type_name}.NAME"), &id),
    };
    format!("choose another name, or take it over with this block in the configuration:\n{block}")
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
    let Some(server) = found else {
        return Ok(None);
    };
    let addresses = instance::HardwareAddresses::of(&server.config);
    session.learn(instance::TYPE, &object.value, addresses);
    let value = instance::state(&object.value, &server);
    let value = match Attributes(&value).is_set("file") {
        true => work.files(name).without_drifted(&value).await,
        false => value,
    };
    let private = object.private;
    Ok(Some(Object { value, private }))
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
        let names = [
            "remote",
            "project",
            "pool",
            "name",
            "image",
            "cluster_group",
            "member",
        ];
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
        assert_eq!(
            check("incus_image", "lab:p/12ab34cd56ef"),
            "remote=lab project=p"
        );
        assert_eq!(check("incus_server", "lab:n1"), "remote=lab");
        for id in ["lab:/g/n1", "lab:g/n1"] {
            let read = "remote=lab cluster_group=g member=n1";
            assert_eq!(check("incus_cluster_group_member", id), read);
        }
    }

    #[test]
    fn a_type_that_we_lack_is_named() {
        let error = empty("incus_cluster", "a").err();
        assert_eq!(
            error.map(|diags| diags
                .iter()
                .map(|error| error.summary.clone())
                .collect::<String>()),
            Some("`incus_cluster` is not supported yet".to_owned())
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
