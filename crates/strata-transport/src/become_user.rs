//! Becoming another user: one more agent process, started as that user.
//!
//! As root nothing is needed but `su`. Anybody else needs `sudo`, whose password is written only
//! after it has asked for it with a prompt that nobody else would print: else the agent would take
//! the password for a frame.

use std::sync::Arc;

use strata_core::connection::{Channel, Connection};

use crate::TransportError;
use crate::incoming::{Incoming, Next};
use crate::push::{Started, hello, unreachable};
use crate::session::{Become, BecomeMethod};

/// What `sudo` prints when it wants the password.
const PROMPT: &str = "[strata asks sudo for a password]";

/// Starts the agent that `base` has pushed as another user.
pub(crate) async fn start(
    connection: &Arc<dyn Connection>,
    base_user: &str,
    path: &str,
    wanted: &Become,
) -> Result<Started, TransportError> {
    let argv = arguments(base_user, path, wanted)?;
    let channel = connection
        .start(&argv)
        .await
        .map_err(|error| unreachable(&error))?;
    let Channel { mut input, output } = channel;
    let mut incoming = Incoming::new(output);
    let mut asked = false;
    loop {
        match incoming.next().await? {
            Next::Frame(frame) => {
                let (user, path) = hello(frame)?;
                return Ok(Started {
                    incoming,
                    input,
                    user,
                    path,
                });
            }
            Next::Exit(_) => return Err(refused(wanted, &incoming.last_words())),
            Next::Complaint if incoming.complaints().contains(PROMPT) => {
                let Some(password) = wanted.password.as_ref().filter(|_| !asked) else {
                    let reason = if asked {
                        "Incorrect password"
                    } else {
                        "Missing password"
                    };
                    return Err(refused(wanted, reason));
                };
                asked = true;
                incoming.forget_complaints();
                let line = format!("{password}\n");
                input
                    .send(line.as_bytes())
                    .await
                    .map_err(|error| unreachable(&error))?;
            }
            Next::Complaint => {}
        }
    }
}

fn refused(wanted: &Become, reason: &str) -> TransportError {
    TransportError::Become(format!(
        "cannot become the user `{}`: {reason}",
        wanted.user
    ))
}

fn arguments(base_user: &str, path: &str, wanted: &Become) -> Result<Vec<String>, TransportError> {
    let words: Vec<&str> = if base_user == "root" {
        let command = format!("exec {}", quote(path));
        let words = ["su", "-s", "/bin/sh", &wanted.user, "-c", &command];
        return Ok(words.map(str::to_owned).to_vec());
    } else {
        match (wanted.method, &wanted.password) {
            (BecomeMethod::Su, _) => {
                return Err(TransportError::Unsupported(format!(
                    "`become_method: su` needs a terminal unless the connection's user is root; \
                     use `sudo` to become `{}`",
                    wanted.user
                )));
            }
            (BecomeMethod::Sudo, None) => {
                vec!["sudo", "-H", "-n", "-u", &wanted.user, "--", path]
            }
            (BecomeMethod::Sudo, Some(_)) => {
                vec![
                    "sudo",
                    "-H",
                    "-S",
                    "-p",
                    PROMPT,
                    "-u",
                    &wanted.user,
                    "--",
                    path,
                ]
            }
        }
    };
    Ok(words.into_iter().map(str::to_owned).collect())
}

/// Makes one word for a POSIX shell.
pub(crate) fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "@%_+=:,./-".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(base: &str, method: BecomeMethod, password: Option<&str>, expected: &str) {
        let password = password.map(str::to_owned);
        let wanted = Become {
            user: "app".to_owned(),
            method,
            password,
        };
        let shown = match arguments(base, "/var/lib/strata/agent-0", &wanted) {
            Ok(words) => words.join(" "),
            Err(error) => error.to_string(),
        };
        assert_eq!(shown, expected);
    }

    #[test]
    fn root_needs_no_sudo_and_nobody_sees_the_password() {
        let su = "su -s /bin/sh app -c exec /var/lib/strata/agent-0";
        check("root", BecomeMethod::Sudo, Some("secret"), su);
        check(
            "me",
            BecomeMethod::Sudo,
            None,
            "sudo -H -n -u app -- /var/lib/strata/agent-0",
        );
        check(
            "me",
            BecomeMethod::Sudo,
            Some("secret"),
            "sudo -H -S -p [strata asks sudo for a password] -u app -- /var/lib/strata/agent-0",
        );
        check(
            "me",
            BecomeMethod::Su,
            None,
            "`become_method: su` needs a terminal unless the connection's user is root; use `sudo` to become `app`",
        );
    }

    #[test]
    fn words_are_quoted_only_where_a_shell_would_read_them_otherwise() {
        assert_eq!(quote("/a/b-1.gz"), "/a/b-1.gz");
        assert_eq!(quote("it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!(quote(""), "''");
    }
}
