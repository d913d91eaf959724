//! `--limit`: which hosts of the inventory count.

use std::path::Path;

use strata_core::{Diagnostic, files::Files};
use strata_playbook::Inventory;

/// The pattern with the lines of the files that it names in their place: `web,@failed.retry`.
pub(super) fn pattern(
    text: Option<&str>,
    files: &dyn Files,
) -> Result<Option<String>, Box<Diagnostic>> {
    let Some(text) = text.filter(|text| text.contains('@')) else {
        return Ok(text.map(str::to_owned));
    };
    let mut parts = Vec::new();
    for part in text.split(',').map(str::trim) {
        let Some(name) = part.strip_prefix('@') else {
            parts.push(part.to_owned());
            continue;
        };
        let lines = files.read_text(Path::new(name)).map_err(|error| {
            let found =
                Diagnostic::error("limit-file", format!("Unable to find limit file `{name}`"));
            Box::new(found.detail(error.to_string()))
        })?;
        let lines = lines.lines().map(str::trim);
        parts.extend(lines.filter(|line| !line.is_empty()).map(str::to_owned));
    }
    Ok(Some(parts.join(",")))
}

/// A limit that leaves no host of an inventory that has some, which nobody means.
pub(super) fn leaves_nobody(inventory: &Inventory, limit: Option<&str>) -> Option<Diagnostic> {
    let limit = limit?;
    // What is no pattern at all is told by who uses it.
    let left = inventory.matching(limit).ok()?;
    if inventory.hosts().is_empty() || !left.is_empty() {
        return None;
    }
    let summary =
        "Specified inventory, host pattern and/or --limit leaves us with no hosts to target";
    let found = Diagnostic::error("no-hosts-left", summary);
    Some(found.detail(format!("No host of the inventory matches `{limit}`.")))
}
