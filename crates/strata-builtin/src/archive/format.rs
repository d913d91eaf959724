//! Writes entries as `zip` or `tar.gz`, always the same bytes for the same entries.

use std::io::{self, Cursor, Write};

use flate2::{Compression, GzBuilder};
use zip::{CompressionMethod, DateTime, ZipWriter, write::SimpleFileOptions};

use super::source::{Entries, Entry};

/// 2049-01-01, a time that all tools that read archives know.
const MODIFIED: u64 = 2_493_072_000;

/// Writes a zip archive.
pub(crate) fn zip(entries: &Entries, mode: Option<u32>) -> io::Result<Vec<u8>> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let time = DateTime::from_date_and_time(2049, 1, 1, 0, 0, 0).unwrap_or_default();
    for (name, entry) in entries {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(time)
            .unix_permissions(mode.unwrap_or(entry.mode));
        writer
            .start_file(name.as_str(), options)
            .map_err(io::Error::other)?;
        writer.write_all(&entry.content)?;
    }
    Ok(writer.finish().map_err(io::Error::other)?.into_inner())
}

/// Writes a tar archive, compressed with gzip.
pub(crate) fn tar_gz(entries: &Entries, mode: Option<u32>) -> io::Result<Vec<u8>> {
    let packed = GzBuilder::new()
        .mtime(0)
        .operating_system(255)
        .write(Vec::new(), Compression::default());
    let mut builder = tar::Builder::new(packed);
    for (name, entry) in entries {
        builder.append_data(&mut header(entry, mode), name, entry.content.as_slice())?;
    }
    builder.into_inner()?.finish()
}

fn header(entry: &Entry, mode: Option<u32>) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_size(entry.content.len() as u64);
    header.set_mode(mode.unwrap_or(entry.mode));
    header.set_mtime(MODIFIED);
    header.set_uid(0);
    header.set_gid(0);
    header
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::source::text;

    fn entries() -> Entries {
        [text("b/c.txt", "two"), text("a.txt", "one")].into()
    }

    #[test]
    fn the_same_entries_give_the_same_bytes() {
        assert_eq!(
            zip(&entries(), None).unwrap(),
            zip(&entries(), None).unwrap()
        );
        assert_eq!(
            tar_gz(&entries(), None).unwrap(),
            tar_gz(&entries(), None).unwrap()
        );
        assert_ne!(
            zip(&entries(), None).unwrap(),
            zip(&entries(), Some(0o600)).unwrap()
        );
    }
}
