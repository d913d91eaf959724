//! `lvg`, `lvg_rename` and `lvol`: volume groups and logical volumes.

mod amount;
pub(super) mod group;
pub(super) mod rename;
pub(super) mod volume;

use amount::Amount;

use super::programs::{self, plain};
use crate::host::Host;
use crate::module::ModuleError;

/// Asks a lister of LVM for fields; sizes are in that unit.
fn listed(
    host: &dyn Host,
    program: &str,
    unit: char,
    fields: &str,
    more: &[&str],
) -> Result<Vec<Vec<String>>, ModuleError> {
    programs::required(host, program)?;
    let unit = unit.to_string();
    let words = [
        program,
        "--noheadings",
        "--nosuffix",
        "--units",
        &unit,
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
