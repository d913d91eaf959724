//! `uri`, `url` and `urn`: texts with a scheme, as Python's `urlparse` divides them.

use minijinja::{Environment, Error, Value};

use super::add;

pub(super) fn register(environment: &mut Environment<'static>) {
    add(environment, "uri", is_uri);
    add(environment, "url", is_url);
    add(environment, "urn", |value: &Value| {
        value.as_str().is_some_and(|text| scheme(text) == "urn")
    });
}

/// What stands before the first colon, in small letters, if it can be a scheme.
fn scheme(text: &str) -> String {
    let Some((before, _)) = text.split_once(':') else {
        return String::new();
    };
    let known = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    let begins = before.starts_with(|c: char| c.is_ascii_alphabetic());
    match begins && before.chars().all(known) {
        true => before.to_ascii_lowercase(),
        false => String::new(),
    }
}

/// Any text is one, as in Ansible, unless schemes are named.
fn is_uri(value: &Value, schemes: Option<Value>) -> Result<bool, Error> {
    let Some(text) = value.as_str() else {
        return Ok(false);
    };
    let Some(schemes) = schemes.filter(Value::is_true) else {
        return Ok(true);
    };
    let own = scheme(text);
    Ok(schemes.try_iter()?.any(|one| one.as_str() == Some(&own)))
}

fn is_url(value: &Value, schemes: Option<Value>) -> Result<bool, Error> {
    let text = value.as_str().unwrap_or_default();
    let own = scheme(text);
    let rest = text.get(own.len()..).unwrap_or_default();
    let rest = rest.strip_prefix(':').unwrap_or(rest);
    let authority = rest.strip_prefix("//").unwrap_or_default();
    let has_host = !authority.is_empty() && !authority.starts_with(['/', '?', '#']);
    Ok((has_host || own == "file") && is_uri(value, schemes)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemes_and_hosts_make_the_difference() {
        let url = |text: &str| is_url(&Value::from(text), None).unwrap();
        assert!(url("http://x") && url("file:/a") && url("//host/a") && url("HTTPS://x:1/"));
        assert!(!url("http:x") && !url("abc") && !url("mailto:a@b") && !url("http:///a"));
        let only = |text: &str, schemes: &[&str]| {
            let schemes: Vec<Value> = schemes.iter().map(|one| Value::from(*one)).collect();
            is_uri(&Value::from(text), Some(Value::from(schemes))).unwrap()
        };
        assert!(only("ftp://x", &["http", "ftp"]) && !only("ftp://x", &["http"]));
        assert_eq!(scheme("urn:isbn:1"), "urn");
    }
}
