//! Our side: a project whose one stage provisions the same containers.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Scene, api::Api};
use crate::bench::scratch::Scratch;
use crate::failure::Failure;
use crate::process;

const PROJECT: &str = r#"project "bench" {}

environment "local" {
  provision "machines" {
    directory = "infrastructure"
  }
}
"#;

/// The project, and what runs it.
#[derive(Debug)]
pub(super) struct Project {
    folder: Scratch,
    strata: PathBuf,
    socket: PathBuf,
    /// How long a turn may take at most, in seconds.
    limit: usize,
}

impl Project {
    /// Writes the project's files.
    pub(super) fn write(strata: &Path, api: &Api, scene: &Scene) -> Result<Project, Failure> {
        let files = [
            ("strata.hcl", PROJECT.to_owned()),
            ("infrastructure/main.tf", scene.root_module()),
        ];
        Ok(Project {
            folder: Scratch::with(&files)?,
            strata: strata.to_owned(),
            socket: api.0.clone(),
            limit: 120 + 15 * scene.instances,
        })
    }

    /// Makes everything.
    pub(super) fn up(&self) -> Result<(), Failure> {
        process::output_of(&mut self.command("up")).map(drop)
    }

    /// Deletes everything.
    pub(super) fn down(&self) -> Result<(), Failure> {
        process::output_of(&mut self.command("down")).map(drop)
    }

    fn command(&self, name: &str) -> Command {
        let strata = self.strata.display().to_string();
        let limit = self.limit.to_string();
        // One that hangs is asked to end, as by Ctrl-C, and then made to.
        let bounded = ["timeout", "--signal=INT", "--kill-after=60", &limit];
        let arguments = [&strata, name, "local", "-auto-approve", "-json"];
        let mut command = process::command(&[&bounded[..], &arguments].concat());
        command
            .current_dir(self.folder.path())
            .env("HOME", self.folder.path())
            .env("INCUS_SOCKET", &self.socket);
        command
    }
}
