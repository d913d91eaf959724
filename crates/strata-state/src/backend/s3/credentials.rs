//! Who we are: keys from arguments, from the environment or from the shared files of Amazon's programs.
//!
//! The order is that of their SDK: arguments; a profile that the arguments name; the environment; the profile that
//! the environment names, or `default`.

use std::{collections::BTreeMap, fmt, fs};

use serde_json::{Map, Value as Json};

use super::super::{
    Outside,
    arguments::{text, texts},
};

/// A key, and what proves that it is ours.
#[derive(Clone)]
pub(super) struct Credentials {
    pub(super) key_id: String,
    pub(super) secret: String,
    pub(super) token: Option<String>,
}

impl fmt::Debug for Credentials {
    /// Without what is secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({})", self.key_id)
    }
}

/// What a profile says that leads to keys which are not there themselves.
const OTHER_SOURCES: [&str; 8] = [
    "sso_session",
    "sso_start_url",
    "role_arn",
    "source_profile",
    "credential_source",
    "credential_process",
    "web_identity_token_file",
    "login_session",
];

/// Variables that lead to keys which are not there themselves.
const OTHER_VARIABLES: [&str; 3] = [
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
];

/// A profile's settings, from both shared files.
pub(super) type Profile = BTreeMap<String, String>;

/// Reads the profile that arguments or environment name; empty if there are no files.
pub(super) fn profile(arguments: &Map<String, Json>, outside: &Outside) -> Result<Profile, String> {
    let named = text(arguments, "profile").or_else(|| outside.variable("AWS_PROFILE"));
    let name = named.clone().unwrap_or_else(|| "default".to_owned());
    let mut found = Profile::new();
    let mut is_there = false;
    for (file, is_config) in files(arguments, outside) {
        let Ok(content) = fs::read_to_string(outside.expand(&file)) else {
            continue;
        };
        let section = match is_config && name != "default" {
            true => format!("profile {name}"),
            false => name.clone(),
        };
        if let Some(settings) = section_of(&content, &section) {
            is_there = true;
            found.extend(settings);
        }
    }
    match named {
        Some(name) if !is_there => Err(format!(
            "failed to get shared config profile, {name}: no file of credentials has it."
        )),
        _ => Ok(found),
    }
}

/// The files, and whether it is one of settings; that with the credentials is last, as it counts.
fn files(arguments: &Map<String, Json>, outside: &Outside) -> Vec<(String, bool)> {
    let listed = |many: &str, one: &str, variable: &str, usual: &str| {
        let mut files = texts(arguments, many);
        files.extend(text(arguments, one));
        if files.is_empty() {
            files.push(
                outside
                    .variable(variable)
                    .unwrap_or_else(|| usual.to_owned()),
            );
        }
        files
    };
    let config = listed(
        "shared_config_files",
        "",
        "AWS_CONFIG_FILE",
        "~/.aws/config",
    );
    let keys = listed(
        "shared_credentials_files",
        "shared_credentials_file",
        "AWS_SHARED_CREDENTIALS_FILE",
        "~/.aws/credentials",
    );
    let config = config.into_iter().map(|file| (file, true));
    config
        .chain(keys.into_iter().map(|file| (file, false)))
        .collect()
}

/// The settings of a section of such a file; indented ones belong to the setting above and are left out.
fn section_of(content: &str, section: &str) -> Option<Profile> {
    let mut found = None;
    let mut inside = false;
    for line in content.lines() {
        let trimmed = line.trim();
        if let Some(name) = trimmed
            .strip_prefix('[')
            .and_then(|rest| rest.split(']').next())
        {
            let words: Vec<_> = name.split_whitespace().collect();
            inside = words.join(" ") == section;
            if inside {
                found.get_or_insert_with(Profile::new);
            }
        } else if let Some(found) = found.as_mut().filter(|_| inside)
            && !trimmed.starts_with(['#', ';'])
            && !line.starts_with([' ', '\t'])
            && let Some((name, value)) = trimmed.split_once('=')
        {
            found.insert(name.trim().to_ascii_lowercase(), value.trim().to_owned());
        }
    }
    found
}

/// Finds the keys.
pub(super) fn find(
    arguments: &Map<String, Json>,
    profile: &Profile,
    outside: &Outside,
) -> Result<Credentials, String> {
    let given = |name: &str| text(arguments, name);
    if given("access_key").is_some() || given("secret_key").is_some() {
        return pair(given("access_key"), given("secret_key"), given("token"))
            .ok_or_else(|| "`access_key` and `secret_key` must be given together.".to_owned());
    }
    let variable = |name: &str| outside.variable(name);
    let of_environment = || {
        let id = variable("AWS_ACCESS_KEY_ID").or_else(|| variable("AWS_ACCESS_KEY"));
        let secret = variable("AWS_SECRET_ACCESS_KEY").or_else(|| variable("AWS_SECRET_KEY"));
        pair(id, secret, variable("AWS_SESSION_TOKEN"))
    };
    let setting = |name: &str| profile.get(name).cloned();
    let of_profile = || {
        let id = setting("aws_access_key_id");
        pair(
            id,
            setting("aws_secret_access_key"),
            setting("aws_session_token"),
        )
    };
    let found = match given("profile") {
        Some(_) => of_profile(),
        None => of_environment().or_else(of_profile),
    };
    found.ok_or_else(|| missing(profile, outside))
}

fn pair(id: Option<String>, secret: Option<String>, token: Option<String>) -> Option<Credentials> {
    Some(Credentials {
        key_id: id?,
        secret: secret?,
        token,
    })
}

fn missing(profile: &Profile, outside: &Outside) -> String {
    let source = OTHER_SOURCES
        .iter()
        .find(|name| profile.contains_key(**name))
        .map(|name| format!("`{name}` of the profile"));
    let variable = OTHER_VARIABLES
        .iter()
        .find(|name| outside.variable(name).is_some());
    match source.or(variable.map(|name| format!("{name} of the environment"))) {
        Some(source) => format!(
            "No valid credential sources found: {source} is not supported, only keys (`access_key` and `secret_key`, \
             AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or those in shared files)."
        ),
        None => "No valid credential sources found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a \
                 profile that has keys. Those of a machine in Amazon's cloud (IMDS) are not asked for."
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::backend::{Answer, Request, Web};

    #[derive(Debug)]
    struct Nowhere;

    impl Web for Nowhere {
        fn send(&self, _request: &Request) -> Result<Answer, String> {
            Err("nothing is sent here".to_owned())
        }
    }

    fn found(arguments: Json, environment: &[(&str, &str)]) -> Result<String, String> {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(".aws")).unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(".aws").join(name), text);
        write("credentials", "[default]\naws_access_key_id = D\naws_secret_access_key=d\n[ops]\n# x\naws_access_key_id=O\naws_secret_access_key=o\naws_session_token=t\n").unwrap();
        write(
            "config",
            "[profile  ops]\nregion = eu-west-1\n[profile sso]\nsso_session = s\n",
        )
        .unwrap();
        let home = folder.path().to_str().unwrap();
        let all = [("HOME", home)]
            .into_iter()
            .chain(environment.iter().copied());
        let outside = Outside {
            web: Arc::new(Nowhere),
            environment: Arc::new(all.map(|(a, b)| (a.to_owned(), b.to_owned())).collect()),
        };
        let arguments = arguments.as_object().unwrap();
        let profile = profile(arguments, &outside)?;
        let found = find(arguments, &profile, &outside)?;
        let region = profile.get("region").cloned().unwrap_or_default();
        Ok(format!(
            "{} {} {:?} {region}",
            found.key_id, found.secret, found.token
        ))
    }

    #[test]
    fn keys_are_looked_for_in_the_order_of_the_sdk() {
        let environment = [("AWS_ACCESS_KEY_ID", "E"), ("AWS_SECRET_ACCESS_KEY", "e")];
        let given = json!({"access_key": "A", "secret_key": "a"});
        assert_eq!(found(given, &environment).unwrap(), "A a None ");
        assert_eq!(found(json!({}), &environment).unwrap(), "E e None ");
        let named = json!({"profile": "ops"});
        assert_eq!(
            found(named, &environment).unwrap(),
            "O o Some(\"t\") eu-west-1"
        );
        assert_eq!(found(json!({}), &[]).unwrap(), "D d None ");
        let by_environment = found(json!({}), &[("AWS_PROFILE", "ops")]);
        assert_eq!(by_environment.unwrap(), "O o Some(\"t\") eu-west-1");
    }

    #[test]
    fn sources_that_are_not_there_are_named() {
        let sso = found(json!({"profile": "sso"}), &[]).unwrap_err();
        assert!(
            sso.contains("`sso_session` of the profile is not supported"),
            "{sso}"
        );
        let none = found(json!({"profile": "nobody"}), &[]).unwrap_err();
        assert!(none.contains("shared config profile, nobody"), "{none}");
        let half = found(json!({"access_key": "A"}), &[]).unwrap_err();
        assert!(half.contains("must be given together"), "{half}");
    }

    #[test]
    fn secrets_are_not_shown() {
        let shown = Credentials {
            key_id: "id".to_owned(),
            secret: "hidden".to_owned(),
            token: Some("hidden".to_owned()),
        };
        assert_eq!(format!("{shown:?}"), "Credentials(id)");
    }
}
