//! `wait_for`: goes on when a port, a file or a text is there, or is gone.

use std::path::{Path, PathBuf};
use std::time::Duration;

use regex::Regex;
use serde_json::{Map, Value, json};

use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::{Host, HostError};
use crate::module::{Module, ModuleError, Report, values};
use crate::pattern;
use crate::protocol::Task;
use drain::Drain;

mod drain;

/// The first pause between two looks; each is twice the last, up to `sleep`.
const FIRST_PAUSE: f64 = 0.1;

/// The most that is read from a port in search of a text.
const MAX_ANSWER: usize = 1 << 20;

pub(super) struct WaitFor {
    what: What,
    present: bool,
    state: String,
    search: Option<Regex>,
    delay: u64,
    timeout: u64,
    sleep: u64,
    connect_timeout: u64,
    msg: Option<String>,
    drain: Drain,
    check: bool,
}

enum What {
    Port(String, u16),
    Path(PathBuf),
    Time,
}

/// What came.
#[derive(Default)]
pub(super) struct Arrived {
    elapsed: f64,
    groups: Vec<Value>,
    named: Map<String, Value>,
    skipped: bool,
}

impl Module for WaitFor {
    const SPEC: Spec = Spec::new(
        "wait_for",
        &[
            Field::str("host").default("127.0.0.1"),
            Field::int("port"),
            Field::path("path"),
            Field::str("search_regex"),
            Field::str("state")
                .choices(&["absent", "drained", "present", "started", "stopped"])
                .default("started"),
            Field::int("timeout").default("300"),
            Field::int("connect_timeout").default("5"),
            Field::int("delay").default("0"),
            Field::int("sleep").default("1"),
            Field::str("msg"),
            Field::list("exclude_hosts"),
            Field::list("active_connection_states")
                .default("ESTABLISHED,FIN_WAIT1,FIN_WAIT2,SYN_RECV,SYN_SENT,TIME_WAIT"),
        ],
    )
    .exclusive(&[&["port", "path"]]);
    type Current = Arrived;

    fn new(arguments: &Arguments, task: &Task) -> Result<WaitFor, ModuleError> {
        let state = arguments.text("state");
        let excluded = arguments.list("exclude_hosts");
        if excluded.is_some() && state != "drained" {
            return Err(ModuleError::new(
                "exclude_hosts should only be with state=drained",
            ));
        }
        let drain = Drain::read(arguments)?;
        let search = arguments.string("search_regex");
        let what = match (arguments.int("port"), arguments.filled_path("path")) {
            (Some(port), _) => {
                let number = u16::try_from(port).ok().filter(|port| *port > 0);
                let number = number.ok_or_else(|| {
                    ModuleError::new(format!("port must be 1 to 65535, got: {port}"))
                })?;
                What::Port(arguments.text("host"), number)
            }
            (None, Some(path)) => What::Path(path),
            (None, None) => What::Time,
        };
        if search.is_some() && matches!((&what, state.as_str()), (What::Port(..), "stopped")) {
            let msg = "state=stopped should only be used for checking a port without search_regex";
            return Err(ModuleError::new(msg));
        }
        Ok(WaitFor {
            what,
            present: matches!(state.as_str(), "started" | "present"),
            state,
            search: search
                .map(|text| pattern::compile("search_regex", &text))
                .transpose()?,
            delay: arguments.seconds("delay"),
            timeout: arguments.seconds("timeout"),
            sleep: arguments.seconds("sleep").max(1),
            connect_timeout: arguments.seconds("connect_timeout").max(1),
            msg: arguments.string("msg"),
            drain,
            check: task.check,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Arrived, ModuleError> {
        if self.check {
            return Ok(Arrived {
                skipped: true,
                ..Arrived::default()
            });
        }
        let start = host.now();
        host.sleep(Duration::from_secs(self.delay))?;
        if let What::Time = self.what {
            let left = self.timeout.saturating_sub(self.delay);
            host.sleep(Duration::from_secs(left))?;
            return Ok(Arrived {
                elapsed: host.now() - start,
                ..Arrived::default()
            });
        }
        let end = start + self.timeout as f64;
        let mut pause = FIRST_PAUSE;
        loop {
            if let Some(arrived) = self.look(host)? {
                return Ok(Arrived {
                    elapsed: host.now() - start,
                    ..arrived
                });
            }
            let left = end - host.now();
            if left <= 0.0 {
                return Err(self.timed_out(host.now() - start));
            }
            host.sleep(Duration::from_secs_f64(pause.min(left)))?;
            pause = (pause * 2.0).min(self.sleep as f64);
        }
    }

    fn decide(&self, _current: &Arrived) -> Vec<Change> {
        Vec::new()
    }

    fn report(
        &self,
        host: &dyn Host,
        arrived: &Arrived,
        _: &Outcome,
    ) -> Result<Report, ModuleError> {
        if arrived.skipped {
            let msg = "remote module (wait_for) does not support check mode".to_owned();
            return Ok(Report {
                msg,
                skipped: true,
                ..Report::default()
            });
        }
        let (port, path) = match &self.what {
            What::Port(_, port) => (Some(*port), None),
            What::Path(path) => (None, Some(path.to_string_lossy())),
            What::Time => (None, None),
        };
        let mut values = values(json!({
            "state": self.state,
            "port": port,
            "path": path,
            "search_regex": self.search.as_ref().map(Regex::as_str),
            "match_groups": arrived.groups,
            "match_groupdict": arrived.named,
            "elapsed": arrived.elapsed as u64,
        }));
        if let What::Path(path) = &self.what {
            values.extend(crate::attributes::describe(host, path)?);
        }
        Ok(Report::of(values))
    }
}

impl WaitFor {
    /// Looks once; `None` when it is not yet as it shall be.
    fn look(&self, host: &dyn Host) -> Result<Option<Arrived>, ModuleError> {
        if let (What::Port(_, port), "drained") = (&self.what, self.state.as_str()) {
            let is_drained = !self.drain.is_busy(host, *port);
            return Ok(is_drained.then(Arrived::default));
        }
        let text = match &self.what {
            What::Port(name, port) => self.port_text(host, name, *port)?,
            What::Path(path) => self.path_text(host, path)?,
            What::Time => None,
        };
        let found = match (&text, &self.search) {
            (None, _) => None,
            (Some(_), None) => Some(Arrived::default()),
            (Some(text), Some(search)) => search.captures(text).map(|found| groups(search, &found)),
        };
        match (self.present, found) {
            (true, found) => Ok(found),
            (false, None) => Ok(Some(Arrived::default())),
            (false, Some(_)) => Ok(None),
        }
    }

    /// What a port says (nothing is read where nothing is searched); `None` when it is closed.
    fn port_text(
        &self,
        host: &dyn Host,
        name: &str,
        port: u16,
    ) -> Result<Option<String>, ModuleError> {
        let wait = Duration::from_secs(self.connect_timeout);
        let mut stream = match host.connect(name, port, wait) {
            Ok(stream) => stream,
            Err(error @ (HostError::Unknown(_) | HostError::Cancelled)) => return Err(error.into()),
            Err(_) => return Ok(None),
        };
        let mut said = Vec::new();
        if let Some(search) = &self.search {
            // A stream without a limit would wait for ever, which is worse than failing.
            if stream.set_read_timeout(wait).is_err() {
                return Ok(None);
            }
            let mut buffer = [0; 1024];
            while let Ok(count @ 1..) = stream.read(&mut buffer) {
                said.extend_from_slice(&buffer[..count]);
                if said.len() > MAX_ANSWER || search.is_match(&String::from_utf8_lossy(&said)) {
                    break;
                }
            }
        }
        Ok(Some(String::from_utf8_lossy(&said).into_owned()))
    }

    fn path_text(&self, host: &dyn Host, path: &Path) -> Result<Option<String>, ModuleError> {
        if host.metadata_followed(path)?.is_none() {
            return Ok(None);
        }
        Ok(match self.search {
            Some(_) => host.read_text(path),
            None => Some(String::new()),
        })
    }

    fn timed_out(&self, elapsed: f64) -> ModuleError {
        let what = match &self.what {
            What::Port(host, port) => format!("{host}:{port}"),
            What::Path(path) => format!("file {}", path.display()),
            What::Time => String::new(),
        };
        let msg = match (&self.msg, &self.search, self.present) {
            (Some(msg), _, _) => msg.clone(),
            (None, Some(search), true) => {
                let search = search.as_str();
                format!("Timeout when waiting for search string {search} in {what}")
            }
            (None, _, true) => format!("Timeout when waiting for {what}"),
            (None, _, false) => format!("Timeout when waiting for {what} to stop."),
        };
        ModuleError::new(msg).with(json!({ "elapsed": elapsed as u64 }))
    }
}

fn groups(search: &Regex, found: &regex::Captures<'_>) -> Arrived {
    let text = |group: Option<regex::Match<'_>>| match group {
        Some(group) => Value::from(group.as_str()),
        None => Value::Null,
    };
    let named = search.capture_names().flatten();
    Arrived {
        groups: found.iter().skip(1).map(text).collect(),
        named: named
            .map(|name| (name.to_owned(), text(found.name(name))))
            .collect(),
        ..Arrived::default()
    }
}
