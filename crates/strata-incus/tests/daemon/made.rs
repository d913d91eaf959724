//! On a real daemon: snapshots, copies, backups, images, certificates, programs, server keys.

use serde_json::Value as Json;
use strata_core::{Type, Value};

use crate::testbed::{Testbed, name, socket, testbed, texts};

fn text(text: &str) -> Value {
    Value::from(text)
}

/// Asks the daemon as somebody else would.
async fn ask(method: &'static str, path: String, body: Json) -> Json {
    let socket = socket().expect("a daemon is there");
    let asking =
        tokio::task::spawn_blocking(move || crate::raw::request(&socket, method, &path, &body));
    asking.await.unwrap().1
}

fn stopped(testbed: &Testbed, name: &str) -> Vec<(&'static str, Value)> {
    vec![
        ("name", text(name)),
        ("image", text(&testbed.image)),
        ("running", Value::from(false)),
    ]
}

#[tokio::test]
async fn a_snapshot_becomes_an_instance_and_an_instance_an_image() {
    let Some(testbed) = testbed() else { return };
    let (first, second) = (name("first"), name("second"));
    let mut attributes = stopped(&testbed, &first);
    attributes.push(("config", texts(&[("limits.cpu", "1"), ("user.a", "b")])));
    let mut instance = testbed.resource("incus_instance");
    instance.apply(&attributes).await;

    let snapshot = [("name", text("before")), ("instance", text(&first))];
    let mut taken = testbed.resource("incus_instance_snapshot");
    taken.apply(&snapshot).await;
    taken.settled(&snapshot).await;
    assert!(taken.get("created_at").as_number().unwrap().as_i64() > Some(1_700_000_000));

    let source = Value::object([
        ("project", text("default")),
        ("name", text(&first)),
        ("snapshot", text("before")),
    ]);
    let copy = [
        ("name", text(&second)),
        ("source_instance", source),
        ("running", Value::from(false)),
        ("config", texts(&[("limits.cpu", "2")])),
    ];
    let mut copied = testbed.resource("incus_instance");
    copied.apply(&copy).await;
    copied.settled(&copy).await;
    copied.delete().await;

    let alias = name("golden");
    let named = |name: &str| Value::tuple(vec![Value::object([("name", text(name))])]);
    let source = Value::object([("name", text(&first)), ("snapshot", text("before"))]);
    let mut published = vec![("source_instance", source), ("alias", named(&alias))];
    let mut image = testbed.resource("incus_image");
    image.apply(&published).await;
    image.settled(&published).await;
    published[1].1 = named(&name("other"));
    image.apply(&published).await;
    image.settled(&published).await;
    image.delete().await;
    taken.delete().await;
    instance.delete().await;
}

#[tokio::test]
async fn programs_run_at_the_create_and_when_they_change() {
    let Some(testbed) = testbed() else { return };
    let program = |line: &str, folder: &str| {
        let words = ["sh", "-c", line].map(text).into();
        Value::object([
            ("command", Value::list(Type::String, words)),
            ("working_dir", text(folder)),
            ("environment", texts(&[("WORD", "hello")])),
            ("timeout", text("30s")),
        ])
    };
    let programs = |line: &str| Value::object([("write", program(line, "/opt"))]);
    let instance_name = name("exec");
    let mut attributes = vec![
        ("name", text(&instance_name)),
        ("image", text(&testbed.image)),
    ];
    attributes.push(("exec", programs("echo $WORD >> words")));
    let mut instance = testbed.resource("incus_instance");
    instance.apply(&attributes).await;
    instance.settled(&attributes).await;
    attributes[2].1 = programs("echo again >> words");
    instance.apply(&attributes).await;
    let path = format!("/1.0/instances/{instance_name}/files?path=/opt/words");
    let socket = socket().unwrap();
    let read = tokio::task::spawn_blocking(move || crate::raw::exchange(&socket, "GET", &path, ""));
    assert!(read.await.unwrap().ends_with("hello\nagain\n"));

    attributes[2].1 = programs("echo the reason; exit 4");
    let config = instance.config(&attributes);
    let plan = instance.plan(&config).await;
    let response = instance.try_apply(&config, &plan).await;
    let told: Vec<_> = response
        .diagnostics
        .iter()
        .map(|told| told.detail.clone())
        .collect();
    assert!(
        told[0].contains("exited with 4") && told[0].contains("the reason"),
        "{told:?}"
    );
    instance.delete().await;
}

#[tokio::test]
async fn a_volume_is_copied_and_comes_back_from_its_backup() {
    let Some(testbed) = testbed() else { return };
    let (one, two, three) = (name("one"), name("two"), name("three"));
    let pool = ("pool", text("default"));
    let attributes = [("name", text(&one)), pool.clone()];
    let mut volume = testbed.resource("incus_storage_volume");
    volume.apply(&attributes).await;
    volume.settled(&attributes).await;

    let source = Value::object([("pool", text("default")), ("name", text(&one))]);
    let copy = [
        ("name", text(&two)),
        pool.clone(),
        ("source_volume", source),
    ];
    let mut copied = testbed.resource("incus_storage_volume");
    copied.apply(&copy).await;
    copied.settled(&copy).await;

    let volumes = "/1.0/storage-pools/default/volumes/custom";
    let body = serde_json::json!({ "name": "b", "volume_only": true });
    ask("POST", format!("{volumes}/{one}/backups"), body).await;
    let socket = socket().unwrap();
    let path = format!("{volumes}/{one}/backups/b/export");
    let exported = tokio::task::spawn_blocking(move || crate::raw::download(&socket, &path));
    let folder = tempfile::tempdir().unwrap();
    let backup = folder.path().join("backup.tar.gz");
    std::fs::write(&backup, exported.await.unwrap()).unwrap();
    ask("DELETE", format!("{volumes}/{one}/backups/b"), Json::Null).await;

    let source = ("source_file", text(&backup.display().to_string()));
    let restored = [
        ("name", text(&three)),
        pool,
        source,
        ("description", text("restored")),
    ];
    let mut again = testbed.resource("incus_storage_volume");
    again.apply(&restored).await;
    again.settled(&restored).await;
    for volume in [&mut volume, &mut copied, &mut again] {
        volume.delete().await;
    }
}

#[tokio::test]
async fn files_for_a_volume_are_refused_by_a_server_that_has_no_way_to_write_them() {
    let Some(testbed) = testbed() else { return };
    let server = ask("GET", "/1.0".to_owned(), Json::Null).await;
    let extensions = server["metadata"]["api_extensions"].as_array().unwrap();
    let writes = extensions.iter().any(|one| one == "file_storage_volume");
    let file = Value::object([("content", text("a")), ("target_path", text("/a"))]);
    let volume = testbed.resource("incus_storage_volume");
    let config = volume.config(&[
        ("name", text(&name("files"))),
        ("pool", text("default")),
        ("file", Value::tuple(vec![file])),
    ]);
    let told = volume.try_plan(&config).await.err().unwrap_or_default();
    let told: Vec<_> = told.iter().map(|told| told.code).collect();
    let expected: &[&str] = if writes {
        &[]
    } else {
        &["incus-not-supported"]
    };
    assert_eq!(told, expected);
}

#[tokio::test]
async fn an_iso_is_a_volume() {
    let Some(testbed) = testbed() else { return };
    let folder = tempfile::tempdir().unwrap();
    let disc = folder.path().join("disc.iso");
    std::fs::write(&disc, vec![0; 2 << 20]).unwrap();
    let attributes = [
        ("name", text(&name("iso"))),
        ("pool", text("default")),
        ("content_type", text("iso")),
        ("source_file", text(&disc.display().to_string())),
    ];
    let mut volume = testbed.resource("incus_storage_volume");
    volume.apply(&attributes).await;
    volume.settled(&attributes).await;
    volume.delete().await;
}

#[tokio::test]
async fn a_certificate_is_trusted_changed_and_no_longer() {
    let Some(testbed) = testbed() else { return };
    let key = rcgen::KeyPair::generate().unwrap();
    let made = rcgen::CertificateParams::new(Vec::new())
        .unwrap()
        .self_signed(&key)
        .unwrap();
    let mut attributes = vec![
        ("name", text(&name("cert"))),
        ("certificate", text(&made.pem())),
        ("type", text("metrics")),
    ];
    let mut certificate = testbed.resource("incus_certificate");
    certificate.apply(&attributes).await;
    certificate.settled(&attributes).await;
    attributes[0].1 = text(&name("renamed"));
    attributes.push(("description", text("d")));
    certificate.apply(&attributes).await;
    certificate.settled(&attributes).await;
    let id = certificate.get("fingerprint").as_str().unwrap().to_owned();
    let imported = testbed
        .provider
        .import("incus_certificate".into(), id)
        .await
        .unwrap();
    certificate.object = Some(imported);
    certificate.settled(&attributes).await;
    certificate.delete().await;
    assert!(certificate.object.is_none());
}

#[tokio::test]
async fn a_key_of_the_server_is_set_and_taken_back() {
    let Some(testbed) = testbed() else { return };
    let key = format!("user.{}", name("key"));
    let attributes = |value: &str| [("config", texts(&[(key.as_str(), value)]))];
    let mut server = testbed.resource("incus_server");
    for value in ["one", "two"] {
        server.apply(&attributes(value)).await;
        server.settled(&attributes(value)).await;
    }
    server.delete().await;
    let left = ask("GET", "/1.0".to_owned(), Json::Null).await;
    assert_eq!(left["metadata"]["config"][key.as_str()], Json::Null);
}

#[tokio::test]
async fn what_the_server_has_already_is_told_while_planning() {
    let Some(testbed) = testbed() else { return };
    let profile = testbed.resource("incus_profile");
    let config = profile.config(&[("name", text("default"))]);
    let told = profile.try_plan(&config).await.unwrap().warnings;
    let told: Vec<_> = told
        .iter()
        .map(|told| (told.code, told.summary.as_str()))
        .collect();
    assert_eq!(
        told,
        [("incus-given", "profile `default` is there already")]
    );

    let instance = testbed.resource("incus_instance");
    let properties = texts(&[
        ("network", testbed.network.as_str()),
        ("ipv4.address", "192.0.2.9"),
    ]);
    let nic = [
        ("name", text("eth0")),
        ("type", text("nic")),
        ("properties", properties),
    ];
    let config = instance.config(&[
        ("name", text(&name("address"))),
        ("image", text(&testbed.image)),
        ("device", Value::tuple(vec![Value::object(nic)])),
    ]);
    let told = instance.try_plan(&config).await.unwrap_err();
    assert!(
        told.iter().any(|told| told.code == "incus-address"),
        "{told:?}"
    );
}
