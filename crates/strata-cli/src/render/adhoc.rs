//! The look of `ansible`: a result a host, `HOST | CHANGED => {...}`.

use anstyle::Style;
use serde_json::{Map, Value as Json};
use strata_core::{Event, ResultKind, TaskOutcome};

use super::{
    Renderer,
    ansible::Manner,
    ansible_result::{self, Format},
    diagnostic::DiagnosticRenderer,
    diff,
    lines::Lines,
    style::{BAD, CHANGE, GOOD, QUIET, paint},
};

/// Draws results as Ansible does (callbacks `minimal` and `oneline` of ansible-core 2.19): of one module, or of the
/// tasks of a playbook, without items of loops.
pub(crate) struct AdhocLook {
    manner: Manner,
    one_line: bool,
    /// Whether what the task under way printed is shown as it is.
    command: bool,
    diagnostics: DiagnosticRenderer,
    lines: Lines,
}

/// One result.
struct Shown<'a> {
    host: &'a str,
    outcome: TaskOutcome,
    kind: ResultKind,
    result: &'a str,
}

impl AdhocLook {
    pub(crate) fn new(
        manner: Manner,
        one_line: bool,
        diagnostics: DiagnosticRenderer,
        lines: Lines,
    ) -> Self {
        Self {
            manner,
            one_line,
            command: false,
            diagnostics,
            lines,
        }
    }

    fn shown(&self, shown: &Shown<'_>) -> (Style, String) {
        let map = ansible_result::abridged(shown.result, self.manner.verbosity);
        let (style, word) = match shown.outcome {
            TaskOutcome::Changed => (CHANGE, "CHANGED"),
            TaskOutcome::Failed | TaskOutcome::Ignored => (BAD, "FAILED"),
            TaskOutcome::Unreachable => (BAD, "UNREACHABLE"),
            TaskOutcome::Skipped => (QUIET, "SKIPPED"),
            TaskOutcome::Ok => (GOOD, "SUCCESS"),
        };
        let text = match self.one_line {
            true => self.line(shown, word, map),
            false => self.block(shown, word, map),
        };
        (style, text)
    }

    /// `minimal`.
    fn block(&self, shown: &Shown<'_>, word: &str, map: Map<String, Json>) -> String {
        let host = shown.host;
        let mark = match shown.outcome {
            TaskOutcome::Skipped => return format!("{host} | SKIPPED"),
            TaskOutcome::Unreachable => "!",
            _ if self.command => {
                let text = |name: &str| map.get(name).and_then(Json::as_str).unwrap_or_default();
                let rc = map.get("rc").and_then(Json::as_i64).unwrap_or(-1);
                let (stdout, stderr, message) = (text("stdout"), text("stderr"), text("msg"));
                return format!("{host} | {word} | rc={rc} >>\n{stdout}{stderr}{message}");
            }
            TaskOutcome::Failed | TaskOutcome::Ignored => "!",
            _ => "",
        };
        let map = match shown.kind {
            ResultKind::Shown => ansible_result::debugged(map),
            _ => map,
        };
        let written = ansible_result::write(&map, Format::Json);
        format!("{host} | {word}{mark} => {written}")
    }

    /// `oneline`.
    fn line(&self, shown: &Shown<'_>, word: &str, map: Map<String, Json>) -> String {
        let host = shown.host;
        let text = |name: &str| map.get(name).and_then(Json::as_str).unwrap_or_default();
        let printed = || {
            let flat = |name: &str| text(name).replace('\n', "\\n").replace('\r', "\\r");
            let rc = map.get("rc").and_then(Json::as_i64).unwrap_or(-1);
            let errors = match flat("stderr") {
                none if none.is_empty() => none,
                some => format!(" (stderr) {some}"),
            };
            format!(
                "{host} | {word} | rc={rc} | (stdout) {}{errors}",
                flat("stdout")
            )
        };
        let format = match shown.kind {
            ResultKind::Shown | ResultKind::Verbose => Format::Flat,
            _ => Format::Dense,
        };
        let written = || ansible_result::write(&map, format);
        match shown.outcome {
            TaskOutcome::Skipped => format!("{host} | SKIPPED"),
            TaskOutcome::Unreachable => format!("{host} | UNREACHABLE!: {}", text("msg")),
            TaskOutcome::Failed | TaskOutcome::Ignored => {
                let all = ansible_result::write(&map, Format::Dense);
                let all = format!("{host} | FAILED! => {all}");
                match self.command {
                    true => format!("{}\n{all}", printed()),
                    false => all,
                }
            }
            _ if self.command => printed(),
            _ => format!("{host} | {word} => {}", written()),
        }
    }
}

/// Modules whose output is shown as it is.
fn is_command(module: &str) -> bool {
    let short = module.strip_prefix("ansible.legacy.").unwrap_or(module);
    let short = short.strip_prefix("ansible.builtin.").unwrap_or(short);
    matches!(short, "command" | "shell" | "raw" | "script")
}

impl Renderer for AdhocLook {
    fn event(&mut self, event: Event) {
        self.lines.follow(&event);
        match event {
            Event::TaskStarted { action, .. } => self.command = is_command(&action),
            Event::TaskFinished { item: Some(_), .. } => {}
            Event::TaskFinished {
                host,
                outcome,
                kind,
                diffs,
                result,
                ..
            } => {
                for one in diffs.iter().filter(|_| !self.one_line) {
                    let text = diff::unified(one, self.manner.context);
                    self.lines.say(&format!("{text}\n"));
                }
                let (style, text) = self.shown(&Shown {
                    host: &host,
                    outcome,
                    kind,
                    result: &result,
                });
                self.lines.say(&paint(style, &text));
            }
            // The result itself says why a task failed.
            Event::Diagnostic { diagnostic }
                if !matches!(diagnostic.code, "task-failed" | "host-unreachable") =>
            {
                let text = self.diagnostics.render(&diagnostic);
                self.lines.diagnose(&text);
            }
            _ => {}
        }
    }

    fn tick(&mut self) {
        self.lines.tick();
    }

    fn finish(&mut self) {
        self.lines.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(command: bool, one_line: bool, outcome: TaskOutcome, result: &str) -> String {
        let look = AdhocLook {
            manner: Manner::usual(),
            one_line,
            command,
            diagnostics: DiagnosticRenderer::new(false, 80),
            lines: Lines::new(None, false),
        };
        let shown = Shown {
            host: "web",
            outcome,
            kind: ResultKind::Plain,
            result,
        };
        look.shown(&shown).1
    }

    #[test]
    fn results_and_outputs_are_shown_as_ansible_shows_them() {
        let ping = r#"{"changed":false,"failed":false,"ping":"pong"}"#;
        assert_eq!(
            text(false, false, TaskOutcome::Ok, ping),
            "web | SUCCESS => {\n    \"changed\": false,\n    \"ping\": \"pong\"\n}"
        );
        assert_eq!(
            text(false, true, TaskOutcome::Ok, ping),
            "web | SUCCESS => {\"changed\": false,\"ping\": \"pong\"}"
        );
        let id = r#"{"changed":true,"rc":0,"stdout":"uid=0","stderr":"","msg":""}"#;
        assert_eq!(
            text(true, false, TaskOutcome::Changed, id),
            "web | CHANGED | rc=0 >>\nuid=0"
        );
        assert_eq!(
            text(true, true, TaskOutcome::Changed, id),
            "web | CHANGED | rc=0 | (stdout) uid=0"
        );
        let bad = r#"{"rc":3,"stdout":"a","stderr":"b","msg":"non-zero return code"}"#;
        assert_eq!(
            text(true, false, TaskOutcome::Failed, bad),
            "web | FAILED | rc=3 >>\nabnon-zero return code"
        );
        assert_eq!(
            text(true, true, TaskOutcome::Failed, bad),
            "web | FAILED | rc=3 | (stdout) a (stderr) b\nweb | FAILED! => {\"msg\": \"non-zero return code\",\"rc\": 3,\"stderr\": \"b\",\"stdout\": \"a\"}"
        );
        let lost = r#"{"changed":false,"unreachable":true,"msg":"gone"}"#;
        assert_eq!(
            text(true, true, TaskOutcome::Unreachable, lost),
            "web | UNREACHABLE!: gone"
        );
    }
}
