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
    let token = Attribute::new(Type::String, Presence::Optional, "A join token, used once.");
    let remote = [
        required("name", "Its name."),
        optional("address", "Its URL, or that of a unix socket."),
        optional("protocol", "`incus`; others serve only images."),
        optional("authentication_type", "`tls` or `oidc`."),
        ("token", token.sensitive()),
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
    ];
    resource("Incus.", attributes, [("remote", remote)]).block
}

/// Reads the block.
pub(crate) fn read(config: &Value) -> Result<remote::Block, Diagnostics> {
    let mut diags = Diagnostics::new();
    let config = Attributes(config);
    let mut remotes = BTreeMap::new();
    for block in config.blocks("remote") {
        let name = block.text("name").unwrap_or_default().to_owned();
        check(block, &mut diags);
        let declared = remote::Declared {
            address: block.text("address").unwrap_or_default().to_owned(),
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
    diags.into_result(remote::Block {
        remotes,
        default_remote: config.some_text("default_remote").map(str::to_owned),
        config_dir: config.some_text("config_dir").map(Into::into),
        generate_certificate: config.flag("generate_client_certificates") == Some(true),
        accept_certificate: config.flag("accept_remote_certificate") == Some(true),
    })
}

fn check(block: Attributes<'_>, diags: &mut Diagnostics) {
    validate::one_of(block, "protocol", &["incus", "simplestreams", "oci"], diags);
    validate::one_of(block, "authentication_type", &["tls", "oidc"], diags);
}
