//! The look of `ansible`: a result a host, `HOST | CHANGED => {...}`.

use anstyle::Style;
use serde_json::{Map, Value as Json};
use strata_core::{Event, ResultKind, TaskOutcome};

use super::{
    Renderer,
    ansible::Manner,
    ansible_result::{self, Format},
    diagnostic::DiagnosticRenderer,
    diff, say,
    style::{BAD, CHANGE, GOOD, paint},
};

/// Draws results of one module as Ansible does (callbacks `minimal` and `oneline` of ansible-core 2.19).
pub(crate) struct AdhocLook {
    manner: Manner,
    /// Whether the module's output is shown as it is.
    command: bool,
    one_line: bool,
    diagnostics: DiagnosticRenderer,
}

impl AdhocLook {
    pub(crate) fn new(
        manner: Manner,
        command: bool,
        one_line: bool,
        diagnostics: DiagnosticRenderer,
    ) -> Self {
        Self {
            manner,
            command,
            one_line,
            diagnostics,
        }
    }

    fn shown(
        &self,
        host: &str,
        outcome: TaskOutcome,
        kind: ResultKind,
        result: &str,
    ) -> (Style, String) {
        let map = ansible_result::abridged(result, self.manner.verbosity);
        let map = if kind == ResultKind::Shown {
            ansible_result::debugged(map)
        } else {
            map
        };
        let (style, word) = match outcome {
            TaskOutcome::Changed => (CHANGE, "CHANGED"),
            TaskOutcome::Failed | TaskOutcome::Ignored => (BAD, "FAILED"),
            TaskOutcome::Unreachable => (BAD, "UNREACHABLE"),
            TaskOutcome::Skipped => (super::style::QUIET, "SKIPPED"),
            TaskOutcome::Ok => (GOOD, "SUCCESS"),
        };
        let failed = matches!(outcome, TaskOutcome::Failed | TaskOutcome::Unreachable);
        let text = if self.command && map.contains_key("rc") && outcome != TaskOutcome::Unreachable
        {
            self.output(host, word, &map)
        } else {
            let mark = if failed { "!" } else { "" };
            let format = if self.one_line {
                Format::Line
            } else {
                Format::Json
            };
            format!(
                "{host} | {word}{mark} => {}",
                ansible_result::write(&map, format)
            )
        };
        (style, text)
    }

    /// `HOST | CHANGED | rc=0 >>` and what was printed.
    fn output(&self, host: &str, word: &str, map: &Map<String, Json>) -> String {
        let text = |name: &str| map.get(name).and_then(Json::as_str).unwrap_or_default();
        let rc = map.get("rc").and_then(Json::as_i64).unwrap_or(-1);
        if self.one_line {
            let stdout = text("stdout").replace('\n', "\\n").replace('\r', "\\r");
            let stderr = text("stderr").replace('\n', "\\n").replace('\r', "\\r");
            let errors = if stderr.is_empty() {
                String::new()
            } else {
                format!(" (stderr) {stderr}")
            };
            return format!("{host} | {word} | rc={rc} | (stdout) {stdout}{errors}");
        }
        format!(
            "{host} | {word} | rc={rc} >>\n{}{}{}",
            line(text("stdout")),
            text("stderr"),
            text("msg")
        )
        .trim_end_matches('\n')
        .to_owned()
    }
}

/// A text as it is, its last line ended.
fn line(text: &str) -> String {
    if text.is_empty() || text.ends_with('\n') {
        text.to_owned()
    } else {
        format!("{text}\n")
    }
}

impl Renderer for AdhocLook {
    fn event(&mut self, event: Event) {
        match event {
            Event::TaskFinished {
                host,
                outcome,
                kind,
                diffs,
                result,
                ..
            } => {
                for one in &diffs {
                    say(&format!("{}\n", diff::unified(one)));
                }
                let (style, text) = self.shown(&host, outcome, kind, &result);
                say(&paint(style, &text));
            }
            // The result itself says why a task failed.
            Event::Diagnostic { diagnostic }
                if !matches!(diagnostic.code, "task-failed" | "host-unreachable") =>
            {
                anstream::eprint!("{}", self.diagnostics.render(&diagnostic));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(command: bool, one_line: bool, outcome: TaskOutcome, result: &str) -> String {
        let manner = Manner {
            verbosity: 0,
            yaml: false,
            skipped_hosts: true,
            ok_hosts: true,
            failed_stderr: false,
            failed_path: false,
            statistics: false,
        };
        let look = AdhocLook::new(
            manner,
            command,
            one_line,
            DiagnosticRenderer::new(false, 80),
        );
        look.shown("web", outcome, ResultKind::Plain, result).1
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
            "web | SUCCESS => {\"changed\": false, \"ping\": \"pong\"}"
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
        let bad = r#"{"rc":3,"stdout":"a","stderr":"","msg":"non-zero return code"}"#;
        assert_eq!(
            text(true, false, TaskOutcome::Failed, bad),
            "web | FAILED | rc=3 >>\na\nnon-zero return code"
        );
    }
}
