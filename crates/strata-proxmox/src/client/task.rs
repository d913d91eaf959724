//! Tasks: what takes a while is started by a call, and then asked for until it has ended.

use std::time::{Duration, Instant};

use serde_json::Value as Json;

use super::{Client, Notes, error::ClientError, params::path};

/// The pause before the second look; it grows to [`LAST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// The longest pause between two looks.
const LAST_PAUSE: Duration = Duration::from_secs(2);

/// How many lines of a failed task's log are told.
const LOG_LINES: usize = 15;

/// How often in a row the server may fail to tell how a task stands.
const PATIENCE: u32 = 10;

/// The name of a task: `UPID:node:pid:pstart:starttime:type:id:user:`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Upid {
    text: String,
    pub(crate) node: String,
    pub(crate) kind: String,
}

impl Upid {
    /// Reads a task's name; none if the text is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix("UPID:")?.split(':');
        let node = parts.next()?.to_owned();
        let kind = parts.nth(3)?.to_owned();
        parts.nth(1)?;
        Some(Self {
            text: text.to_owned(),
            node,
            kind,
        })
    }

    fn path(&self, last: &str) -> String {
        path(&["nodes", &self.node, "tasks", &self.text, last])
    }
}

impl Client {
    /// Waits until a task ends well; one that ends with warnings does.
    pub(crate) async fn wait(
        &self,
        upid: &Upid,
        limit: Duration,
        notes: Notes<'_>,
    ) -> Result<(), ClientError> {
        let begun = Instant::now();
        let mut pause = FIRST_PAUSE;
        let mut failures = 0;
        loop {
            match self.get(&upid.path("status")).await {
                Ok(status) => {
                    failures = 0;
                    if status["status"] == "stopped" {
                        return self.ended(upid, &status).await;
                    }
                }
                // The node may be busy or its proxy restarting: the task goes on all the same.
                Err(error) if error.is_ambiguous() && failures < PATIENCE => failures += 1,
                Err(error) => return Err(error),
            }
            if begun.elapsed() > limit {
                let what = format!("the task `{}` on node `{}`", upid.kind, upid.node);
                return Err(ClientError::Timeout {
                    what,
                    seconds: limit.as_secs(),
                });
            }
            notes(&format!("task {} on {}", upid.kind, upid.node));
            tokio::time::sleep(pause).await;
            pause = (pause * 3 / 2).min(LAST_PAUSE);
        }
    }

    async fn ended(&self, upid: &Upid, status: &Json) -> Result<(), ClientError> {
        let exit = status["exitstatus"].as_str().unwrap_or("unexpected status");
        if exit == "OK" || exit.starts_with("WARNINGS:") {
            return Ok(());
        }
        Err(ClientError::Task {
            kind: upid.kind.clone(),
            reason: exit.to_owned(),
            log: self.log_tail(upid, exit).await,
        })
    }

    /// The last lines that say more than the exit status does; none if the log cannot be read.
    async fn log_tail(&self, upid: &Upid, exit: &str) -> Vec<String> {
        let path = format!("{}?limit=500", upid.path("log"));
        let Ok(Json::Array(rows)) = self.get(&path).await else {
            return Vec::new();
        };
        let lines = rows.iter().filter_map(|row| row["t"].as_str());
        let telling: Vec<_> = lines
            .filter(|line| !line.is_empty() && !line.starts_with("TASK ERROR:") && *line != exit)
            .map(str::to_owned)
            .collect();
        let from = telling.len().saturating_sub(LOG_LINES);
        telling[from..].to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_named_by_node_and_kind() {
        let upid =
            Upid::parse("UPID:pve1:00001EBA:000AC3AD:6B010FF0:qmcreate:300:root@pam!t1:").unwrap();
        assert_eq!(
            (upid.node.as_str(), upid.kind.as_str()),
            ("pve1", "qmcreate")
        );
        assert_eq!(Upid::parse("local:iso/x.iso"), None);
        assert_eq!(Upid::parse("UPID:pve1:0"), None);
    }
}
