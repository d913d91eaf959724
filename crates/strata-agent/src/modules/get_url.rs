//! `get_url`: a file that an address serves.
//!
//! Without a checksum the address is asked whether it has something newer than the file that is
//! there; `force` takes what it has in any case. With one, the checksum decides, and what arrives
//! must match it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;

use super::address::{ACCESS, Access};
use crate::arguments::{Arguments, Field, FieldKind, Spec};
use crate::attributes::{self, Attributes, Wanted};
use crate::change::{Change, FileContent, FileWrite, Heading, Outcome, temporary_folder};
use crate::digest;
use crate::host::{Host, HostError, HttpResponse, Kind, Metadata, Permissions};
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;
use crate::system::{HttpRequest, Redirects};

pub(super) struct GetUrl {
    url: String,
    dest: String,
    force: bool,
    backup: bool,
    checksum: Option<Checksum>,
    timeout: u64,
    headers: Vec<(String, String)>,
    verify: bool,
    use_proxy: bool,
    access: Access,
    /// Where the content waits until it is checked.
    temporary: Option<PathBuf>,
    attributes: Attributes,
    check: bool,
}

struct Checksum {
    algorithm: String,
    /// The digest, or the address of a list of digests.
    value: String,
}

/// What is there, and what was fetched.
pub(super) struct Found {
    dest: PathBuf,
    there: Option<Metadata>,
    wanted: Wanted,
    fetched: Option<Fetched>,
    same: bool,
    /// Nothing was fetched because this is a check, but something would be.
    due: bool,
    elapsed: f64,
    /// The sha1 of what was there.
    before: Option<String>,
}

/// A file that was fetched; it goes with its folder when this is dropped.
struct Fetched {
    folder: PathBuf,
    file: PathBuf,
    sha1: String,
    size: u64,
    status: u16,
}

impl Drop for Fetched {
    fn drop(&mut self) {
        // Only the real machine fetches, so this is a folder of it.
        std::fs::remove_dir_all(&self.folder).ok();
    }
}

impl Module for GetUrl {
    const SPEC: Spec = Spec::new(
        "get_url",
        &[
            Field::str("url").required(),
            Field::path("dest").required(),
            Field::bool("force", false),
            Field::bool("backup", false),
            Field::str("checksum").default(""),
            Field::int("timeout").default("10"),
            Field::new("headers", FieldKind::Dict),
            Field::bool("validate_certs", true),
            Field::bool("use_proxy", true),
            Field::str("url_username").alias(&["username"]),
            Field::str("url_password").alias(&["password"]),
            Field::bool("force_basic_auth", false),
            Field::str("http_agent").default("ansible-httpget"),
            Field::path("tmp_dest"),
        ],
    )
    .with(ACCESS)
    .with_file_attributes();
    type Current = Found;

    fn new(arguments: &Arguments, task: &Task) -> Result<GetUrl, ModuleError> {
        let url = arguments.text("url").trim().to_owned();
        let schemes = ["http://", "https://", "file:///"];
        if !schemes.iter().any(|scheme| url.starts_with(scheme)) {
            return Err(ModuleError::new(format!(
                "only http, https and file addresses are supported: {url}"
            )));
        }
        Ok(GetUrl {
            url,
            dest: arguments.text("dest"),
            force: arguments.bool("force"),
            backup: arguments.bool("backup"),
            checksum: checksum(&arguments.text("checksum"))?,
            timeout: arguments.seconds("timeout").max(1),
            headers: headers(arguments),
            verify: arguments.bool("validate_certs"),
            use_proxy: arguments.bool("use_proxy"),
            access: Access::read(arguments),
            temporary: arguments.path("tmp_dest"),
            attributes: Attributes::read(arguments)?,
            check: task.check,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let start = host.now();
        let wanted = self.attributes.resolve(host)?;
        let (dest, answer) = self.destination(host)?;
        let there = host.metadata_followed(&dest)?;
        let expected = self.expected(host)?;
        let mut found = Found {
            dest,
            there,
            wanted,
            fetched: None,
            same: true,
            due: false,
            elapsed: 0.0,
            before: None,
        };
        if found
            .there
            .as_ref()
            .is_some_and(|there| there.kind == Kind::File)
        {
            found.before = digest_of(host, "sha1", &found.dest).ok();
        }
        // What goes into a folder is always fetched: the server may name it.
        if answer.is_none() && !self.must_fetch(host, &found, expected.as_deref())? {
            return Ok(found);
        }
        if self.check && answer.is_none() {
            return Ok(Found {
                due: true,
                same: false,
                ..found
            });
        }
        let Some(fetched) = self.fetch(host, &found, answer)? else {
            return Ok(found);
        };
        if let (Some(checksum), Some(expected)) = (&self.checksum, &expected) {
            let actual = digest_of(host, &checksum.algorithm, &fetched.file)?;
            if actual != *expected {
                let dest = found.dest.display();
                return Err(ModuleError::new(format!(
                    "The checksum for {dest} did not match {expected}; it was {actual}."
                )));
            }
        }
        found.same = match &found.there {
            Some(there) if there.kind == Kind::File && there.size == fetched.size => {
                digest_of(host, "sha1", &found.dest)? == fetched.sha1
            }
            _ => false,
        };
        Ok(Found {
            fetched: Some(fetched),
            elapsed: host.now() - start,
            ..found
        })
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        if !found.same {
            let content = match &found.fetched {
                Some(fetched) => FileContent::HostFile(fetched.file.clone()),
                // Only a check: nothing is written.
                None => FileContent::Bytes(Vec::new()),
            };
            return vec![Change::Write(FileWrite {
                path: found.dest.clone(),
                content,
                permissions: found.wanted.for_write(found.there.as_ref(), 0o644),
                backup: self.backup,
                validate: None,
                heading: Heading::From(self.shown_url()),
            })];
        }
        let there = found.there.as_ref();
        there
            .and_then(|there| found.wanted.change(&found.dest, there, true))
            .into_iter()
            .collect()
    }

    fn report(&self, host: &dyn Host, found: &Found, _: &Outcome) -> Result<Report, ModuleError> {
        let mut values = values(json!({
            "url": self.shown_url(),
            "dest": found.dest.to_string_lossy(),
            "elapsed": found.elapsed as u64,
        }));
        let mut put = |name: &str, value: serde_json::Value| values.insert(name.to_owned(), value);
        let msg = match &found.fetched {
            Some(fetched) => {
                let is_file = self.url.starts_with("file:");
                put(
                    "status_code",
                    Some(fetched.status).filter(|_| !is_file).into(),
                );
                put("checksum_src", fetched.sha1.clone().into());
                put("checksum_dest", found.before.clone().into());
                put("md5sum", digest_of(host, "md5", &found.dest).ok().into());
                format!("OK ({} bytes)", fetched.size)
            }
            None if found.due => String::new(),
            None if self.checksum.is_some() => "file already exists".to_owned(),
            None => {
                put("status_code", 304.into());
                "HTTP Error 304: Not Modified".to_owned()
            }
        };
        values.extend(attributes::describe(host, &found.dest)?);
        Ok(Report {
            msg,
            values,
            ..Report::default()
        })
    }
}

fn checksum(text: &str) -> Result<Option<Checksum>, ModuleError> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let Some((algorithm, value)) = text.trim().split_once(':') else {
        return Err(ModuleError::new(
            "The checksum parameter has to be in format <algorithm>:<checksum>",
        ));
    };
    if !matches!(
        algorithm,
        "md5" | "sha1" | "sha224" | "sha256" | "sha384" | "sha512"
    ) {
        return Err(ModuleError::new(format!(
            "checksum algorithm `{algorithm}` is not supported by Strata"
        )));
    }
    Ok(Some(Checksum {
        algorithm: algorithm.to_owned(),
        value: value.trim().to_owned(),
    }))
}

fn headers(arguments: &Arguments) -> Vec<(String, String)> {
    let mut headers = vec![("user-agent".to_owned(), arguments.text("http_agent"))];
    if let Some(given) = arguments
        .raw("headers")
        .and_then(serde_json::Value::as_object)
    {
        let texts = given
            .iter()
            .filter_map(|(name, value)| Some((name.clone(), crate::arguments::text(value)?)));
        headers.extend(texts);
    }
    if let Some(user) = arguments.string("url_username") {
        let pair = format!("{user}:{}", arguments.text("url_password"));
        let value = format!("Basic {}", crate::base64::encode(pair.as_bytes()));
        headers.push(("authorization".to_owned(), value));
    }
    headers
}

impl GetUrl {
    /// The address without what may be secret in it.
    fn shown_url(&self) -> String {
        match self.url.split_once("://") {
            Some((scheme, rest)) => {
                let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
                let host = host.rsplit('@').next().unwrap_or(host);
                format!("{scheme}://{host}/{path}")
            }
            None => self.url.clone(),
        }
    }

    /// The file that is written; for a folder also the answer that told its name.
    fn destination(&self, host: &dyn Host) -> Result<(PathBuf, Option<HttpResponse>), ModuleError> {
        let dest = PathBuf::from(&self.dest);
        let is_folder = host
            .metadata_followed(&dest)?
            .is_some_and(|found| found.kind == Kind::Directory);
        let folder = if is_folder {
            dest.as_path()
        } else {
            dest.parent().unwrap_or(Path::new("/"))
        };
        if host.metadata_followed(folder)?.is_none() {
            let shown = folder.display();
            return Err(ModuleError::new(format!(
                "Destination {shown} does not exist"
            )));
        }
        if !is_folder {
            return Ok((dest, None));
        }
        let answer = match self.request(host, &self.url, Vec::new()) {
            // A model of a host can ask nobody.
            Err(error) if error.unknown && self.check => {
                return Ok((dest.join(file_name(&self.url)), None));
            }
            answer => answer?,
        };
        let name = served_name(&answer.headers).unwrap_or_else(|| file_name(&answer.url));
        Ok((dest.join(name), Some(answer)))
    }

    fn must_fetch(
        &self,
        host: &dyn Host,
        found: &Found,
        expected: Option<&str>,
    ) -> Result<bool, ModuleError> {
        match (&found.there, &self.checksum, expected) {
            (None, _, _) => Ok(true),
            (Some(_), Some(checksum), Some(expected)) => {
                Ok(digest_of(host, &checksum.algorithm, &found.dest)? != expected)
            }
            (Some(_), _, _) => Ok(true),
        }
    }

    /// The digest that the file shall have.
    fn expected(&self, host: &dyn Host) -> Result<Option<String>, ModuleError> {
        let Some(checksum) = &self.checksum else {
            return Ok(None);
        };
        if !checksum.value.contains("://") {
            return Ok(Some(checksum.value.to_lowercase()));
        }
        let mut answer = self.request(host, &checksum.value, Vec::new())?;
        let mut text = String::new();
        let read = std::io::Read::read_to_string(
            &mut std::io::Read::take(&mut answer.body, 1 << 20),
            &mut text,
        );
        read.map_err(|error| ModuleError::new(format!("{}: {error}", checksum.value)))?;
        let name = file_name(&self.url);
        find_digest(&text, &name).map(Some).ok_or_else(|| {
            let address = &checksum.value;
            ModuleError::new(format!(
                "Unable to find a checksum for file '{name}' in '{address}'"
            ))
        })
    }

    /// Fetches into a folder of our own; `None` when the address says that nothing changed.
    fn fetch(
        &self,
        host: &dyn Host,
        found: &Found,
        answer: Option<HttpResponse>,
    ) -> Result<Option<Fetched>, ModuleError> {
        let mut more = Vec::new();
        if let (Some(there), None, false) = (&found.there, &self.checksum, self.force) {
            let since = crate::time::http_date(there.modified);
            more.push(("if-modified-since".to_owned(), since));
        }
        let mut answer = match answer {
            Some(answer) => answer,
            None => self.request(host, &self.url, more)?,
        };
        if answer.status == 304 {
            return Ok(None);
        }
        let folder = match &self.temporary {
            Some(above) => folder_below(host, above)?,
            None => temporary_folder(host)?,
        };
        let file = folder.join("content");
        // From here on the folder goes with the value.
        let mut fetched = Fetched {
            folder,
            file,
            sha1: String::new(),
            size: 0,
            status: answer.status,
        };
        let private = Permissions {
            mode: Some(0o600),
            ..Permissions::default()
        };
        host.write(&fetched.file, &mut answer.body, private)
            .map_err(|error| match error {
                HostError::Io { reason, .. } => {
                    ModuleError::new(format!("failed to fetch {}: {reason}", self.shown_url()))
                }
                other => other.into(),
            })?;
        fetched.sha1 = digest_of(host, "sha1", &fetched.file)?;
        fetched.size = host.metadata(&fetched.file)?.map_or(0, |found| found.size);
        Ok(Some(fetched))
    }

    fn request(
        &self,
        host: &dyn Host,
        url: &str,
        more: Vec<(String, String)>,
    ) -> Result<HttpResponse, ModuleError> {
        let mut request = HttpRequest {
            url: url.to_owned(),
            method: "GET".to_owned(),
            body: None,
            redirects: Redirects::Safe,
            headers: self.headers.iter().cloned().chain(more).collect(),
            timeout: Duration::from_secs(self.timeout),
            verify_certificates: self.verify,
            use_proxy: self.use_proxy,
            ..HttpRequest::default()
        };
        self.access.add_to(&mut request, host);
        let answer = host.fetch(&request)?;
        if answer.status == 200 || answer.status == 304 {
            return Ok(answer);
        }
        let response = format!("HTTP Error {}: {}", answer.status, answer.reason);
        Err(ModuleError::new("Request failed").with(json!({
            "dest": self.dest,
            "url": self.shown_url(),
            "status_code": answer.status,
            "response": response,
        })))
    }
}

/// A folder of our own in the one that is given for what is not yet checked.
fn folder_below(host: &dyn Host, above: &Path) -> Result<PathBuf, ModuleError> {
    let found = host.metadata_followed(above)?;
    if found.is_none_or(|found| found.kind != Kind::Directory) {
        return Err(ModuleError::new(format!(
            "{} is a file but should be a directory.",
            above.display()
        )));
    }
    let folder = above.join(format!(
        ".strata-{}-{}",
        std::process::id(),
        (host.now() * 1e6) as u64
    ));
    host.create_directory(&folder, 0o700)?;
    Ok(folder)
}

/// The name that a server gives a file by `Content-Disposition`, without folders.
fn served_name(headers: &BTreeMap<String, String>) -> Option<String> {
    let parts = headers.get("content-disposition")?.split(';').skip(1);
    let mut named = parts.filter_map(|part| part.split_once('='));
    let (_, name) = named.find(|(word, _)| word.trim().eq_ignore_ascii_case("filename"))?;
    let name = name.trim().trim_matches('"');
    let name = name.rsplit('/').next().unwrap_or(name);
    (!["", ".", ".."].contains(&name)).then(|| name.to_owned())
}

/// The last part of an address's path.
fn file_name(url: &str) -> String {
    let path = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = path.split(['?', '#']).next().unwrap_or(path);
    match path
        .split_once('/')
        .map(|(_, path)| path.rsplit('/').next().unwrap_or(path))
    {
        Some(name) if !name.is_empty() && name != ".." => name.to_owned(),
        _ => "index.html".to_owned(),
    }
}

/// Finds a file's digest in a list as `sha256sum` prints it, or one that stands alone.
fn find_digest(list: &str, name: &str) -> Option<String> {
    let lines: Vec<Vec<&str>> = list
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .filter(|words| !words.is_empty())
        .collect();
    if let [words] = &lines[..]
        && words.len() == 1
    {
        return Some(words[0].to_lowercase());
    }
    let named = lines.iter().find(|words| {
        let file = words
            .get(1)
            .map(|file| file.trim_start_matches(['*']).trim_start_matches("./"));
        file == Some(name)
    });
    named.map(|words| words[0].to_lowercase())
}

fn digest_of(host: &dyn Host, algorithm: &str, path: &Path) -> Result<String, ModuleError> {
    match digest::of_stream(algorithm, &mut host.open(path)?) {
        Ok(digest) => Ok(digest.unwrap_or_default()),
        Err(error) => Err(ModuleError::new(format!(
            "cannot read {}: {error}",
            path.display()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_by_the_last_part_of_the_address() {
        let check = |url, expected| assert_eq!(file_name(url), expected, "{url}");
        check("https://h/a/b.tar.gz?x=/y#z", "b.tar.gz");
        check("https://h/a/", "index.html");
        check("https://h", "index.html");
    }

    #[test]
    fn a_server_names_a_file_but_no_folder() {
        let check = |header: &str, expected: Option<&str>| {
            let headers = BTreeMap::from([("content-disposition".to_owned(), header.to_owned())]);
            assert_eq!(served_name(&headers).as_deref(), expected, "{header}");
        };
        check("attachment; filename=\"a b.bin\"", Some("a b.bin"));
        check("attachment; size=1; FileName=x", Some("x"));
        check("attachment; filename=\"../../etc/passwd\"", Some("passwd"));
        check("attachment; filename=\"..\"", None);
        check("inline", None);
    }

    #[test]
    fn a_digest_is_found_by_the_files_name() {
        let list = "AA11  other\nbb22 *b.tar.gz\ncc33  ./c\n";
        assert_eq!(find_digest(list, "b.tar.gz").as_deref(), Some("bb22"));
        assert_eq!(find_digest(list, "c").as_deref(), Some("cc33"));
        assert_eq!(find_digest(list, "d"), None);
        assert_eq!(find_digest("AA11\n", "d").as_deref(), Some("aa11"));
    }
}
