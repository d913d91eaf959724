//! Files of instances and volumes, kept as they were written.

use base64::{Engine, engine::general_purpose::STANDARD};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::super::{
    answer::{Answer, Answered, not_found, refuse},
    route::Call,
    store::{Kind, Store},
};

/// Folders that every guest has, as the images of all usual systems have them.
const FOLDERS: [&str; 45] = [
    "",
    "/boot",
    "/dev",
    "/etc",
    "/etc/apt",
    "/etc/apt/apt.conf.d",
    "/etc/apt/keyrings",
    "/etc/apt/preferences.d",
    "/etc/apt/sources.list.d",
    "/etc/cron.d",
    "/etc/cron.daily",
    "/etc/default",
    "/etc/init.d",
    "/etc/logrotate.d",
    "/etc/modprobe.d",
    "/etc/modules-load.d",
    "/etc/network",
    "/etc/profile.d",
    "/etc/security",
    "/etc/ssl",
    "/etc/ssl/certs",
    "/etc/sysctl.d",
    "/etc/systemd",
    "/etc/systemd/network",
    "/etc/systemd/system",
    "/etc/udev",
    "/etc/udev/rules.d",
    "/home",
    "/mnt",
    "/opt",
    "/root",
    "/run",
    "/srv",
    "/tmp",
    "/usr",
    "/usr/bin",
    "/usr/lib",
    "/usr/local",
    "/usr/local/bin",
    "/usr/local/sbin",
    "/usr/sbin",
    "/usr/share",
    "/var",
    "/var/lib",
    "/var/log",
];

pub(in super::super) fn in_instance(call: &Call<'_>, name: &str) -> Answered {
    let instance = call
        .shared
        .store()
        .get(Kind::Instance, &call.project, name)
        .cloned();
    let Some(instance) = instance else {
        return not_found("Instance");
    };
    let has_cloud_init = instance["config"]["image.description"]
        .as_str()
        .is_some_and(|image| image.ends_with("/cloud"));
    let is_running = instance["status"] == "Running";
    if call.method == Method::GET
        && call.path == "/run/cloud-init/result.json"
        && has_cloud_init
        && is_running
    {
        let done = br#"{"v1": {"datasource": "DataSourceNoCloud", "errors": []}}"#;
        return Ok(Answer::File(done.to_vec()));
    }
    file(call, &format!("instances/{name}"))
}

pub(in super::super) fn in_volume(call: &Call<'_>, pool: &str, name: &str) -> Answered {
    let store = call.shared.store();
    let home = store.home(Kind::Volume, &call.project);
    let volume = store.get(Kind::Volume, &home, &format!("{pool}/{name}"));
    if volume.is_none() {
        return not_found("Storage volume");
    }
    drop(store);
    file(call, &format!("volumes/{pool}/{name}"))
}

fn file(call: &Call<'_>, holder: &str) -> Answered {
    let mut store = call.shared.store();
    let key = format!("{holder}:{}", call.path);
    let found = store.get(Kind::File, &call.project, &key).cloned();
    match (call.method, found) {
        (&Method::POST, _) if !has_folder(&store, call, holder) => {
            refuse(StatusCode::NOT_FOUND, "Not Found")
        }
        (&Method::POST, _) => {
            let is_folder = call.header("x-incus-type") == Some("directory");
            let content = STANDARD.encode(call.raw);
            let file = json!({ "folder": is_folder, "content": content });
            store.put(Kind::File, &call.project, &key, file);
            Ok(Answer::Sync(Value::Null))
        }
        (&Method::GET | &Method::HEAD, Some(file)) => {
            let content = file["content"].as_str().unwrap_or_default();
            Ok(Answer::File(STANDARD.decode(content).unwrap_or_default()))
        }
        (&Method::DELETE, Some(_)) => {
            store.remove(Kind::File, &call.project, &key);
            Ok(Answer::Sync(Value::Null))
        }
        _ => refuse(StatusCode::NOT_FOUND, "Not Found"),
    }
}

fn has_folder(store: &Store, call: &Call<'_>, holder: &str) -> bool {
    let folder = call.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let made = store.get(Kind::File, &call.project, &format!("{holder}:{folder}"));
    FOLDERS.contains(&folder) || made.is_some_and(|file| file["folder"] == true)
}

/// Takes away the files of an instance that goes.
pub(super) fn forget(store: &mut Store, project: &str, holder: &str) {
    let within = format!("{holder}:");
    let files = store.list(Kind::File, Some(project)).into_iter();
    let files = files.filter(|(key, _)| key.starts_with(&within));
    let files: Vec<String> = files.map(|(key, _)| key.to_owned()).collect();
    for file in files {
        store.remove(Kind::File, project, &file);
    }
}

/// Gives one holder the files of another.
pub(super) fn copy(store: &mut Store, project: &str, from: &str, to: &str) {
    let within = format!("{from}:");
    let files = store.list(Kind::File, Some(project)).into_iter();
    let files = files.filter_map(|(key, file)| {
        let path = key.strip_prefix(&within)?;
        Some((format!("{to}:{path}"), file.clone()))
    });
    for (key, file) in files.collect::<Vec<_>>() {
        store.put(Kind::File, project, &key, file);
    }
}
