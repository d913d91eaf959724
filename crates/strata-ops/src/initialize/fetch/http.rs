//! Packages by HTTP: an archive, or a page that says where the package is.

use std::{
    io::{self, Read, Seek},
    path::Path,
};

use ureq::{Body, http::Response};

use super::{Failure, archive, checksum::Checksum, git, local, mercurial, query};
use crate::{
    initialize::hosts::{Hosts, host_of},
    process::Process,
};
use strata_config::{Getter, ModuleSource};

/// The most bytes of an archive.
const MOST_BYTES: u64 = 1 << 30;

/// The most bytes of a page that only says where to go.
const MOST_OF_PAGE: u64 = 1 << 20;

/// Arguments that are ours and not the server's.
const OWN: [&str; 2] = ["archive", "checksum"];

/// Fetches an archive to a folder, or what a page refers to.
pub(super) fn fetch(
    address: &str,
    folder: &Path,
    hosts: &Hosts,
    input: bool,
    process: &Process,
) -> Result<(), Failure> {
    let (plain, pairs) = query(address);
    let value = |name: &str| {
        pairs
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, v)| *v)
    };
    let checksum = value("checksum").map(Checksum::parse).transpose()?;
    let kept: Vec<String> = pairs
        .iter()
        .filter(|(name, _)| !OWN.contains(name))
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    match archive::kind(plain, value("archive"))? {
        Some(kind) => {
            let response = get(&join(plain, &kept), hosts)?;
            let mut file =
                tempfile::tempfile().map_err(|error| Failure::io("no temporary file", &error))?;
            let mut reader = response.into_body().into_reader().take(MOST_BYTES);
            let copied = io::copy(&mut reader, &mut file).and_then(|_| file.rewind());
            copied.map_err(|error| Failure::io("the archive did not arrive whole", &error))?;
            if let Some(checksum) = checksum {
                checksum.verify(&mut file)?;
            }
            archive::unpack(kind, file, folder)
        }
        None if checksum.is_some() => Err(Failure::new(
            "The argument `checksum` is for archives, and the address names none.",
        )),
        None => {
            let mut kept = kept;
            kept.push("terraform-get=1".to_owned());
            let response = get(&join(plain, &kept), hosts)?;
            let next = next(response)?;
            follow(&next, folder, input, process, hosts)
        }
    }
}

fn join(plain: &str, pairs: &[String]) -> String {
    match pairs.is_empty() {
        true => plain.to_owned(),
        false => format!("{plain}?{}", pairs.join("&")),
    }
}

/// Asks once; the server's own mistakes are ours too.
pub(super) fn get(url: &str, hosts: &Hosts) -> Result<Response<Body>, Failure> {
    get_of(url, &host_of(url), hosts)
}

/// The same of a registry, whose service may be at another address: its token is the one that counts there.
pub(super) fn get_of(url: &str, registry: &str, hosts: &Hosts) -> Result<Response<Body>, Failure> {
    let mut request = hosts.agent().get(url);
    // A token is for its host alone, and not for who listens on the way.
    let is_secure = url.starts_with("https://") || is_this_machine(&host_of(url));
    if let Some(token) = hosts.token(registry).filter(|_| is_secure) {
        request = request.header("Authorization", format!("Bearer {token}"));
    }
    let response = request
        .call()
        .map_err(|error| Failure::new(format!("{url}: {error}")))?;
    match response.status().is_success() {
        true => Ok(response),
        false => Err(Failure::new(format!(
            "{url}: the server answers {}",
            response.status()
        ))),
    }
}

fn is_this_machine(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

/// Where a page says that the package is: in a header, or in its head.
fn next(mut response: Response<Body>) -> Result<String, Failure> {
    let header = response.headers().get("X-Terraform-Get");
    if let Some(header) = header.and_then(|header| header.to_str().ok()) {
        return Ok(header.to_owned());
    }
    let mut page = String::new();
    let reader = response.body_mut().as_reader();
    let read = reader.take(MOST_OF_PAGE).read_to_string(&mut page);
    read.map_err(|error| Failure::io("the page cannot be read", &error))?;
    meta(&page).ok_or_else(|| {
        Failure::new(
            "The address is no archive, and the page there does not say where the module is.",
        )
    })
}

/// The content of `<meta name="terraform-get" content="…">`.
fn meta(page: &str) -> Option<String> {
    let tags = page
        .split("<meta")
        .skip(1)
        .filter_map(|rest| rest.split_once('>'));
    let tag = tags
        .map(|(tag, _)| tag)
        .find(|tag| tag.contains("terraform-get"))?;
    let (_, content) = tag.split_once("content=")?;
    let quote = content.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let content = &content[1..];
    Some(content[..content.find(quote)?].to_owned())
}

/// Fetches what a page refers to; one page may not lead to another.
fn follow(
    address: &str,
    folder: &Path,
    input: bool,
    process: &Process,
    hosts: &Hosts,
) -> Result<(), Failure> {
    let Ok(ModuleSource::Remote(remote)) = ModuleSource::parse(address) else {
        return Err(Failure::new(format!(
            "The page leads to `{address}`, which cannot be fetched."
        )));
    };
    let whole = folder.with_extension("whole");
    match remote.getter {
        Getter::Git => git::clone(&remote.address, &whole, input, process)?,
        Getter::Mercurial => mercurial::clone(&remote.address, &whole, process)?,
        Getter::Http if archive::kind(query(&remote.address).0, None)?.is_some() => {
            fetch(&remote.address, &whole, hosts, input, process)?;
        }
        Getter::File => local::link(&remote.address, &whole)?,
        _ => {
            return Err(Failure::new(format!(
                "The page leads to `{address}`, which cannot be fetched."
            )));
        }
    }
    let inside = super::subfolder(&whole, &[remote.subfolder])?;
    std::fs::rename(inside, folder)
        .map_err(|error| Failure::io("the package cannot be moved", &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_says_in_its_head_where_the_module_is() {
        let page = "<html><head><meta name='terraform-get' content='git::https://x/y'></head>";
        assert_eq!(meta(page).as_deref(), Some("git::https://x/y"));
        assert_eq!(meta("<meta name=\"other\" content=\"x\">"), None);
    }
}
