//! Profiles, projects, certificates, the server and its cluster.

use serde_json::json;
use strata_core::{Type, Value};

use super::{Here, Kind, object, rows, text};
use crate::testbed::texts;

pub(super) fn kinds(here: &Here) -> Vec<Kind> {
    let mut kinds = vec![
        profile(here),
        project(here),
        certificate(here),
        server(here),
    ];
    if here.is_twin() {
        kinds.push(cluster_group(here));
    }
    kinds
}

pub(super) fn device(name: &str, kind: &str, properties: &[(&str, &str)]) -> Value {
    Value::object([
        ("name", text(name)),
        ("type", text(kind)),
        ("properties", texts(properties)),
    ])
}

fn profile(here: &Here) -> Kind {
    let name = here.name("p");
    let root = device("root", "disk", &[("path", "/"), ("pool", "default")]);
    Kind::new(
        "incus_profile",
        format!("/1.0/profiles/{name}"),
        vec![("name", text(&name))],
    )
    .described()
    .replaces("name", here.name("q").as_str())
    .replaces("project", here.name("room").as_str())
    .changes("config", texts(&[("limits.cpu", "3"), ("user.a", "b")]))
    .changes("device", rows([root]))
    .id(name)
    .drifts(json!({ "config": { "limits.cpu": "9" } }))
}

fn project(here: &Here) -> Kind {
    let name = here.name("pr");
    let config = texts(&[("limits.instances", "3"), ("features.images", "false")]);
    Kind::new(
        "incus_project",
        format!("/1.0/projects/{name}"),
        vec![("name", text(&name))],
    )
    .described()
    .replaces("name", here.name("ps").as_str())
    .changes("config", config)
    .changes("force_destroy", Value::from(true))
    .id(name)
}

/// A certificate of its own.
pub(super) fn pem() -> String {
    let key = rcgen::KeyPair::generate().unwrap();
    let parameters = rcgen::CertificateParams::new(Vec::new()).unwrap();
    parameters.self_signed(&key).unwrap().pem()
}

fn certificate(here: &Here) -> Kind {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let name = here.name("c");
    let pem = pem();
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let fingerprint = strata_http::tls::fingerprint(&STANDARD.decode(body).unwrap());
    let projects = Value::set(Type::String, [text("default")]);
    Kind::new(
        "incus_certificate",
        format!("/1.0/certificates/{fingerprint}"),
        vec![
            ("name", text(&name)),
            ("certificate", text(&pem)),
            ("type", text("client")),
        ],
    )
    .described()
    .changes("name", here.name("d").as_str())
    .replaces("certificate", super::others::pem().as_str())
    .replaces("type", "metrics")
    .changes("restricted", Value::from(true))
    .changes("projects", projects)
    .with(vec![("restricted", Value::from(true))])
    .id(fingerprint)
}

fn server(here: &Here) -> Kind {
    let key = format!("user.{}", here.name("k"));
    let kind = Kind::new(
        "incus_server",
        "/1.0".to_owned(),
        vec![("config", texts(&[(&key, "one")]))],
    )
    .remote()
    .changes(
        "config",
        texts(&[(&key, "two"), (&format!("{key}.more"), "three")]),
    )
    .id(":")
    .untold(&["config"])
    .drifts(json!({ "config": { key: "changed" } }));
    match here.is_twin() {
        true => kind.replaces("target", "n2"),
        false => kind,
    }
}

fn cluster_group(here: &Here) -> Kind {
    let name = here.name("g");
    let none = Value::set(Type::String, []);
    Kind::new(
        "incus_cluster_group",
        format!("/1.0/cluster/groups/{name}"),
        vec![("name", text(&name)), ("members", none)],
    )
    .described()
    .replaces("name", here.name("h").as_str())
    .changes("config", texts(&[("user.a", "b")]))
    .changes(
        "members",
        Value::set(Type::String, [text("n1"), text("n3")]),
    )
    .untold(&["members"])
    .id(name)
}

/// Rules with every column.
pub(super) fn rules() -> Value {
    let rule = |cells: &[(&'static str, &str)]| {
        let base = [
            ("action", "allow"),
            ("state", "enabled"),
            ("description", "why"),
        ];
        object(&[&base, cells].concat())
    };
    rows([
        rule(&[
            ("source", "10.0.0.0/8"),
            ("destination", "10.1.0.1"),
            ("protocol", "tcp"),
            ("source_port", "1024-65535"),
            ("destination_port", "443"),
        ]),
        rule(&[
            ("protocol", "icmp4"),
            ("icmp_type", "8"),
            ("icmp_code", "0"),
        ]),
    ])
}
