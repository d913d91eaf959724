//! What a module printed: one JSON object, perhaps between other lines.

use serde_json::{Value as Json, json};

use crate::{JsonMap, outcome};

/// Reads a module's result out of what it printed.
pub(crate) fn read(stdout: &str, stderr: &str, rc: i64) -> JsonMap {
    let Some(mut result) = object(stdout) else {
        return outcome::map(json!({
            "changed": false,
            "failed": true,
            "msg": "MODULE FAILURE: the module printed no result",
            "module_stdout": stdout,
            "module_stderr": stderr,
            "rc": rc,
        }));
    };
    result.remove("invocation");
    for name in ["warnings", "deprecations"] {
        if let Some(Json::Array(entries)) = result.get_mut(name) {
            entries.iter_mut().for_each(plain);
        }
    }
    if let Some(exception) = result.get_mut("exception") {
        plain(exception);
        let said = outcome::text(exception);
        if outcome::check(&result, "failed") && !result.contains_key("msg") {
            result.insert("msg".to_owned(), said.into());
        }
    }
    result
}

/// The object, which begins at the start of a line.
fn object(stdout: &str) -> Option<JsonMap> {
    let mut at = 0;
    for line in stdout.split_inclusive('\n') {
        if line.trim_start().starts_with('{') {
            let mut values = serde_json::Deserializer::from_str(&stdout[at..]).into_iter::<Json>();
            if let Some(Ok(Json::Object(map))) = values.next() {
                return Some(map);
            }
        }
        at += line.len();
    }
    None
}

/// A message of newer versions, which is an object with an event, as its text.
fn plain(entry: &mut Json) {
    if entry.get("__ansible_type").is_none() {
        return;
    }
    let text = entry.pointer("/event/msg").or_else(|| entry.get("msg"));
    *entry = text.cloned().unwrap_or_else(|| Json::from(""));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_result_is_found_between_other_lines() {
        let result = read(
            "Warning: {x}\n\n{\"changed\": true, \"msg\": \"ok\"}\nbye\n",
            "",
            0,
        );
        assert_eq!(Json::Object(result), json!({"changed": true, "msg": "ok"}));
    }

    #[test]
    fn a_module_without_a_result_has_failed_and_its_words_are_kept() {
        let result = read("Traceback", "boom", 1);
        assert_eq!(result["failed"], true);
        assert_eq!(result["module_stderr"], "boom");
        assert_eq!(result["rc"], 1);
    }

    #[test]
    fn warnings_of_newer_versions_become_texts() {
        let result = read(
            "{\"warnings\": [{\"__ansible_type\": \"WarningSummary\", \"event\": {\"msg\": \"old\"}}]}",
            "",
            0,
        );
        assert_eq!(result["warnings"], json!(["old"]));
    }
}
