//! Lookups that need this machine: programs, files that are written, the network, chance.
//!
//! They act while a template is rendered, also in check mode, as in Ansible.

mod config;
mod files;
mod filetree;
mod password;
mod programs;
mod random_string;
mod url;

use std::{collections::BTreeMap, path::Path, sync::Arc};

use serde_json::{Map, Value as Json};
use strata_playbook::vault::Secrets;
use strata_runner::{Lookup, StopSignal};

use super::settings::Settings;

type Options = Map<String, Json>;
type Found = Result<Vec<Json>, String>;

/// All of them. What takes long is ended by a `stop` at once.
pub(super) fn all(
    environment: Arc<BTreeMap<String, String>>,
    secrets: Arc<Secrets>,
    settings: Arc<Settings>,
    stop: StopSignal,
) -> Arc<Lookup> {
    Arc::new(move |folder, name, terms, options| {
        let terms: Vec<String> = terms.iter().map(text).collect();
        let short = name
            .strip_prefix("community.general.")
            .or(name.strip_prefix("community.sops."))
            .unwrap_or(name);
        Some(match short {
            "pipe" => each(&terms, |term| programs::pipe(folder, term, &stop)),
            "lines" => terms.iter().try_fold(Vec::new(), |mut all, term| {
                all.extend(programs::lines(folder, term, &stop)?);
                Ok(all)
            }),
            "password" => each(&terms, |term| password::password(folder, term, options)),
            "url" => terms.iter().try_fold(Vec::new(), |mut all, term| {
                all.extend(url::url(term, options)?);
                Ok(all)
            }),
            "random_string" => random_string::random_string(options).map(|text| vec![text.into()]),
            "sops" => each(&terms, |term| {
                files::sops(folder, term, options, &environment, &secrets)
            }),
            "filetree" => filetree::filetree(folder, &terms, options),
            "config" => config::config(&terms, options, &settings),
            "unvault" => each(&terms, |term| files::unvault(folder, term, &secrets)),
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::stop::Stop;

    fn look(folder: &Path, name: &str, term: &str, options: Json) -> Found {
        let stop = Stop::new().signal();
        let lookup = all(Arc::default(), Arc::default(), Arc::default(), stop);
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
        let unknown = look(&serde_json::json!({"encrypt": "des_crypt"}));
        assert!(unknown.unwrap_err().contains("des_crypt"));
    }

    /// A server that gives one answer, and tells what it was asked.
    fn server(answer: &'static str) -> (String, std::thread::JoinHandle<String>) {
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
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8(request).unwrap().to_ascii_lowercase()
        });
        (address, server)
    }

    #[test]
    fn a_url_is_asked_with_the_user_and_the_password_and_what_else_is_said() {
        let answer = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\na\nb\n";
        let (address, asked) = server(answer);
        let options = serde_json::json!({
            "username": "me", "password": "p:w", "force": true, "http_agent": "mine", "use_proxy": false,
        });
        let found = look(Path::new(""), "url", &address, options).unwrap();
        assert_eq!(found, ["a", "b"]);
        let request = asked.join().unwrap();
        for line in [
            // `me:p:w`.
            "authorization: basic bwu6cdp3",
            "cache-control: no-cache",
            "user-agent: mine",
        ] {
            assert!(request.lines().any(|found| found == line), "{request}");
        }
    }

    #[test]
    fn a_url_that_leads_on_is_a_failure_where_it_is_not_to_be_followed() {
        let answer =
            "HTTP/1.1 302 Found\r\nlocation: /y\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        let (address, asked) = server(answer);
        let options = serde_json::json!({"follow_redirects": "none", "use_netrc": false});
        let wrong = look(Path::new(""), "url", &address, options).unwrap_err();
        assert!(wrong.contains("302"), "{wrong}");
        assert!(
            asked
                .join()
                .unwrap()
                .contains("user-agent: ansible-httpget")
        );
        for options in [
            serde_json::json!({"follow_redirects": "maybe"}),
            serde_json::json!({"unix_socket": "/x"}),
            serde_json::json!({"ca_path": "/not/there"}),
        ] {
            assert!(look(Path::new(""), "url", "http://127.0.0.1:1/", options).is_err());
        }
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
