//! Instances and images on the twin: virtual machines, clusters, copies, backups, files, programs.

use serde_json::{Value as Json, json};
use strata_core::{Type, Value, provider::EffectKind};

use crate::{
    objects::{Rehearsal, connect},
    testbed::{Testbed, texts},
};

fn text(text: &str) -> Value {
    Value::from(text)
}

fn basic(name: &str) -> Vec<(&'static str, Value)> {
    vec![("name", text(name)), ("image", text("debian/12"))]
}

fn program(command: &[&str], trigger: &str) -> Value {
    let command = command.iter().map(|word| text(word)).collect();
    Value::object([
        ("command", Value::list(Type::String, command)),
        ("trigger", text(trigger)),
    ])
}

fn file(content: &str) -> Value {
    let file = [
        ("content", text(content)),
        ("target_path", text("/opt/app/settings")),
        ("create_directories", Value::from(true)),
    ];
    Value::tuple(vec![Value::object(file)])
}

#[tokio::test]
async fn a_virtual_machine_with_files_and_programs_settles_and_goes() {
    let rehearsal = Rehearsal::alone();
    let mut attributes = basic("vm");
    attributes.push(("type", text("virtual-machine")));
    attributes.push(("file", file("one")));
    let programs = [("greet", program(&["echo", "hello"], "on_change"))];
    attributes.push(("exec", Value::object(programs)));
    let wait = Value::object([("type", text("agent"))]);
    attributes.push(("wait_for", Value::tuple(vec![wait])));
    let mut vm = rehearsal.testbed.resource("incus_instance");
    vm.apply(&attributes).await;
    assert_eq!(vm.get("type"), text("virtual-machine"));
    vm.settled(&attributes).await;
    let notes = || rehearsal.testbed.notes.lock().unwrap().clone();
    assert_eq!(
        notes()
            .iter()
            .filter(|note| *note == "runs `greet`")
            .count(),
        1
    );
    attributes[4].1 = Value::object([("greet", program(&["echo", "again"], "on_change"))]);
    vm.apply(&attributes).await;
    assert_eq!(
        notes()
            .iter()
            .filter(|note| *note == "runs `greet`")
            .count(),
        2
    );
    vm.settled(&attributes).await;
    vm.delete().await;
}

#[tokio::test]
async fn a_file_that_somebody_changed_is_written_again() {
    let rehearsal = Rehearsal::alone();
    let mut attributes = basic("web");
    attributes.push(("file", file("ours")));
    let mut instance = rehearsal.testbed.resource("incus_instance");
    instance.apply(&attributes).await;
    instance.settled(&attributes).await;
    let path = "/1.0/instances/web/files?path=/opt/app/settings";
    let theirs = rehearsal.ask("POST", path, json!("theirs")).await;
    assert_eq!(theirs["error_code"], 0, "{theirs}");
    assert!(instance.refresh().await);
    let plan = instance.plan(&instance.config(&attributes)).await;
    assert_ne!(
        plan.planned.get("file"),
        instance.object.as_ref().unwrap().value.get("file")
    );
    instance.apply(&attributes).await;
    instance.settled(&attributes).await;
}

#[tokio::test]
async fn an_instance_is_where_it_is_wanted_and_replaced_to_go_elsewhere() {
    let rehearsal = Rehearsal::of(&["n1", "n2", "n3"]);
    let mut attributes = basic("web");
    attributes.push(("target", text("n2")));
    let mut instance = rehearsal.testbed.resource("incus_instance");
    instance.apply(&attributes).await;
    instance.settled(&attributes).await;
    let there = rehearsal.ask("GET", "/1.0/instances/web", Json::Null).await;
    assert_eq!(there["metadata"]["location"], "n2");
    attributes[2].1 = text("n3");
    let plan = instance.plan(&instance.config(&attributes)).await;
    let replaced: Vec<_> = plan
        .requires_replace
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(replaced, ["target"]);
    // Whoever names no member does not care where it is.
    attributes.pop();
    let mut other = rehearsal.testbed.resource("incus_instance");
    other.apply(&basic("other")).await;
    other.settled(&basic("other")).await;
}

#[tokio::test]
async fn a_rebuilt_instance_keeps_its_hardware_address() {
    let rehearsal = Rehearsal::alone();
    let mut instance = rehearsal.testbed.resource("incus_instance");
    instance.apply(&basic("web")).await;
    let before = instance.get("mac_address");
    // A run of its own reads what is there, then plans, as the engine does.
    let next = connect(&rehearsal.twin);
    let mut instance = moved(&next, instance.object.take());
    assert!(instance.refresh().await);
    let mut attributes = basic("web");
    attributes[1].1 = text("debian/13");
    let config = instance.config(&attributes);
    let plan = instance.plan(&config).await;
    assert_eq!(plan.effects[0].kind, EffectKind::Rebuild);
    let prior = instance.object.take();
    let anew = instance.plan(&config).await;
    instance.object = prior;
    instance.delete().await;
    let response = instance.try_apply(&config, &anew).await;
    assert!(
        response.diagnostics.is_empty(),
        "{:?}",
        response.diagnostics
    );
    instance.object = response.object;
    assert_eq!(instance.get("mac_address"), before);
    instance.settled(&attributes).await;
}

fn moved(
    testbed: &Testbed,
    object: Option<strata_core::provider::Object>,
) -> crate::testbed::Resource<'_> {
    let mut resource = testbed.resource("incus_instance");
    resource.object = object;
    resource
}

#[tokio::test]
async fn a_copy_has_the_configuration_that_is_written_and_no_other() {
    let rehearsal = Rehearsal::alone();
    let mut first = rehearsal.testbed.resource("incus_instance");
    let mut attributes = basic("first");
    attributes.push(("config", texts(&[("limits.cpu", "3"), ("user.a", "b")])));
    first.apply(&attributes).await;
    let snapshot = [("name", text("s")), ("instance", text("first"))];
    let mut taken = rehearsal.testbed.resource("incus_instance_snapshot");
    taken.apply(&snapshot).await;
    assert!(taken.get("created_at").as_number().unwrap().as_i64() > Some(1_700_000_000));
    taken.settled(&snapshot).await;
    let source = Value::object([
        ("project", text("default")),
        ("name", text("first")),
        ("snapshot", text("s")),
    ]);
    let copy = [
        ("name", text("second")),
        ("source_instance", source),
        ("config", texts(&[("limits.cpu", "1")])),
    ];
    let mut second = rehearsal.testbed.resource("incus_instance");
    second.apply(&copy).await;
    second.settled(&copy).await;
    assert_eq!(second.get("running"), Value::from(true));
    taken.delete().await;
}

#[tokio::test]
async fn backups_make_instances_volumes_and_buckets() {
    let rehearsal = Rehearsal::alone();
    let backup = rehearsal.folder.path().join("backup.tar.gz");
    std::fs::write(&backup, vec![7; 600_000]).unwrap();
    let file = ("source_file", text(&backup.display().to_string()));
    let pool = ("pool", text("default"));
    let cases: [(&str, Vec<(&str, Value)>); 4] = [
        ("incus_instance", vec![("name", text("i")), file.clone()]),
        (
            "incus_storage_volume",
            vec![
                ("name", text("v")),
                pool.clone(),
                file.clone(),
                ("description", text("d")),
            ],
        ),
        (
            "incus_storage_volume",
            vec![
                ("name", text("disc")),
                pool.clone(),
                file.clone(),
                ("content_type", text("iso")),
            ],
        ),
        (
            "incus_storage_bucket",
            vec![("name", text("b")), pool, file],
        ),
    ];
    for (type_name, attributes) in cases {
        let mut resource = rehearsal.testbed.resource(type_name);
        resource.apply(&attributes).await;
        resource.settled(&attributes).await;
        resource.delete().await;
    }
    let missing = [("name", text("i")), ("source_file", text("/nowhere"))];
    let resource = rehearsal.testbed.resource("incus_instance");
    let config = resource.config(&missing);
    let plan = resource.plan(&config).await;
    let response = resource.try_apply(&config, &plan).await;
    let told: Vec<_> = response
        .diagnostics
        .iter()
        .map(|told| told.detail.clone())
        .collect();
    assert!(
        response.object.is_none() && told[0].contains("/nowhere"),
        "{told:?}"
    );
}

#[tokio::test]
async fn a_volume_is_copied_with_its_files_and_files_are_written_into_it() {
    let rehearsal = Rehearsal::alone();
    let mut first = rehearsal.testbed.resource("incus_storage_volume");
    let attributes = [
        ("name", text("one")),
        ("pool", text("default")),
        ("file", file("kept")),
    ];
    first.apply(&attributes).await;
    first.settled(&attributes).await;
    let source = Value::object([("pool", text("default")), ("name", text("one"))]);
    let copy = [
        ("name", text("two")),
        ("pool", text("default")),
        ("source_volume", source),
    ];
    let mut second = rehearsal.testbed.resource("incus_storage_volume");
    second.apply(&copy).await;
    second.settled(&copy).await;
    let path = "/1.0/storage-pools/default/volumes/custom/two/files?path=/opt/app/settings";
    let (socket, path) = (rehearsal.twin.socket().to_owned(), path.to_owned());
    let read = tokio::task::spawn_blocking(move || crate::raw::exchange(&socket, "GET", &path, ""));
    assert!(read.await.unwrap().ends_with("kept"));
}

#[tokio::test]
async fn an_image_is_copied_named_renamed_and_removed() {
    let rehearsal = Rehearsal::alone();
    let alias = |name: &str| Value::tuple(vec![Value::object([("name", text(name))])]);
    let source = Value::object([("remote", text("images")), ("name", text("void/current"))]);
    let attributes = |name: &str| vec![("source_image", source.clone()), ("alias", alias(name))];
    let mut image = rehearsal.testbed.resource("incus_image");
    image.apply(&attributes("void")).await;
    image.settled(&attributes("void")).await;
    let fingerprint = image.get("fingerprint");
    image.apply(&attributes("other")).await;
    image.settled(&attributes("other")).await;
    assert_eq!(image.get("fingerprint"), fingerprint);
    let mut instance = rehearsal.testbed.resource("incus_instance");
    let uses = [("name", text("web")), ("image", fingerprint)];
    instance.apply(&uses).await;
    image.delete().await;
    let gone = rehearsal
        .ask("GET", "/1.0/images/aliases/other", Json::Null)
        .await;
    assert_eq!(gone["error_code"], 404);
}

#[tokio::test]
async fn an_image_comes_from_files_or_from_an_instance() {
    let rehearsal = Rehearsal::alone();
    let path = |name: &str| {
        let path = rehearsal.folder.path().join(name);
        std::fs::write(&path, name).unwrap();
        text(&path.display().to_string())
    };
    let split = Value::object([
        ("data_path", path("root.squashfs")),
        ("metadata_path", path("meta.tar")),
    ]);
    let unified = Value::object([("data_path", path("image.tar"))]);
    for source in [split, unified] {
        let attributes = [("source_file", source)];
        let mut image = rehearsal.testbed.resource("incus_image");
        image.apply(&attributes).await;
        image.settled(&attributes).await;
        image.delete().await;
    }
    let mut instance = rehearsal.testbed.resource("incus_instance");
    let mut stopped = basic("golden");
    stopped.push(("running", Value::from(false)));
    instance.apply(&stopped).await;
    let attributes = [("source_instance", Value::object([("name", text("golden"))]))];
    let mut image = rehearsal.testbed.resource("incus_image");
    image.apply(&attributes).await;
    image.settled(&attributes).await;
}

#[tokio::test]
async fn an_image_of_another_remote_is_pulled_by_the_server() {
    let rehearsal = Rehearsal::alone();
    let attributes = [("name", text("web")), ("image", text("images:debian/13"))];
    let mut instance = rehearsal.testbed.resource("incus_instance");
    instance.apply(&attributes).await;
    instance.settled(&attributes).await;
}
