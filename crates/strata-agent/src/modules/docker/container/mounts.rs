//! What is mounted into a container: volumes, mounts and file systems in memory.

use serde_json::{Map, Value, json};

use super::super::{bytes, texts};
use crate::arguments::text;
use crate::host::Host;
use crate::module::ModuleError;

/// Volumes with a source as the engine binds them, and those without as it makes them.
pub(super) fn volumes(given: &[String], host: &dyn Host) -> Result<(Value, Value), ModuleError> {
    let mut binds = Vec::new();
    let mut anonymous = Map::new();
    for volume in given {
        let parts: Vec<&str> = volume.split(':').collect();
        match parts[..] {
            [path] => {
                anonymous.insert(path.to_owned(), json!({}));
            }
            [path, mode] if is_mode(mode) => {
                anonymous.insert(path.to_owned(), json!({}));
            }
            [source, target] => binds.push(format!("{}:{target}:rw", expanded(source, host))),
            [source, target, mode] if is_mode(mode) => {
                binds.push(format!("{}:{target}:{mode}", expanded(source, host)));
            }
            [_, _, mode] => {
                return Err(ModuleError::new(format!(
                    "Found invalid volumes mode: {mode}"
                )));
            }
            _ => return Err(ModuleError::new(format!("not a volume: {volume}"))),
        }
    }
    Ok((json!(binds), Value::Object(anonymous)))
}

fn is_mode(mode: &str) -> bool {
    const WORDS: &[&str] = &[
        "rw",
        "ro",
        "z",
        "Z",
        "consistent",
        "delegated",
        "cached",
        "rprivate",
        "private",
        "rshared",
        "shared",
        "rslave",
        "slave",
        "nocopy",
        "U",
    ];
    mode.split(',').all(|word| WORDS.contains(&word))
}

/// A source below the user's home by its whole path.
fn expanded(source: &str, host: &dyn Host) -> String {
    match source.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => {
            let home = host.environment().get("HOME").cloned();
            format!("{}{rest}", home.unwrap_or_default())
        }
        _ => source.to_owned(),
    }
}

pub(super) fn tmpfs(given: &[String]) -> Value {
    let pairs = given.iter().map(|entry| {
        let (path, options) = entry.split_once(':').unwrap_or((entry, ""));
        (path.to_owned(), json!(options))
    });
    Value::Object(pairs.collect())
}

pub(super) fn mounts(given: Option<&Value>) -> Result<Option<Value>, ModuleError> {
    let Some(given) = given.and_then(Value::as_array) else {
        return Ok(None);
    };
    given.iter().map(mount).collect::<Result<_, _>>().map(Some)
}

fn mount(given: &Value) -> Result<Value, ModuleError> {
    let field = |name: &str| Some(&given[name]).filter(|value| !value.is_null());
    let kind = given["type"].as_str().unwrap_or("volume");
    let target = given["target"].as_str();
    let Some(target) = target else {
        return Err(ModuleError::new(
            "missing required arguments: target found in mounts",
        ));
    };
    let mut mount = json!({"Target": target, "Type": kind});
    if let Some(source) = field("source") {
        mount["Source"] = source.clone();
    } else if kind == "bind" {
        return Err(ModuleError::new(format!(
            "source must be specified for mount \"{target}\" of type \"bind\""
        )));
    }
    if let Some(only) = field("read_only").and_then(crate::arguments::boolean) {
        mount["ReadOnly"] = json!(only);
    }
    if let Some(word) = field("consistency") {
        mount["Consistency"] = word.clone();
    }
    let mut bind = Map::new();
    for (name, key) in [
        ("propagation", "Propagation"),
        ("non_recursive", "NonRecursive"),
        ("create_mountpoint", "CreateMountpoint"),
    ] {
        bind.extend(field(name).map(|value| (key.to_owned(), value.clone())));
    }
    let mut volume = Map::new();
    for (name, key) in [("no_copy", "NoCopy"), ("subpath", "Subpath")] {
        volume.extend(field(name).map(|value| (key.to_owned(), value.clone())));
    }
    volume.extend(texts(field("labels")).map(|labels| ("Labels".to_owned(), labels.into())));
    let driver = field("volume_driver");
    if driver.is_some() || field("volume_options").is_some() {
        let options = texts(field("volume_options")).unwrap_or_default();
        let config = json!({"Name": driver, "Options": options});
        volume.insert("DriverConfig".to_owned(), config);
    }
    let mut tmpfs = Map::new();
    if let Some(size) = field("tmpfs_size").and_then(text) {
        tmpfs.insert("SizeBytes".to_owned(), json!(bytes(&size)?));
    }
    if let Some(mode) = field("tmpfs_mode").and_then(text) {
        let mode = i64::from_str_radix(&mode, 8).map_err(|_| {
            ModuleError::new(format!("tmpfs_mode of mount \"{target}\" is not octal"))
        })?;
        tmpfs.insert("Mode".to_owned(), json!(mode));
    }
    for (key, options) in [
        ("BindOptions", bind),
        ("VolumeOptions", volume),
        ("TmpfsOptions", tmpfs),
    ] {
        if !options.is_empty() {
            mount[key] = Value::Object(options);
        }
    }
    Ok(mount)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Model;

    #[test]
    fn volumes_are_bound_or_made() {
        let host = Model::debian("sample");
        let given = ["data:/d", "/a:/b:ro", "~/x:/y:rw,z", "/new"].map(str::to_owned);
        let (binds, anonymous) = volumes(&given, &host).unwrap();
        assert_eq!(binds, json!(["data:/d:rw", "/a:/b:ro", "/root/x:/y:rw,z"]));
        assert_eq!(anonymous, json!({"/new": {}}));
        assert!(volumes(&["a:b:c".to_owned()], &host).is_err());
    }
}
