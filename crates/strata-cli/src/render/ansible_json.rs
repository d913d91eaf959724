//! The looks `json` and `jsonl` of `ansible.posix`: a run as one document at its end, or each step as a line.
//!
//! Names and nesting are those of ansible.posix 2.1, so that programs that read them go on; a play has no `path`.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use serde::Serialize as _;
use serde_json::{Map, Value as Json, json};
use strata_core::{Event, HostCounts, TaskOutcome};

use super::{Renderer, diagnostic::DiagnosticRenderer, lines::Lines};

/// Draws a playbook's run as JSON.
pub(crate) struct AnsibleJson {
    /// Whether each step is a line; else all of it is told at the end.
    each: bool,
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
    about: Json,
    /// What it does, by the name of its module.
    action: Arc<str>,
    hosts: Map<String, Json>,
}

impl AnsibleJson {
    pub(crate) fn new(each: bool, diagnostics: DiagnosticRenderer, lines: Lines) -> Self {
        Self {
            each,
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

    fn task(&mut self, name: &str, path: &str, action: Arc<str>, handler: bool) {
        let about = self.begin(name, Some(path));
        let event = match handler {
            true => "v2_playbook_on_handler_task_start",
            false => "v2_playbook_on_task_start",
        };
        self.tell(event, json!({ "task": about, "hosts": {} }));
        if let Some(play) = self.plays.last_mut() {
            play.tasks.push(Task {
                about,
                action,
                hosts: Map::new(),
            });
        }
    }

    fn result(&mut self, host: &str, outcome: TaskOutcome, result: &str) {
        let Some(play) = self.plays.last_mut() else {
            return;
        };
        let Some(task) = play.tasks.last_mut() else {
            return;
        };
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
            self.lines.say(&sorted(line).to_string());
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

/// As Python indents it by four.
fn indented(value: &Json) -> String {
    let mut bytes = Vec::new();
    let format = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut writer = serde_json::Serializer::with_formatter(&mut bytes, format);
    match value.serialize(&mut writer) {
        Ok(()) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(_) => value.to_string(),
    }
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
            } => self.task(&task, &path, action, handler),
            Event::TaskFinished {
                host,
                item: None,
                outcome,
                result,
                ..
            } => self.result(&host, outcome, &result),
            Event::HostRecap { host, counts } => drop(self.counts.insert(host, counts)),
            Event::Statistics { values } => {
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
        self.lines.say(&indented(&sorted(sums.into())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mappings_are_written_by_their_names() {
        let value = sorted(json!({ "b": [{ "d": 1, "c": {} }], "a": [] }));
        let expected = "{\n    \"a\": [],\n    \"b\": [\n        {\n            \"c\": {},\n            \"d\": 1\n        }\n    ]\n}";
        assert_eq!(indented(&value), expected);
    }
}
