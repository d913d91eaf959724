//! Pools, volumes, buckets and their keys.

use strata_core::Value;

use super::{Here, Kind, object, rows, text};
use crate::testbed::texts;

pub(super) fn kinds(here: &Here) -> Vec<Kind> {
    let mut kinds = vec![volume(here)];
    match here.is_twin() {
        false => kinds.push(pool(here)),
        true => kinds.extend([pool_of_a_cluster(here), bucket(here), key(here)]),
    }
    kinds
}

fn pool(here: &Here) -> Kind {
    let name = here.name("fast");
    let minimal = vec![("name", text(&name)), ("driver", text("dir"))];
    Kind::new(
        "incus_storage_pool",
        format!("/1.0/storage-pools/{name}"),
        minimal,
    )
    .described()
    .replaces("name", here.name("slow").as_str())
    .would_replace("driver", "btrfs")
    .replaces("project", here.name("room").as_str())
    .changes(
        "config",
        texts(&[("user.a", "b"), ("rsync.bwlimit", "100MiB")]),
    )
    .id(name)
}

/// One member's part, which is announced: what can be changed of a whole one is tried on the real daemon.
fn pool_of_a_cluster(here: &Here) -> Kind {
    let name = here.name("fast");
    let minimal = vec![
        ("name", text(&name)),
        ("driver", text("dir")),
        ("target", text("n1")),
    ];
    Kind::new(
        "incus_storage_pool",
        format!("/1.0/storage-pools/{name}"),
        minimal,
    )
    .remote()
    .replaces("name", here.name("slow").as_str())
    .replaces("driver", "btrfs")
    .replaces("target", "n2")
    .replaces("project", here.name("room").as_str())
    .drifts(None)
    .elsewhere(&[
        ("description", "on the real daemon"),
        ("config", "on the real daemon"),
    ])
}

/// A file with every argument.
pub(super) fn file(target: &str) -> Value {
    Value::object([
        ("content", text("what it holds")),
        ("target_path", text(target)),
        ("uid", Value::from(1000)),
        ("gid", Value::from(1000)),
        ("mode", text("0640")),
        ("directory_mode", text("0750")),
        ("create_directories", Value::from(true)),
    ])
}

/// The same of a file of this machine.
pub(super) fn file_of(here: &Here, target: &str) -> Value {
    let path = here.file("content", b"what a file holds");
    object(&[("source_path", &path), ("target_path", target)])
}

fn volume(here: &Here) -> Kind {
    let name = here.name("v");
    let path = format!("/1.0/storage-pools/default/volumes/custom/{name}");
    let source = object(&[
        ("pool", "default"),
        ("name", &here.name("vol")),
        ("remote", "here"),
    ]);
    let kind = Kind::new(
        "incus_storage_volume",
        path,
        vec![("name", text(&name)), ("pool", text("default"))],
    )
    .described()
    .replaces("name", here.name("w").as_str())
    .replaces("pool", here.name("pool").as_str())
    .replaces("project", here.name("room").as_str())
    .changes(
        "config",
        texts(&[("snapshots.schedule", "@daily"), ("user.a", "b")]),
    )
    .replaces("source_volume", source)
    .with(vec![("remote", text("here"))])
    .id(format!("default/{name}"))
    .elsewhere(&[("type", "`custom` is the only type that can be made")]);
    match here.is_twin() {
        false => kind.would_replace("content_type", "block"),
        true => kind
            .replaces("content_type", "block")
            .replaces(
                "source_volume",
                object(&[
                    ("pool", "default"),
                    ("name", &here.name("vol")),
                    ("remote", "other"),
                ]),
            )
            .replaces("target", "n2")
            .replaces("source_file", here.file("backup", b"a backup").as_str())
            .changes("file", rows([file("/data/a"), file_of(here, "/b")])),
    }
}

fn bucket(here: &Here) -> Kind {
    let name = here.name("b");
    let path = format!("/1.0/storage-pools/default/buckets/{name}");
    Kind::new(
        "incus_storage_bucket",
        path,
        vec![("name", text(&name)), ("pool", text("default"))],
    )
    .described()
    .replaces("name", here.name("a").as_str())
    .replaces("pool", here.name("pool").as_str())
    .replaces("project", here.name("room").as_str())
    .replaces("target", "n2")
    .replaces("source_file", here.file("bucket", b"a backup").as_str())
    .changes("config", texts(&[("size", "1GiB")]))
    .id(format!("default/{name}"))
}

fn key(here: &Here) -> Kind {
    let bucket = here.name("objects");
    let path = format!("/1.0/storage-pools/default/buckets/{bucket}/keys/k");
    let minimal = vec![
        ("name", text("k")),
        ("pool", text("default")),
        ("storage_bucket", text(&bucket)),
    ];
    Kind::new("incus_storage_bucket_key", path, minimal)
        .described()
        .replaces("name", "l")
        .would_replace("pool", here.name("pool").as_str())
        .replaces("storage_bucket", here.name("things").as_str())
        .replaces("role", "admin")
        .would_replace("project", here.name("room").as_str())
        .id(format!("default/{bucket}/k"))
}
