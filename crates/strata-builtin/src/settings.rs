//! What the types must know of the process they run in.

use std::{
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

impl Settings {
    /// The path from the working directory.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.working_directory.join(Path::new(path))
    }
}
