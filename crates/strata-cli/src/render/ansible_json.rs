//! The looks `json` and `jsonl` of `ansible.posix`: a run as one document at its end, or each step as a line.
//!
//! Names and nesting are those of ansible.posix 2.1, so that programs that read them go on; a play has no `path`.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};
use strata_core::{Event, HostCounts, TaskOutcome};

use super::{
    Renderer,
    ansible_result::{self, Format},
    diagnostic::DiagnosticRenderer,
    lines::Lines,
};

/// Draws a playbook's run as JSON.
pub(crate) struct AnsibleJson {
    /// Whether each step is a line; else all of it is told at the end.
    each: bool,
    /// Whether it tells what `set_stats` collected.
    tells_statistics: bool,
    plays: Vec<Play>,
    counts: BTreeMap<Arc<str>, HostCounts>,
    /// What `set_stats` collected.
    statistics: Map<String, Json>,
    /// How many plays and tasks began, by which they are numbered.
    begun: u64,
    diagnostics: DiagnosticRenderer,
    lines: Lines,
}

struct Play {
    about: Json,
    tasks: Vec<Task>,
}

struct Task {
    name: Arc<str>,
    about: Json,
    /// What it does, by the name of its module.
    action: Arc<str>,
    /// What became of it on each host; of lines that were told only the names of the hosts are kept.
    hosts: Map<String, Json>,
}

impl AnsibleJson {
    pub(crate) fn new(
        each: bool,
        tells_statistics: bool,
        diagnostics: DiagnosticRenderer,
        lines: Lines,
    ) -> Self {
        Self {
            each,
            tells_statistics,
            plays: Vec::new(),
            counts: BTreeMap::new(),
            statistics: Map::new(),
            begun: 0,
            diagnostics,
            lines,
        }
    }

    /// What is told of a play or a task that begins.
    fn begin(&mut self, name: &str, path: Option<&str>) -> Json {
        self.begun += 1;
        let mut about = json!({
            "duration": { "start": now() },
            "id": format!("00000000-0000-0000-0000-{:012x}", self.begun),
            "name": name,
        });
        if let Some(path) = path {
            about["path"] = path.into();
        }
        about
    }

    fn play(&mut self, name: &str) {
        let about = self.begin(name, None);
        self.tell(
            "v2_playbook_on_play_start",
            json!({ "play": about, "tasks": [] }),
        );
        self.plays.push(Play {
            about,
            tasks: Vec::new(),
        });
    }

    fn task(&mut self, name: Arc<str>, path: &str, action: Arc<str>, handler: bool) {
        let about = self.begin(&name, Some(path));
        let event = match handler {
            true => "v2_playbook_on_handler_task_start",
            false => "v2_playbook_on_task_start",
        };
        self.tell(event, json!({ "task": about, "hosts": {} }));
        if let Some(play) = self.plays.last_mut() {
            play.tasks.push(Task {
                name,
                about,
                action,
                hosts: Map::new(),
            });
        }
    }

    fn result(&mut self, host: &str, name: &str, outcome: TaskOutcome, result: &str) {
        let Some(play) = self.plays.last_mut() else {
            return;
        };
        // Hosts that do not wait for each other are at different tasks.
        let is_meant = |task: &Task| *task.name == *name && !task.hosts.contains_key(host);
        let at = play.tasks.iter().rposition(is_meant);
        let Some(at) = at.or(play.tasks.len().checked_sub(1)) else {
            return;
        };
        let task = &mut play.tasks[at];
        let values: Option<Map<String, Json>> = serde_json::from_str(result).ok();
        let mut values = values.unwrap_or_default();
        let hidden = values.contains_key("censored");
        values.insert("_ansible_no_log".to_owned(), hidden.into());
        values.insert("action".to_owned(), json!(&*task.action));
        let end = now();
        for about in [&mut task.about, &mut play.about] {
            about["duration"]["end"] = end.as_str().into();
        }
        let event = match outcome {
            TaskOutcome::Ok | TaskOutcome::Changed => "v2_runner_on_ok",
            TaskOutcome::Skipped => "v2_runner_on_skipped",
            TaskOutcome::Unreachable => "v2_runner_on_unreachable",
            TaskOutcome::Failed | TaskOutcome::Ignored => "v2_runner_on_failed",
        };
        if self.each {
            let about = task.about.clone();
            task.hosts.insert(host.to_owned(), Json::Null);
            self.tell(event, json!({ "task": about, "hosts": { host: values } }));
        } else {
            task.hosts.insert(host.to_owned(), values.into());
        }
    }

    /// A line of its own, where each step has one.
    fn tell(&mut self, event: &str, mut line: Json) {
        if self.each {
            line["_event"] = event.into();
            line["_timestamp"] = now().into();
            self.lines.say(&escaped(&sorted(line).to_string()));
        }
    }

    /// What stands at the end.
    fn sums(&mut self) -> Map<String, Json> {
        let counts = std::mem::take(&mut self.counts);
        let counts = counts.iter().map(|(host, counts)| {
            let counts = json!({
                "changed": counts.changed,
                "failures": counts.failed,
                "ignored": counts.ignored,
                "ok": counts.ok,
                "rescued": counts.rescued,
                "skipped": counts.skipped,
                "unreachable": counts.unreachable,
            });
            (host.to_string(), counts)
        });
        let counts: Map<String, Json> = counts.collect();
        let run = self.statistics.remove("_run").unwrap_or_else(|| json!({}));
        Map::from_iter([
            (
                "custom_stats".to_owned(),
                std::mem::take(&mut self.statistics).into(),
            ),
            ("global_custom_stats".to_owned(), run),
            ("stats".to_owned(), counts.into()),
        ])
    }
}

/// The time, as the callbacks write it.
fn now() -> String {
    Timestamp::now()
        .strftime("%Y-%m-%dT%H:%M:%S%.6fZ")
        .to_string()
}

/// The same with the names of mappings in their order.
fn sorted(value: Json) -> Json {
    match value {
        Json::Array(items) => items.into_iter().map(sorted).collect(),
        Json::Object(map) => {
            let map: BTreeMap<String, Json> = map.into_iter().collect();
            map.into_iter()
                .map(|(name, value)| (name, sorted(value)))
                .collect()
        }
        other => other,
    }
}

/// The same JSON with characters beyond ASCII escaped, as Python writes them.
fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        if character.is_ascii() {
            text.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            text.push_str(&format!("\\u{unit:04x}"));
        }
    }
    text
}

impl Renderer for AnsibleJson {
    fn event(&mut self, event: Event) {
        match event {
            Event::PlayStarted { name, .. } => self.play(&name),
            Event::TaskStarted {
                task,
                handler,
                path,
                action,
                ..
            } => self.task(task, &path, action, handler),
            Event::TaskFinished {
                host,
                task,
                item: None,
                outcome,
                result,
                ..
            } => self.result(&host, &task, outcome, &result),
            Event::HostRecap { host, counts } => drop(self.counts.insert(host, counts)),
            Event::Statistics { values } if self.tells_statistics => {
                self.statistics = serde_json::from_str(&values).unwrap_or_default();
            }
            Event::Diagnostic { diagnostic } => {
                let text = self.diagnostics.render(&diagnostic);
                self.lines.diagnose(&text);
            }
            _ => {}
        }
    }

    fn finish(&mut self) {
        // Of files that cannot be read, diagnostics tell alone.
        if self.plays.is_empty() {
            return;
        }
        let mut sums = self.sums();
        if self.each {
            return self.tell("v2_playbook_on_stats", sums.into());
        }
        let plays = std::mem::take(&mut self.plays);
        let plays = plays.into_iter().map(|play| {
            let tasks = play.tasks.into_iter();
            let tasks = tasks.map(|task| json!({ "hosts": task.hosts, "task": task.about }));
            json!({ "play": play.about, "tasks": tasks.collect::<Vec<_>>() })
        });
        sums.insert("plays".to_owned(), plays.collect());
        self.lines
            .say(&escaped(&ansible_result::write(&sums, Format::Json)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mappings_are_written_by_their_names() {
        let value = sorted(json!({ "b": [{ "d": 1, "c": {} }], "a": [] }));
        assert_eq!(value.to_string(), r#"{"a":[],"b":[{"c":{},"d":1}]}"#);
    }

    #[test]
    fn characters_beyond_ascii_are_escaped() {
        assert_eq!(escaped("\"aü😀\""), r#""a\u00fc\ud83d\ude00""#);
    }
}
