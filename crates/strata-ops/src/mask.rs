//! Hides secrets in events on their way out.

use std::sync::Arc;

use strata_core::{Event, Events, FileDiff, ResultKind};

/// What is shown in a secret's place.
const MASK: &str = "********";

/// Shorter texts are too common to be hidden wherever they turn up.
const SHORTEST: usize = 4;

/// Passes events on to `events` with every one of `secrets` masked.
pub(crate) fn events(events: &Events, mut secrets: Vec<String>) -> Events {
    secrets.retain(|secret| secret.len() >= SHORTEST);
    if secrets.is_empty() {
        return events.clone();
    }
    // The longest first, so that a secret that contains another is hidden whole.
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    let events = events.clone();
    Events::new(move |event| events.send(masked(event, &secrets)))
}

/// Passes events on with what `revealed` gives masked, asked at each event; results of tasks that are there to show
/// them (`debug`) pass as they are, since who runs one wants to see.
pub(crate) fn decrypted(
    events: &Events,
    revealed: impl Fn() -> Vec<String> + Send + Sync + 'static,
) -> Events {
    let events = events.clone();
    Events::new(move |event| {
        let shown = matches!(
            &event,
            Event::TaskFinished {
                kind: ResultKind::Shown,
                ..
            }
        );
        let concerned = matches!(
            &event,
            Event::TaskFinished { .. }
                | Event::Diagnostic { .. }
                | Event::TaskStarted {
                    arguments: Some(_),
                    ..
                }
        );
        if shown || !concerned {
            return events.send(event);
        }
        let mut secrets = revealed();
        secrets.retain(|secret| secret.len() >= SHORTEST);
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        events.send(masked(event, &secrets));
    })
}

fn masked(mut event: Event, secrets: &[String]) -> Event {
    match &mut event {
        Event::TaskFinished {
            item,
            message,
            diffs,
            result,
            ..
        } => {
            item.iter_mut()
                .chain(message)
                .for_each(|text| hide(text, secrets));
            diffs.iter_mut().for_each(|diff| hide_diff(diff, secrets));
            *result = hidden(result, secrets);
        }
        Event::TaskStarted {
            arguments: Some(arguments),
            ..
        } => *arguments = hidden(arguments, secrets),
        Event::Verified { what, detail, .. } => {
            hide(what, secrets);
            hide(detail, secrets);
        }
        Event::Diagnostic { diagnostic } => {
            hide(&mut diagnostic.summary, secrets);
            hide(&mut diagnostic.detail, secrets);
            diagnostic
                .hints
                .iter_mut()
                .for_each(|hint| hide(hint, secrets));
        }
        _ => {}
    }
    event
}

fn hide_diff(diff: &mut FileDiff, secrets: &[String]) {
    hide(&mut diff.before, secrets);
    hide(&mut diff.after, secrets);
}

fn hide(text: &mut String, secrets: &[String]) {
    for secret in secrets
        .iter()
        .filter(|secret| text.contains(secret.as_str()))
        .collect::<Vec<_>>()
    {
        *text = text.replace(secret, MASK);
    }
}

/// Hides in JSON text, where a secret may stand escaped.
fn hidden(json: &Arc<str>, secrets: &[String]) -> Arc<str> {
    let mut text = json.to_string();
    hide(&mut text, secrets);
    let escaped: Vec<String> = secrets
        .iter()
        .map(|secret| {
            serde_json::Value::from(secret.as_str())
                .to_string()
                .trim_matches('"')
                .to_owned()
        })
        .collect();
    hide(&mut text, &escaped);
    text.into()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use strata_core::{ResultKind, TaskOutcome};

    use super::*;

    #[test]
    fn secrets_do_not_leave_in_messages_diffs_or_results() {
        let seen = Arc::new(Mutex::new(String::new()));
        let sink = seen.clone();
        let out = Events::new(move |event| {
            *sink.lock().unwrap() = serde_json::to_string(&event).unwrap()
        });
        let secret = "pass\"word".to_owned();
        events(&out, vec![secret.clone(), "abc".to_owned()]).send(Event::TaskFinished {
            host: "a".into(),
            task: "t".into(),
            item: Some(secret.clone()),
            outcome: TaskOutcome::Ok,
            message: Some(format!("x {secret} y")),
            diffs: vec![FileDiff {
                before_header: String::new(),
                after_header: String::new(),
                name: "f".into(),
                before: String::new(),
                after: secret.clone(),
            }],
            result: serde_json::json!({ "stdout": secret, "short": "abc" })
                .to_string()
                .into(),
            delegate: None,
            kind: ResultKind::Plain,
        });
        let seen = seen.lock().unwrap();
        assert!(!seen.contains("word"), "{seen}");
        assert!(
            seen.contains("abc"),
            "too short to be hidden everywhere: {seen}"
        );
    }
}
