//! What the types must know of the process they run in.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::Timestamp;

/// Where files are, and what time it is.
#[derive(Clone)]
pub struct Settings {
    /// The folder that relative paths start from.
    pub working_directory: PathBuf,
    /// Tells the time.
    pub clock: Clock,
    /// Fills in templates.
    pub templates: Templates,
    /// Whether `time_sleep` waits: what is waited for may be a model, which is ready at once.
    pub waits: bool,
}

/// Tells the time.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self(Arc::new(Timestamp::now))
    }

    /// A clock that tests can turn.
    pub fn by(tell: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    /// Now, to the second: no type here tells time more finely.
    pub fn now(&self) -> Timestamp {
        let now = (self.0)();
        Timestamp::from_second(now.as_second()).unwrap_or(now)
    }
}

/// Fills in templates, as the language does.
#[derive(Clone)]
pub struct Templates(Arc<FillIn>);

type FillIn = dyn Fn(&str, &BTreeMap<String, String>) -> Result<String, String> + Send + Sync;

impl Templates {
    /// By a function of a template and its variables that gives the text, or why there is none.
    pub fn by(
        fill_in: impl Fn(&str, &BTreeMap<String, String>) -> Result<String, String>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self(Arc::new(fill_in))
    }

    /// The text that a template gives.
    pub(crate) fn fill_in(
        &self,
        template: &str,
        variables: &BTreeMap<String, String>,
    ) -> Result<String, String> {
        (self.0)(template, variables)
    }
}

impl Settings {
    /// The path from the working directory.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.working_directory.join(Path::new(path))
    }
}
