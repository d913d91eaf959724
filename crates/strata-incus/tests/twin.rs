//! The twin, asked as any client would ask it: raw HTTP over its socket.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
    path::Path,
};

use serde_json::{Value, json};
use strata_incus::twin::Twin;

fn send(socket: &Path, head: &str, body: &str) -> String {
    let mut stream = UnixStream::connect(socket).unwrap();
    write!(
        stream,
        "{head}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn request(socket: &Path, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let answer = send(socket, &format!("{method} {path} HTTP/1.0"), &body);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap())
}

/// Runs blocking `work` beside the twin.
async fn with_twin<T: Send + 'static>(work: impl FnOnce(&Path) -> T + Send + 'static) -> T {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("twin.socket");
    let _twin = Twin::start(&socket, Some(&folder.path().join("twin.json"))).unwrap();
    tokio::task::spawn_blocking(move || work(&socket))
        .await
        .unwrap()
}

fn container(name: &str, image: &str) -> Value {
    json!({ "name": name, "type": "container", "source": { "type": "image", "alias": image }, "start": true })
}

#[tokio::test]
async fn a_container_gets_an_address_of_its_bridge_and_goes_away_when_stopped() {
    with_twin(|socket| {
        let (status, created) = request(
            socket,
            "POST",
            "/1.0/instances",
            &container("web", "debian/12"),
        );
        assert_eq!((status, &created["type"]), (202, &json!("async")));
        let operation = created["operation"].as_str().unwrap();
        let (_, ended) = request(socket, "GET", &format!("{operation}/wait"), &Value::Null);
        assert_eq!(ended["metadata"]["status_code"], 200);

        let (_, full) = request(
            socket,
            "GET",
            "/1.0/instances/web?recursion=1",
            &Value::Null,
        );
        let address = &full["metadata"]["state"]["network"]["eth0"]["addresses"][0]["address"];
        assert_eq!(address, "10.99.0.2");

        let (status, refused) = request(socket, "DELETE", "/1.0/instances/web", &Value::Null);
        assert_eq!(
            (status, &refused["error"]),
            (400, &json!("Instance is running"))
        );
        let stop = json!({ "action": "stop" });
        assert_eq!(
            request(socket, "PUT", "/1.0/instances/web/state", &stop).0,
            202
        );
        assert_eq!(
            request(socket, "DELETE", "/1.0/instances/web", &Value::Null).0,
            202
        );
        assert_eq!(
            request(socket, "GET", "/1.0/instances/web", &Value::Null).0,
            404
        );
    })
    .await;
}

#[tokio::test]
async fn another_server_has_whatever_image_is_asked_of_it() {
    with_twin(|socket| {
        let mut body = container("web", "ubuntu/20.04");
        body["source"]["server"] = json!("https://images.example.net");
        body["source"]["protocol"] = json!("simplestreams");
        assert_eq!(request(socket, "POST", "/1.0/instances", &body).0, 202);
        let path = "/1.0/instances/web";
        let (status, answer) = request(socket, "GET", path, &Value::Null);
        assert_eq!(status, 200, "{answer}");
    })
    .await;
}

#[tokio::test]
async fn what_a_real_daemon_refuses_the_twin_refuses() {
    let errors = with_twin(|socket| {
        let mut unknown_profile = container("a", "debian/12");
        unknown_profile["profiles"] = json!(["nope"]);
        let refusals = [
            ("POST", "/1.0/instances", container("a", "nope")),
            ("POST", "/1.0/instances", container("a b", "debian/12")),
            ("POST", "/1.0/instances", unknown_profile),
            ("POST", "/1.0/networks", json!({ "name": "incusbr0" })),
            ("DELETE", "/1.0/networks/incusbr0", Value::Null),
            ("GET", "/1.0/profiles/nope", Value::Null),
            ("GET", "/1.0/profiles?project=nope", Value::Null),
            ("GET", "/1.0/clusters", Value::Null),
        ];
        refusals
            .map(|(method, path, body)| {
                let (mut status, mut answer) = request(socket, method, path, &body);
                if let Some(operation) =
                    answer["operation"].as_str().filter(|path| !path.is_empty())
                {
                    let wait = format!("{operation}/wait");
                    (status, answer) = request(socket, "GET", &wait, &Value::Null);
                }
                format!("{status} {}", answer["error"].as_str().unwrap())
            })
            .join("\n")
    })
    .await;
    expect_test::expect![[r#"
        500 Image not provided for instance creation
        400 Invalid instance name: Name can only contain alphanumeric and hyphen characters
        500 Requested profile "nope" doesn't exist
        409 Network "incusbr0" already exists
        400 The network is currently in use
        404 Fetch profile: Profile not found
        404 Failed loading project "nope": Project not found
        501 the twin has no GET /1.0/clusters"#]]
    .assert_eq(&errors);
}

#[tokio::test]
async fn an_update_on_an_old_version_is_refused() {
    with_twin(|socket| {
        let body = json!({ "name": "p", "config": { "limits.cpu": "1" } });
        assert_eq!(request(socket, "POST", "/1.0/profiles", &body).0, 201);
        let answer = send(
            socket,
            "PUT /1.0/profiles/p HTTP/1.0\r\nIf-Match: old",
            "{}",
        );
        assert!(answer.starts_with("HTTP/1.0 412"), "{answer}");
        let (_, profile) = request(socket, "GET", "/1.0/profiles/p", &Value::Null);
        assert_eq!(profile["metadata"]["config"], json!({ "limits.cpu": "1" }));
    })
    .await;
}

#[tokio::test]
async fn a_new_twin_goes_on_from_the_file_of_an_old_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("twin.json");
    for (name, expected) in [("a", 1), ("b", 2)] {
        let socket = folder.path().join(format!("{name}.socket"));
        let twin = Twin::start(&socket, Some(&file)).unwrap();
        let count = tokio::task::spawn_blocking(move || {
            assert_eq!(
                request(
                    &socket,
                    "POST",
                    "/1.0/instances",
                    &container(name, "debian/12")
                )
                .0,
                202
            );
            let (_, list) = request(&socket, "GET", "/1.0/instances", &Value::Null);
            list["metadata"].as_array().unwrap().len()
        });
        assert_eq!(count.await.unwrap(), expected);
        drop(twin);
    }
}
