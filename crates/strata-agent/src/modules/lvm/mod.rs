//! `lvg` and `lvol`: volume groups and logical volumes.

pub(super) mod group;
pub(super) mod volume;

use super::programs::{self, plain};
use crate::host::Host;
use crate::module::ModuleError;

/// Asks a lister of LVM for fields; sizes are in bytes.
fn listed(
    host: &dyn Host,
    program: &str,
    fields: &str,
    more: &[&str],
) -> Result<Vec<Vec<String>>, ModuleError> {
    programs::required(host, program)?;
    let words = [
        program,
        "--noheadings",
        "--nosuffix",
        "--units",
        "b",
        "--separator",
        ";",
        "-o",
        fields,
    ];
    let said = host.run(&plain(words.iter().chain(more).copied()))?;
    if said.status != 0 {
        return Ok(Vec::new());
    }
    let rows = said
        .stdout
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty());
    Ok(rows
        .map(|row| {
            row.split(';')
                .map(|field| field.trim().to_owned())
                .collect()
        })
        .collect())
}

/// A size with LVM's unit, in bytes; a capital letter counts by 1000.
fn bytes(text: &str, default: char) -> Option<u64> {
    let text = text.trim();
    let (number, unit) = match text.chars().last()? {
        unit if unit.is_ascii_alphabetic() => (&text[..text.len() - 1], unit),
        _ => (text, default),
    };
    let number: f64 = number.parse().ok()?;
    let power = match unit.to_ascii_lowercase() {
        'b' => 0,
        's' => return Some((number * 512.0) as u64),
        'k' => 1,
        'm' => 2,
        'g' => 3,
        't' => 4,
        'p' => 5,
        'e' => 6,
        _ => return None,
    };
    let base: f64 = if unit.is_ascii_uppercase() && power > 0 {
        1000.0
    } else {
        1024.0
    };
    Some((number * base.powi(power)) as u64)
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn sizes_have_the_units_of_lvm() {
        assert_eq!(bytes("512", 'm'), Some(512 << 20));
        assert_eq!(bytes("4k", 'm'), Some(4096));
        assert_eq!(bytes("1G", 'm'), Some(1_000_000_000));
        assert_eq!(bytes("8s", 'm'), Some(4096));
        assert_eq!(bytes("x", 'm'), None);
    }
}
