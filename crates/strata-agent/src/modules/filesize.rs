//! `filesize`: a file has a size, made of zeros or of another file's bytes: for swap, or to be a disk.
//!
//! As `community.general.filesize` 11.4: `dd` writes it in whole blocks, so the size is rounded up to one. A size with a
//! unit is met exactly, for which the blocks may be smaller than asked.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::file::fresh;
use super::programs::{self, plain};
use crate::arguments::{Arguments, Field, FieldKind, Spec, text};
use crate::attributes::{Attributes, Wanted};
use crate::change::{Change, Outcome};
use crate::host::{Host, Kind, Metadata};
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;

pub(super) struct Filesize {
    path: PathBuf,
    size: String,
    blocksize: Option<String>,
    source: String,
    sparse: bool,
    force: bool,
    attributes: Attributes,
}

/// The file, its size to be, and how `dd` gets it there.
pub(super) struct Found {
    path: PathBuf,
    there: Option<Metadata>,
    wanted: Wanted,
    size: Size,
    argv: Vec<String>,
}

/// Whole blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Size {
    blocks: u64,
    blocksize: u64,
}

impl Module for Filesize {
    const SPEC: Spec = Spec::new(
        "community.general.filesize",
        &[
            Field::path("path").required(),
            Field::new("size", FieldKind::Raw).required(),
            Field::new("blocksize", FieldKind::Raw),
            Field::path("source").default("/dev/zero"),
            Field::bool("sparse", false),
            Field::bool("force", false),
        ],
    )
    .with_file_attributes();
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<Filesize, ModuleError> {
        let (sparse, force) = (arguments.bool("sparse"), arguments.bool("force"));
        if sparse && force {
            return Err(ModuleError::new(
                "parameters values are mutually exclusive: force=true|sparse=true",
            ));
        }
        let given = |name: &str| arguments.raw(name).and_then(text);
        Ok(Filesize {
            path: arguments.path("path").unwrap_or_default(),
            size: given("size").unwrap_or_default(),
            blocksize: given("blocksize").filter(|size| !size.is_empty()),
            source: arguments.text("source"),
            sparse,
            force,
            attributes: Attributes::read(arguments)?,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        if host.metadata_followed(folder)?.is_none() {
            return Err(ModuleError::new(
                "parent directory of the file must exist prior to run this module",
            ));
        }
        let path = host
            .resolve(&self.path)
            .unwrap_or_else(|_| self.path.clone());
        let there = host.metadata(&path)?;
        if there.as_ref().is_some_and(|there| there.kind != Kind::File) {
            let shown = self.path.display();
            return Err(ModuleError::new(format!(
                "{shown} exists but is not a regular file"
            )));
        }
        let blocksize = match &self.blocksize {
            Some(given) => amount(given)?.bytes,
            None => host.filesystem(folder)?.block_size,
        };
        let size = Size::of(&self.size, blocksize)?;
        let argv = match there
            .as_ref()
            .is_some_and(|there| there.size == size.bytes())
            && !self.force
        {
            true => Vec::new(),
            false => self.command(host, there.as_ref(), size)?,
        };
        Ok(Found {
            wanted: self.attributes.resolve(host)?,
            path,
            there,
            size,
            argv,
        })
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let mut changes = Vec::new();
        if !found.argv.is_empty() {
            let failure = format!(
                "dd error while creating file {} with size {} from source {}: see stderr for details",
                self.path.display(),
                self.size,
                self.source
            );
            changes.push(programs::attempt(plain(found.argv.clone()), failure));
        }
        let new = fresh(Kind::File, 0o644);
        let there = found.there.as_ref().unwrap_or(&new);
        changes.extend(found.wanted.change(&found.path, there, true));
        changes
    }

    fn report(
        &self,
        _: &dyn Host,
        found: &Found,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let bytes = found.size.bytes();
        let before = found.there.as_ref().map_or(0, |there| there.size);
        let mut report = values(json!({
            "path": found.path.to_string_lossy(),
            "size_diff": bytes as i64 - before as i64,
            "filesize": {
                "blocks": found.size.blocks, "blocksize": found.size.blocksize, "bytes": bytes,
                "iec": shown(bytes, IEC, 1024.0), "si": shown(bytes, SI, 1000.0),
            },
        }));
        if !found.argv.is_empty() {
            report.insert("cmd".to_owned(), found.argv.join(" ").into());
        }
        if let Some(output) = outcome.outputs.first() {
            report.insert("rc".to_owned(), output.status.into());
            report.insert("stderr".to_owned(), Value::from(output.stderr.as_str()));
        }
        Ok(Report::of(report))
    }
}

impl Filesize {
    fn command(
        &self,
        host: &dyn Host,
        there: Option<&Metadata>,
        size: Size,
    ) -> Result<Vec<String>, ModuleError> {
        programs::required(host, "dd")?;
        let program = host.find_program("dd");
        let program = program.map_or("dd".to_owned(), |path| path.to_string_lossy().into_owned());
        let seek = match there.map(|there| there.size) {
            _ if self.sparse => size.blocks,
            None => 0,
            Some(_) if self.force => 0,
            Some(now) if now > size.bytes() => size.blocks,
            Some(now) if !(size.bytes() - now).is_multiple_of(size.blocksize) => {
                now / size.blocksize + 1
            }
            Some(now) => now / size.blocksize,
        };
        let count = size.blocks.saturating_sub(seek);
        Ok(vec![
            program,
            format!("if={}", self.source),
            format!("of={}", self.path.display()),
            format!("bs={}", size.blocksize),
            format!("seek={seek}"),
            format!("count={count}"),
        ])
    }
}

/// A number with its unit, and how many bytes that is.
struct Amount {
    number: f64,
    unit: Option<f64>,
    bytes: u64,
}

/// Powers of 1000 and of 1024 by their letters; `k` alone is 1024.
fn unit(name: &str) -> Option<f64> {
    let (letter, kind) = name.split_at_checked(1)?;
    let power = "kmgtpezy".find(&letter.to_lowercase())?;
    let base: f64 = match kind {
        "" | "iB" => 1024.0,
        "B" => 1000.0,
        _ => return None,
    };
    Some(base.powi(i32::try_from(power).ok()? + 1))
}

fn amount(given: &str) -> Result<Amount, ModuleError> {
    let given = given.trim();
    let end = given
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(given.len());
    let (number, name) = given.split_at(end);
    let name = name.trim();
    let wrong = || {
        ModuleError::new(format!(
            "invalid size unit ({name}): unit must be one of B, kB, KB, KiB, K, k, MB, mB, MiB, M, m, GB, gB, \
             GiB, G, g, TB, tB, TiB, T, t, PB, pB, PiB, P, p, EB, eB, EiB, E, e, ZB, zB, ZiB, Z, z, YB, yB, \
             YiB, Y, y, or none."
        ))
    };
    let number: f64 = number
        .parse()
        .map_err(|_| ModuleError::new(format!("could not convert string to float: '{given}'")))?;
    let unit = match name {
        "" => None,
        "B" => Some(1.0),
        name => Some(unit(name).ok_or_else(wrong)?),
    };
    let bytes = (number * unit.unwrap_or(1.0)).round();
    match bytes < 2f64.powi(63) {
        true => Ok(Amount {
            number,
            unit,
            bytes: bytes as u64,
        }),
        false => Err(ModuleError::new(format!("the size {given} is too large"))),
    }
}

impl Size {
    /// So many blocks where there is no unit, else the bytes in blocks that come out even.
    fn of(given: &str, blocksize: u64) -> Result<Size, ModuleError> {
        if blocksize == 0 {
            return Err(ModuleError::new("block size cannot be equal to zero"));
        }
        let amount = amount(given)?;
        let Some(unit) = amount.unit else {
            let size = Size {
                blocks: amount.number.ceil() as u64,
                blocksize,
            };
            return match size.blocks.checked_mul(blocksize) {
                Some(_) => Ok(size),
                None => Err(ModuleError::new(format!("the size {given} is too large"))),
            };
        };
        let blocksize = even(&amount, unit, blocksize);
        Ok(Size {
            blocks: amount.bytes.div_ceil(blocksize),
            blocksize,
        })
    }

    fn bytes(self) -> u64 {
        self.blocks * self.blocksize
    }
}

/// The size of blocks of which a whole number is the amount.
fn even(amount: &Amount, unit: f64, blocksize: u64) -> u64 {
    const MEBIBYTE: u64 = 1 << 20;
    let bytes = amount.bytes;
    if bytes.is_multiple_of(blocksize) {
        return blocksize;
    }
    if amount.number.fract() == 0.0 {
        return match unit as u64 {
            unit if unit <= MEBIBYTE => unit,
            unit if unit.is_multiple_of(5) => 1_000_000,
            _ => MEBIBYTE,
        };
    }
    if bytes < blocksize {
        return bytes;
    }
    let smaller = [1024, 1000, 512, 256, 128, 100, 64, 32, 16, 10, 8, 4, 2];
    let fits = smaller.iter().find(|size| bytes.is_multiple_of(**size));
    fits.copied().unwrap_or(1)
}

const IEC: &[&str] = &["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
const SI: &[&str] = &["kB", "MB", "GB", "TB", "PB", "EB"];

/// A size for people, with two digits behind the point.
fn shown(bytes: u64, units: &[&str], base: f64) -> String {
    let mut size = bytes as f64;
    let mut name = "B";
    for unit in units.iter().take_while(|_| bytes as f64 >= base) {
        if size < base {
            break;
        }
        size /= base;
        name = unit;
    }
    // As Python rounds.
    let rounded = (size * 100.0).round_ties_even() / 100.0;
    match (name, rounded.fract() == 0.0) {
        ("B", _) => format!("{bytes} B"),
        (name, true) => format!("{rounded:.1} {name}"),
        (name, false) => format!("{rounded} {name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_come_out_even() {
        let check = |given: &str, blocks, blocksize| {
            assert_eq!(
                Size::of(given, 4096),
                Ok(Size { blocks, blocksize }),
                "{given}"
            );
        };
        check("3", 3, 4096);
        check("8KiB", 2, 4096);
        check("8kB", 8, 1000);
        check("1.5 kB", 1, 1500);
        check("1.5 MB", 1500, 1000);
        check("5GB", 5000, 1_000_000);
        check("2 MB", 2, 1_000_000);
        assert!(Size::of("3 apples", 4096).is_err());
        assert!(Size::of("9e", 4096).is_err());
        assert!(Size::of("3", 0).is_err());
    }

    #[test]
    fn sizes_are_shown_for_people() {
        assert_eq!(shown(512, IEC, 1024.0), "512 B");
        assert_eq!(shown(1_048_576, IEC, 1024.0), "1.0 MiB");
        assert_eq!(shown(1_048_576, SI, 1000.0), "1.05 MB");
        assert_eq!(shown(1000, SI, 1000.0), "1.0 kB");
    }
}
