//! What an operation must know of the process it runs in, as data.

use std::{collections::BTreeMap, env, io, path::PathBuf};

use jiff::Timestamp;

/// Environment, working directory and machine of this process.
#[derive(Clone)]
pub struct Process {
    /// The environment variables that are text.
    pub environment: BTreeMap<String, String>,
    /// The working directory.
    pub working_directory: PathBuf,
    /// Where the program was started, which `-chdir` does not change: `path.cwd`.
    pub started_in: PathBuf,
    /// The machine's name.
    pub host: String,
}

impl Process {
    /// This process, now.
    pub fn current() -> io::Result<Self> {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        let host = rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned();
        let working_directory = env::current_dir()?;
        Ok(Self {
            environment: env::vars_os().filter_map(text).collect(),
            started_in: working_directory.clone(),
            working_directory,
            host,
        })
    }

    /// The user's name, as far as the environment tells.
    pub fn user(&self) -> &str {
        self.environment
            .get("USER")
            .or_else(|| self.environment.get("LOGNAME"))
            .map_or("unknown", String::as_str)
    }

    /// The time, in RFC 3339 and UTC, to the second.
    pub fn now(&self) -> String {
        let now = Timestamp::now();
        Timestamp::from_second(now.as_second())
            .unwrap_or(now)
            .to_string()
    }
}
