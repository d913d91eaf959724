//! Archives: `.zip`, `.tar`, `.tar.gz`. Nothing in them is written outside of their folder.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::Path,
};

use flate2::read::GzDecoder;

use super::Failure;

/// What an archive is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Zip,
    Tar,
    TarGz,
}

/// The most bytes that an archive may hold when it is unpacked.
const MOST_BYTES: u64 = 4 << 30;

/// The endings of archives; those without a kind are refused by name.
const ENDINGS: [(&str, Option<Kind>); 10] = [
    ("zip", Some(Kind::Zip)),
    ("tar.gz", Some(Kind::TarGz)),
    ("tgz", Some(Kind::TarGz)),
    ("tar", Some(Kind::Tar)),
    ("tar.bz2", None),
    ("tbz2", None),
    ("tar.xz", None),
    ("txz", None),
    ("tar.zst", None),
    ("tzst", None),
];

/// The kind of archive that an address names by its ending or by `?archive=`; none if it names none.
pub(super) fn kind(address: &str, named: Option<&str>) -> Result<Option<Kind>, Failure> {
    if named == Some("false") {
        return Ok(None);
    }
    let is_it = |ending: &str| match named {
        Some(named) => named == ending,
        None => address.ends_with(&format!(".{ending}")),
    };
    match ENDINGS.iter().find(|(ending, _)| is_it(ending)) {
        Some((_, Some(kind))) => Ok(Some(*kind)),
        Some((ending, None)) => Err(Failure::new(format!(
            "Strata does not unpack `{ending}` archives."
        ))),
        None => match named {
            Some(named) => Err(Failure::new(format!(
                "There are no archives named `{named}`."
            ))),
            None => Ok(None),
        },
    }
}

/// Unpacks an archive to a folder.
pub(super) fn unpack(kind: Kind, file: File, folder: &Path) -> Result<(), Failure> {
    let unpacked = fs::create_dir_all(folder).and_then(|()| match kind {
        Kind::Zip => zip(file, folder),
        Kind::Tar => tar(file, folder),
        Kind::TarGz => tar(GzDecoder::new(file), folder),
    });
    unpacked.map_err(|error| Failure::io("the archive cannot be unpacked", &error))
}

fn tar(reader: impl Read, folder: &Path) -> io::Result<()> {
    let mut archive = tar::Archive::new(reader.take(MOST_BYTES));
    archive.set_preserve_permissions(true);
    archive.set_preserve_mtime(false);
    archive.unpack(folder)
}

fn zip(file: File, folder: &Path) -> io::Result<()> {
    let mut archive = zip::ZipArchive::new(file).map_err(io::Error::other)?;
    let size: u64 = (0..archive.len())
        .filter_map(|at| Some(archive.by_index_raw(at).ok()?.size()))
        .fold(0, u64::saturating_add);
    if size > MOST_BYTES {
        return Err(io::Error::other(format!(
            "it holds more than {MOST_BYTES} bytes"
        )));
    }
    archive.extract(folder).map_err(io::Error::other)
}
