//! Why a call to Proxmox VE failed, and how that is told to a user.

use strata_core::Diagnostic;

/// Why a call failed. No variant holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ClientError {
    /// Nobody listens, or the network does not lead there.
    #[error("the Proxmox VE API does not answer at {endpoint}: {reason}")]
    NoServer { endpoint: String, reason: String },
    /// The token, ticket or password is not accepted.
    #[error("Proxmox VE at {endpoint} refuses the login: {reason}")]
    Login { endpoint: String, reason: String },
    /// The encrypted connection could not be made.
    #[error("no secure connection to {endpoint}: {reason}")]
    Tls { endpoint: String, reason: String },
    /// The provider is not set up as it must be.
    #[error("{0}")]
    Setup(String),
    /// A privilege is missing.
    #[error("{message}")]
    Denied { message: String },
    /// The server answered with an error; `fields` are its words for each parameter.
    #[error("{}", with_fields(message, fields))]
    Api {
        status: u16,
        message: String,
        fields: Vec<(String, String)>,
    },
    /// A task ended with an error; `log` is the end of what it wrote.
    #[error("the task `{kind}` failed: {reason}{}", tail(log))]
    Task {
        kind: String,
        reason: String,
        log: Vec<String>,
    },
    /// It took too long.
    #[error("{what} took longer than {seconds} s")]
    Timeout { what: String, seconds: u64 },
    /// The connection broke, or the answer is not what the API promises.
    #[error("the exchange with Proxmox VE failed: {0}")]
    Exchange(String),
}

fn with_fields(message: &str, fields: &[(String, String)]) -> String {
    let mut text = message.to_owned();
    for (name, reason) in fields {
        text.push_str(&format!("\n{name}: {}", reason.trim_end()));
    }
    text
}

fn tail(log: &[String]) -> String {
    match log {
        [] => String::new(),
        lines => format!("\nThe end of its log:\n{}", lines.join("\n")),
    }
}

impl ClientError {
    /// The server's or the task's own words.
    pub(crate) fn words(&self) -> &str {
        match self {
            Self::Api { message, .. } | Self::Denied { message } => message,
            Self::Task { reason, .. } => reason,
            _ => "",
        }
    }

    /// True if the words say that the thing asked for does not exist. PVE has no status for it.
    pub(crate) fn is_not_found(&self) -> bool {
        let fields = match self {
            Self::Api { status: 404, .. } => return true,
            Self::Api { fields, .. } => fields.as_slice(),
            Self::Task { .. } => &[],
            _ => return false,
        };
        let texts =
            std::iter::once(self.words()).chain(fields.iter().map(|(_, text)| text.as_str()));
        texts.into_iter().any(|text| {
            const SIGNS: [&str; 9] = [
                "does not exist",
                "no such",
                "No such",
                "not found",
                "unable to find configuration file",
                "no rule at position",
                "interface does not exist",
                "is not defined",
                "no volume",
            ];
            SIGNS.iter().any(|sign| text.contains(sign)) && !text.contains("schema")
        })
    }

    /// True if an object of that id is there already.
    pub(crate) fn is_taken(&self) -> bool {
        let fields = matches!(self, Self::Api { fields, .. } if fields.iter().any(|(_, text)| text.contains("already exists")));
        fields
            || self.words().contains("already exists")
            || self.words().contains("already defined")
    }

    /// True if something else holds a lock, so that trying again helps.
    pub(crate) fn is_locked(&self) -> bool {
        let words = self.words();
        words.contains("can't lock file")
            || words.contains("VM is locked (")
            || words.contains("CT is locked (")
            || words.contains("got lock timeout")
            || words.contains("error with cfs lock")
    }

    /// True if a guest or node is between two answers: asking again may help.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Api {
                status: 502 | 503 | 504 | 595..=599,
                ..
            }
        )
    }

    /// True if a proxy before the server has had too many calls: nothing was done, and a little later it is.
    pub(crate) fn is_throttled(&self) -> bool {
        matches!(self, Self::Api { status: 429, .. })
    }

    /// True if the server may have done what it was asked although no answer says so.
    pub(crate) fn is_ambiguous(&self) -> bool {
        self.is_passing() || matches!(self, Self::Exchange(_) | Self::Timeout { .. })
    }

    /// Makes a diagnostic: `summary` says what was not done, the error says why.
    pub(crate) fn diagnostic(&self, summary: impl Into<String>) -> Diagnostic {
        let diagnostic = Diagnostic::error(self.code(), summary).detail(self.to_string());
        match self.hint() {
            Some(hint) => diagnostic.hint(hint),
            None => diagnostic,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NoServer { .. } => "proxmox-not-reachable",
            Self::Login { .. } => "proxmox-login",
            Self::Tls { .. } => "proxmox-tls",
            Self::Setup(_) => "proxmox-setup",
            Self::Denied { .. } => "proxmox-permission",
            Self::Api { .. } => "proxmox-refused",
            Self::Task { .. } => "proxmox-task",
            Self::Timeout { .. } => "proxmox-timeout",
            Self::Exchange(_) => "proxmox-exchange",
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NoServer { .. } => Some("check `endpoint` in the provider block, and that `pveproxy` runs on that node".to_owned()),
            Self::Login { .. } => Some("check `api_token` (USER@REALM!TOKENID=UUID), or `username` with its realm and `password`".to_owned()),
            Self::Tls { .. } => Some("give the cluster's CA by `ca_file` (/etc/pve/pve-root-ca.pem), its certificate's `fingerprint`, or say `insecure = true`".to_owned()),
            Self::Denied { message } => privilege_hint(message),
            Self::Api { message, .. } if message.contains("only root can") => {
                Some("this setting needs a login as root@pam with its password: a token cannot do it".to_owned())
            }
            Self::Exchange(_) | Self::Timeout { .. } => {
                Some("run the same command again: it looks at what is there first".to_owned())
            }
            _ => None,
        }
    }
}

impl From<strata_http::Error> for ClientError {
    fn from(error: strata_http::Error) -> Self {
        use strata_http::Error;
        match error {
            Error::NoServer { endpoint, reason } | Error::NoAccess { endpoint, reason } => {
                Self::NoServer { endpoint, reason }
            }
            Error::Tls { endpoint, reason } => Self::Tls { endpoint, reason },
            Error::Setup(reason) => Self::Setup(reason),
            Error::Timeout { what, seconds } => Self::Timeout { what, seconds },
            Error::Exchange(reason) => Self::Exchange(reason),
        }
    }
}

/// Says which role grants what `Permission check failed (/path, Privilege)` asks for.
fn privilege_hint(message: &str) -> Option<String> {
    let inside = message
        .split_once("Permission check failed (")?
        .1
        .trim_end()
        .strip_suffix(')')?;
    let (path, privileges) = inside.split_once(", ")?;
    let privilege = privileges.split(['|', ',']).next()?.trim();
    let role = role_with(privilege);
    Some(format!(
        "grant the privilege `{privilege}` on `{path}`, which the role `{role}` has: `pveum acl modify {path} --roles {role} --users USER` (or `--tokens USER!TOKEN` if the token has separate privileges)"
    ))
}

/// A built-in role that has a privilege.
fn role_with(privilege: &str) -> &'static str {
    match privilege.split('.').next().unwrap_or_default() {
        "VM" => "PVEVMAdmin",
        "Datastore" if privilege == "Datastore.Allocate" => "PVEDatastoreAdmin",
        "Datastore" => "PVEDatastoreUser",
        "Pool" => "PVEPoolAdmin",
        "SDN" if privilege == "SDN.Use" => "PVESDNUser",
        "SDN" => "PVESDNAdmin",
        "Mapping" => "PVEMappingAdmin",
        "User" | "Group" | "Realm" => "PVEUserAdmin",
        "Sys" if matches!(privilege, "Sys.Audit" | "Sys.Console" | "Sys.Syslog") => "PVESysAdmin",
        _ => "Administrator",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn api(message: &str) -> ClientError {
        ClientError::Api {
            status: 500,
            message: message.to_owned(),
            fields: Vec::new(),
        }
    }

    #[test]
    fn what_is_gone_is_known_by_its_words() {
        assert!(
            api("Configuration file 'nodes/pve1/qemu-server/100.conf' does not exist")
                .is_not_found()
        );
        assert!(api("no such user ('x@pve')").is_not_found());
        assert!(!api("VM is locked (clone)").is_not_found());
    }

    #[test]
    fn locks_and_taken_ids_are_told_apart() {
        assert!(
            api("can't lock file '/var/lock/qemu-server/lock-402.conf' - got timeout").is_locked()
        );
        assert!(api("unable to create VM 100 - VM 100 already exists on node 'pve1'").is_taken());
        assert!(!api("VM is locked (backup)").is_taken());
    }

    #[test]
    fn a_missing_privilege_names_path_and_role() {
        let error = ClientError::Denied {
            message: "Permission check failed (/vms/900, VM.PowerMgmt)".to_owned(),
        };
        let hint = error.hint().unwrap();
        assert!(hint.contains("`VM.PowerMgmt` on `/vms/900`"), "{hint}");
        assert!(hint.contains("PVEVMAdmin"), "{hint}");
    }

    #[test]
    fn words_for_parameters_are_told() {
        let error = ClientError::Api {
            status: 400,
            message: "Parameter verification failed.".to_owned(),
            fields: vec![("net0".to_owned(), "invalid format\n".to_owned())],
        };
        assert_eq!(
            error.to_string(),
            "Parameter verification failed.\nnet0: invalid format"
        );
    }
}
