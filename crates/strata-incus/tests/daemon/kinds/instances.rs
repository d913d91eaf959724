//! Instances, their snapshots, and images.

use strata_core::{Type, Value};

use super::{
    Attributes, Here, Kind, object,
    others::device,
    rows,
    storage::{file, file_of},
    text, texts_of,
};
use crate::testbed::texts;

pub(super) fn kinds(here: &Here) -> Vec<Kind> {
    vec![instance(here), snapshot(here), image(here)]
}

fn instance(here: &Here) -> Kind {
    let name = here.name("i");
    // On the real daemon nothing is started that need not be.
    let running = ("running", Value::from(here.is_twin()));
    let minimal = vec![
        ("name", text(&name)),
        ("image", text(here.image())),
        running,
    ];
    let running: Attributes = vec![("running", Value::from(true))];
    let program = Value::object([
        ("command", texts_of(&["true"])),
        ("environment", texts(&[("WORD", "hello")])),
        ("working_dir", text("/root")),
        ("uid", Value::from(0)),
        ("gid", Value::from(0)),
        ("timeout", text("30s")),
        ("trigger", text("once")),
    ]);
    let waits = rows([
        object(&[("type", "delay"), ("delay", "10ms")]),
        object(&[("type", "ipv4"), ("nic", "eth0")]),
    ]);
    let source = object(&[("project", "default"), ("name", &here.name("one"))]);
    let no_image: Attributes = vec![
        ("image", Value::Null(Type::String)),
        ("running", Value::from(false)),
    ];
    let kind = Kind::new("incus_instance", format!("/1.0/instances/{name}"), minimal)
        .described()
        .changes("name", here.name("j").as_str())
        .replaces("project", here.name("room").as_str())
        .changes("running", Value::from(!here.is_twin()))
        .changes("profiles", texts_of(&["default", &here.name("base")]))
        .changes("config", texts(&[("limits.cpu", "1"), ("user.a", "b")]))
        .changes(
            "device",
            rows([
                device("none", "none", &[]),
                device("tmp", "disk", &[("source", "/tmp"), ("path", "/mnt")]),
            ]),
        )
        .changes("exec", Value::object([("say", program)]))
        .with(running.clone())
        .changes("wait_for", waits)
        .with(running.clone())
        .changes("file", rows([file("/opt/data/a"), file_of(here, "/opt/b")]))
        .replaces("ephemeral", Value::from(true))
        .with(running)
        .would_replace("architecture", "aarch64")
        .replaces("source_instance", source)
        .with(no_image.clone())
        .untold(&["wait_for", "exec", "file"])
        .id(format!("{name},image={}", here.image()));
    match here.is_twin() {
        false => kind
            .would_replace("image", here.testbed.cloud_image.as_str())
            .would_replace("type", "virtual-machine"),
        true => {
            let backup = here.file("instance", b"a backup");
            let of = object(&[
                ("project", "default"),
                ("name", &here.name("one")),
                ("snapshot", "before"),
            ]);
            kind.replaces("image", "debian/13")
                .replaces("type", "virtual-machine")
                .replaces("target", "n2")
                .replaces("source_file", backup.as_str())
                .with(no_image)
                .would_replace("source_instance", of)
        }
    }
}

fn snapshot(here: &Here) -> Kind {
    let instance = here.name("one");
    let path = format!("/1.0/instances/{instance}/snapshots/s");
    Kind::new(
        "incus_instance_snapshot",
        path,
        vec![("name", text("s")), ("instance", text(&instance))],
    )
    .remote()
    .replaces("name", "t")
    .replaces("instance", here.name("two").as_str())
    .replaces("project", here.name("room").as_str())
    .would_replace("stateful", Value::from(true))
    .id(format!("{instance}/s"))
    .drifts(None)
}

fn image(here: &Here) -> Kind {
    let alias = |name: &str| {
        rows([object(&[
            ("name", &here.name(name)),
            ("description", "why"),
        ])])
    };
    let source = object(&[("name", &here.name("one"))]);
    let minimal = vec![("source_instance", source)];
    let kind = Kind::new("incus_image", String::new(), minimal)
        .id("FINGERPRINT")
        .untold(&["source_instance"])
        .remote()
        .changes("alias", alias("golden"))
        .replaces("project", here.name("room").as_str())
        .replaces("source_instance", object(&[("name", &here.name("two"))]))
        .drifts(None)
        .elsewhere(&[(
            "source_instance.snapshot",
            "made::a_snapshot_becomes_an_instance_and_an_instance_an_image",
        )]);
    if !here.is_twin() {
        return kind;
    }
    let none = vec![(
        "source_instance",
        Value::Null(Type::object([
            ("name", Type::String),
            ("snapshot", Type::String),
        ])),
    )];
    let there = Value::object([
        ("remote", text("other")),
        ("name", text("debian/13")),
        ("type", text("virtual-machine")),
        ("architecture", text("x86_64")),
        ("copy_aliases", Value::from(false)),
    ]);
    let files = object(&[
        ("data_path", &here.file("rootfs", b"a root")),
        ("metadata_path", &here.file("metadata", b"metadata")),
    ]);
    kind.replaces("source_file", files)
        .with(none.clone())
        .replaces("source_image", there)
        .with(none)
}
