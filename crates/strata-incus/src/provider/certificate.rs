//! `incus_certificate`: whom the server trusts.

use base64::Engine;
use rustls_pki_types::{CertificateDer, pem::PemObject};
use serde_json::{Value as Json, json};
use strata_core::{Diagnostic, Diagnostics, Type, Value, schema::Resource};
use strata_http::tls::fingerprint;

use super::{
    attributes::{self, Attributes},
    entity::{Entity, ServerObject},
    schemas::{computed, defaulted, optional, required, resource},
    validate,
};

pub(crate) struct Certificate;

impl Entity for Certificate {
    fn type_name(&self) -> &'static str {
        "incus_certificate"
    }

    fn noun(&self) -> &'static str {
        "certificate"
    }

    fn schema(&self) -> Resource {
        let projects = Type::set(Type::String);
        let attributes = [
            required("name", "Its name."),
            required("certificate", "The certificate in PEM."),
            defaulted("description", Type::String, "What it is for."),
            defaulted(
                "type",
                Type::String,
                "`client` or `metrics`; another one makes it anew.",
            ),
            defaulted(
                "restricted",
                Type::Bool,
                "Whether it opens only `projects`.",
            ),
            defaulted("projects", projects, "The projects that it opens."),
            optional("remote", "The remote that it is on."),
            computed("fingerprint", Type::String, "SHA-256 of the certificate."),
        ];
        resource("A certificate that the server trusts.", attributes, [])
    }

    fn defaults(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("description", Value::from("")),
            ("type", Value::from("client")),
            ("restricted", Value::from(false)),
            ("projects", attributes::set(&[])),
        ]
    }

    fn replacing(&self) -> &'static [&'static str] {
        // No server changes the type of one that it has.
        &["certificate", "type", "remote"]
    }

    fn validate(&self, config: Attributes<'_>, diags: &mut Diagnostics) {
        validate::one_of(config, "type", &["client", "metrics"], diags);
        if config
            .text("certificate")
            .is_some_and(|pem| der(pem).is_none())
        {
            let summary = "the `certificate` is not a certificate in PEM";
            diags.push(Diagnostic::error("incus-invalid-value", summary));
        }
    }

    fn derived(&self, planned: Attributes<'_>) -> Vec<(&'static str, Value)> {
        let der = planned.text("certificate").and_then(der);
        let fingerprint = match der {
            Some(der) => Value::from(fingerprint(&der)),
            None => Value::unknown(Type::String),
        };
        vec![("fingerprint", fingerprint)]
    }

    fn has_config(&self) -> bool {
        false
    }

    fn has_project(&self) -> bool {
        false
    }

    fn segments<'a>(&self, object: Attributes<'a>) -> Vec<&'a str> {
        vec![
            "certificates",
            object.text("fingerprint").unwrap_or_default(),
        ]
    }

    fn create_fields(&self, object: Attributes<'_>) -> Vec<(&'static str, Json)> {
        let der = object.text("certificate").and_then(der).unwrap_or_default();
        let certificate = base64::engine::general_purpose::STANDARD.encode(der);
        let mut fields = settings(object);
        fields.push(("certificate", json!(certificate)));
        fields
    }

    fn update_fields(
        &self,
        object: Attributes<'_>,
        server: &ServerObject,
    ) -> Vec<(&'static str, Json)> {
        let mut fields = settings(object);
        fields.push(("certificate", json!(server.rest.get("certificate"))));
        fields
    }

    fn read_fields(
        &self,
        known: Attributes<'_>,
        server: &ServerObject,
    ) -> Vec<(&'static str, Value)> {
        let text = |name| server.rest.get(name).and_then(Json::as_str);
        let pem = text("certificate").unwrap_or_default();
        // The same certificate may be written with other line ends.
        let written = known.text("certificate");
        let written = written.filter(|written| der(written).is_some() && der(written) == der(pem));
        let restricted = server.rest.get("restricted").and_then(Json::as_bool);
        vec![
            ("name", attributes::text(text("name"))),
            ("certificate", Value::from(written.unwrap_or(pem))),
            ("fingerprint", attributes::text(text("fingerprint"))),
            ("type", Value::from(server.kind.as_str())),
            ("restricted", Value::from(restricted.unwrap_or_default())),
            ("projects", attributes::set(&server.texts("projects"))),
        ]
    }

    fn import_names(&self) -> &'static [&'static str] {
        &["fingerprint"]
    }
}

fn settings(object: Attributes<'_>) -> Vec<(&'static str, Json)> {
    vec![
        ("name", json!(object.text("name"))),
        ("type", json!(object.text("type"))),
        ("restricted", json!(object.flag("restricted"))),
        (
            "projects",
            json!(object.texts("projects").unwrap_or_default()),
        ),
    ]
}

/// The bytes of a certificate in PEM.
fn der(pem: &str) -> Option<Vec<u8>> {
    let der = CertificateDer::from_pem_slice(pem.as_bytes()).ok()?;
    Some(der.to_vec())
}
