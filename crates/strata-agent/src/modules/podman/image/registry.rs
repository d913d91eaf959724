//! Names of images, the registries in them, and what those are told so that they give or take something.

use serde_json::{Map, json};

use crate::arguments::Arguments;
use crate::base64;
use crate::host::Host;
use crate::module::ModuleError;
use crate::modules::scratch::Scratch;

/// The name of an image with its tag or digest.
pub(super) struct Name {
    name: String,
    tag: String,
}

impl Name {
    /// The tag is that of the name, or else the other one.
    pub(super) fn read(given: &str, tag: &str) -> Name {
        let own = match given.rsplit_once('@') {
            None => given.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')),
            digest => digest,
        };
        let (name, tag) = own.unwrap_or((given, tag));
        Name {
            name: name.to_owned(),
            tag: tag.to_owned(),
        }
    }

    pub(super) fn whole(&self) -> String {
        let between = match self.tag.starts_with("sha256:") {
            true => '@',
            false => ':',
        };
        format!("{}{between}{}", self.name, self.tag)
    }
}

/// How registries are spoken to.
pub(super) struct Access {
    words: Vec<String>,
    user: Option<(String, String)>,
    /// Nothing is asked of a registry, and so no password is put anywhere.
    check: bool,
}

impl Access {
    pub(super) fn read(arguments: &Arguments, check: bool) -> Result<Access, ModuleError> {
        let user = match (arguments.filled("username"), arguments.filled("password")) {
            (Some(user), Some(password)) => Some((user, password)),
            (None, None) => None,
            _ => {
                return Err(ModuleError::new(
                    "parameters are required together: username, password",
                ));
            }
        };
        let mut words = Vec::new();
        words.extend(
            arguments
                .maybe("validate_certs")
                .map(|verifies| match verifies {
                    true => "--tls-verify".to_owned(),
                    false => "--tls-verify=false".to_owned(),
                }),
        );
        for (name, flag) in [("ca_cert_dir", "--cert-dir"), ("auth_file", "--authfile")] {
            if let Some(value) = arguments.filled(name) {
                words.extend([flag.to_owned(), value]);
            }
        }
        Ok(Access { words, user, check })
    }

    /// User and password, as a file of Quadlet has them.
    pub(super) fn credentials(&self) -> Option<String> {
        let (user, password) = self.user.as_ref()?;
        Some(format!("{user}:{password}"))
    }

    /// A place for the password, if there is one.
    pub(super) fn scratch(&self, host: &dyn Host) -> Result<Option<Scratch>, ModuleError> {
        let user = self.user.as_ref().filter(|_| !self.check);
        let scratch = user.map(|_| Scratch::new(host));
        scratch.transpose()
    }

    /// The words with which Podman asks the registries of these images; a password goes into a file of this name.
    pub(super) fn words(
        &self,
        host: &dyn Host,
        scratch: &Option<Scratch>,
        file: &str,
        images: &[String],
    ) -> Result<Vec<String>, ModuleError> {
        let mut words = self.words.clone();
        if let Some(credentials) = self.credentials() {
            let auth = json!({"auth": base64::encode(credentials.as_bytes())});
            let registries = images.iter().filter_map(|image| registry(image));
            let auths: Map<_, _> = registries.map(|name| (name, auth.clone())).collect();
            if auths.is_empty() {
                let image = images.first().map_or("", |image| image.as_str());
                return Err(ModuleError::new(format!(
                    "`{image}` names no registry, so that it is not known to whom the password belongs: \
                     write it as `docker.io/library/NAME`"
                )));
            }
            if let Some(scratch) = scratch {
                let file = scratch.put(host, file, &json!({ "auths": auths }).to_string())?;
                words.extend(["--authfile".to_owned(), file]);
            }
        }
        Ok(words)
    }
}

/// The server in an image's name, or in the address of one.
fn registry(image: &str) -> Option<String> {
    let bare = image.rsplit_once("://").map_or(image, |(_, bare)| bare);
    let (first, _) = bare.split_once('/')?;
    let is_server = first.contains(['.', ':']) || first == "localhost";
    is_server.then(|| first.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tag_of_a_name_goes_before_the_other_one() {
        let whole = |given: &str| Name::read(given, "latest").whole();
        assert_eq!(whole("alpine"), "alpine:latest");
        assert_eq!(whole("host:5000/alpine"), "host:5000/alpine:latest");
        assert_eq!(whole("host:5000/alpine:3"), "host:5000/alpine:3");
        assert_eq!(whole("alpine@sha256:ab"), "alpine@sha256:ab");
    }

    #[test]
    fn a_registry_is_told_from_a_folder() {
        assert_eq!(
            registry("docker://quay.io/a/b:1").as_deref(),
            Some("quay.io")
        );
        assert_eq!(registry("localhost/a").as_deref(), Some("localhost"));
        assert_eq!(registry("library/alpine"), None);
        assert_eq!(registry("alpine:3.1"), None);
    }
}
