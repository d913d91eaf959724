//! `local_command` as a data source: a program that is run each time it is read.

use strata_core::Diagnostics;
use strata_provider::{Context, DataSourceType, Schema};

use crate::{
    Settings,
    failure::failed,
    program::{self, NotRun, complaint},
};

/// Runs a program on this machine and tells what it said. It should change nothing: it runs in each plan.
#[derive(Default, Schema)]
pub(crate) struct LocalCommand {
    /// The program; no shell is in between.
    #[schema(length(1..))]
    command: String,
    /// Its arguments.
    arguments: Option<Vec<String>>,
    /// What it gets on its standard input.
    stdin: Option<String>,
    /// The folder that it starts in.
    working_directory: Option<String>,
    /// True if it may fail: `exit_code` tells how it ended.
    allow_non_zero_exit_code: Option<bool>,
    /// How it ended; 0 if it did not fail.
    #[schema(computed)]
    exit_code: i64,
    /// What it said on its standard output.
    #[schema(computed)]
    stdout: String,
    /// What it said on its standard error.
    #[schema(computed)]
    stderr: String,
}

impl DataSourceType for LocalCommand {
    const NAME: &'static str = "local_command";
    type Client = Settings;

    async fn read(&mut self, context: &mut Context<'_, Settings>) -> Result<(), Diagnostics> {
        let settings = context.client;
        let folder = self.working_directory.as_deref();
        let folder = folder.filter(|folder| !folder.is_empty());
        let folder = folder.map_or(settings.working_directory.clone(), |folder| {
            settings.path(folder)
        });
        let arguments: Vec<&str> = self
            .arguments
            .iter()
            .flatten()
            .map(String::as_str)
            .collect();
        let input = self.stdin.as_deref().unwrap_or_default();
        let command = &self.command;
        let ran = program::run(command, &arguments, folder, input.as_bytes()).await;
        let output = ran.map_err(|not_run| match not_run {
            NotRun::NotStarted(error) => failed(
                "Command Lookup Failed",
                format!("The program `{command}` cannot be started: {error}."),
            ),
            NotRun::Lost(error) => failed(
                "Command Execution Failed",
                format!("The program `{command}` was lost: {error}."),
            ),
        })?;
        // One that a signal ended has no code.
        let code = output.status.code();
        let may_fail = self.allow_non_zero_exit_code == Some(true) && code.is_some();
        if !output.status.success() && !may_fail {
            // A program may repeat a single line of what it was given.
            let given = std::iter::once(input).chain(input.lines());
            let given = given.map(|text| ("(stdin)".to_owned(), text));
            let said = complaint(&output.stderr, given);
            let state = output.status;
            return Err(failed(
                "Command Execution Failed",
                format!("The program `{command}` failed.\n\nError Message: {said}\nState: {state}"),
            ));
        }
        self.exit_code = code.unwrap_or_default().into();
        self.stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        self.stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        Ok(())
    }
}
