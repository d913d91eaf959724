//! Picks one text out of what a store of secrets gives as JSON.

use serde_json::Value as Json;

/// The text at a path of names and positions, such as `db.users.0.password`.
pub(super) fn pick(text: &str, key: &str) -> Result<String, String> {
    text_at(parse(text)?, key)
}

/// The same of a document that is read already.
pub(super) fn text_at(document: Json, key: &str) -> Result<String, String> {
    let step = |at: &'_ Json, name: &str| match at {
        Json::Array(items) => name
            .parse()
            .ok()
            .and_then(|at: usize| items.get(at))
            .cloned(),
        other => other.get(name).cloned(),
    };
    // A name may itself have dots.
    let whole = document.get(key).cloned();
    let found = whole.or_else(|| {
        key.split('.')
            .try_fold(document, |at, name| step(&at, name))
    });
    scalar(found.as_ref()).ok_or_else(|| format!("there is no text at `{key}`"))
}

/// A field of a Bitwarden item: of its login, of its own fields, or its `notes`.
pub(super) fn bitwarden(text: &str, field: &str) -> Result<String, String> {
    let item = parse(text)?;
    let own = item["fields"].as_array().into_iter().flatten();
    let mut own = own.filter(|own| own["name"] == field);
    let found = item["login"].get(field).filter(|value| !value.is_null());
    let found = found.or_else(|| own.next().map(|own| &own["value"]));
    scalar(found.or_else(|| item.get(field)))
        .ok_or_else(|| format!("the item has no field `{field}`"))
}

/// The error of the parser is left out: it may quote the secret.
fn parse(text: &str) -> Result<Json, String> {
    serde_json::from_str(text).map_err(|_| "its answer is no JSON".to_owned())
}

fn scalar(value: Option<&Json>) -> Option<String> {
    match value? {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(truth) => Some(truth.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_to_one_text() {
        let text = r#"{"db":{"users":[{"password":"x"}]},"a.b":"whole","port":5432}"#;
        assert_eq!(pick(text, "db.users.0.password").unwrap(), "x");
        assert_eq!(pick(text, "a.b").unwrap(), "whole");
        assert_eq!(pick(text, "port").unwrap(), "5432");
        assert_eq!(pick(text, "db").unwrap_err(), "there is no text at `db`");
        assert_eq!(pick("s3cret", "a").unwrap_err(), "its answer is no JSON");
    }
}
