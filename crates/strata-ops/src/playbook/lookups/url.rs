//! `url`: what an HTTP server answers.

use std::{collections::BTreeMap, time::Duration};

use base64::Engine as _;
use serde_json::Value as Json;

use super::{Found, Options, text};

/// The text behind a URL, as lines unless `split_lines` says no.
pub(super) fn url(address: &str, options: &Options) -> Found {
    let known = [
        "split_lines",
        "validate_certs",
        "headers",
        "timeout",
        "username",
        "password",
        "force_basic_auth",
        "force",
        "wantlist",
    ];
    if let Some(unknown) = options.keys().find(|name| !known.contains(&name.as_str())) {
        return Err(format!(
            "the lookup `url` does not support the option `{unknown}` in Strata"
        ));
    }
    let option = |name: &str| options.get(name).filter(|value| !value.is_null()).map(text);
    let verifies = option("validate_certs").is_none_or(|said| !is_no(&said));
    let seconds = match option("timeout") {
        None => 10.0,
        Some(said) => {
            let seconds = said.parse::<f64>().ok().filter(|seconds| *seconds > 0.0);
            seconds.ok_or_else(|| format!("`timeout` must be a number of seconds, not `{said}`"))?
        }
    };
    let limit = Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())?;
    let headers = options
        .get("headers")
        .and_then(Json::as_object)
        .cloned()
        .unwrap_or_default();
    let mut headers: BTreeMap<String, String> = headers
        .iter()
        .map(|(name, value)| (name.clone(), text(value)))
        .collect();
    if let Some(user) = option("username") {
        let known = format!("{user}:{}", option("password").unwrap_or_default());
        let known = base64::engine::general_purpose::STANDARD.encode(known);
        headers.insert("Authorization".to_owned(), format!("Basic {known}"));
    }
    let body = crate::http::get_from(address, &headers, limit, verifies)?;
    let body = String::from_utf8(body).map_err(|_| "the answer is not UTF-8".to_owned())?;
    if options
        .get("split_lines")
        .is_some_and(|value| text(value).eq_ignore_ascii_case("false"))
    {
        return Ok(vec![body.into()]);
    }
    Ok(body.lines().map(Json::from).collect())
}

fn is_no(said: &str) -> bool {
    ["false", "no", "off", "0"].contains(&said.to_ascii_lowercase().as_str())
}
