//! What `uri` and `get_url` share: how an address is asked, beside what for.

use std::path::{Path, PathBuf};

use crate::arguments::{Arguments, Field};
use crate::base64::encode as base64;
use crate::host::Host;
use crate::system::HttpRequest;

/// The arguments of both.
pub(super) const ACCESS: &[Field] = &[
    Field::path("client_cert"),
    Field::path("client_key"),
    Field::list("unredirected_headers"),
    Field::bool("use_netrc", true),
    Field::list("ciphers"),
    Field::bool("decompress", true),
    Field::unsupported("use_gssapi"),
];

/// Who asks, whom we trust, and what goes no further than the first address.
#[derive(Debug, Clone, Default)]
pub(super) struct Access {
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    authorities: Option<PathBuf>,
    unredirected: Vec<String>,
    ciphers: Vec<String>,
    decompress: bool,
    use_netrc: bool,
}

impl Access {
    /// Reads the arguments of [`ACCESS`], and `ca_path` where the module has it.
    pub(super) fn read(arguments: &Arguments) -> Access {
        Access {
            certificate: arguments.path("client_cert"),
            key: arguments.path("client_key"),
            authorities: arguments.path("ca_path"),
            unredirected: arguments.list("unredirected_headers").unwrap_or_default(),
            ciphers: arguments.list("ciphers").unwrap_or_default(),
            decompress: arguments.bool("decompress"),
            use_netrc: arguments.bool("use_netrc"),
        }
    }

    /// Adds all of it to a request; a password of `.netrc` where the request has none.
    pub(super) fn add_to(&self, request: &mut HttpRequest, host: &dyn Host) {
        request.client_certificate.clone_from(&self.certificate);
        request.client_key.clone_from(&self.key);
        request.authorities.clone_from(&self.authorities);
        request.unredirected.clone_from(&self.unredirected);
        request.ciphers.clone_from(&self.ciphers);
        request.decompress = self.decompress;
        let is_known = |(name, _): &(String, String)| name.eq_ignore_ascii_case("authorization");
        if !self.use_netrc || request.headers.iter().any(is_known) {
            return;
        }
        if let Some((user, password)) = login(host, &request.url) {
            let value = format!("Basic {}", base64(format!("{user}:{password}").as_bytes()));
            request.headers.push(("Authorization".to_owned(), value));
        }
    }
}

/// What the user's `.netrc` has for the host of an address.
fn login(host: &dyn Host, url: &str) -> Option<(String, String)> {
    let environment = host.environment();
    let path = match environment.get("NETRC") {
        Some(path) => PathBuf::from(path),
        None => Path::new(environment.get("HOME")?).join(".netrc"),
    };
    let machine = url.split("://").nth(1)?.split(['/', '?', '#']).next()?;
    let machine = machine.rsplit('@').next()?.split(':').next()?;
    find(&host.read_text(&path)?, machine)
}

/// The entry of a machine, or else the default one.
fn find(text: &str, machine: &str) -> Option<(String, String)> {
    let mut words = text.split_whitespace();
    let mut fits = false;
    let (mut user, mut password) = (None, None);
    while let Some(word) = words.next() {
        match word {
            "machine" | "default" if fits && password.is_some() => break,
            "machine" => fits = words.next() == Some(machine),
            "default" => fits = true,
            "login" if fits => user = words.next(),
            "password" if fits => password = words.next(),
            "login" | "password" | "account" => drop(words.next()),
            _ => {}
        }
    }
    Some((user.unwrap_or_default().to_owned(), password?.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machines_entry_is_found_or_the_default() {
        let text = "machine a.b login me password secret\nmachine c\n  login you\n  password x\n\
                    default login any password y\n";
        let check = |machine: &str, user: &str, password: &str| {
            let expected = Some((user.to_owned(), password.to_owned()));
            assert_eq!(find(text, machine), expected);
        };
        check("a.b", "me", "secret");
        check("c", "you", "x");
        check("d", "any", "y");
        assert_eq!(find("machine a login b", "a"), None);
    }
}
