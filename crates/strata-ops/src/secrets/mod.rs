//! Secrets that are kept elsewhere: read when a run needs them, never written.
//!
//! A project names them in `secret` blocks. Before a run begins, those that its stages refer to are
//! read, all at the same time, into [`Secrets`]; in expressions they are sensitive texts. What a
//! source of secrets prints never gets into an error, only what it says on standard error.

mod ansible_vault;
mod program;
mod structured;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use futures_util::future::join_all;
use strata_core::{Diagnostic, Diagnostics, Span, Value};

use crate::process::Process;

/// Values by name, as sensitive texts.
pub type Secrets = BTreeMap<Arc<str>, Value>;

/// Where one secret is, with nothing left to evaluate.
pub(crate) enum Place {
    /// A file that SOPS encrypted.
    Sops { file: PathBuf, key: String },
    /// A file that Ansible Vault encrypted.
    AnsibleVault {
        file: PathBuf,
        key: String,
        password_file: Option<PathBuf>,
    },
    /// A reference for 1Password's `op`, such as `op://vault/item/field`.
    OnePassword(String),
    /// An item of Bitwarden, and the name of its field; `bw` reads it.
    Bitwarden { item: String, field: String },
    /// A program with its arguments.
    Command(Vec<String>),
    /// A name of the environment.
    Environment(String),
}

/// A secret that a run needs.
pub(crate) struct Wanted {
    pub(crate) name: Arc<str>,
    pub(crate) place: Place,
    pub(crate) span: Span,
}

/// Reads all of them at once; every one that cannot be read is reported.
pub(crate) async fn read(wanted: Vec<Wanted>, process: &Process) -> Result<Secrets, Diagnostics> {
    let read = wanted.iter().map(|wanted| read_one(&wanted.place, process));
    let answers = join_all(read).await;
    let mut diags = Diagnostics::new();
    let mut secrets = Secrets::new();
    for (wanted, answer) in wanted.into_iter().zip(answers) {
        match answer {
            Ok(text) => drop(secrets.insert(wanted.name, Value::from(text).sensitive())),
            Err(reason) => diags.push(unreadable(&wanted, &reason)),
        }
    }
    diags.into_result(secrets)
}

async fn read_one(place: &Place, process: &Process) -> Result<String, String> {
    let run = |words: &[&str]| {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        program::output(words, process)
    };
    let text = match place {
        Place::Sops { file, key } => {
            let file = file.display().to_string();
            let decrypted = run(&["sops", "--decrypt", "--output-type", "json", &file]).await?;
            return structured::pick(&decrypted, key);
        }
        Place::AnsibleVault {
            file,
            key,
            password_file,
        } => return ansible_vault::read(file, key, password_file.clone(), process),
        Place::OnePassword(reference) => run(&["op", "read", "--no-newline", reference]).await?,
        Place::Bitwarden { item, field } => {
            let found = run(&["bw", "get", "item", item, "--nointeraction"]).await?;
            return structured::bitwarden(&found, field);
        }
        Place::Command(words) => program::output(words.clone(), process).await?,
        Place::Environment(name) => match process.environment.get(name) {
            Some(value) => value.clone(),
            None => return Err(format!("the environment has no `{name}`")),
        },
    };
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() {
        return Err("it is empty".to_owned());
    }
    Ok(text.to_owned())
}

fn unreadable(wanted: &Wanted, reason: &str) -> Diagnostic {
    let summary = format!("The secret `{}` cannot be read", wanted.name);
    Diagnostic::error("secret", summary)
        .at(wanted.span.clone())
        .detail(reason)
        .hint("Nothing was changed. Try the source by itself: unlock it or log in, then run this again.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(path: Option<&std::path::Path>) -> Process {
        let mut environment: BTreeMap<String, String> = std::env::vars().collect();
        environment.insert("STORED".to_owned(), "from the environment".to_owned());
        if let Some(path) = path {
            let path = format!("{}:{}", path.display(), environment["PATH"]);
            environment.insert("PATH".to_owned(), path);
        }
        Process {
            environment,
            working_directory: PathBuf::from("/"),
            started_in: PathBuf::from("/"),
            host: "here".to_owned(),
        }
    }

    fn command(words: &[&str]) -> Place {
        Place::Command(words.iter().map(|word| (*word).to_owned()).collect())
    }

    async fn one(place: Place) -> Result<String, String> {
        read_one(&place, &process(None)).await
    }

    #[tokio::test]
    async fn a_program_gives_its_output_without_the_last_line_break() {
        assert_eq!(one(command(&["printf", "a b\n"])).await.unwrap(), "a b");
        assert_eq!(
            one(Place::Environment("STORED".to_owned())).await.unwrap(),
            "from the environment"
        );
    }

    #[tokio::test]
    async fn what_goes_wrong_is_said_without_the_output() {
        let failed = one(command(&[
            "sh",
            "-c",
            "echo s3cret; echo locked >&2; exit 3",
        ]))
        .await;
        let reason = failed.unwrap_err();
        assert!(
            reason.contains("locked") && reason.contains('3'),
            "{reason}"
        );
        assert!(!reason.contains("s3cret"), "{reason}");
        let missing = one(command(&["no-such-program"])).await.unwrap_err();
        assert!(missing.contains("`no-such-program`"), "{missing}");
        assert_eq!(one(command(&["true"])).await.unwrap_err(), "it is empty");
        assert!(one(Place::Environment("NOT_SET".to_owned())).await.is_err());
    }

    #[tokio::test]
    async fn a_program_that_asks_gets_no_answer() {
        // It reads the end of a file at once, instead of waiting for somebody to type.
        let reason = one(command(&[
            "sh",
            "-c",
            "read answer || { echo no answer >&2; exit 1; }",
        ]));
        assert!(reason.await.unwrap_err().contains("no answer"));
    }

    #[tokio::test]
    async fn programs_of_password_stores_are_asked_in_their_words() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let program = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        };
        program(
            "op",
            "test \"$*\" = 'read --no-newline op://a/b/c' && printf one",
        );
        program(
            "bw",
            r#"test "$*" = 'get item web --nointeraction' && echo '{"login":{"password":"two"},"fields":[{"name":"pin","value":"3"}]}'"#,
        );
        program(
            "sops",
            r#"test "$*" = '--decrypt --output-type json s.yml' && echo '{"db":{"password":"four"}}'"#,
        );
        let process = process(Some(folder.path()));
        let bitwarden = |field: &str| Place::Bitwarden {
            item: "web".to_owned(),
            field: field.to_owned(),
        };
        let places = [
            (Place::OnePassword("op://a/b/c".to_owned()), "one"),
            (bitwarden("password"), "two"),
            (bitwarden("pin"), "3"),
            (
                Place::Sops {
                    file: "s.yml".into(),
                    key: "db.password".to_owned(),
                },
                "four",
            ),
        ];
        for (place, expected) in places {
            assert_eq!(read_one(&place, &process).await.unwrap(), expected);
        }
        assert!(read_one(&bitwarden("no"), &process).await.is_err());
    }
}
