//! `url`: what an HTTP server answers.

use std::{collections::BTreeMap, time::Duration};

use base64::Engine as _;
use serde_json::Value as Json;

use super::{Found, Options, text};
use crate::http::{self, Asking};

/// The options of ansible-core 2.19 that are here.
const OPTIONS: &[&str] = &[
    "ca_path",
    "follow_redirects",
    "force",
    "force_basic_auth",
    "headers",
    "http_agent",
    "password",
    "split_lines",
    "timeout",
    "use_proxy",
    "username",
    "validate_certs",
    "wantlist",
];

/// The others, which may only be given as nothing. A `.netrc` is never read.
const MISSING: &[&str] = &[
    "ciphers",
    "unix_socket",
    "unredirected_headers",
    "use_gssapi",
    "use_netrc",
];

/// The text behind a URL, as lines unless `split_lines` says no.
pub(super) fn url(address: &str, options: &Options) -> Found {
    let is_nothing = |value: &Json| match value {
        Json::Null => true,
        Json::Array(items) => items.is_empty(),
        value => matches!(
            text(value).to_lowercase().as_str(),
            "" | "no" | "false" | "off"
        ),
    };
    let is_here = |(name, value): &(&String, &Json)| {
        OPTIONS.contains(&name.as_str()) || MISSING.contains(&name.as_str()) && is_nothing(value)
    };
    if let Some((unknown, _)) = options.iter().find(|option| !is_here(option)) {
        return Err(format!(
            "the lookup `url` does not support the option `{unknown}` in Strata"
        ));
    }
    let option = |name: &str| options.get(name).filter(|value| !value.is_null()).map(text);
    let holds = |name: &str, otherwise: bool| option(name).map_or(otherwise, |said| !is_no(&said));
    let follows = match option("follow_redirects").as_deref() {
        None | Some("all" | "safe" | "urllib2" | "yes" | "True" | "true") => true,
        Some("none" | "no" | "False" | "false") => false,
        Some(other) => {
            return Err(format!(
                "`follow_redirects` must be `all`, `none`, `safe` or `urllib2`, not `{other}`"
            ));
        }
    };
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
    let agent = option("http_agent").unwrap_or_else(|| "ansible-httpget".to_owned());
    if !headers
        .keys()
        .any(|name| name.eq_ignore_ascii_case("user-agent"))
    {
        headers.insert("User-Agent".to_owned(), agent);
    }
    if holds("force", false) {
        headers.insert("cache-control".to_owned(), "no-cache".to_owned());
    }
    let asking = Asking {
        headers,
        timeout: limit,
        verifies: holds("validate_certs", true),
        authorities: option("ca_path"),
        by_proxy: holds("use_proxy", true),
        follows,
    };
    let body = http::ask(address, &asking)?;
    let body = String::from_utf8(body).map_err(|_| "the answer is not UTF-8".to_owned())?;
    if !holds("split_lines", true) {
        return Ok(vec![body.into()]);
    }
    Ok(body.lines().map(Json::from).collect())
}

fn is_no(said: &str) -> bool {
    ["false", "no", "off", "0"].contains(&said.to_ascii_lowercase().as_str())
}
