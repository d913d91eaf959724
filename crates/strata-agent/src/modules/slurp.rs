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
            "content": crate::base64::encode(bytes),
            "encoding": "base64",
            "source": self.path.to_string_lossy(),
        }))))
    }
}
