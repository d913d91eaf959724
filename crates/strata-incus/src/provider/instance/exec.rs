//! `exec`: programs that are run in the guest once it is made, or again when their definition changes.

use std::collections::BTreeMap;

use strata_core::{Diagnostic, Diagnostics, Value};

use super::{Work, wait_for::duration};
use crate::{
    client::{self, Notes, Program},
    provider::attributes::Attributes,
    wait,
};

/// Checks what programs say.
pub(crate) fn validate(config: Attributes<'_>, diags: &mut Diagnostics) {
    for (name, program) in all(config.0) {
        let wrong = |what: String| {
            Diagnostic::error("incus-invalid-value", format!("`exec` of `{name}`: {what}"))
        };
        let command = program.0.get("command").and_then(Value::as_sequence);
        if command.is_some_and(<[Value]>::is_empty) {
            diags.push(wrong("the `command` is empty".to_owned()));
        }
        let trigger = program.some_text("trigger");
        if let Some(word) = trigger.filter(|word| !["on_change", "once"].contains(word)) {
            let hint = "it is one of `on_change`, `once`";
            diags.push(wrong(format!("`{word}` is not a valid `trigger`")).hint(hint));
        }
        if program
            .some_text("timeout")
            .is_some_and(|text| duration(text).is_none())
        {
            let hint = "a time such as `30s`, `1m30s` or `500ms`";
            diags.push(wrong("the `timeout` is not valid".to_owned()).hint(hint));
        }
    }
}

/// The programs that are to be run: all at a create, then those that are new or changed and not `once`.
pub(crate) fn due<'a>(prior: Option<&Value>, planned: &'a Value) -> Vec<(&'a str, Attributes<'a>)> {
    let before: BTreeMap<&str, Attributes<'_>> = prior.map(all).unwrap_or_default();
    let is_due = |name: &str, program: Attributes<'_>| {
        let once = program.text("trigger") == Some("once");
        match before.get(name) {
            _ if prior.is_none() => true,
            Some(same) => !once && same.0 != program.0,
            None => !once,
        }
    };
    let mut programs: Vec<_> = all(planned).into_iter().collect();
    programs.retain(|(name, program)| is_due(name, *program));
    programs
}

/// Runs programs, in the order of their names; the first failure is the last one.
pub(crate) async fn run(
    work: &Work<'_>,
    instance: &str,
    programs: &[(&str, Attributes<'_>)],
) -> Result<(), Diagnostics> {
    for (name, program) in programs {
        work.note(&format!("runs `{name}`"));
        let failed = |reason: String| {
            let summary = format!("`{name}` failed in instance `{instance}`");
            Diagnostics::from(Diagnostic::error("incus-exec", summary).detail(reason))
        };
        let limit = program.some_text("timeout").and_then(duration);
        let program = read(*program);
        // What a program does there may be heavy, so that it keeps the place of its call.
        let there = work.instance(instance);
        let running = client::run(&work.client, there, &program, Notes::Nobody);
        let ended = match limit {
            Some(limit) => tokio::time::timeout(limit, running).await,
            None => Ok(running.await),
        };
        let Ok(ended) = ended else {
            return Err(failed("it took longer than its `timeout`".to_owned()));
        };
        let ended = ended.map_err(|error| failed(error.to_string()))?;
        if ended.code != 0 {
            let log = wait::last_lines(&ended.output);
            return Err(failed(format!(
                "It exited with {}; the end of its output:\n{log}",
                ended.code
            )));
        }
    }
    Ok(())
}

fn read(program: Attributes<'_>) -> Program {
    let id = |name: &str| {
        let id = program.number(name).and_then(|id| u32::try_from(id).ok());
        id.unwrap_or_default()
    };
    Program {
        argv: program.texts("command").unwrap_or_default(),
        environment: program.map("environment"),
        folder: program.text("working_dir").unwrap_or_default().to_owned(),
        uid: id("uid"),
        gid: id("gid"),
    }
}

fn all(object: &Value) -> BTreeMap<&str, Attributes<'_>> {
    let programs = object.get("exec").and_then(Value::as_entries);
    let programs = programs.into_iter().flatten();
    programs
        .map(|(name, program)| (&**name, Attributes(program)))
        .collect()
}

#[cfg(test)]
mod tests {
    use strata_core::Type;

    use super::*;

    fn instance(programs: &[(&str, &str, &str)]) -> Value {
        let programs = programs.iter().map(|(name, command, trigger)| {
            let program = [
                (
                    "command",
                    Value::list(Type::String, vec![Value::from(*command)]),
                ),
                ("trigger", Value::from(*trigger)),
            ];
            (*name, Value::object(program))
        });
        Value::object([("exec", Value::object(programs))])
    }

    #[test]
    fn a_program_runs_again_when_it_changes_unless_it_is_to_run_once() {
        let first = instance(&[("a", "one", "on_change"), ("b", "one", "once")]);
        let second = instance(&[
            ("a", "two", "on_change"),
            ("b", "two", "once"),
            ("c", "x", "once"),
        ]);
        let names = |prior, planned| {
            due(prior, planned)
                .iter()
                .map(|(name, _)| *name)
                .collect::<Vec<_>>()
        };
        assert_eq!(names(None, &first), ["a", "b"]);
        assert_eq!(names(Some(&first), &first), [""; 0]);
        assert_eq!(names(Some(&first), &second), ["a"]);
    }
}
