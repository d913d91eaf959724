//! Archives: `.zip`, and `.tar` as it is or compressed by gzip, bzip2, xz or zstd. Nothing in them is written outside of their folder.

use std::{
    fs::{self, File},
    io::{self, BufReader, Read},
    path::Path,
};

use bzip2::read::MultiBzDecoder;
use flate2::read::GzDecoder;
use lzma_rust2::XzReader;
use ruzstd::decoding::StreamingDecoder;

use super::Failure;

/// What an archive is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Zip,
    Tar,
    TarGz,
    TarBzip2,
    TarXz,
    TarZstd,
}

/// The most bytes that an archive may hold when it is unpacked.
const MOST_BYTES: u64 = 4 << 30;

/// The endings of archives.
const ENDINGS: [(&str, Kind); 10] = [
    ("zip", Kind::Zip),
    ("tar.gz", Kind::TarGz),
    ("tgz", Kind::TarGz),
    ("tar", Kind::Tar),
    ("tar.bz2", Kind::TarBzip2),
    ("tbz2", Kind::TarBzip2),
    ("tar.xz", Kind::TarXz),
    ("txz", Kind::TarXz),
    ("tar.zst", Kind::TarZstd),
    ("tzst", Kind::TarZstd),
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
        Some((_, kind)) => Ok(Some(*kind)),
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
        Kind::TarBzip2 => tar(MultiBzDecoder::new(file), folder),
        Kind::TarXz => tar(XzReader::new(BufReader::new(file), true), folder),
        Kind::TarZstd => {
            let decoder = StreamingDecoder::new(BufReader::new(file));
            tar(decoder.map_err(io::Error::other)?, folder)
        }
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

#[cfg(test)]
mod tests {
    use std::io::{Seek, Write};

    use base64::{Engine, prelude::BASE64_STANDARD};

    use super::*;

    /// The same archive with one file, as three programs compress it.
    const ARCHIVES: [(&str, &str); 3] = [
        (
            "m.tar.bz2",
            "QlpoOTFBWSZTWaqc2kkAAHp7hMqQAEBQAW2CACBjJ99KAACACCAAdCCQ9JoBoDIMmnpBlDSA0aAA0Bo+5ycthBAmaACQj5Q+hGhyiSAsBUY2sb1TUmOp6IqBOwERewQvqpbvq9bDXQEEahQB0eAkEzOyLDApyUiTNvZRtERAPxdyRThQkKqc2kk=",
        ),
        (
            "m.txz",
            "/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj4Cf/AHpdADaYSXKFAtLo4UzUOk3Exai1bNFFJRax9tNswHoSXsLNvfUOCk0Wh1Q+rjnzJ6lwk1HkBuaYCbaugPkMqn9WKbBJYsJRyLn/plitfNSHe8miO3AVON1ZomzEZDuCICL+8QIJ5EJT/ClzziF4QSXcbWIB1+uoTKhco2EsAAAASlEZfunatqMAAZYBgFAAALiQ77SxxGf7AgAAAAAEWVo=",
        ),
        (
            "m.tar.zst",
            "KLUv/WQAJ80CAJJEDxGgb0z1fdeZ+M939ylA+u0zKQ0yGI5c1ZasO8AebnBaI62wKYSy3WWis3a/95/z4/ubkP/vUsz3ouKx5AIKIGA3D4QX3p+gMAyA/T8zeSsIHBTAchJxNhd3qg==",
        ),
    ];

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file.rewind().unwrap();
        file
    }

    #[test]
    fn archives_unpack_however_they_are_compressed() {
        for (name, text) in ARCHIVES {
            let kind = kind(name, None).unwrap().unwrap();
            let folder = tempfile::tempdir().unwrap();
            let bytes = BASE64_STANDARD.decode(text).unwrap();
            unpack(kind, file(&bytes), folder.path()).unwrap();
            let found = fs::read_to_string(folder.path().join("main.tf")).unwrap();
            assert_eq!(found, "output \"x\" {\n  value = 1\n}\n", "{name}");
        }
    }

    #[test]
    fn what_is_cut_off_or_something_else_is_an_error() {
        for (name, text) in ARCHIVES {
            let kind = kind(name, None).unwrap().unwrap();
            let bytes = BASE64_STANDARD.decode(text).unwrap();
            for bytes in [&bytes[..bytes.len() / 2], b"something else"] {
                let folder = tempfile::tempdir().unwrap();
                assert!(unpack(kind, file(bytes), folder.path()).is_err(), "{name}");
            }
        }
        assert!(kind("m.zip", Some("rar")).is_err());
    }
}
