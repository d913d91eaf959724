//! YAML that only `helm` itself can read for us: it renders a chart of ours that prints as JSON what it was given.
//!
//! So files of values are merged as `helm` merges them, and manifests mean here what they mean to it. Nothing is asked of
//! a cluster.

use std::path::Path;

use serde_json::{Map, Value};

use super::Helm;
use crate::host::Host;
use crate::module::ModuleError;
use crate::modules::scratch::Scratch;

const CHART: &str = "apiVersion: v2\nname: read\nversion: 0.1.0\n";
const TEMPLATE: &str = "kind: Read\nvalues: {{ .Values | toJson }}\n\
    {{- range $path, $_ := .Files.Glob \"documents/*\" }}\n\
    document: {{ $.Files.Get $path | fromYaml | toJson }}\n\
    {{- end }}\n";

/// The values that words like `--values=FILE` and `--set` come to.
pub(super) fn values(helm: &Helm, host: &dyn Host, words: &str) -> Result<Value, ModuleError> {
    let mut values = rendered(helm, host, &[], words)?.0;
    without_nulls(&mut values);
    Ok(values)
}

/// Each document of a text, null where there is none between two lines that part them.
pub(super) fn documents(helm: &Helm, host: &dyn Host, text: &str) -> Result<Value, ModuleError> {
    let parts = parts(text);
    let filled: Vec<&str> = parts
        .iter()
        .map(String::as_str)
        .filter(|part| !is_blank(part))
        .collect();
    if filled.is_empty() {
        return Ok(parts.iter().map(|_| Value::Null).collect());
    }
    let mut found = rendered(helm, host, &filled, "")?.1.into_iter();
    let mut all = Vec::new();
    for part in &parts {
        let document = match is_blank(part) {
            true => Value::Null,
            false => found.next().unwrap_or_default(),
        };
        if let Some(why) = document["Error"]
            .as_str()
            .filter(|_| document.get("kind").is_none())
        {
            return Err(ModuleError::new(format!(
                "Error parsing YAML content: {why}"
            )));
        }
        all.push(document);
    }
    Ok(all.into())
}

/// Renders the chart; gives the values, and the documents.
fn rendered(
    helm: &Helm,
    host: &dyn Host,
    documents: &[&str],
    words: &str,
) -> Result<(Value, Vec<Value>), ModuleError> {
    let chart = Scratch::new(host)?;
    for folder in ["templates", "documents"] {
        host.create_directory(Path::new(&chart.path(folder)), 0o700)?;
    }
    chart.put(host, "Chart.yaml", CHART)?;
    chart.put(host, "templates/read.yaml", TEMPLATE)?;
    for (at, document) in documents.iter().enumerate() {
        // `helm` takes them in the order of their names.
        chart.put(host, &format!("documents/{at:08}.yaml"), document)?;
    }
    let line = format!("{} template read {}{words}", helm.program, chart.path(""));
    let said = helm.said(host, &line)?.stdout;
    let read = |start: &'static str| {
        let lines = said
            .lines()
            .filter_map(move |line| line.strip_prefix(start));
        lines.map(|line| {
            serde_json::from_str(line).map_err(|error| {
                ModuleError::new(format!("`helm template` says what is no JSON: {error}"))
            })
        })
    };
    let values = read("values: ").next().transpose()?.unwrap_or_default();
    let documents: Result<Vec<Value>, ModuleError> = read("document: ").collect();
    Ok((values, documents?))
}

/// The documents of a stream, with the comments in them. What is indented parts nothing.
fn parts(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut begun = false;
    for line in text.lines() {
        let rest = line
            .strip_prefix("---")
            .filter(|rest| rest.is_empty() || rest.starts_with([' ', '\t']));
        match (rest, parts.last_mut()) {
            (Some(rest), Some(first)) if !begun && is_blank(first) => *first = format!("{rest}\n"),
            (Some(rest), _) => parts.push(format!("{rest}\n")),
            (None, last) => last.into_iter().for_each(|part| {
                part.push_str(line);
                part.push('\n');
            }),
        }
        begun |= rest.is_some();
    }
    match begun || !is_blank(&parts[0]) {
        true => parts,
        false => Vec::new(),
    }
}

fn is_blank(document: &str) -> bool {
    let mut lines = document.lines().map(str::trim);
    lines.all(|line| line.is_empty() || line.starts_with('#'))
}

/// What is null takes a value of the chart away, and is none itself.
pub(super) fn without_nulls(value: &mut Value) {
    if let Value::Object(map) = value {
        map.retain(|_, value| !value.is_null());
        map.values_mut().for_each(without_nulls);
    }
}

/// Texts that stand at the beginning of a line of `helm show chart`, which writes them in one way only.
pub(super) fn top_level(chart: &str) -> Map<String, Value> {
    let pairs = chart.lines().filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_name = name.chars().all(|c| c.is_ascii_alphanumeric());
        (is_name && !name.is_empty()).then(|| (name.to_owned(), scalar(value.trim()).into()))
    });
    pairs.collect()
}

fn scalar(text: &str) -> String {
    if let Ok(text) = serde_json::from_str::<String>(text) {
        return text;
    }
    let quoted = text
        .strip_prefix('\'')
        .and_then(|rest| rest.strip_suffix('\''));
    quoted.map_or_else(|| text.to_owned(), |inside| inside.replace("''", "'"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_stream_is_parted_at_lines_of_three_dashes() {
        assert_eq!(parts("\n# none\n"), Vec::<String>::new());
        assert_eq!(parts("---\n"), ["\n"]);
        assert_eq!(
            parts("# x\n--- a: 1\nb: |\n  ---\n---\n"),
            [" a: 1\nb: |\n  ---\n", "\n"]
        );
        assert_eq!(parts("a: 1\n---\nb: 1\n"), ["a: 1\n", "\nb: 1\n"]);
    }

    #[test]
    fn what_a_chart_says_of_itself_is_read() {
        let chart = "annotations:\n  name: x\nappVersion: \"1.10\"\ndependencies:\n- name: a\nname: big\nversion: '1.2''3'\n";
        assert_eq!(
            Value::from(top_level(chart)),
            json!({"annotations": "", "appVersion": "1.10", "dependencies": "", "name": "big", "version": "1.2'3"})
        );
    }
}
