//! `external` as a data source: a program that reads a query and answers, both in JSON.

use std::collections::BTreeMap;

use strata_core::Diagnostics;
use strata_provider::{Context, DataSourceType, Schema};

use crate::{
    Settings,
    failure::failed,
    program::{self, NotRun, complaint},
};

/// Asks a program. It gets `query` as a JSON object on its standard input, and gives a JSON object of texts on its
/// standard output.
#[derive(Default, Schema)]
pub(crate) struct External {
    /// The program and its arguments; no shell is in between.
    #[schema(length(1..))]
    program: Vec<String>,
    /// The folder that it starts in.
    working_dir: Option<String>,
    /// What it is asked.
    query: Option<BTreeMap<String, Option<String>>>,
    /// What it answers.
    #[schema(computed)]
    result: BTreeMap<String, String>,
    /// Always `-`.
    #[schema(computed)]
    id: String,
}

impl External {
    async fn ask(&self, settings: &Settings) -> Result<Vec<u8>, Diagnostics> {
        let words: Vec<&str> = self
            .program
            .iter()
            .map(String::as_str)
            .filter(|word| !word.is_empty())
            .collect();
        let [program, arguments @ ..] = &words[..] else {
            return Err(failed(
                "External Program Missing",
                "`program` names no program.",
            ));
        };
        let folder = self
            .working_dir
            .as_deref()
            .filter(|folder| !folder.is_empty());
        let folder = folder.map_or(settings.working_directory.clone(), |folder| {
            settings.path(folder)
        });
        let ran = program::run(program, arguments, folder, self.query_text().as_bytes()).await;
        let output = ran.map_err(|not_run| match not_run {
            NotRun::NotStarted(error) => failed(
                "External Program Lookup Failed",
                format!("The program `{program}` cannot be started: {error}."),
            ),
            NotRun::Lost(error) => failed(
                "External Program Execution Failed",
                format!("The program `{program}` was lost: {error}."),
            ),
        })?;
        match output.status.success() {
            true => Ok(output.stdout),
            false => Err(self.complaint(program, &output.stderr, &output.status.to_string())),
        }
    }

    /// The query as the original writes it: texts only, null as an empty one.
    fn query_text(&self) -> String {
        let query = self.query.iter().flatten();
        let texts =
            query.map(|(name, value)| (name.clone(), value.clone().unwrap_or_default().into()));
        serde_json::Value::Object(texts.collect()).to_string()
    }

    /// What the program said, without the values that it was asked with, which may be secret.
    fn complaint(&self, program: &str, said: &[u8], state: &str) -> Diagnostics {
        let secrets = self.query.iter().flatten();
        let secrets = secrets
            .filter_map(|(name, value)| Some((format!("(query.{name})"), value.as_deref()?)));
        let said = complaint(said, secrets);
        failed(
            "External Program Execution Failed",
            format!("The program `{program}` failed.\n\nError Message: {said}\nState: {state}"),
        )
    }
}

/// Reads an answer: an object whose values are texts.
fn answer(output: &[u8]) -> Result<BTreeMap<String, String>, Diagnostics> {
    serde_json::from_slice(output).map_err(|error| {
        // The parser's own message would quote the answer, which may be secret.
        let place = format!("line {}, column {}", error.line(), error.column());
        failed(
            "Unexpected External Program Results",
            format!(
                "The program's output is not a JSON object of texts: it goes wrong at {place}. Numbers, lists and objects \
                 inside must be written as texts."
            ),
        )
    })
}

impl DataSourceType for External {
    const NAME: &'static str = "external";
    type Client = Settings;

    async fn read(&mut self, context: &mut Context<'_, Settings>) -> Result<(), Diagnostics> {
        let output = self.ask(context.client).await?;
        self.result = answer(&output)?;
        self.id = "-".to_owned();
        Ok(())
    }
}
