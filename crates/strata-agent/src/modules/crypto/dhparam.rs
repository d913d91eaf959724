//! `openssl_dhparam`: parameters of Diffie-Hellman of a size.
//!
//! As `community.crypto.openssl_dhparam` 3 with its `openssl` backend: what is there stays if it has the size. New ones
//! take `openssl` a while: half a minute for 2048 bits, minutes for 4096.

use serde_json::json;

use super::{KEPT, Kept, There, content, made, openssl};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, FileContent, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;

pub(in crate::modules) struct OpensslDhparam {
    kept: Kept,
    size: i64,
    force: bool,
    return_content: bool,
    check: bool,
}

/// The file, and the parameters that take its place.
pub(in crate::modules) struct Found {
    there: There,
    new: Option<String>,
}

impl Module for OpensslDhparam {
    const SPEC: Spec = Spec::new(
        "community.crypto.openssl_dhparam",
        &[
            Field::path("path").required(),
            Field::int("size").default("4096"),
        ],
    )
    .with(KEPT)
    .with_file_attributes();
    type Current = Found;

    fn new(arguments: &Arguments, task: &Task) -> Result<OpensslDhparam, ModuleError> {
        Ok(OpensslDhparam {
            kept: Kept::read(arguments, 0o644)?,
            size: arguments.int("size").unwrap_or(4096),
            force: arguments.bool("force"),
            return_content: arguments.bool("return_content"),
            check: task.check,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let there = self.kept.observe(host)?;
        let fits = match &there.text {
            Some(text) if self.kept.present && !self.force => self.fits(host, text)?,
            _ => false,
        };
        let new = match self.kept.present && !fits {
            true if self.check => Some(String::new()),
            true => Some(made(
                host,
                &openssl(&["dhparam", &self.size.to_string()], None, None),
                "The parameters cannot be generated",
            )?),
            false => None,
        };
        Ok(Found { there, new })
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let new = found.new.clone().map(String::into_bytes);
        self.kept.changes(&found.there, new.map(FileContent::Bytes))
    }

    fn report(
        &self,
        _: &dyn Host,
        found: &Found,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let mut report = values(json!({"size": self.size, "filename": self.kept.name()}));
        let text = match (&found.new, outcome.check) {
            (Some(new), false) => Some(new.clone()),
            _ => found.there.text.clone(),
        };
        content(&mut report, "dhparams", self.return_content, text);
        Ok(Report::of(report))
    }
}

impl OpensslDhparam {
    /// Whether a text holds good parameters of the size.
    fn fits(&self, host: &dyn Host, text: &str) -> Result<bool, ModuleError> {
        let words = ["dhparam", "-check", "-text", "-noout"];
        let said = host.run(&openssl(&words, None, Some(text)))?;
        let is_bad = said.stdout.contains("WARNING") || said.stderr.contains("WARNING");
        Ok(said.status == 0 && !is_bad && size(&said.stdout) == Some(self.size))
    }
}

/// The bits in what `openssl` prints: `DH Parameters: (2048 bit)`.
fn size(said: &str) -> Option<i64> {
    let (_, rest) = said.split_once("Parameters:")?;
    let (_, rest) = rest.split_once('(')?;
    rest.split_once(" bit)")?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_stands_behind_the_name() {
        assert_eq!(size("    DH Parameters: (2048 bit)\n    P: \n"), Some(2048));
        assert_eq!(size("nonsense"), None);
    }
}
