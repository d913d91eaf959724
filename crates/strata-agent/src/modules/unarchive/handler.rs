//! Which program reads an archive: the first that can.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::tar::Tar;
use super::zip::Zip;
use super::{Choice, shown};
use crate::change::temporary_folder;
use crate::host::{Host, Permissions};
use crate::module::ModuleError;
use crate::modules::download;
use crate::system::{Command, HttpRequest, Redirects};

/// An archive with the program that reads it.
pub(super) enum Handler<'a> {
    Zip(Zip<'a>),
    Tar(Tar<'a>),
}

impl<'a> Handler<'a> {
    /// Tries them in Ansible's order; each tells why it cannot.
    pub(super) fn pick(
        host: &dyn Host,
        src: &Path,
        dest: &Path,
        choice: &'a Choice,
    ) -> Result<Handler<'a>, ModuleError> {
        let mut reasons = Vec::new();
        let is_zip = starts_with(host, src, b"PK")?;
        if is_zip {
            match Zip::read(host, src, dest, choice) {
                Ok(zip) => return Ok(Handler::Zip(zip)),
                Err(error) if error.unknown => return Err(error),
                Err(error) => reasons.push(error.msg),
            }
        } else {
            for kind in super::tar::KINDS {
                match Tar::read(host, src, dest, choice, kind) {
                    Ok(tar) => return Ok(Handler::Tar(tar)),
                    Err(error) if error.unknown => return Err(error),
                    Err(error) => reasons.push(error.msg),
                }
            }
        }
        reasons.dedup();
        Err(ModuleError::new(format!(
            "Failed to find handler for \"{}\". Make sure the required command to extract the file \
             is installed.\n{}",
            shown(src),
            reasons.join("\n"),
        )))
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Handler::Zip(_) => "ZipArchive",
            Handler::Tar(tar) => tar.name(),
        }
    }

    pub(super) fn files(&self) -> Vec<String> {
        match self {
            Handler::Zip(zip) => zip.files(),
            Handler::Tar(tar) => tar.files.clone(),
        }
    }

    /// Whether what is there differs from the archive.
    pub(super) fn differs(&mut self, host: &dyn Host) -> Result<bool, ModuleError> {
        match self {
            Handler::Zip(zip) => zip.differs(host),
            Handler::Tar(tar) => tar.differs(host),
        }
    }

    pub(super) fn extract(&self) -> Command {
        match self {
            Handler::Zip(zip) => zip.extract(),
            Handler::Tar(tar) => tar.extract(),
        }
    }
}

fn starts_with(host: &dyn Host, path: &Path, magic: &[u8]) -> Result<bool, ModuleError> {
    let mut head = vec![0; magic.len()];
    let read = host.open(path)?.read_exact(&mut head);
    Ok(read.is_ok() && head == magic)
}

/// Fetches an archive into a folder of our own; gives the folder and the file in it.
pub(super) fn fetch(
    host: &dyn Host,
    url: &str,
    verify_certificates: bool,
) -> Result<(PathBuf, PathBuf), ModuleError> {
    if !download::is_address(url) {
        return Err(ModuleError::new(format!(
            "only http and https addresses are supported: {}",
            download::shown(url)
        )));
    }
    let mut answer = host.fetch(&HttpRequest {
        url: url.to_owned(),
        method: "GET".to_owned(),
        headers: vec![("user-agent".to_owned(), "ansible-httpget".to_owned())],
        body: None,
        redirects: Redirects::Safe,
        timeout: Duration::from_secs(30),
        verify_certificates,
        use_proxy: true,
        ..HttpRequest::default()
    })?;
    if answer.status != 200 {
        let (url, status, reason) = (download::shown(url), answer.status, &answer.reason);
        return Err(ModuleError::new(format!(
            "Failure downloading {url}, HTTP Error {status}: {reason}"
        )));
    }
    let folder = temporary_folder(host)?;
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let name = match path.rsplit('/').next() {
        Some(name) if !name.is_empty() && name != ".." => name,
        _ => "archive",
    };
    let file = folder.join(name);
    let private = Permissions {
        mode: Some(0o600),
        ..Permissions::default()
    };
    if let Err(error) = host.write(&file, &mut answer.body, private) {
        host.remove(&folder)?;
        return Err(error.into());
    }
    Ok((folder, file))
}
