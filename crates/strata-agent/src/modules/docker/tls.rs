//! How an engine on another machine is trusted, and how it trusts us: arguments, or what the environment has.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::arguments::Arguments;
use crate::host::Host;

/// What the arguments say; what they leave open the environment may say.
pub(super) struct Tls {
    encrypts: Option<bool>,
    verifies: Option<bool>,
    /// The name that the engine's certificate has.
    name: Option<String>,
    files: TlsFiles,
}

/// Files in PEM.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct TlsFiles {
    pub(super) authorities: Option<PathBuf>,
    pub(super) certificate: Option<PathBuf>,
    pub(super) key: Option<PathBuf>,
}

impl Tls {
    pub(super) fn read(arguments: &Arguments) -> Tls {
        Tls {
            encrypts: arguments.maybe("tls"),
            verifies: arguments.maybe("validate_certs"),
            name: arguments.filled("tls_hostname"),
            files: TlsFiles {
                authorities: arguments.path("ca_path"),
                certificate: arguments.path("client_cert"),
                key: arguments.path("client_key"),
            },
        }
    }

    /// Whether the engine is spoken to over TLS.
    pub(super) fn is_used(&self, host: &dyn Host) -> bool {
        let environment = host.environment();
        self.encrypts
            .unwrap_or_else(|| says_yes(&environment, "DOCKER_TLS"))
            || self.verifies(host)
    }

    /// Whether its certificate must be one that we trust.
    pub(super) fn verifies(&self, host: &dyn Host) -> bool {
        let environment = host.environment();
        let verifies = self.verifies;
        verifies.unwrap_or_else(|| says_yes(&environment, "DOCKER_TLS_VERIFY"))
    }

    /// The name that the engine's certificate shall have, where it is not the host's own.
    pub(super) fn name(&self, host: &dyn Host) -> Option<String> {
        let given = self.name.clone();
        given.or_else(|| host.environment().get("DOCKER_TLS_HOSTNAME").cloned())
    }

    /// The files, of which those that are not named lie in the folder of the environment.
    pub(super) fn files(&self, host: &dyn Host) -> TlsFiles {
        let environment = host.environment();
        let folder = environment.get("DOCKER_CERT_PATH").map(Path::new);
        let or = |given: &Option<PathBuf>, name: &str| {
            given.clone().or_else(|| Some(folder?.join(name)))
        };
        TlsFiles {
            authorities: or(&self.files.authorities, "ca.pem"),
            certificate: or(&self.files.certificate, "cert.pem"),
            key: or(&self.files.key, "key.pem"),
        }
    }
}

fn says_yes(environment: &BTreeMap<String, String>, name: &str) -> bool {
    let value = environment.get(name).map(|value| value.to_lowercase());
    matches!(
        value.as_deref(),
        Some("1" | "yes" | "true" | "on" | "y" | "t")
    )
}
