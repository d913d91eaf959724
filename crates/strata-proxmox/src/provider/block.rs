//! The `provider` block.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use strata_core::{
    Diagnostic, Type, Value,
    schema::{Attribute, Block, NestedBlock, Nesting, Presence},
};

use super::{session::Manner, ssh::Ssh};
use crate::{
    client::{Access, Address, ClientError, Credentials, Trust},
    platform::Models,
};

/// What users may write.
pub(crate) fn schema() -> Block {
    let text = |description| Attribute::new(Type::String, Presence::Optional, description);
    let truth = |description| Attribute::new(Type::Bool, Presence::Optional, description);
    let number = |description| Attribute::new(Type::Number, Presence::Optional, description);
    let attributes = [
        (
            "endpoint",
            text(
                "Where the API is, such as `https://pve.lan:8006/`; several nodes of one cluster are separated by commas.",
            ),
        ),
        (
            "api_token",
            text("An API token: `USER@REALM!TOKENID=UUID`.").sensitive(),
        ),
        ("auth_ticket", text("A ticket from elsewhere.").sensitive()),
        (
            "csrf_prevention_token",
            text("The CSRF token that belongs to the ticket.").sensitive(),
        ),
        ("username", text("The user with realm, such as `root@pam`.")),
        ("password", text("The user's password.").sensitive()),
        (
            "otp",
            text("The one-time password, if the user has a second factor.").sensitive(),
        ),
        ("insecure", truth("Trusts any certificate.")),
        ("min_tls", text("The oldest TLS version: `1.2` or `1.3`.")),
        (
            "ca_file",
            text(
                "A file with the authorities to trust, such as a copy of `/etc/pve/pve-root-ca.pem`.",
            ),
        ),
        (
            "fingerprint",
            text("The SHA-256 fingerprint of the one certificate to trust."),
        ),
        (
            "tmp_dir",
            text(
                "Where large files may lie for a while; not needed here, since uploads are streamed.",
            ),
        ),
        (
            "random_vm_ids",
            truth("Draws ids instead of taking the next free one."),
        ),
        ("random_vm_id_start", number("The first id to draw from.")),
        ("random_vm_id_end", number("The last id to draw from.")),
    ];
    let ssh = [
        ("agent", truth("Uses the ssh agent.")),
        (
            "agent_socket",
            text("The agent's socket. Not supported: `SSH_AUTH_SOCK` says it."),
        ),
        (
            "agent_forwarding",
            truth("Forwards the agent. Not supported."),
        ),
        ("username", text("The user on the nodes.")),
        ("password", text("The user's password.").sensitive()),
        ("private_key", text("The user's key.").sensitive()),
        (
            "socks5_server",
            text("A proxy to go through. Not supported."),
        ),
        ("socks5_username", text("The proxy's user. Not supported.")),
        (
            "socks5_password",
            text("The proxy's password. Not supported.").sensitive(),
        ),
    ];
    let node = [
        (
            "name",
            Attribute::new(Type::String, Presence::Required, "The node."),
        ),
        (
            "address",
            Attribute::new(Type::String, Presence::Required, "Its address."),
        ),
        ("port", number("Its port.")),
    ];
    let node = NestedBlock {
        nesting: Nesting::List,
        block: Block {
            attributes: named(node),
            blocks: BTreeMap::new(),
            description: "A node's ssh address.",
        },
        min_items: 0,
        max_items: 0,
    };
    let ssh = NestedBlock {
        nesting: Nesting::List,
        block: Block {
            attributes: named(ssh),
            blocks: BTreeMap::from([("node".into(), node)]),
            description: "How nodes are reached where the API has no way.",
        },
        min_items: 0,
        max_items: 1,
    };
    Block {
        attributes: named(attributes),
        blocks: BTreeMap::from([("ssh".into(), ssh)]),
        description: "A Proxmox VE cluster.",
    }
}

fn named<const N: usize>(
    attributes: [(&'static str, Attribute); N],
) -> BTreeMap<Arc<str>, Attribute> {
    attributes
        .into_iter()
        .map(|(name, attribute)| (name.into(), attribute))
        .collect()
}

/// Reads a block; what it leaves out comes from the environment.
pub(crate) fn read(
    config: &Value,
    environment: &BTreeMap<String, String>,
    models: Option<&Models>,
) -> Result<(Access, Manner), Box<Diagnostic>> {
    let block = Reader {
        config,
        environment,
    };
    own_ssh_only(config)?;
    let access = match models {
        Some(models) => rehearsal(
            models,
            block.text("endpoint", "PROXMOX_VE_ENDPOINT").as_deref(),
        ),
        None => block.access(),
    };
    let access = access.map_err(|error| {
        Box::new(error.diagnostic("The provider `proxmox` is not configured as it must be"))
    })?;
    let number = |name: &str| {
        let number = block
            .config
            .get(name)
            .and_then(|value| value.as_number()?.as_i64());
        number.and_then(|number| u32::try_from(number).ok())
    };
    let random = block.truth("random_vm_ids", "PROXMOX_VE_RANDOM_VM_IDS");
    let manner = Manner {
        random_ids: random.then(|| {
            let first = number("random_vm_id_start").unwrap_or(10_000);
            (first, number("random_vm_id_end").unwrap_or(99_999))
        }),
        guest_limit: None,
        copies: None,
        task_limit: None,
        deep_refresh: environment
            .get("STRATA_PROXMOX_DEEP_REFRESH")
            .is_some_and(|text| text == "1"),
        rehearses: models.is_some(),
        ssh: ssh(&block),
    };
    Ok((access, manner))
}

/// Refuses what the user's own `ssh` must be told.
fn own_ssh_only(config: &Value) -> Result<(), Box<Diagnostic>> {
    let blocks = config.get("ssh").and_then(Value::as_sequence);
    let ssh = blocks.and_then(<[Value]>::first);
    let is_set = |name: &&&str| {
        let value = ssh.and_then(|ssh| ssh.get(name));
        value.is_some_and(|value| !value.is_null() && value.as_bool() != Some(false))
    };
    let names = [
        "agent_socket",
        "agent_forwarding",
        "socks5_server",
        "socks5_username",
        "socks5_password",
    ];
    let Some(name) = names.iter().find(is_set) else {
        return Ok(());
    };
    let summary = format!("`ssh.{name}` of the provider `proxmox` is not supported");
    Err(Box::new(
        Diagnostic::error("proxmox-not-supported", summary)
            .detail("Files reach a node through your own `ssh`, which has settings of its own for this.")
            .hint("write it into `~/.ssh/config`, for the hosts of your nodes"),
    ))
}

/// The access to the model of a server, which takes any login.
pub(super) fn rehearsal(models: &Models, said: Option<&str>) -> Result<Access, ClientError> {
    Ok(Access {
        endpoints: vec![Address::parse(&models.endpoint(said)?)?],
        trust: Trust::Anybody,
        min_tls13: true,
        credentials: Credentials::Password {
            user: "root@pam".to_owned(),
            password: "twin".to_owned(),
            otp: None,
        },
    })
}

fn ssh(block: &Reader<'_>) -> Ssh {
    let ssh = block
        .config
        .get("ssh")
        .and_then(Value::as_sequence)
        .and_then(<[Value]>::first);
    let text = |value: Option<&Value>, name: &str| {
        value
            .and_then(|value| value.get(name))
            .and_then(|value| value.as_str().map(str::to_owned))
    };
    let or = |name: &str, variable: &str| {
        text(ssh, name).or_else(|| block.environment.get(variable).cloned())
    };
    let nodes = ssh
        .and_then(|ssh| ssh.get("node"))
        .and_then(Value::as_sequence)
        .unwrap_or_default();
    let nodes = nodes.iter().filter_map(|node| {
        let port = node.get("port").and_then(|port| port.as_number()?.as_i64());
        let port = port.and_then(|port| u16::try_from(port).ok());
        Some((
            text(Some(node), "name")?,
            (text(Some(node), "address")?, port),
        ))
    });
    Ssh {
        user: or("username", "PROXMOX_VE_SSH_USERNAME"),
        private_key: or("private_key", "PROXMOX_VE_SSH_PRIVATE_KEY"),
        password: or("password", "PROXMOX_VE_SSH_PASSWORD").filter(|text| !text.is_empty()),
        askpass: None,
        program: block.environment.get("STRATA_PROXMOX_SSH").cloned(),
        nodes: nodes.collect(),
    }
}

struct Reader<'a> {
    config: &'a Value,
    environment: &'a BTreeMap<String, String>,
}

impl Reader<'_> {
    fn text(&self, name: &str, variable: &str) -> Option<String> {
        let set = self
            .config
            .get(name)
            .and_then(|value| value.as_str().map(str::to_owned));
        set.or_else(|| self.environment.get(variable).cloned())
            .filter(|text| !text.is_empty())
    }

    fn truth(&self, name: &str, variable: &str) -> bool {
        let set = self.config.get(name).and_then(Value::as_bool);
        set.unwrap_or_else(|| {
            self.environment
                .get(variable)
                .is_some_and(|text| matches!(text.as_str(), "true" | "1"))
        })
    }

    fn access(&self) -> Result<Access, ClientError> {
        let endpoints = self
            .text("endpoint", "PROXMOX_VE_ENDPOINT")
            .unwrap_or_default();
        let endpoints = endpoints
            .split(',')
            .map(str::trim)
            .filter(|text| !text.is_empty());
        let endpoints = endpoints
            .map(Address::parse)
            .collect::<Result<Vec<_>, _>>()?;
        if endpoints.is_empty() {
            return Err(ClientError::Setup(
                "no `endpoint` is set, neither in the block nor as PROXMOX_VE_ENDPOINT".to_owned(),
            ));
        }
        let trust = match (
            self.truth("insecure", "PROXMOX_VE_INSECURE"),
            self.text("fingerprint", "PROXMOX_VE_FINGERPRINT"),
            self.text("ca_file", "PROXMOX_VE_CA_FILE"),
        ) {
            (true, ..) => Trust::Anybody,
            (_, Some(print), _) => Trust::Fingerprint(print),
            (_, _, Some(file)) => Trust::File(PathBuf::from(file)),
            _ => Trust::System,
        };
        let min_tls13 = match self.text("min_tls", "PROXMOX_VE_MIN_TLS").as_deref() {
            None | Some("1.3") => true,
            Some("1.2") => false,
            Some(other) => {
                return Err(ClientError::Setup(format!(
                    "`min_tls` is `{other}`: it must be `1.2` or `1.3`"
                )));
            }
        };
        Ok(Access {
            endpoints,
            trust,
            min_tls13,
            credentials: self.credentials()?,
        })
    }

    fn credentials(&self) -> Result<Credentials, ClientError> {
        if let Some(token) = self.text("api_token", "PROXMOX_VE_API_TOKEN") {
            return Credentials::token(&token);
        }
        let ticket = self.text("auth_ticket", "PROXMOX_VE_AUTH_TICKET");
        let csrf = self.text("csrf_prevention_token", "PROXMOX_VE_CSRF_PREVENTION_TOKEN");
        if let (Some(ticket), Some(csrf)) = (ticket, csrf) {
            return Ok(Credentials::Ticket { ticket, csrf });
        }
        let user = self.text("username", "PROXMOX_VE_USERNAME");
        let password = self.text("password", "PROXMOX_VE_PASSWORD");
        match (user, password) {
            (Some(user), Some(password)) if user.contains('@') => Ok(Credentials::Password {
                user,
                password,
                otp: self.text("otp", "PROXMOX_VE_OTP"),
            }),
            (Some(_), Some(_)) => Err(ClientError::Setup(
                "`username` has no realm: write it as `root@pam`".to_owned(),
            )),
            _ => Err(ClientError::Setup(
                "no login is set: give `api_token`, or `username` and `password`".to_owned(),
            )),
        }
    }
}
