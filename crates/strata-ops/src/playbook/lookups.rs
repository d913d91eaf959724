//! Lookups that need this machine: programs, files that are written, the network, chance.
//!
//! They act while a template is rendered, also in check mode, as in Ansible.

mod password;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    task::Poll,
    time::Duration,
};

use base64::Engine as _;
use serde_json::{Map, Value as Json};
use strata_playbook::vault::Secrets;
use strata_runner::Lookup;
use tokio::signal::unix::{SignalKind, signal};

use super::{
    random,
    settings::{Settings, asked},
};

type Options = Map<String, Json>;
type Found = Result<Vec<Json>, String>;

/// All of them.
pub(super) fn all(
    environment: Arc<BTreeMap<String, String>>,
    secrets: Arc<Secrets>,
    settings: Arc<Settings>,
) -> Arc<Lookup> {
    Arc::new(move |folder, name, terms, options| {
        let terms: Vec<String> = terms.iter().map(text).collect();
        let short = name
            .strip_prefix("community.general.")
            .or(name.strip_prefix("community.sops."))
            .unwrap_or(name);
        Some(match short {
            "pipe" => each(&terms, |term| pipe(folder, term)),
            "lines" => terms.iter().try_fold(Vec::new(), |mut all, term| {
                all.extend(lines(folder, term)?);
                Ok(all)
            }),
            "password" => each(&terms, |term| password::password(folder, term, options)),
            "url" => terms.iter().try_fold(Vec::new(), |mut all, term| {
                all.extend(url(term, options)?);
                Ok(all)
            }),
            "random_string" => random_string(options).map(|text| vec![text.into()]),
            "sops" => each(&terms, |term| sops(folder, term, options, &environment)),
            "config" => config(&terms, options, &settings),
            "unvault" => each(&terms, |term| unvault(folder, term, &secrets)),
            _ => return None,
        })
    })
}

fn text(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn each(terms: &[String], look: impl Fn(&str) -> Result<String, String>) -> Found {
    terms
        .iter()
        .map(|term| look(term).map(Json::from))
        .collect()
}

/// A relative folder is the playbook's: ours, where that is nothing.
fn here(folder: &Path) -> &Path {
    if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    }
}

/// What a command prints. A signal that ends the run ends the command; the run hears of it when its template is done.
fn shell(folder: &Path, command: &str) -> Result<String, String> {
    let mut shell = tokio::process::Command::new("/bin/sh");
    shell
        .args(["-c", command])
        .current_dir(here(folder))
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    let interrupted = format!("lookup_plugin.pipe({command}) was interrupted");
    let output = super::apart(async move {
        tokio::select! {
            output = shell.output() => output.map_err(|error| error.to_string()),
            () = ended() => Err(interrupted),
        }
    })?;
    if !output.status.success() {
        let code = output.status.code().unwrap_or(-1);
        return Err(format!("lookup_plugin.pipe({command}) returned {code}"));
    }
    String::from_utf8(output.stdout).map_err(|_| "the output is not UTF-8".to_owned())
}

/// Waits for a signal that ends the run.
async fn ended() {
    let kinds = [
        SignalKind::interrupt(),
        SignalKind::terminate(),
        SignalKind::hangup(),
    ];
    let mut signals: Vec<_> = kinds.into_iter().flat_map(signal).collect();
    std::future::poll_fn(|context| {
        let heard = signals
            .iter_mut()
            .any(|one| one.poll_recv(context).is_ready());
        if heard {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}

fn pipe(folder: &Path, command: &str) -> Result<String, String> {
    Ok(shell(folder, command)?.trim_end().to_owned())
}

fn lines(folder: &Path, command: &str) -> Found {
    let printed = shell(folder, command)?;
    Ok(printed.lines().map(Json::from).collect())
}

const PUNCTUATION: &str = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

fn random_string(options: &Options) -> Result<String, String> {
    let known = [
        "length",
        "upper",
        "lower",
        "numbers",
        "special",
        "min_lower",
        "min_upper",
        "min_numeric",
        "min_special",
        "override_special",
        "override_all",
        "ignore_similar_chars",
        "similar_chars",
        "base64",
    ];
    if let Some(unknown) = options.keys().find(|name| !known.contains(&name.as_str())) {
        return Err(format!(
            "the lookup `random_string` has no option `{unknown}`"
        ));
    }
    let flag = |name: &str, usual: bool| {
        options
            .get(name)
            .map_or(usual, |value| text(value).eq_ignore_ascii_case("true"))
    };
    let number = |name: &str, usual: usize| {
        options
            .get(name)
            .map_or(usual, |value| text(value).parse().unwrap_or(usual))
    };
    if flag("base64", false) {
        return Err("the option `base64` of the lookup `random_string` is not supported by Strata; use the filter `b64encode`".to_owned());
    }
    let special = options
        .get("override_special")
        .map_or(PUNCTUATION.to_owned(), text);
    let similar = if flag("ignore_similar_chars", false) {
        options
            .get("similar_chars")
            .map_or("il1LoO0".to_owned(), text)
    } else {
        String::new()
    };
    let clean =
        |set: &str| -> Vec<char> { set.chars().filter(|one| !similar.contains(*one)).collect() };
    let kinds = [
        ("lower", clean("abcdefghijklmnopqrstuvwxyz"), "min_lower"),
        ("upper", clean("ABCDEFGHIJKLMNOPQRSTUVWXYZ"), "min_upper"),
        ("numbers", clean("0123456789"), "min_numeric"),
        ("special", clean(&special), "min_special"),
    ];
    let length = number("length", 8);
    let mut all: Vec<char> = kinds
        .iter()
        .filter(|(name, ..)| flag(name, true))
        .flat_map(|(_, set, _)| set.clone())
        .collect();
    let mut made = String::new();
    if let Some(only) = options.get("override_all") {
        all = clean(&text(only));
    } else {
        for (_, set, least) in &kinds {
            made.push_str(&random::text(number(least, 0), set).map_err(|error| error.to_string())?);
        }
    }
    if all.is_empty() {
        return Err("Available characters cannot be None, please change constraints".to_owned());
    }
    let rest = length.saturating_sub(made.chars().count());
    made.push_str(&random::text(rest, &all).map_err(|error| error.to_string())?);
    shuffled(&made)
}

fn shuffled(made: &str) -> Result<String, String> {
    let mut characters: Vec<char> = made.chars().collect();
    for at in (1..characters.len()).rev() {
        let mut bytes = [0; 8];
        random::fill(&mut bytes).map_err(|error| error.to_string())?;
        let other = u64::from_le_bytes(bytes) % (at as u64 + 1);
        characters.swap(at, other as usize);
    }
    Ok(characters.into_iter().collect())
}

/// The text behind a URL, as lines unless `split_lines` says no.
fn url(address: &str, options: &Options) -> Found {
    let known = [
        "split_lines",
        "validate_certs",
        "headers",
        "timeout",
        "username",
        "password",
        "force_basic_auth",
        "follow_redirects",
        "use_proxy",
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
    let seconds = options.get("timeout").and_then(Json::as_u64).unwrap_or(10);
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
    let body = crate::http::get_from(address, &headers, Duration::from_secs(seconds), verifies)?;
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

/// Settings by Ansible's own names for them.
fn config(terms: &[String], options: &Options, settings: &Settings) -> Found {
    if let Some(refused) = options.keys().find(|name| *name != "on_missing") {
        return Err(format!(
            "the lookup `config` does not support the option `{refused}` in Strata"
        ));
    }
    let skips = match options.get("on_missing").map(text).as_deref() {
        None | Some("error") => false,
        Some("skip" | "warn") => true,
        Some(other) => {
            return Err(format!(
                "Invalid option for error handling, missing must be error, warn or skip, got: {other}."
            ));
        }
    };
    let mut found = Vec::new();
    for term in terms {
        match asked(settings, term) {
            Some(value) => found.push(value),
            None if skips => {}
            None => return Err(format!("Strata knows of no setting `{term}`")),
        }
    }
    Ok(found)
}

/// What the user's own `sops` decrypts.
fn sops(
    folder: &Path,
    term: &str,
    options: &Options,
    environment: &BTreeMap<String, String>,
) -> Result<String, String> {
    let known = [
        "rstrip",
        "base64",
        "input_type",
        "output_type",
        "empty_on_not_exist",
        "extract",
        "sops_binary",
        "age_key",
        "age_keyfile",
        "config_path",
    ];
    if let Some(unknown) = options.keys().find(|name| !known.contains(&name.as_str())) {
        return Err(format!(
            "the lookup `sops` does not support the option `{unknown}` in Strata"
        ));
    }
    let path = find(folder, term);
    let Some(path) = path else {
        if options
            .get("empty_on_not_exist")
            .is_some_and(|value| text(value) == "true")
        {
            return Ok(String::new());
        }
        return Err(format!("could not locate file in lookup: {term}"));
    };
    let option = |name: &str| options.get(name).map(text);
    let mut command = Command::new(option("sops_binary").unwrap_or_else(|| "sops".to_owned()));
    for (name, flag) in [
        ("config_path", "--config"),
        ("input_type", "--input-type"),
        ("output_type", "--output-type"),
        ("extract", "--extract"),
    ] {
        if let Some(value) = option(name) {
            command.args([flag, &value]);
        }
    }
    // Keys travel in the environment: arguments are for everybody to see.
    for (name, variable) in [
        ("age_key", "SOPS_AGE_KEY"),
        ("age_keyfile", "SOPS_AGE_KEY_FILE"),
    ] {
        if let Some(value) = option(name) {
            command.env(variable, value);
        }
    }
    command
        .envs(environment)
        .arg("--decrypt")
        .arg(&path)
        .stdin(Stdio::null());
    let output = command
        .output()
        .map_err(|error| format!("`sops` cannot be started: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(format!(
            "`sops` cannot decrypt `{}`: {said}",
            path.display()
        ));
    }
    let printed =
        String::from_utf8(output.stdout).map_err(|_| "the file is not UTF-8".to_owned())?;
    let keep = option("rstrip").is_some_and(|value| value == "false");
    Ok(if keep {
        printed
    } else {
        printed.trim_end().to_owned()
    })
}

fn unvault(folder: &Path, term: &str, secrets: &Secrets) -> Result<String, String> {
    let path = find(folder, term).ok_or_else(|| format!("could not find the file `{term}`"))?;
    let bytes = fs::read(&path).map_err(|error| error.to_string())?;
    let plain = if strata_playbook::vault::is_encrypted(&bytes) {
        secrets.file(&bytes).map_err(|error| error.to_string())?
    } else {
        bytes
    };
    String::from_utf8(plain).map_err(|_| "the file is not UTF-8".to_owned())
}

fn find(folder: &Path, term: &str) -> Option<PathBuf> {
    let folder = here(folder);
    let places = [folder.join("files").join(term), folder.join(term)];
    places.into_iter().find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(folder: &Path, name: &str, term: &str, options: Json) -> Found {
        let lookup = all(Arc::default(), Arc::default(), Arc::default());
        let options = options.as_object().unwrap().clone();
        lookup(folder, name, &[term.into()], &options).expect("there is such a lookup")
    }

    #[test]
    fn programs_run_in_the_playbooks_folder_and_their_failure_is_one() {
        let folder = tempfile::tempdir().unwrap();
        let none = serde_json::json!({});
        let printed = look(folder.path(), "pipe", "printf 'a\\nb\\n\\n'", none.clone()).unwrap();
        assert_eq!(printed, ["a\nb"]);
        assert_eq!(
            look(folder.path(), "lines", "printf 'a\\nb\\n'", none.clone()).unwrap(),
            ["a", "b"]
        );
        let failed = look(folder.path(), "pipe", "exit 3", none).unwrap_err();
        assert_eq!(failed, "lookup_plugin.pipe(exit 3) returned 3");
    }

    #[test]
    fn a_password_is_made_once_and_its_file_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let first = look(
            folder.path(),
            "password",
            "creds/x length=12 chars=digits",
            serde_json::json!({}),
        )
        .unwrap();
        let again = look(
            folder.path(),
            "password",
            "creds/x length=12 chars=digits",
            serde_json::json!({}),
        )
        .unwrap();
        assert_eq!(first, again);
        let made = first[0].as_str().unwrap();
        assert!(
            made.len() == 12 && made.chars().all(|one| one.is_ascii_digit()),
            "{made}"
        );
        let mode = fs::metadata(folder.path().join("creds/x"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_hashed_password_keeps_its_salt_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let options = serde_json::json!({"length": 6, "encrypt": "bcrypt"});
        let look = |options: &Json| look(folder.path(), "password", "x", options.clone());
        let first = look(&options).unwrap();
        assert_eq!(look(&options).unwrap(), first);
        let hash = first[0].as_str().unwrap();
        assert!(hash.starts_with("$2b$12$"), "{hash}");
        let kept = fs::read_to_string(folder.path().join("x")).unwrap();
        assert!(
            kept.contains(" salt=") && kept.ends_with(" ident=2b\n"),
            "{kept}"
        );
        let plain = look(&serde_json::json!({"length": 6})).unwrap();
        assert_eq!(plain[0].as_str().unwrap().len(), 6, "{plain:?}");
        let other = look(&serde_json::json!({"encrypt": "bcrypt", "ident": "2y"}));
        assert!(other.unwrap_err().contains("does not match the stored one"));
        let unknown = look(&serde_json::json!({"encrypt": "md5_crypt"}));
        assert!(unknown.unwrap_err().contains("md5_crypt"));
    }

    #[test]
    fn a_url_is_asked_with_the_user_and_the_password() {
        use std::io::{Read, Write};
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/x", listener.local_addr().unwrap());
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                request.push(byte[0]);
            }
            let answer = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\na\nb\n";
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8(request).unwrap()
        });
        let options = serde_json::json!({"username": "me", "password": "p:w"});
        let found = look(Path::new(""), "url", &address, options).unwrap();
        assert_eq!(found, ["a", "b"]);
        let request = server.join().unwrap();
        // `me:p:w`.
        let wanted = "authorization: Basic bWU6cDp3";
        let mut lines = request.lines();
        assert!(
            lines.any(|line| line.eq_ignore_ascii_case(wanted)),
            "{request}"
        );
    }

    #[test]
    fn random_strings_keep_their_rules_and_unknown_options_are_named() {
        let options =
            serde_json::json!({"length": 9, "special": false, "upper": false, "min_numeric": 3});
        let made = look(
            Path::new(""),
            "community.general.random_string",
            "",
            options,
        )
        .unwrap();
        let made = made[0].as_str().unwrap();
        assert!(
            made.len() == 9 && made.chars().filter(char::is_ascii_digit).count() >= 3,
            "{made}"
        );
        assert!(
            made.chars()
                .all(|one| one.is_ascii_lowercase() || one.is_ascii_digit()),
            "{made}"
        );
        let wrong = look(
            Path::new(""),
            "random_string",
            "",
            serde_json::json!({"size": 1}),
        );
        assert_eq!(
            wrong.unwrap_err(),
            "the lookup `random_string` has no option `size`"
        );
    }
}
