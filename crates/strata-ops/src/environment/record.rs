//! How the stages of an environment ended when they last ran, kept in `.strata/runs`.
//!
//! It is only for `status` to tell "never run" and "failed" from "behind": nothing is decided by it,
//! so a file that is lost or cannot be read does no harm.

use std::{collections::BTreeMap, fs, io, path::PathBuf};

use serde_json::{Value as Json, json};
use strata_core::{Diagnostic, StageOutcome};
use tempfile::NamedTempFile;

use super::Run;
use crate::project::{Stage, stage_id};

/// How a stage last ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LastRun {
    /// It has not run, as far as is known.
    Never,
    /// It failed.
    Failed,
    /// It did all it had to.
    Succeeded,
}

impl Run<'_> {
    /// Writes down how a stage ended; a warning says so if that fails.
    pub(super) fn remember(&self, stage: &Stage, outcome: StageOutcome) {
        if outcome == StageOutcome::Skipped {
            return;
        }
        let mut records = self.records();
        let word = if outcome == StageOutcome::Failed {
            "failed"
        } else {
            "succeeded"
        };
        let record = json!({ "outcome": word, "at": self.process.now() });
        records.insert(stage_id(stage.kind(), &stage.name), record);
        if let Err(error) = self.write_records(&records) {
            let path = self.record_file();
            let summary = format!("`{}` cannot be written", path.display());
            let warning = Diagnostic::warning("run-record", summary)
                .detail(error.to_string())
                .hint("`strata status` will not know how this run ended.");
            self.events.diagnostic(warning);
        }
    }

    /// How a stage ended when it last ran here.
    pub(super) fn last_run(&self, stage: &Stage) -> LastRun {
        let records = self.records();
        let record = records.get(&stage_id(stage.kind(), &stage.name));
        match record.and_then(|record| record["outcome"].as_str()) {
            Some("failed") => LastRun::Failed,
            Some("succeeded") => LastRun::Succeeded,
            _ => LastRun::Never,
        }
    }

    /// Forgets how stages ended: all they did is gone.
    pub(super) fn forget_runs(&self) {
        // Without the file they have never run, which is what is wanted.
        fs::remove_file(self.record_file()).ok();
    }

    fn records(&self) -> BTreeMap<String, Json> {
        let text = fs::read_to_string(self.record_file()).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    fn write_records(&self, records: &BTreeMap<String, Json>) -> io::Result<()> {
        let path = self.record_file();
        let folder = path.parent().map(PathBuf::from).unwrap_or_default();
        fs::create_dir_all(&folder)?;
        let file = NamedTempFile::new_in(&folder)?;
        serde_json::to_writer_pretty(&file, records)?;
        file.persist(path)?;
        Ok(())
    }

    fn record_file(&self) -> PathBuf {
        if self.platforms.are_twins() {
            return Run::twin_folder(self.project, &self.environment.name).join("runs.json");
        }
        let name = format!("{}.json", self.environment.name);
        self.project.folder.join(".strata").join("runs").join(name)
    }
}
