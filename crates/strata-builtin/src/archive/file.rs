//! `archive_file`: as a data source, which writes while planning, and as a resource.

use std::{collections::BTreeSet, fs, io, path::Path};

use strata_core::{Diagnostics, Value};
use strata_provider::{Context, DataSourceType, Observed, ResourceType, Schema};

use super::{
    format,
    source::{self, Entries},
};
use crate::{
    Settings,
    digests::{self, Digests},
    failure::failed,
};

/// An archive of files.
#[derive(Default, Schema)]
#[schema(
    exactly_one_of("source", "source_content_filename", "source_file", "source_dir"),
    together("source_content", "source_content_filename")
)]
pub(crate) struct ArchiveFile {
    /// The archive's format.
    #[schema(name = "type", replace, one_of("zip", "tar.gz"))]
    kind: String,
    /// Where to write the archive; folders that are missing are made.
    #[schema(replace)]
    output_path: String,
    /// The octal mode of all files in the archive, such as `0644`; each file's own if not set.
    #[schema(replace, check = is_mode)]
    output_file_mode: Option<String>,
    /// A folder to put in, with all that is inside.
    #[schema(replace)]
    source_dir: Option<String>,
    /// A file to put in.
    #[schema(replace)]
    source_file: Option<String>,
    /// Content to put in, under the name `source_content_filename`.
    #[schema(replace)]
    source_content: Option<String>,
    /// The name of `source_content` in the archive.
    #[schema(replace)]
    source_content_filename: Option<String>,
    /// Patterns of what to leave out of `source_dir`, relative to it.
    #[schema(replace)]
    excludes: Option<BTreeSet<String>>,
    /// Whether to leave out folders that are symbolic links.
    #[schema(replace)]
    exclude_symlink_directories: Option<bool>,
    #[schema(block(set))]
    source: Vec<ArchiveSource>,
    /// The archive's size in bytes.
    #[schema(computed, stable)]
    output_size: i64,
    /// The archive's MD5 in hexadecimal.
    #[schema(computed, stable)]
    output_md5: String,
    /// The archive's SHA-1 in hexadecimal.
    #[schema(computed, stable)]
    output_sha: String,
    /// The archive's SHA-256 in hexadecimal.
    #[schema(computed, stable)]
    output_sha256: String,
    /// The archive's SHA-256 in base64.
    #[schema(computed, stable)]
    output_base64sha256: String,
    /// The archive's SHA-512 in hexadecimal.
    #[schema(computed, stable)]
    output_sha512: String,
    /// The archive's SHA-512 in base64.
    #[schema(computed, stable)]
    output_base64sha512: String,
    /// The archive's SHA-1 in hexadecimal.
    #[schema(computed, stable)]
    id: String,
}

/// A file to put in that is written down here.
#[derive(Default, Schema)]
pub(crate) struct ArchiveSource {
    /// What is in it.
    #[schema(replace, sensitive)]
    content: String,
    /// Its name in the archive.
    #[schema(replace)]
    filename: String,
}

/// The mode that octal digits are.
fn mode(text: &str) -> Option<u32> {
    let digits = (1..=5).contains(&text.len()) && text.bytes().all(|digit| digit.is_ascii_digit());
    digits.then(|| u32::from_str_radix(text, 8).ok()).flatten()
}

fn is_mode(value: &Value) -> Result<(), String> {
    match value.as_str().map(mode) {
        Some(None) => Err("must be an octal mode such as `0644`".to_owned()),
        _ => Ok(()),
    }
}

impl ArchiveFile {
    fn make(&mut self, settings: &Settings) -> Result<(), Diagnostics> {
        let entries = self.entries(settings)?;
        if entries.is_empty() {
            return Err(failed(
                "Archive creation error",
                "archive has not been created as it would be empty",
            ));
        }
        let mode = self.output_file_mode.as_deref().and_then(mode);
        let archive = match self.kind.as_str() {
            "zip" => format::zip(&entries, mode),
            _ => format::tar_gz(&entries, mode),
        };
        let written = archive.and_then(|archive| {
            write(&settings.path(&self.output_path), &archive)?;
            Ok(archive)
        });
        let archive = written.map_err(|error| {
            failed(
                "Archive creation error",
                format!("`{}` cannot be written: {error}.", self.output_path),
            )
        })?;
        self.fill(&archive);
        Ok(())
    }

    fn entries(&self, settings: &Settings) -> Result<Entries, Diagnostics> {
        let read = |path: &str, error: io::Error| {
            failed(
                "Archive creation error",
                format!("`{path}` cannot be read: {error}."),
            )
        };
        if let Some(path) = &self.source_file {
            return source::file(&settings.path(path)).map_err(|error| read(path, error));
        }
        if let Some(path) = &self.source_dir {
            let excludes = source::excludes(self.excludes.as_ref().unwrap_or(&BTreeSet::new()))
                .map_err(|error| {
                    failed(
                        "Archive creation error",
                        format!("A pattern in `excludes` is wrong: {error}."),
                    )
                })?;
            let skip = self.exclude_symlink_directories.unwrap_or(false);
            return source::folder(&settings.path(path), &excludes, skip)
                .map_err(|error| read(path, error));
        }
        let named = self
            .source_content_filename
            .as_deref()
            .zip(Some(self.source_content.as_deref().unwrap_or_default()));
        let blocks = self
            .source
            .iter()
            .map(|source| (source.filename.as_str(), source.content.as_str()));
        Ok(named
            .into_iter()
            .chain(blocks)
            .map(|(name, content)| source::text(name, content))
            .collect())
    }

    fn fill(&mut self, archive: &[u8]) {
        let digests = Digests::of(archive);
        self.output_size = i64::try_from(archive.len()).unwrap_or(i64::MAX);
        self.output_md5 = digests.md5;
        self.output_sha = digests.sha1.clone();
        self.output_sha256 = digests.sha256;
        self.output_base64sha256 = digests.base64_sha256;
        self.output_sha512 = digests.sha512;
        self.output_base64sha512 = digests.base64_sha512;
        self.id = digests.sha1;
    }
}

/// Writes the archive whole; one that is there already with the same content is left alone.
fn write(path: &Path, archive: &[u8]) -> io::Result<()> {
    if fs::read(path).is_ok_and(|there| digests::sha1(&there) == digests::sha1(archive)) {
        return Ok(());
    }
    let folder = path.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new()
        .prefix(".strata-")
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
        .tempfile_in(folder)?;
    io::Write::write_all(&mut file, archive)?;
    file.persist(path)?;
    Ok(())
}

impl DataSourceType for ArchiveFile {
    const NAME: &'static str = "archive_file";
    type Client = Settings;

    async fn read(&mut self, context: &mut Context<'_, Settings>) -> Result<(), Diagnostics> {
        self.make(context.client)
    }
}

impl ResourceType for ArchiveFile {
    const NAME: &'static str = "archive_file";
    type Client = Settings;

    async fn create(&mut self, context: &mut Context<'_, Settings>) -> Result<(), Diagnostics> {
        self.make(context.client)
    }

    /// An archive that is missing or was changed is made anew.
    async fn read(&mut self, context: &mut Context<'_, Settings>) -> Result<Observed, Diagnostics> {
        let there = fs::read(context.client.path(&self.output_path));
        match there.is_ok_and(|there| digests::sha1(&there) == self.id) {
            true => Ok(Observed::Present),
            false => Ok(Observed::Gone),
        }
    }
}
