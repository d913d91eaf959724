//! Images of other remotes: looked for while planning, downloaded once, with the aliases that they have there.
//!
//! The other remote is a server of images on this machine, in plain HTTP: a list of images by simplestreams, a public
//! Incus server, and a registry of OCI images.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::Command,
    sync::{Arc, Mutex},
};

use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use strata_core::{Diagnostics, Value, provider::PlanResponse};
use strata_incus::{Incus, twin::Twin};

use crate::testbed::{Resource, Testbed, name, settings, short, socket};

/// A server of images. Its thread ends with the process.
struct Server {
    port: u16,
    /// What was asked for, with who asked.
    asked: Arc<Mutex<Vec<(String, String)>>>,
}

/// What the server has, by path.
type Shelf = BTreeMap<String, Vec<u8>>;

impl Server {
    fn start(shelf: Shelf) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let noted = asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (shelf, noted) = (shelf.clone(), noted.clone());
                // A caller that goes away is no concern of others.
                std::thread::spawn(move || answer(stream, port, &shelf, &noted).ok());
            }
        });
        Self { port, asked }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// How often something was asked for, by us or by an Incus daemon.
    fn count(&self, path: &str, by_daemon: bool) -> usize {
        let asked = self.asked.lock().unwrap();
        let fits = |(other, agent): &&(String, String)| {
            other == path && agent.contains("Incus") == by_daemon
        };
        asked.iter().filter(fits).count()
    }
}

fn answer(
    mut stream: TcpStream,
    port: u16,
    shelf: &Shelf,
    asked: &Mutex<Vec<(String, String)>>,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let request = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    let mut words = request.split(' ');
    let (method, path) = (
        words.next().unwrap_or_default().to_owned(),
        words.next().unwrap_or_default().to_owned(),
    );
    let mut headers = BTreeMap::new();
    for line in lines {
        let line = line?;
        let Some((name, value)) = line.split_once(": ") else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let agent = headers.get("user-agent").cloned().unwrap_or_default();
    asked.lock().unwrap().push((path.clone(), agent));
    let is_closed = path.starts_with("/v2/")
        && headers.get("authorization").map(String::as_str) != Some("Bearer t");
    let (status, body) = match shelf.get(&path) {
        _ if is_closed => ("401 Unauthorized", Vec::new()),
        Some(body) => ("200 OK", body.clone()),
        None => ("404 Not Found", b"{}".to_vec()),
    };
    let challenge = format!(
        "WWW-Authenticate: Bearer realm=\"http://127.0.0.1:{port}/token\",service=\"s\",scope=\"x\"\r\n"
    );
    write!(
        stream,
        "HTTP/1.1 {status}\r\n{}Content-Length: {}\r\nConnection: close\r\n\r\n",
        if is_closed { &challenge } else { "" },
        body.len()
    )?;
    match method.as_str() {
        "HEAD" => Ok(()),
        _ => stream.write_all(&body),
    }
}

/// A server that has one image under each protocol; `image` is its file.
fn shelf(image: &[u8]) -> (Shelf, String) {
    let print: String = Sha256::digest(image)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let index = json!({ "format": "index:1.0", "index": { "images": {
        "datatype": "image-downloads", "path": "streams/v1/images.json", "format": "products:1.0", "products": ["tiny:1:amd64:default"],
    }}});
    let item = json!({ "ftype": "incus_combined.tar.gz", "path": "images/tiny.tar.gz", "sha256": print, "size": image.len() });
    let products = json!({ "content_id": "images", "datatype": "image-downloads", "format": "products:1.0", "products": {
        "tiny:1:amd64:default": {
            "aliases": "tiny/1,tiny", "arch": "amd64", "os": "Tiny", "release": "1", "release_title": "1", "variant": "default",
            "versions": { "20260101_00:00": { "items": { "incus_combined.tar.gz": item } } },
        },
        "other:1:riscv64:default": { "aliases": "other/1", "arch": "riscv64", "versions": {} },
    }});
    let incus = json!({ "metadata": { "fingerprint": print, "aliases": [{ "name": "tiny/1", "description": "" }, { "name": "small", "description": "" }] } });
    let files: [(&str, Vec<u8>); 7] = [
        ("/streams/v1/index.json", index.to_string().into()),
        ("/streams/v1/images.json", products.to_string().into()),
        ("/images/tiny.tar.gz", image.to_vec()),
        (
            "/1.0/images/aliases/tiny%2F1",
            json!({ "metadata": { "target": print } })
                .to_string()
                .into(),
        ),
        (&format!("/1.0/images/{print}"), incus.to_string().into()),
        (
            "/token?service=s&scope=x",
            json!({ "token": "t" }).to_string().into(),
        ),
        ("/v2/team/app/manifests/1", b"{}".to_vec()),
    ];
    let files = files
        .into_iter()
        .map(|(path, body)| (path.to_owned(), body));
    (files.collect(), print)
}

/// The provider on a server, with remotes `streams`, `public` and `registry` that lead to a server of images, and `gone`.
fn connect(socket: &Path, url: &str) -> Testbed {
    let socket = socket.display().to_string();
    let mut settings = settings(
        &[
            ("INCUS_SOCKET", socket.as_str()),
            ("INCUS_CONF", "/nonexistent"),
        ],
        short(),
    );
    settings.rehearses = false;
    let incus = Incus::new(settings);
    let provider = incus.provider();
    let schema = &provider.schema().provider;
    let empty = schema.blocks["remote"].block.empty_value();
    let remote = |name: &str, url: &str, protocol: &str| {
        let mut entries = empty.as_entries().unwrap().clone();
        entries.insert("name".into(), Value::from(name));
        entries.insert("address".into(), Value::from(url));
        entries.insert("protocol".into(), Value::from(protocol));
        entries.insert("public".into(), Value::from(true));
        Value::object(entries)
    };
    let remotes = vec![
        remote("streams", url, "simplestreams"),
        remote("public", url, "incus"),
        remote("registry", url, "oci"),
        remote("gone", "http://127.0.0.1:1", "simplestreams"),
    ];
    let mut block = schema.empty_value().as_entries().unwrap().clone();
    block.insert("remote".into(), Value::list(remotes[0].ty(), remotes));
    let configured = provider.configure(Value::object(block)).unwrap();
    Testbed::of(incus, configured)
}

fn of(image: &str, name: &str) -> Vec<(&'static str, Value)> {
    vec![
        ("name", Value::from(name)),
        ("image", Value::from(image)),
        ("running", Value::from(false)),
    ]
}

/// A twin beside a server of images, and the provider that has both.
fn beside() -> (tempfile::TempDir, Twin, Server, Testbed) {
    let folder = tempfile::tempdir().unwrap();
    let twin = Twin::start(&folder.path().join("socket"), None).unwrap();
    let server = Server::start(shelf(b"nothing").0);
    let testbed = connect(twin.socket(), &server.url());
    (folder, twin, server, testbed)
}

async fn planned(testbed: &Testbed, image: &str) -> Result<PlanResponse, Diagnostics> {
    let instance = testbed.resource("incus_instance");
    instance.try_plan(&instance.config(&of(image, "one"))).await
}

#[tokio::test]
async fn an_image_that_another_remote_does_not_have_is_told_while_planning() {
    let (_folder, _twin, _server, testbed) = beside();
    let (_, print) = shelf(b"nothing");
    for image in [
        "streams:tiny/1",
        "streams:tiny",
        "streams:tiny/1/amd64",
        "public:tiny/1",
        "registry:team/app:1",
    ] {
        let plan = planned(&testbed, image).await;
        assert!(plan.is_ok_and(|plan| plan.warnings.is_empty()), "{image}");
    }
    assert!(planned(&testbed, &format!("public:{print}")).await.is_ok());
    // One that is there for other processors alone is none here.
    for image in [
        "streams:tiny/2",
        "streams:other/1",
        "public:tiny/2",
        "registry:team/app:2",
    ] {
        let diags = planned(&testbed, image).await.unwrap_err();
        let told = diags.iter().next().unwrap();
        assert_eq!(told.summary, format!("there is no image `{image}`"));
        assert!(
            told.detail.contains("Remote `") && told.hints[0].contains("incus image list"),
            "{told:?}"
        );
    }
    // The same of an image that is copied.
    let source = |remote: &str| {
        Value::object([
            ("remote", Value::from(remote)),
            ("name", Value::from("tiny/2")),
        ])
    };
    let copied = testbed.resource("incus_image");
    let config = |remote: &str| copied.config(&[("source_image", source(remote))]);
    assert!(copied.try_plan(&config("streams")).await.is_err());
}

#[tokio::test]
async fn a_remote_is_asked_once_in_a_run_and_one_that_is_silent_stops_no_plan() {
    let (_folder, _twin, server, testbed) = beside();
    for image in [
        "streams:tiny/1",
        "streams:tiny",
        "streams:tiny/1",
        "public:tiny/1",
        "public:tiny/1",
    ] {
        planned(&testbed, image).await.unwrap();
    }
    for path in [
        "/streams/v1/index.json",
        "/streams/v1/images.json",
        "/1.0/images/aliases/tiny%2F1",
    ] {
        assert_eq!(server.count(path, false), 1, "{path}");
    }
    let warnings = async |image: &str| planned(&testbed, image).await.unwrap().warnings;
    let first = warnings("gone:debian/12").await;
    let told = first.iter().next().unwrap();
    assert_eq!(told.summary, "image `gone:debian/12` was not looked for");
    let why = told.detail.as_str();
    assert!(why.contains(" does not answer: "), "{why}");
    assert!(!why.contains("Incus"), "{why}");
    // Said once, however many images.
    assert!(warnings("gone:debian/12").await.is_empty());
    assert!(warnings("gone:debian/13").await.is_empty());
}

#[tokio::test]
async fn aliases_of_a_public_server_come_with_an_image() {
    let (_folder, _twin, _server, testbed) = beside();
    for (remote, aliases) in [
        ("public", ["small", "tiny/1"].as_slice()),
        (
            "streams",
            ["tiny", "tiny/1", "tiny/1/amd64", "tiny/amd64"].as_slice(),
        ),
    ] {
        let source = Value::object([
            ("remote", Value::from(remote)),
            ("name", Value::from("tiny/1")),
            ("copy_aliases", Value::from(true)),
        ]);
        let attributes = [("source_image", source)];
        let mut image = testbed.resource("incus_image");
        image.apply(&attributes).await;
        let copied = image.get("copied_aliases");
        let copied: Vec<&str> = copied
            .as_sequence()
            .unwrap()
            .iter()
            .filter_map(Value::as_str)
            .collect();
        assert_eq!(copied, aliases, "{remote}");
        image.settled(&attributes).await;
        image.delete().await;
    }
}

/// An image of next to nothing, in one file.
fn tiny() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let at = |path: &str| folder.path().join(path);
    std::fs::create_dir_all(at("rootfs/etc")).unwrap();
    // One of its own, so that no other run has it.
    std::fs::write(at("rootfs/etc/id"), name("tiny")).unwrap();
    std::fs::write(
        at("metadata.yaml"),
        "architecture: x86_64\ncreation_date: 1767225600\nproperties: { os: tiny }\n",
    )
    .unwrap();
    let packed = Command::new("tar")
        .args(["-czf", "tiny.tar.gz", "metadata.yaml", "rootfs"])
        .current_dir(folder.path())
        .status();
    assert!(packed.unwrap().success());
    let mut bytes = Vec::new();
    std::fs::File::open(at("tiny.tar.gz"))
        .unwrap()
        .read_to_end(&mut bytes)
        .unwrap();
    bytes
}

#[tokio::test]
async fn an_image_is_downloaded_once_for_all_instances_that_are_made_of_it() {
    let Some(socket) = socket() else { return };
    let (shelf, print) = shelf(&tiny());
    let server = Server::start(shelf);
    let testbed = connect(&socket, &server.url());
    let mut instances: Vec<Resource<'_>> =
        (0..5).map(|_| testbed.resource("incus_instance")).collect();
    let names: Vec<String> = (0..5).map(|_| name("once")).collect();
    let making = instances
        .iter_mut()
        .zip(&names)
        .map(|(instance, name)| async move {
            instance.apply(&of("streams:tiny/1", name)).await;
        });
    futures_util::future::join_all(making).await;
    assert_eq!(
        server.count("/images/tiny.tar.gz", true),
        1,
        "by the daemon"
    );
    assert_eq!(server.count("/images/tiny.tar.gz", false), 0, "by us");
    assert_eq!(server.count("/streams/v1/images.json", false), 1, "by us");
    for instance in &mut instances {
        instance.delete().await;
    }
    let path = format!("/1.0/images/{print}");
    let gone = tokio::task::spawn_blocking(move || {
        crate::raw::request(&socket, "DELETE", &path, &Json::Null)
    });
    assert_eq!(gone.await.unwrap().0, 200);
}
