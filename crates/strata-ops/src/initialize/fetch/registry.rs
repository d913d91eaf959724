//! Registries: which versions of a module there are, and where each is.
//!
//! The module registry protocol, version 1, as HashiCorp documents it.

use serde_json::Value;
use strata_config::{ModuleSource, RegistryModule, RemoteModule, Version, VersionConstraint};
use ureq::{Body, http::Response};

use super::{Failure, http::get_of};
use crate::initialize::hosts::Hosts;

const NOT_REACHED: &str = "Error accessing remote module registry";

/// The newest version that will do, and its package.
pub(super) fn find(
    module: &RegistryModule,
    constraint: Option<&VersionConstraint>,
    hosts: &Hosts,
) -> Result<(String, RemoteModule), Failure> {
    let RegistryModule {
        host,
        namespace,
        name,
        provider,
        ..
    } = module;
    let registry = Registry { host, hosts };
    let service = registry.service()?;
    let base = format!("{service}{namespace}/{name}/{provider}");
    let version = choose(&registry.versions(&base)?, constraint)?;
    let package = registry.download(&base, &version)?;
    Ok((version, package))
}

/// A registry, which is asked with the token of its host wherever its service is.
struct Registry<'a> {
    host: &'a str,
    hosts: &'a Hosts,
}

impl Registry<'_> {
    /// Where a host offers modules, ending with a slash.
    fn service(&self) -> Result<String, Failure> {
        if let Some(service) = self.hosts.service(self.host) {
            return Ok(with_slash(service));
        }
        let base = format!("https://{}", self.host);
        let discovery = self.json(&format!("{base}/.well-known/terraform.json"))?;
        let Some(service) = discovery["modules.v1"].as_str() else {
            let detail = format!("The host `{}` does not offer modules.", self.host);
            return Err(Failure::of_registry(NOT_REACHED, detail));
        };
        Ok(with_slash(&absolute(&base, service)))
    }

    fn versions(&self, base: &str) -> Result<Vec<(Version, String)>, Failure> {
        let answer = self.json(&format!("{base}/versions"))?;
        let all = answer["modules"][0]["versions"].as_array();
        let version = |entry: &Value| {
            let text = entry["version"].as_str()?;
            Some((Version::parse(text)?, text.to_owned()))
        };
        Ok(all.into_iter().flatten().filter_map(version).collect())
    }

    /// Where the package of a version is.
    fn download(&self, base: &str, version: &str) -> Result<RemoteModule, Failure> {
        let url = format!("{base}/{version}/download");
        let mut response = self.get(&url)?;
        let header = response.headers().get("X-Terraform-Get");
        let mut location = header
            .and_then(|header| header.to_str().ok())
            .map(str::to_owned);
        if location.is_none() {
            let body = response.body_mut().read_to_string().unwrap_or_default();
            let body: Value = serde_json::from_str(&body).unwrap_or_default();
            location = body["location"].as_str().map(str::to_owned);
        }
        let Some(location) = location else {
            return Err(Failure::new(format!(
                "{url}: the registry does not say where the module is."
            )));
        };
        let location = match location.starts_with(['/', '.']) {
            true => relative(&url, &location),
            false => location,
        };
        match ModuleSource::parse(&location) {
            Ok(ModuleSource::Remote(remote)) => Ok(remote),
            _ => Err(Failure::new(format!(
                "The registry leads to `{location}`, which cannot be fetched."
            ))),
        }
    }

    fn json(&self, url: &str) -> Result<Value, Failure> {
        let failed = |detail: String| Failure::of_registry(NOT_REACHED, detail);
        let mut response = self.get(url).map_err(|failure| failed(failure.detail))?;
        let text = response
            .body_mut()
            .read_to_string()
            .map_err(|error| failed(format!("{url}: {error}")))?;
        serde_json::from_str(&text).map_err(|error| failed(format!("{url}: not JSON: {error}")))
    }

    fn get(&self, url: &str) -> Result<Response<Body>, Failure> {
        get_of(url, self.host, self.hosts)
    }
}

fn with_slash(url: &str) -> String {
    format!("{}/", url.trim_end_matches('/'))
}

/// A path of a host, or a whole address.
fn absolute(base: &str, path: &str) -> String {
    match path.contains("://") {
        true => path.to_owned(),
        false => {
            let host = base.find("://").map_or(base, |at| {
                let end = base[at + 3..]
                    .find('/')
                    .map_or(base.len(), |end| at + 3 + end);
                &base[..end]
            });
            format!("{host}/{}", path.trim_start_matches('/'))
        }
    }
}

/// The newest version that a constraint allows; those before a release only where it names them.
fn choose(
    versions: &[(Version, String)],
    constraint: Option<&VersionConstraint>,
) -> Result<String, Failure> {
    let any = VersionConstraint::parse(">= 0");
    let constraint = constraint.or(any.as_ref());
    let allowed = versions
        .iter()
        .filter(|(version, _)| constraint.is_none_or(|constraint| constraint.allows(version)));
    match allowed.max_by(|left, right| left.0.cmp(&right.0)) {
        Some((_, text)) => Ok(text.clone()),
        None => Err(Failure::of_registry(
            "Unresolvable module version constraint",
            format!(
                "None of the {} versions there is one that will do.",
                versions.len()
            ),
        )),
    }
}

/// An address relative to the one that gave it.
fn relative(url: &str, location: &str) -> String {
    if location.starts_with('/') {
        return absolute(url, location);
    }
    let folder = url.rfind('/').map_or(url, |at| &url[..at]);
    let (scheme, rest) = folder.split_once("://").unwrap_or(("https", folder));
    let mut parts: Vec<&str> = rest.split('/').collect();
    let (path, query) = match location.find('?') {
        Some(at) => location.split_at(at),
        None => (location, ""),
    };
    for part in path.split('/') {
        match part {
            "." => {}
            ".." if parts.len() > 1 => {
                parts.pop();
            }
            ".." => {}
            part => parts.push(part),
        }
    }
    format!("{scheme}://{}{query}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_that_a_registry_gives_may_be_relative() {
        let url = "https://r.example/v1/ns/n/p/1.0/download";
        assert_eq!(relative(url, "/x.zip"), "https://r.example/x.zip");
        assert_eq!(
            relative(url, "../../x.zip?a=b"),
            "https://r.example/v1/ns/n/x.zip?a=b"
        );
        assert_eq!(
            absolute("https://r.example", "/v1/modules/"),
            "https://r.example/v1/modules/"
        );
    }

    #[test]
    fn the_newest_version_that_will_do_is_chosen() {
        let versions = ["1.0.0", "1.10.0", "1.9.0", "2.0.0-beta1"];
        let versions: Vec<_> = versions
            .map(|v| (Version::parse(v).unwrap(), v.to_owned()))
            .into();
        let choose = |text: Option<&str>| {
            let constraint = text.map(|text| VersionConstraint::parse(text).unwrap());
            super::choose(&versions, constraint.as_ref()).ok()
        };
        assert_eq!(choose(None).as_deref(), Some("1.10.0"));
        assert_eq!(choose(Some("< 1.10")).as_deref(), Some("1.9.0"));
        assert_eq!(choose(Some(">= 3")), None);
    }
}
