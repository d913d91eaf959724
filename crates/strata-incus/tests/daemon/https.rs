//! The same over HTTPS, with certificates and a join token.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use strata_core::{
    Diagnostics, Value,
    provider::{ConfiguredProvider, FindRequest},
};
use strata_incus::Incus;

use crate::testbed::{Testbed, settings, short, socket, variable};

/// Asks the daemon on its socket, as an administrator would.
fn admin(socket: &Path, method: &str, path: &str, body: &str) -> String {
    use std::io::{Read, Write};
    let mut stream = std::os::unix::net::UnixStream::connect(socket).unwrap();
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.0\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

fn provider(folder: &Path, address: &str, extra: &[(&str, Value)]) -> Arc<dyn ConfiguredProvider> {
    configured(&Incus::new(settings(&[], short())), folder, address, extra)
}

fn configured(
    incus: &Incus,
    folder: &Path,
    address: &str,
    extra: &[(&str, Value)],
) -> Arc<dyn ConfiguredProvider> {
    let provider = incus.provider();
    let schema = &provider.schema().provider;
    let mut remote = schema.blocks["remote"]
        .block
        .empty_value()
        .as_entries()
        .unwrap()
        .clone();
    remote.insert("name".into(), Value::from("lab"));
    remote.insert("address".into(), Value::from(address));
    let mut block = schema.empty_value().as_entries().unwrap().clone();
    block.insert(
        "config_dir".into(),
        Value::from(folder.display().to_string()),
    );
    for (name, value) in extra {
        let target = if *name == "token" {
            &mut remote
        } else {
            &mut block
        };
        target.insert((*name).into(), value.clone());
    }
    let remote = Value::object(remote);
    block.insert("remote".into(), Value::list(remote.ty(), vec![remote]));
    provider.configure(Value::object(block)).unwrap()
}

async fn ask(provider: &Arc<dyn ConfiguredProvider>) -> Result<(), Diagnostics> {
    let planned = Value::object(BTreeMap::from([("name", Value::from("inc-nothing"))]));
    let request = FindRequest {
        type_name: "incus_profile".into(),
        planned,
        marker: "none".to_owned(),
    };
    provider.find(request).await.map(drop)
}

fn summary(result: Result<(), Diagnostics>) -> String {
    let diags = result.unwrap_err();
    let text = diags.iter().map(|d| format!("{}: {}", d.code, d.detail));
    text.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn a_token_makes_the_server_trust_us_and_us_the_server() {
    let Some(socket) = socket() else { return };
    let address = variable("STRATA_TEST_INCUS_HTTPS", "https://127.0.0.1:8443");
    let folder = tempfile::tempdir().unwrap();
    let yes = Value::from(true);

    // No certificate of ours, and none may be made.
    let bare = provider(folder.path(), &address, &[]);
    assert!(summary(ask(&bare).await).contains("generate_client_certificates"));
    // Theirs is not known, and may not be taken.
    let unknown = provider(
        folder.path(),
        &address,
        &[("generate_client_certificates", yes.clone())],
    );
    assert!(summary(ask(&unknown).await).contains("is not known (fingerprint "));
    // Theirs may be taken, but ours is not trusted yet.
    let accept = [("accept_remote_certificate", yes.clone())];
    let untrusted = provider(folder.path(), &address, &accept);
    assert!(summary(ask(&untrusted).await).starts_with("incus-access-denied"));

    // With a token it is; and then without, with what was remembered alone.
    let name = format!("inc-https-{}", uuid::Uuid::new_v4().simple());
    let body = format!(r#"{{"name":"{name}","type":"client","token":true}}"#);
    let answer: serde_json::Value =
        serde_json::from_str(&admin(&socket, "POST", "/1.0/certificates", &body)).unwrap();
    let secret = &answer["metadata"]["metadata"];
    let token = serde_json::json!({
        "client_name": name,
        "fingerprint": secret["fingerprint"],
        "addresses": secret["addresses"],
        "secret": secret["secret"],
        "expires_at": secret["expiresAt"],
    });
    use base64::Engine;
    let token = base64::engine::general_purpose::STANDARD.encode(token.to_string());
    std::fs::remove_dir_all(folder.path().join("servercerts")).unwrap();
    let joining = provider(
        folder.path(),
        &address,
        &[("token", Value::from(token.as_str()))],
    );
    ask(&joining).await.unwrap();
    let incus = Incus::new(settings(&[], short()));
    let trusted = configured(&incus, folder.path(), &address, &[]);
    ask(&trusted).await.unwrap();

    // Operations, their events and programs in containers work as they do over the socket.
    let testbed = Testbed::of(incus, trusted);
    let mut instance = testbed.resource("incus_instance");
    let attributes = [
        ("name", Value::from(crate::testbed::name("https"))),
        ("image", Value::from(testbed.image.as_str())),
    ];
    instance.apply(&attributes).await;
    let object = instance.object.clone().unwrap().value;
    let host = testbed
        .incus
        .inventory()
        .host("incus_instance", &object)
        .unwrap();
    let connection = testbed.incus.connect(&host.variables).unwrap();
    let output = crate::connection::run(&connection, &["echo", "hello"]).await;
    assert_eq!(output, ("hello\n".to_owned(), 0));
    instance.delete().await;

    // A server that shows another certificate than the one remembered is refused.
    let remembered = folder.path().join("servercerts/lab.crt");
    std::fs::copy(folder.path().join("client.crt"), &remembered).unwrap();
    let other = provider(folder.path(), &address, &[]);
    assert!(summary(ask(&other).await).starts_with("incus-tls"));

    let certificates: serde_json::Value =
        serde_json::from_str(&admin(&socket, "GET", "/1.0/certificates?recursion=1", "")).unwrap();
    let ours = certificates["metadata"].as_array().unwrap().iter();
    for certificate in ours.filter(|certificate| certificate["name"] == name.as_str()) {
        let fingerprint = certificate["fingerprint"].as_str().unwrap();
        admin(
            &socket,
            "DELETE",
            &format!("/1.0/certificates/{fingerprint}"),
            "",
        );
    }
}
