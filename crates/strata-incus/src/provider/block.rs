//! The `provider "incus"` block.

use std::collections::BTreeMap;

use strata_core::{
    Diagnostic, Diagnostics, Type, Value,
    schema::{Attribute, Block, NestedBlock, Nesting, Presence},
};

use super::{
    attributes::Attributes,
    schemas::{optional, required, resource},
    validate,
};
use crate::remote;

/// The schema of the block.
pub(crate) fn schema() -> Block {
    let flag = |name, description| {
        (
            name,
            Attribute::new(Type::Bool, Presence::Optional, description),
        )
    };
    let password = "Not supported: no server takes a password for trust any more.";
    let password = Attribute::new(Type::String, Presence::Optional, password);
    let token = Attribute::new(Type::String, Presence::Optional, "A join token, used once.");
    let remote = [
        required("name", "Its name."),
        optional("address", "Its URL, or that of a unix socket."),
        optional("protocol", "`incus`; others serve only images."),
        optional("authentication_type", "`tls` or `oidc`."),
        ("token", token.sensitive()),
        optional("scheme", "`https` or `unix`, as older releases have it."),
        optional("port", "Its port, as older releases have it."),
        flag(
            "default",
            "Whether it is meant where none is named, as older releases have it.",
        ),
        ("password", password.sensitive()),
        flag(
            "public",
            "Whether it serves images to everyone, and only these are wanted of it.",
        ),
        optional(
            "credentials_helper",
            "A program that knows name and secret for a registry, where `protocol` is `oci`.",
        ),
    ];
    let remote = NestedBlock {
        nesting: Nesting::List,
        block: resource("A remote.", remote, []).block,
        min_items: 0,
        max_items: 0,
    };
    let attributes = [
        optional(
            "config_dir",
            "The folder of the Incus client's configuration.",
        ),
        optional(
            "default_remote",
            "The remote that is meant where none is named.",
        ),
        flag(
            "generate_client_certificates",
            "Whether a client certificate is made if there is none.",
        ),
        flag(
            "accept_remote_certificate",
            "Whether the certificate of an unknown server is accepted.",
        ),
        optional("project", "The project of objects that name none."),
        optional(
            "refresh_interval",
            "Not supported: nothing is polled that could be waited for.",
        ),
    ];
    resource("Incus.", attributes, [("remote", remote)]).block
}

/// Reads the block.
pub(crate) fn read(config: &Value) -> Result<remote::Block, Diagnostics> {
    let mut diags = Diagnostics::new();
    let config = Attributes(config);
    let (mut remotes, mut defaults) = (BTreeMap::new(), Vec::new());
    for block in config.blocks("remote") {
        let name = block.text("name").unwrap_or_default().to_owned();
        check(block, &mut diags);
        if block.flag("default") == Some(true) {
            defaults.extend(block.text("name"));
        }
        let address = address(block).unwrap_or_else(|error| {
            diags.push(error);
            String::new()
        });
        let declared = remote::Declared {
            address,
            token: block.some_text("token").map(str::to_owned),
            protocol: block.some_text("protocol").map(str::to_owned),
            authentication: block.some_text("authentication_type").map(str::to_owned),
            public: block.flag("public") == Some(true),
            credentials_helper: block.some_text("credentials_helper").map(str::to_owned),
        };
        if remotes.insert(name.clone(), declared).is_some() {
            let summary = format!("there are two remotes `{name}`");
            diags.push(Diagnostic::error("incus-invalid-value", summary));
        }
    }
    validate::unsupported("incus", config, &["refresh_interval"], &mut diags);
    defaults.extend(config.some_text("default_remote"));
    defaults.dedup();
    if defaults.len() > 1 {
        let summary = format!(
            "more than one remote is the default: `{}`",
            defaults.join("`, `")
        );
        diags.push(Diagnostic::error("incus-invalid-value", summary));
    }
    diags.into_result(remote::Block {
        default_remote: defaults.pop().map(str::to_owned),
        remotes,
        project: config.some_text("project").map(str::to_owned),
        config_dir: config.some_text("config_dir").map(Into::into),
        generate_certificate: config.flag("generate_client_certificates") == Some(true),
        accept_certificate: config.flag("accept_remote_certificate") == Some(true),
    })
}

fn check(block: Attributes<'_>, diags: &mut Diagnostics) {
    validate::one_of(block, "protocol", &["incus", "simplestreams", "oci"], diags);
    validate::one_of(block, "authentication_type", &["tls", "oidc"], diags);
    validate::one_of(block, "scheme", &["https", "unix"], diags);
    validate::unsupported("remote", block, &["password"], diags);
}

/// The address of a remote; releases before 1.0 said its scheme and its port apart.
fn address(block: Attributes<'_>) -> Result<String, Diagnostic> {
    let address = block.text("address").unwrap_or_default();
    let (scheme, port) = (block.some_text("scheme"), block.some_text("port"));
    let twice = |name: &str, value: &str| {
        let summary = format!("`{name} = \"{value}\"` does not go with the address `{address}`");
        Diagnostic::error("incus-invalid-value", summary).hint("leave it out: the address says it")
    };
    let mut whole = match (address.split_once("://"), scheme) {
        (Some((other, _)), Some(scheme)) if other != scheme => return Err(twice("scheme", scheme)),
        (None, Some(scheme)) if !address.starts_with('/') || scheme == "https" => {
            format!("{scheme}://{address}")
        }
        _ => address.to_owned(),
    };
    if let Some(port) = port {
        let host = whole.strip_prefix("https://").unwrap_or(&whole);
        let has_port = host
            .rsplit(']')
            .next()
            .is_some_and(|rest| rest.contains(':'));
        if has_port || whole.starts_with("unix:") {
            return Err(twice("port", port));
        }
        whole = format!("{whole}:{port}");
    }
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::attributes;

    /// What is read of a block with these remotes: default, project and addresses, or what is wrong.
    fn check(remotes: &[&[(&'static str, &str)]], more: &[(&'static str, &str)]) -> String {
        let schema = schema();
        let empty = schema.blocks["remote"].block.empty_value();
        let value = |text: &str| match text {
            "true" => Value::from(true),
            text => Value::from(text),
        };
        let with = |object: &Value, fields: &[(&'static str, &str)]| {
            attributes::with(
                object,
                fields.iter().map(|(name, text)| (*name, value(text))),
            )
        };
        let remotes = remotes.iter().map(|fields| with(&empty, fields)).collect();
        let config = with(&schema.empty_value(), more);
        let remotes = ("remote", Value::list(empty.ty(), remotes));
        let block = match read(&attributes::with(&config, [remotes])) {
            Ok(block) => block,
            Err(diags) => return diags.iter().map(|told| told.summary.as_str()).collect(),
        };
        let addresses = block.remotes.values().map(|remote| remote.address.as_str());
        let addresses: Vec<_> = addresses.collect();
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        format!(
            "{} {} {}",
            text(&block.default_remote),
            text(&block.project),
            addresses.join(" ")
        )
    }

    #[test]
    fn remotes_are_written_as_in_all_releases() {
        let new = [("name", "lab"), ("address", "https://10.0.0.1:8443")];
        let whole = [("default_remote", "lab"), ("project", "web")];
        assert_eq!(check(&[&new], &whole), "lab web https://10.0.0.1:8443");
        let old = [
            ("name", "lab"),
            ("scheme", "https"),
            ("address", "10.0.0.1"),
            ("port", "8444"),
            ("default", "true"),
        ];
        assert_eq!(check(&[&old], &[]), "lab  https://10.0.0.1:8444");
        let local = [("name", "here"), ("scheme", "unix"), ("address", "")];
        assert_eq!(check(&[&local], &[]), "  unix://");
        let socket = [
            ("name", "here"),
            ("scheme", "unix"),
            ("address", "/run/incus.socket"),
        ];
        assert_eq!(check(&[&socket], &[]), "  /run/incus.socket");
        let sixth = [
            ("name", "a"),
            ("scheme", "https"),
            ("address", "[fd00::1]"),
            ("port", "1"),
        ];
        assert_eq!(check(&[&sixth], &[]), "  https://[fd00::1]:1");
    }

    #[test]
    fn what_is_said_twice_or_no_more_is_refused() {
        let port = [("name", "a"), ("address", "https://h:1"), ("port", "2")];
        assert_eq!(
            check(&[&port], &[]),
            "`port = \"2\"` does not go with the address `https://h:1`"
        );
        let scheme = [("name", "a"), ("address", "https://h"), ("scheme", "unix")];
        assert_eq!(
            check(&[&scheme], &[]),
            "`scheme = \"unix\"` does not go with the address `https://h`"
        );
        let password = [("name", "a"), ("password", "hunter2")];
        assert_eq!(
            check(&[&password], &[]),
            "`password` of `remote` is not supported yet"
        );
        let default = [("name", "a"), ("default", "true")];
        assert_eq!(
            check(&[&default], &[("default_remote", "b")]),
            "more than one remote is the default: `a`, `b`"
        );
        assert_eq!(
            check(&[], &[("refresh_interval", "10s")]),
            "`refresh_interval` of `incus` is not supported yet"
        );
    }
}
