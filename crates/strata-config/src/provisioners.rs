//! What the built-in provisioners and `connection` blocks take, as schemas.

use std::sync::{Arc, LazyLock};

use strata_core::{
    Type,
    schema::{Attribute, Block, Presence},
};
use strata_hcl::Body;

use crate::module::{Connection, Provisioner, Resource};

/// The arguments of a provisioner; none for one that nobody has.
///
/// `local-exec`, `remote-exec` and `file`, as Terraform 1.11 documents them.
pub fn provisioner_schema(kind: &str) -> Option<&'static Block> {
    match kind {
        "local-exec" => Some(&LOCAL_EXEC),
        "remote-exec" => Some(&REMOTE_EXEC),
        "file" => Some(&FILE),
        _ => None,
    }
}

/// The arguments of a `connection` block.
pub fn connection_schema() -> &'static Block {
    &CONNECTION
}

/// The body of the connection that a provisioner uses: its own arguments, and those of its resource that it does not
/// set itself. None if neither has a `connection` block.
pub fn connection_body(
    resource: Option<&Connection>,
    provisioner: &Provisioner,
) -> Option<Connection> {
    let Some(own) = &provisioner.connection else {
        return resource.cloned();
    };
    let Some(outer) = resource else {
        return Some(own.clone());
    };
    let mut body: Body = (*own.body).clone();
    for attribute in &outer.body.attributes {
        if body.attribute(&attribute.name.text).is_none() {
            body.attributes.push(attribute.clone());
        }
    }
    Some(Connection {
        body: Arc::new(body),
        span: own.span.clone(),
    })
}

/// The connection of a resource's provisioner.
pub(crate) fn connection_of(resource: &Resource, provisioner: &Provisioner) -> Option<Connection> {
    connection_body(resource.connection.as_ref(), provisioner)
}

use Presence::{Optional, Required};

type Row = (&'static str, fn() -> Type, Presence, &'static str);

fn text() -> Type {
    Type::String
}

fn texts() -> Type {
    Type::list(Type::String)
}

fn map() -> Type {
    Type::map(Type::String)
}

fn flag() -> Type {
    Type::Bool
}

fn number() -> Type {
    Type::Number
}

fn block(description: &'static str, rows: &[Row]) -> Block {
    let attribute = |(name, ty, presence, what): &Row| {
        let attribute = Attribute::new(ty(), *presence, what);
        let secret = name.contains("password") || name.contains("private_key");
        let attribute = if secret {
            attribute.sensitive()
        } else {
            attribute
        };
        (Arc::from(*name), attribute)
    };
    Block {
        attributes: rows.iter().map(attribute).collect(),
        blocks: Default::default(),
        description,
    }
}

static LOCAL_EXEC: LazyLock<Block> = LazyLock::new(|| {
    block(
        "Runs a command on this machine.",
        &[
            ("command", text, Required, "What to run."),
            (
                "interpreter",
                texts,
                Optional,
                "What runs it, `/bin/sh -c` without.",
            ),
            ("working_dir", text, Optional, "The folder to run it in."),
            (
                "environment",
                map,
                Optional,
                "Variables of its environment.",
            ),
            ("quiet", flag, Optional, "True if the command is not shown."),
        ],
    )
});

static REMOTE_EXEC: LazyLock<Block> = LazyLock::new(|| {
    block(
        "Runs scripts on the new machine.",
        &[
            ("inline", texts, Optional, "Commands, run as one script."),
            ("script", text, Optional, "A script on this machine."),
            (
                "scripts",
                texts,
                Optional,
                "Scripts on this machine, in order.",
            ),
        ],
    )
});

static FILE: LazyLock<Block> = LazyLock::new(|| {
    block(
        "Copies a file or folder to the new machine.",
        &[
            (
                "source",
                text,
                Optional,
                "The file or folder on this machine.",
            ),
            (
                "content",
                text,
                Optional,
                "What to write instead of a file.",
            ),
            ("destination", text, Required, "Where it goes."),
        ],
    )
});

static CONNECTION: LazyLock<Block> = LazyLock::new(|| {
    block(
        "How a machine is reached.",
        &[
            ("type", text, Optional, "`ssh` or `winrm`."),
            ("user", text, Optional, "The user to log in as."),
            ("password", text, Optional, "The user's password."),
            ("host", text, Required, "The machine's address."),
            ("port", number, Optional, "The port."),
            ("timeout", text, Optional, "How long to wait for it."),
            (
                "script_path",
                text,
                Optional,
                "Where scripts are copied to.",
            ),
            ("target_platform", text, Optional, "`unix` or `windows`."),
            ("private_key", text, Optional, "The key to log in with."),
            (
                "certificate",
                text,
                Optional,
                "The certificate of that key.",
            ),
            (
                "host_key",
                text,
                Optional,
                "The key that the machine must have.",
            ),
            ("agent", flag, Optional, "True to use the ssh agent."),
            (
                "agent_identity",
                text,
                Optional,
                "Which of the agent's keys is preferred.",
            ),
            ("bastion_host", text, Optional, "The machine to go through."),
            (
                "bastion_host_key",
                text,
                Optional,
                "The key that it must have.",
            ),
            ("bastion_port", number, Optional, "Its port."),
            ("bastion_user", text, Optional, "The user there."),
            ("bastion_password", text, Optional, "The password there."),
            (
                "bastion_private_key",
                text,
                Optional,
                "The key to log in there with.",
            ),
            (
                "bastion_certificate",
                text,
                Optional,
                "The certificate of that key.",
            ),
            ("proxy_scheme", text, Optional, "`http` or `https`."),
            ("proxy_host", text, Optional, "The proxy."),
            ("proxy_port", number, Optional, "Its port."),
            ("proxy_user_name", text, Optional, "The user of the proxy."),
            (
                "proxy_user_password",
                text,
                Optional,
                "The password of that user.",
            ),
            ("https", flag, Optional, "True for WinRM over HTTPS."),
            (
                "insecure",
                flag,
                Optional,
                "True to skip the check of the certificate.",
            ),
            (
                "cacert",
                text,
                Optional,
                "The authority to check it against.",
            ),
            ("use_ntlm", flag, Optional, "True for NTLM."),
        ],
    )
});
