//! Remotes: which daemons there are and how each is reached.
//!
//! They come from three places, the first that knows a name wins: the `provider` block, the
//! variables `INCUS_*`, and the configuration folder of the Incus client. `local` is the unix
//! socket of this machine unless one of them says otherwise.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{client::ClientError, remote_file};

/// How one daemon is reached.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Remote {
    /// Its name.
    pub(crate) name: String,
    /// Where it listens.
    pub(crate) address: Address,
    /// The project that is meant where none is named.
    pub(crate) project: String,
    /// Where certificates are kept.
    pub(crate) config_dir: PathBuf,
    /// The file with the authorities to trust; without it those that this system trusts.
    pub(crate) authorities: Option<PathBuf>,
    /// The program that knows our name and secret on a registry of OCI images.
    pub(crate) credentials_helper: Option<String>,
    /// Trusts us once.
    pub(crate) token: Option<String>,
    /// Whether we are known by a token of an OIDC provider, and not by a certificate.
    pub(crate) oidc: bool,
    /// Whether a server's certificate that is not known yet is taken and remembered.
    pub(crate) accept_certificate: bool,
    /// Whether a client certificate is made if there is none.
    pub(crate) generate_certificate: bool,
}

/// Where a daemon listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    /// A unix socket.
    Unix(PathBuf),
    /// HTTPS.
    Https {
        /// Host name or address.
        host: String,
        /// Port.
        port: u16,
    },
    /// A server of images only, which can run no instances; servers with instances pull from it.
    Images {
        /// Where it is.
        url: String,
        /// How it serves them: `simplestreams`, `oci`, or `incus` if it serves them to everyone.
        protocol: String,
    },
}

impl Remote {
    /// The endpoint as messages name it.
    pub(crate) fn endpoint_name(&self) -> String {
        match &self.address {
            Address::Unix(path) => path.display().to_string(),
            Address::Https { host, port } => strata_http::url(host, *port),
            Address::Images { url, .. } => url.clone(),
        }
    }
}

/// The variable with the socket that every remote leads to: a rehearsal sets it, so that none of its calls reaches a
/// server that a configuration names.
pub const ONLY_SOCKET: &str = "STRATA_INCUS_ONLY_SOCKET";

/// The port of the HTTPS API where an address names none.
const PORT: u16 = 8443;

/// Reads an address: a URL, a host with or without port, a path, or nothing for the local socket.
pub(crate) fn parse_address(text: &str, local: &Path) -> Result<Address, String> {
    if text.is_empty() || text == "unix://" || text == "unix:" {
        return Ok(Address::Unix(local.to_owned()));
    }
    if let Some(path) = text
        .strip_prefix("unix://")
        .or_else(|| text.strip_prefix("unix:"))
    {
        return Ok(Address::Unix(PathBuf::from(path)));
    }
    if text.starts_with('/') {
        return Ok(Address::Unix(PathBuf::from(text)));
    }
    let rest = match text.split_once("://") {
        Some(("https", rest)) => rest,
        Some((scheme, _)) => {
            return Err(format!(
                "`{scheme}` is not a way to an Incus server: `https` or `unix`"
            ));
        }
        None => text,
    };
    let (host, port) = split_port(rest.trim_end_matches('/'), PORT)?;
    if host.is_empty() {
        return Err(format!("`{text}` names no host"));
    }
    Ok(Address::Https { host, port })
}

/// The host and the port that a text such as `[fd00::1]:8443` names.
pub(crate) fn split_port(text: &str, default: u16) -> Result<(String, u16), String> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']').ok_or("`[` without `]`")?;
            (host, rest.strip_prefix(':'))
        }
        // More than one colon without brackets is an IPv6 address without port.
        None if text.matches(':').count() > 1 => (text, None),
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let port = match port {
        Some(port) => port
            .parse()
            .map_err(|_| format!("`{port}` is not a port"))?,
        None => default,
    };
    Ok((host.to_owned(), port))
}

/// A `remote` block, or the same from variables.
#[derive(Clone, PartialEq, Eq, Default)]
pub(crate) struct Declared {
    /// Its address as written.
    pub(crate) address: String,
    /// Trusts us once.
    pub(crate) token: Option<String>,
    /// Other than `incus` for servers that hold only images.
    pub(crate) protocol: Option<String>,
    /// `tls` or `oidc`.
    pub(crate) authentication: Option<String>,
    /// True if it serves images to everyone, and nothing else to us.
    pub(crate) public: bool,
    /// The program that knows our name and secret on a registry of OCI images.
    pub(crate) credentials_helper: Option<String>,
}

/// What a `provider` block says.
#[derive(Clone, PartialEq, Eq, Default)]
pub(crate) struct Block {
    /// Its `remote` blocks by name.
    pub(crate) remotes: BTreeMap<String, Declared>,
    /// The remote that is meant where none is named.
    pub(crate) default_remote: Option<String>,
    /// Where the Incus client's configuration is.
    pub(crate) config_dir: Option<PathBuf>,
    /// The project that is meant where none is named, whatever the remote.
    pub(crate) project: Option<String>,
    /// Whether a client certificate is made if there is none.
    pub(crate) generate_certificate: bool,
    /// Whether an unknown server certificate is taken.
    pub(crate) accept_certificate: bool,
}

/// All remotes that a provider block, or none, gives access to.
#[derive(Clone)]
pub(crate) struct Remotes {
    environment: Arc<BTreeMap<String, String>>,
    block: Block,
}

impl Remotes {
    pub(crate) fn new(environment: Arc<BTreeMap<String, String>>, block: Block) -> Self {
        Self { environment, block }
    }

    /// The project that is meant where none is named, whatever the remote.
    pub(crate) fn project(&self) -> Option<&str> {
        self.block.project.as_deref()
    }

    /// The remote that is meant where none is named.
    pub(crate) fn default_name(&self) -> Result<String, ClientError> {
        if let Some(name) = &self.block.default_remote {
            return Ok(name.clone());
        }
        if let Some(name) = self.variable("INCUS_REMOTE") {
            return Ok(name.to_owned());
        }
        // One remote that is declared is meant; this is what its block is there for.
        if self.block.remotes.len() == 1
            && let Some(name) = self.block.remotes.keys().next()
        {
            return Ok(name.clone());
        }
        let file = remote_file::read(&self.config_dir())?;
        Ok(file.default_remote.unwrap_or_else(|| "local".to_owned()))
    }

    /// A remote by name.
    pub(crate) fn get(&self, name: &str) -> Result<Remote, ClientError> {
        if let Some(declared) = self.block.remotes.get(name) {
            return self.remote(name, declared, None);
        }
        if let Some(declared) = self.declared_by_variables(name) {
            return self.remote(name, &declared, None);
        }
        if name == "local" {
            return self.remote(name, &Declared::default(), None);
        }
        let file = remote_file::read(&self.config_dir())?;
        match file.remotes.get(name) {
            Some(entry) => self.remote(name, &entry.declared, entry.project.clone()),
            // The Incus client has it from the start, too.
            None if name == "images" => self.remote(name, &public_images(), None),
            // A rehearsal does not see the user's own settings: whoever is to hold objects is the model.
            None if self.variable(ONLY_SOCKET).is_some() => {
                self.remote(name, &Declared::default(), None)
            }
            None => Err(ClientError::Setup(format!(
                "there is no remote `{name}`: neither a `remote` block of the provider, nor `INCUS_REMOTE`, nor `{}` names it",
                self.config_dir().join("config.yml").display()
            ))),
        }
    }

    /// A remote by name that images come from. One that a rehearsal does not know serves images and nothing else, as most
    /// do that users add to their own settings.
    pub(crate) fn of_images(&self, name: &str) -> Result<Remote, ClientError> {
        let is_known = |file: &remote_file::RemoteFile| {
            let declared = self.block.remotes.contains_key(name);
            declared || name == "local" || file.remotes.contains_key(name)
        };
        if self.variable(ONLY_SOCKET).is_some()
            && !is_known(&remote_file::read(&self.config_dir())?)
            && self.declared_by_variables(name).is_none()
        {
            return self.remote(name, &public_images(), None);
        }
        self.get(name)
    }

    /// The socket of this machine's daemon.
    pub(crate) fn local_socket(&self) -> PathBuf {
        if let Some(socket) = self.variable("INCUS_SOCKET") {
            return PathBuf::from(socket);
        }
        match self.variable("INCUS_DIR") {
            Some(folder) => Path::new(folder).join("unix.socket"),
            None => PathBuf::from("/var/lib/incus/unix.socket"),
        }
    }

    fn declared_by_variables(&self, name: &str) -> Option<Declared> {
        let named = self.variable("INCUS_REMOTE").unwrap_or("local");
        let address = self.variable("INCUS_ADDR")?;
        (named == name).then(|| Declared {
            address: address.to_owned(),
            token: self.variable("INCUS_TOKEN").map(str::to_owned),
            protocol: self.variable("INCUS_PROTOCOL").map(str::to_owned),
            authentication: self
                .variable("INCUS_AUTHENTICATION_TYPE")
                .map(str::to_owned),
            public: false,
            credentials_helper: self
                .variable("INCUS_OCI_CREDENTIALS_HELPER")
                .map(str::to_owned),
        })
    }

    fn remote(
        &self,
        name: &str,
        declared: &Declared,
        project: Option<String>,
    ) -> Result<Remote, ClientError> {
        let images = declared
            .protocol
            .as_deref()
            .filter(|protocol| *protocol != "incus" || declared.public);
        let images = images.or(declared.public.then_some("incus"));
        let address = match images {
            Some(protocol) => Address::Images {
                url: declared.address.trim_end_matches('/').to_owned(),
                protocol: protocol.to_owned(),
            },
            None => self.address(name, declared)?,
        };
        Ok(Remote {
            name: name.to_owned(),
            address,
            project: self
                .block
                .project
                .clone()
                .or(project)
                .unwrap_or_else(|| "default".to_owned()),
            config_dir: self.config_dir(),
            authorities: self.variable("SSL_CERT_FILE").map(PathBuf::from),
            credentials_helper: declared.credentials_helper.clone(),
            token: declared.token.clone(),
            oidc: oidc(name, declared)?,
            accept_certificate: self.block.accept_certificate,
            generate_certificate: self.block.generate_certificate,
        })
    }

    fn address(&self, name: &str, declared: &Declared) -> Result<Address, ClientError> {
        if let Some(socket) = self.variable(ONLY_SOCKET) {
            return Ok(Address::Unix(PathBuf::from(socket)));
        }
        parse_address(&declared.address, &self.local_socket())
            .map_err(|reason| ClientError::Setup(format!("remote `{name}`: {reason}")))
    }

    fn config_dir(&self) -> PathBuf {
        if let Some(folder) = &self.block.config_dir {
            return folder.clone();
        }
        if let Some(folder) = self.variable("INCUS_CONF") {
            return PathBuf::from(folder);
        }
        if let Some(folder) = self.variable("XDG_CONFIG_HOME") {
            return Path::new(folder).join("incus");
        }
        Path::new(self.variable("HOME").unwrap_or("/")).join(".config/incus")
    }

    fn variable(&self, name: &str) -> Option<&str> {
        let text = self.environment.get(name)?;
        (!text.is_empty()).then_some(text)
    }
}

/// Whether a remote is logged in to by OIDC.
fn oidc(name: &str, declared: &Declared) -> Result<bool, ClientError> {
    match declared.authentication.as_deref() {
        None | Some("" | "tls") => Ok(false),
        Some("oidc") => Ok(true),
        Some(other) => Err(ClientError::Setup(format!(
            "remote `{name}`: `{other}` is not a way to log in: `tls` or `oidc`"
        ))),
    }
}

/// The image server of the Linux containers project.
fn public_images() -> Declared {
    Declared {
        address: "https://images.linuxcontainers.org".to_owned(),
        protocol: Some("simplestreams".to_owned()),
        ..Declared::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> String {
        match parse_address(text, Path::new("/local.socket")) {
            Ok(Address::Unix(path)) => path.display().to_string(),
            Ok(Address::Https { host, port }) => format!("{host} {port}"),
            Ok(Address::Images { .. }) => "images".to_owned(),
            Err(reason) => reason,
        }
    }

    #[test]
    fn addresses_are_sockets_or_hosts_with_a_default_port() {
        assert_eq!(address("unix://"), "/local.socket");
        assert_eq!(address("unix:///a/b"), "/a/b");
        assert_eq!(address("https://10.0.0.1:443/"), "10.0.0.1 443");
        assert_eq!(address("https://[fd00::1]"), "fd00::1 8443");
        assert_eq!(address("fd00::1"), "fd00::1 8443");
        assert_eq!(address("host"), "host 8443");
        assert_eq!(address("host:x"), "`x` is not a port");
        assert_eq!(
            address("http://host"),
            "`http` is not a way to an Incus server: `https` or `unix`"
        );
    }

    fn remotes(variables: &[(&str, &str)], block: Block) -> Remotes {
        let variables = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Remotes::new(Arc::new(variables.collect()), block)
    }

    #[test]
    fn the_block_comes_before_the_variables_and_these_before_the_local_socket() {
        let variables = [
            ("INCUS_REMOTE", "lab"),
            ("INCUS_ADDR", "https://lab:1"),
            ("INCUS_CONF", "/nowhere"),
        ];
        let from_variables = remotes(&variables, Block::default());
        assert_eq!(from_variables.default_name().unwrap(), "lab");
        assert_eq!(
            from_variables.get("lab").unwrap().endpoint_name(),
            "https://lab:1"
        );
        assert_eq!(
            from_variables.get("local").unwrap().endpoint_name(),
            "/var/lib/incus/unix.socket"
        );
        let declared = Declared {
            address: "https://block".to_owned(),
            ..Declared::default()
        };
        let block = Block {
            remotes: [("lab".to_owned(), declared)].into(),
            ..Block::default()
        };
        let from_block = remotes(&variables, block);
        assert_eq!(
            from_block.get("lab").unwrap().endpoint_name(),
            "https://block:8443"
        );
    }

    #[test]
    fn every_remote_leads_to_the_only_socket() {
        let declared = Declared {
            address: "https://lab.example".to_owned(),
            ..Declared::default()
        };
        let block = Block {
            remotes: [("lab".to_owned(), declared)].into(),
            ..Block::default()
        };
        let rehearsed = remotes(&[(ONLY_SOCKET, "/twin.socket")], block);
        for name in ["lab", "local"] {
            let remote = rehearsed.get(name).unwrap();
            assert_eq!(remote.endpoint_name(), "/twin.socket");
        }
        // One that only the user's settings know is the model, too, and serves images where those are asked for.
        let other = rehearsed.get("rack").unwrap();
        assert_eq!(other.endpoint_name(), "/twin.socket");
        let other = rehearsed.of_images("docker").unwrap();
        assert!(matches!(other.address, Address::Images { .. }));
        assert_eq!(
            rehearsed.of_images("lab").unwrap().endpoint_name(),
            "/twin.socket"
        );
    }

    #[test]
    fn a_remote_is_logged_in_to_by_a_certificate_or_by_oidc() {
        let variables = [
            ("INCUS_ADDR", "https://lab:1"),
            ("INCUS_AUTHENTICATION_TYPE", "oidc"),
        ];
        assert!(
            remotes(&variables, Block::default())
                .get("local")
                .unwrap()
                .oidc
        );
        let variables = [
            ("INCUS_ADDR", "https://lab:1"),
            ("INCUS_AUTHENTICATION_TYPE", "candid"),
        ];
        let error = remotes(&variables, Block::default()).get("local").err();
        let message = error.unwrap().to_string();
        assert!(
            message.contains("`candid` is not a way to log in"),
            "{message}"
        );
    }

    #[test]
    fn a_public_remote_serves_images_only() {
        let declared = Declared {
            address: "https://images.example:8443/".to_owned(),
            public: true,
            ..Declared::default()
        };
        let block = Block {
            remotes: [("open".to_owned(), declared)].into(),
            ..Block::default()
        };
        let remote = remotes(&[], block).get("open").unwrap();
        let expected = Address::Images {
            url: "https://images.example:8443".to_owned(),
            protocol: "incus".to_owned(),
        };
        assert_eq!(remote.address, expected);
    }

    #[test]
    fn an_unknown_remote_is_named_with_the_places_that_were_looked_at() {
        let error = remotes(&[("INCUS_CONF", "/nowhere")], Block::default())
            .get("lab")
            .err()
            .unwrap();
        assert_eq!(
            error.to_string(),
            "there is no remote `lab`: neither a `remote` block of the provider, nor `INCUS_REMOTE`, nor `/nowhere/config.yml` names it"
        );
    }
}
