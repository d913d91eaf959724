//! `slurp`: brings a file's content to the controller.

use std::path::PathBuf;

use serde_json::json;

use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::{Host, Kind};
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;

pub(super) struct Slurp {
    path: PathBuf,
}

impl Module for Slurp {
    const SPEC: Spec = Spec::new("slurp", &[Field::path("src").alias(&["path"]).required()]);
    type Current = Vec<u8>;

    fn new(arguments: &Arguments, _task: &Task) -> Result<Slurp, ModuleError> {
        Ok(Slurp {
            path: arguments.path("src").unwrap_or_default(),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Vec<u8>, ModuleError> {
        let shown = self.path.display();
        match host.metadata_followed(&self.path)? {
            None => Err(ModuleError::new(format!("File not found: {shown}"))),
            Some(found) if found.kind == Kind::Directory => Err(ModuleError::new(format!(
                "Source is a directory and must be a file: {shown}"
            ))),
            Some(_) => Ok(host.read(&self.path)?),
        }
    }

    fn decide(&self, _current: &Vec<u8>) -> Vec<Change> {
        Vec::new()
    }

    fn report(&self, _: &dyn Host, bytes: &Vec<u8>, _: &Outcome) -> Result<Report, ModuleError> {
        Ok(Report::of(values(json!({
            "content": base64(bytes),
            "encoding": "base64",
            "source": self.path.to_string_lossy(),
        }))))
    }
}

pub(super) fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * at) & 63) as usize] as char;
            text.push(if at <= chunk.len() { letter } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn bytes_are_written_as_the_rfc_shows() {
        let check = |bytes: &[u8], expected| assert_eq!(base64(bytes), expected);
        check(b"", "");
        check(b"f", "Zg==");
        check(b"fo", "Zm8=");
        check(b"foo", "Zm9v");
        check(b"foob", "Zm9vYg==");
        check(&[0xff, 0xfe, 0xfd], "//79");
    }
}
