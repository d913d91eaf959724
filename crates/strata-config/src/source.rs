//! Where modules come from, by the words of `source` alone.

use std::fmt;

/// What a `source` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModuleSource {
    /// A folder relative to the calling module: `./x`, `../x`.
    Local(String),
    /// A module of a registry.
    Registry(RegistryModule),
    /// Anything else: a repository, an archive, an absolute path.
    Remote(RemoteModule),
}

/// `host/namespace/name/provider//subfolder`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryModule {
    /// The registry.
    pub host: String,
    /// Whose module it is.
    pub namespace: String,
    /// What it is called.
    pub name: String,
    /// For which provider it is.
    pub provider: String,
    /// The folder inside; empty for the whole.
    pub subfolder: String,
}

/// Something that is fetched from an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteModule {
    /// How it is fetched.
    pub getter: Getter,
    /// From where, without the getter's prefix and the folder inside.
    pub address: String,
    /// The folder inside; empty for the whole.
    pub subfolder: String,
}

/// How a module is fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Getter {
    /// By git.
    Git,
    /// By Mercurial.
    Mercurial,
    /// By HTTP, an archive or what a page refers to.
    Http,
    /// From a folder or archive of this machine, by an absolute path.
    File,
    /// One that Strata does not have.
    Other(&'static str),
}

/// The registry of addresses without a host.
const DEFAULT_HOST: &str = "registry.terraform.io";

/// The getters by the prefix that forces them.
const FORCED: [(&str, Getter); 8] = [
    ("git", Getter::Git),
    ("http", Getter::Http),
    ("https", Getter::Http),
    ("file", Getter::File),
    ("hg", Getter::Mercurial),
    ("s3", Getter::Other("s3")),
    ("gcs", Getter::Other("gcs")),
    ("oci", Getter::Other("oci")),
];

impl ModuleSource {
    /// Reads a source; the error says why it is none.
    ///
    /// As Terraform 1.11 and OpenTofu 1.10 read it: what looks like a registry address is one, `github.com/…`,
    /// `bitbucket.org/…` and `git@host:…` are short for git.
    pub fn parse(text: &str) -> Result<Self, String> {
        if is_local(text) {
            return Ok(Self::Local(text.to_owned()));
        }
        if text.is_empty() {
            return Err("The source is empty.".to_owned());
        }
        if let Some(registry) = registry(text) {
            return Ok(Self::Registry(registry));
        }
        remote(text).map(Self::Remote)
    }
}

fn is_local(text: &str) -> bool {
    ["./", "../", ".\\", "..\\"]
        .iter()
        .any(|start| text.starts_with(start))
        || matches!(text, "." | "..")
}

/// Three or four names between slashes; hosts that stand for repositories are none.
fn registry(text: &str) -> Option<RegistryModule> {
    let (package, subfolder) = split_subfolder(text);
    let parts: Vec<&str> = package.split('/').collect();
    let (host, rest) = match parts.as_slice() {
        [_, _, _] => (DEFAULT_HOST, &parts[..]),
        [host, _, _, _] => (*host, &parts[1..]),
        _ => return None,
    };
    if matches!(host, "github.com" | "bitbucket.org" | "gitlab.com") || !is_host(host) {
        return None;
    }
    let name = |text: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        !text.is_empty() && text.chars().all(plain)
    };
    // Three parts may be a host with two names, which no registry has.
    if !rest.iter().all(|part| name(part)) {
        return None;
    }
    Some(RegistryModule {
        host: host.to_owned(),
        namespace: rest[0].to_owned(),
        name: rest[1].to_owned(),
        provider: rest[2].to_owned(),
        subfolder: subfolder.to_owned(),
    })
}

fn is_host(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ':');
    (text.contains('.') || text.starts_with("localhost")) && text.chars().all(plain)
}

/// Divides at `//`, where that is not part of `scheme://`.
fn split_subfolder(text: &str) -> (&str, &str) {
    let (path, query) = match text.find('?') {
        Some(at) => text.split_at(at),
        None => (text, ""),
    };
    let start = path.find("://").map_or(0, |at| at + 3);
    match path[start..].find("//") {
        Some(at) if query.is_empty() => (
            &text[..start + at],
            text[start + at + 2..].trim_matches('/'),
        ),
        Some(at) => (
            &text[..start + at],
            path[start + at + 2..].trim_matches('/'),
        ),
        None => (text, ""),
    }
}

fn remote(text: &str) -> Result<RemoteModule, String> {
    let (forced, rest) = forced(text)?;
    let query = rest.find('?').map_or("", |at| &rest[at..]);
    let (package, subfolder) = split_subfolder(rest);
    let package = match subfolder.is_empty() {
        true => package.to_owned(),
        false => format!("{package}{query}"),
    };
    let (detected, address) = match forced {
        Some(getter) if package.contains("://") => (getter, package),
        Some(getter) => (getter, detect(&package).map_or(package, |(_, address)| address)),
        None => detect(&package).ok_or_else(|| {
            format!("`{text}` is neither a local folder (`./…`), a registry address, nor an address that can be fetched from.")
        })?,
    };
    let subfolder = subfolder.to_owned();
    if subfolder.split('/').any(|part| part == "..") {
        return Err("The folder inside may not lead out of the package.".to_owned());
    }
    Ok(RemoteModule {
        getter: detected,
        address,
        subfolder,
    })
}

/// The getter before `::`.
fn forced(text: &str) -> Result<(Option<Getter>, &str), String> {
    let Some((word, rest)) = text.split_once("::") else {
        return Ok((None, text));
    };
    let is_word = word.chars().all(|c| c.is_ascii_alphanumeric());
    if !is_word {
        return Ok((None, text));
    }
    match FORCED.iter().find(|(known, _)| *known == word) {
        Some((_, getter)) => Ok((Some(*getter), rest)),
        None => Err(format!("There is no way to fetch named `{word}`.")),
    }
}

/// Finds out how to fetch from the look of an address.
fn detect(text: &str) -> Option<(Getter, String)> {
    if let Some((scheme, _)) = text.split_once("://") {
        let getter = match scheme {
            "http" | "https" => Getter::Http,
            "ssh" | "git" => Getter::Git,
            "file" => Getter::File,
            "s3" => Getter::Other("s3"),
            "oci" => Getter::Other("oci"),
            _ => return None,
        };
        return Some((getter, text.to_owned()));
    }
    if let Some(rest) = text.strip_prefix("github.com/") {
        return repository("github.com", rest);
    }
    if let Some(rest) = text.strip_prefix("gitlab.com/") {
        return repository("gitlab.com", rest);
    }
    if let Some(rest) = text.strip_prefix("bitbucket.org/") {
        return repository("bitbucket.org", rest);
    }
    if text.starts_with('/') {
        return Some((Getter::File, format!("file://{text}")));
    }
    // `user@host:path`, as scp has it.
    let (user_host, path) = text.split_once(':')?;
    let (user, host) = user_host.split_once('@')?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    if user.is_empty() || host.is_empty() || !user.chars().chain(host.chars()).all(plain) {
        return None;
    }
    Some((
        Getter::Git,
        format!("ssh://{user}@{host}/{}", path.trim_start_matches('/')),
    ))
}

fn repository(host: &str, rest: &str) -> Option<(Getter, String)> {
    let (path, query) = match rest.find('?') {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let mut parts = path.splitn(3, '/');
    let (owner, name) = (parts.next()?, parts.next()?);
    let name = name.strip_suffix(".git").unwrap_or(name);
    if owner.is_empty() || name.is_empty() || parts.next().is_some() {
        return None;
    }
    Some((
        Getter::Git,
        format!("https://{host}/{owner}/{name}.git{query}"),
    ))
}

impl fmt::Display for ModuleSource {
    /// Writes it as `modules.json` has it: complete, with the getter.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ModuleSource::Local(path) => f.write_str(path),
            ModuleSource::Registry(module) => write!(f, "{module}"),
            ModuleSource::Remote(module) => write!(f, "{module}"),
        }
    }
}

impl fmt::Display for RegistryModule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            host,
            namespace,
            name,
            provider,
            subfolder,
        } = self;
        write!(f, "{host}/{namespace}/{name}/{provider}")?;
        match subfolder.is_empty() {
            true => Ok(()),
            false => write!(f, "//{subfolder}"),
        }
    }
}

impl fmt::Display for RemoteModule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = match self.getter {
            Getter::Git => "git::",
            Getter::Mercurial => "hg::",
            Getter::Http | Getter::File => "",
            Getter::Other(word) => return write!(f, "{word}::{}", self.address),
        };
        let (path, query) = match self.address.find('?') {
            Some(at) => self.address.split_at(at),
            None => (self.address.as_str(), ""),
        };
        match self.subfolder.is_empty() {
            true => write!(f, "{prefix}{path}{query}"),
            false => write!(f, "{prefix}{path}//{}{query}", self.subfolder),
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(sources: &[&str], expected: Expect) {
        let line = |text: &&str| match ModuleSource::parse(text) {
            Ok(ModuleSource::Local(path)) => format!("local {path}"),
            Ok(ModuleSource::Registry(module)) => format!("registry {module}"),
            Ok(ModuleSource::Remote(module)) => {
                format!(
                    "{:?} {} [{}] {module}",
                    module.getter, module.address, module.subfolder
                )
            }
            Err(why) => format!("error {why}"),
        };
        let lines: Vec<String> = sources.iter().map(line).collect();
        expected.assert_eq(&lines.join("\n"));
    }

    #[test]
    fn sources_are_read_as_terraform_reads_them() {
        check(
            &[
                "./a",
                "../a/b",
                "terraform-aws-modules/vpc/aws",
                "terraform-aws-modules/vpc/aws//modules/endpoints",
                "app.example.com/ns/name/provider",
                "github.com/org/repo",
                "github.com/org/repo//sub/dir?ref=v1",
                "git::https://example.com/x.git//sub?ref=v1.2&depth=1",
                "git::ssh://git@example.com/x.git",
                "git@github.com:org/repo.git",
                "git::git@github.com:org/repo.git//a?ref=x",
                "https://example.com/module.zip//sub",
                "git::file:///srv/x//m?ref=main",
                "/srv/modules/x",
                "hg::https://example.com/x//m?rev=v1",
                "s3::https://s3.amazonaws.com/bucket/x.zip",
                "nope::https://x",
                "git::https://example.com/x.git//../y",
                "module",
                "",
            ],
            expect![[r#"
                local ./a
                local ../a/b
                registry registry.terraform.io/terraform-aws-modules/vpc/aws
                registry registry.terraform.io/terraform-aws-modules/vpc/aws//modules/endpoints
                registry app.example.com/ns/name/provider
                Git https://github.com/org/repo.git [] git::https://github.com/org/repo.git
                Git https://github.com/org/repo.git?ref=v1 [sub/dir] git::https://github.com/org/repo.git//sub/dir?ref=v1
                Git https://example.com/x.git?ref=v1.2&depth=1 [sub] git::https://example.com/x.git//sub?ref=v1.2&depth=1
                Git ssh://git@example.com/x.git [] git::ssh://git@example.com/x.git
                Git ssh://git@github.com/org/repo.git [] git::ssh://git@github.com/org/repo.git
                Git ssh://git@github.com/org/repo.git?ref=x [a] git::ssh://git@github.com/org/repo.git//a?ref=x
                Http https://example.com/module.zip [sub] https://example.com/module.zip//sub
                Git file:///srv/x?ref=main [m] git::file:///srv/x//m?ref=main
                File file:///srv/modules/x [] file:///srv/modules/x
                Mercurial https://example.com/x?rev=v1 [m] hg::https://example.com/x//m?rev=v1
                Other("s3") https://s3.amazonaws.com/bucket/x.zip [] s3::https://s3.amazonaws.com/bucket/x.zip
                error There is no way to fetch named `nope`.
                error The folder inside may not lead out of the package.
                error `module` is neither a local folder (`./…`), a registry address, nor an address that can be fetched from.
                error The source is empty."#]],
        );
    }
}
