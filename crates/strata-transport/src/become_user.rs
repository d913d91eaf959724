//! Becoming another user: one more agent process, started as that user.
//!
//! As root nothing is needed but `su`. Anybody else needs `sudo`, `su` or `doas`; a password is written only
//! after the program has asked for it: else the agent would take the password for a frame. Where the program asks on
//! a terminal alone, the agent that is there already holds one for it, and takes the password beforehand.

use std::sync::Arc;
use std::time::Duration;

use strata_agent::on_terminal::{OFF_TERMINAL, ON_TERMINAL};
use strata_core::connection::{Channel, ChannelInput, Connection, Output};

use crate::TransportError;
use crate::incoming::{Incoming, Next};
use crate::push::{Started, hello, unreachable};
use crate::session::{Become, BecomeMethod};

/// What `sudo` prints when it wants the password.
const PROMPT: &str = "[strata asks sudo for a password]";

/// What some `sudo` names where there is no terminal (`requiretty`): of the languages of 1.9.13 in all but Catalan, Chinese,
/// Dutch and Serbian.
const NO_TERMINAL: &str = "tty";

/// What an agent says that holds a terminal, when it is asked twice.
const WRONG: &str = "Incorrect password";

/// So long nothing may come: who becomes another user may have to confirm it elsewhere, and wrong passwords take a while.
const PATIENCE: Duration = Duration::from_secs(120);

/// How a program asks for the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asks {
    /// On its standard error, and reads its standard input.
    OnStreams,
    /// On a terminal that an agent holds.
    OnTerminal,
}

/// Starts the agent that `base` has pushed as another user.
pub(crate) async fn start(
    connection: &Arc<dyn Connection>,
    base_user: &str,
    path: &str,
    wanted: &Become,
) -> Result<Started, TransportError> {
    let shared = match base_user == "root" || wanted.user == "root" {
        true => None,
        false => shared_copy(connection, path).await?,
    };
    let agents = Agents {
        own: path,
        other: shared.as_deref().unwrap_or(path),
    };
    let asks = match wanted.method {
        BecomeMethod::Doas if wanted.password.is_some() && base_user != "root" => Asks::OnTerminal,
        _ => Asks::OnStreams,
    };
    match attempt(connection, base_user, &agents, wanted, asks).await {
        Err(TransportError::Become(reason))
            if asks == Asks::OnStreams && reason.to_lowercase().contains(NO_TERMINAL) =>
        {
            attempt(connection, base_user, &agents, wanted, Asks::OnTerminal).await
        }
        done => done,
    }
}

/// Where the agent lies.
struct Agents<'a> {
    /// For the user that we are.
    own: &'a str,
    /// For the user to become.
    other: &'a str,
}

async fn attempt(
    connection: &Arc<dyn Connection>,
    base_user: &str,
    agents: &Agents<'_>,
    wanted: &Become,
    asks: Asks,
) -> Result<Started, TransportError> {
    let argv = arguments(base_user, agents, wanted, asks)?;
    let channel = connection
        .start(&argv)
        .await
        .map_err(|error| unreachable(&error))?;
    let Channel { mut input, output } = channel;
    let mut incoming = Incoming::new(output);
    let mut asked = false;
    if asks == Asks::OnTerminal {
        asked = true;
        give(&mut input, wanted).await?;
    }
    loop {
        let Ok(next) = tokio::time::timeout(PATIENCE, incoming.next()).await else {
            return Err(refused(wanted, "nothing came of it within two minutes"));
        };
        match next? {
            Next::Frame(frame) => {
                let (user, path) = hello(frame)?;
                return Ok(Started {
                    incoming,
                    input,
                    user,
                    path,
                });
            }
            Next::Exit(_) if asks == Asks::OnTerminal && incoming.complaints().ends_with(WRONG) => {
                return Err(refused(wanted, WRONG));
            }
            Next::Exit(_) => return Err(refused(wanted, &incoming.last_words())),
            // On a terminal the agent there answers.
            Next::Complaint
                if asks == Asks::OnStreams && is_question(&incoming.complaints(), &argv[0]) =>
            {
                match (&wanted.password, asked) {
                    (Some(_), false) => {}
                    (_, true) => return Err(refused(wanted, WRONG)),
                    (None, false) => return Err(refused(wanted, "Missing password")),
                }
                asked = true;
                incoming.forget_complaints();
                give(&mut input, wanted).await?;
            }
            Next::Complaint => {}
        }
    }
}

async fn give(input: &mut Box<dyn ChannelInput>, wanted: &Become) -> Result<(), TransportError> {
    let password = wanted.password.as_deref().unwrap_or_default();
    if password.contains('\n') {
        // What stands behind the break would be taken for something else.
        return Err(refused(wanted, "the password has more than one line"));
    }
    let line = format!("{password}\n");
    let sent = input.send(line.as_bytes()).await;
    sent.map_err(|error| unreachable(&error))
}

/// Puts the agent where others may run it, if it lies in a home that only its owner can look into. None where
/// there is no such place: then the user is tried to become with the agent as it lies.
///
/// The folder and the file must be ours: else somebody could have their own program run.
async fn shared_copy(
    connection: &Arc<dyn Connection>,
    path: &str,
) -> Result<Option<String>, TransportError> {
    let script = format!(
        r#"p={path}; n=${{p##*/}}; u=$(id -u)
for t in /var/tmp /tmp /dev/shm; do
  d=$t/strata-$u; f=$d/$n
  if [ "$f" = "$p" ]; then echo "$f"; read -r _; exit 0; fi
  (umask 022; mkdir -p "$d" && [ -O "$d" ] && [ ! -L "$d" ] && chmod 755 "$d" || exit 1
   [ -O "$f" ] && [ ! -L "$f" ] && [ -x "$f" ] && cmp -s "$p" "$f" && exit 0
   cp "$p" "$f.$$" && chmod 755 "$f.$$" && mv -f "$f.$$" "$f") 2>/dev/null || {{ rm -f "$f.$$"; continue; }}
  if [ -x "$f" ]; then echo "$f"; read -r _; exit 0; fi
done"#,
        path = quote(path)
    );
    let argv = ["/bin/sh".to_owned(), "-c".to_owned(), script];
    let channel = connection
        .start(&argv)
        .await
        .map_err(|error| unreachable(&error))?;
    let Channel {
        mut input,
        mut output,
    } = channel;
    let mut said = Vec::new();
    loop {
        match output.receive().await {
            Ok(Output::Stdout(bytes)) => {
                said.extend(bytes);
                // The script waits for the end of its input, so that it is heard (see `push`).
                if said.ends_with(b"\n") {
                    input.close().await.map_err(|error| unreachable(&error))?;
                }
            }
            Ok(Output::Stderr(_)) => {}
            Ok(Output::Exit(_)) => break,
            Err(error) => return Err(unreachable(&error)),
        }
    }
    // What a login shell prints by itself stands above.
    let said = String::from_utf8_lossy(&said);
    let path = said.lines().last().unwrap_or_default().trim();
    Ok(Some(path.to_owned()).filter(|path| path.starts_with('/')))
}

fn refused(wanted: &Become, reason: &str) -> TransportError {
    TransportError::Become(format!(
        "cannot become the user `{}`: {reason}",
        wanted.user
    ))
}

/// True if the program wants the password: `sudo` by our prompt, `su` by its own, in the host's language. What begins
/// with its name is a complaint, of which more may be on its way.
fn is_question(complaints: &str, program: &str) -> bool {
    let name = program.rsplit('/').next().unwrap_or(program);
    let last = complaints.trim_end().lines().next_back();
    let rest = last.and_then(|line| line.strip_prefix(name));
    let complains = rest.is_some_and(|rest| rest.starts_with(':'));
    complaints.contains(PROMPT) || (!complains && complaints.trim_end().ends_with([':', '：']))
}

fn arguments(
    base_user: &str,
    agents: &Agents<'_>,
    wanted: &Become,
    asks: Asks,
) -> Result<Vec<String>, TransportError> {
    let path = agents.other;
    let words = program(base_user, path, wanted, asks)?;
    Ok(match asks {
        Asks::OnStreams => words,
        Asks::OnTerminal => [texts(&[agents.own, ON_TERMINAL]), words].concat(),
    })
}

fn program(
    base_user: &str,
    path: &str,
    wanted: &Become,
    asks: Asks,
) -> Result<Vec<String>, TransportError> {
    let own = wanted.flags.as_deref().map(words).transpose()?;
    let customized = own.is_some() || wanted.exe.is_some();
    let exe = |usual: &str| wanted.exe.clone().unwrap_or_else(|| usual.to_owned());
    match wanted.method {
        BecomeMethod::Sudo if base_user != "root" || customized => {
            Ok(sudo(exe("sudo"), own, path, wanted, asks))
        }
        // As root nothing asks for a password, and `su` needs no configuration.
        BecomeMethod::Sudo | BecomeMethod::Su => {
            let program = match wanted.method {
                BecomeMethod::Su => exe("su"),
                _ => "su".to_owned(),
            };
            Ok(su(program, own, path, wanted))
        }
        BecomeMethod::Doas => {
            let mut flags = own.unwrap_or_default();
            match asks {
                Asks::OnTerminal => flags.retain(|flag| flag != "-n"),
                // Nobody is there to be asked.
                Asks::OnStreams if flags.iter().all(|flag| flag != "-n") => {
                    flags.insert(0, "-n".to_owned());
                }
                Asks::OnStreams => {}
            }
            let head = std::iter::once(exe("doas")).chain(flags);
            let head = head.chain(texts(&["-u", &wanted.user]));
            Ok(head.chain(agent(path, asks)).collect())
        }
    }
}

fn texts(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn sudo(
    exe: String,
    own: Option<Vec<String>>,
    path: &str,
    wanted: &Become,
    asks: Asks,
) -> Vec<String> {
    let asked = wanted.password.is_some();
    let mut words = vec![exe];
    let flags = own.unwrap_or_else(|| texts(&["-H"]));
    // `-n` and a password contradict one another; without one, nobody is there to be asked.
    words.extend(
        flags
            .into_iter()
            .filter(|flag| !matches!(flag.as_str(), "-n" | "-S")),
    );
    if asked {
        if asks == Asks::OnStreams {
            words.push("-S".to_owned());
        }
        words.extend(texts(&["-p", PROMPT]));
    } else {
        words.push("-n".to_owned());
    }
    words.extend(texts(&["-u", &wanted.user, "--"]));
    words.extend(agent(path, asks));
    words
}

/// The agent, which leaves a terminal that was there for the password alone.
fn agent(path: &str, asks: Asks) -> Vec<String> {
    match asks {
        Asks::OnStreams => texts(&[path]),
        Asks::OnTerminal => texts(&[path, OFF_TERMINAL]),
    }
}

fn su(exe: String, own: Option<Vec<String>>, path: &str, wanted: &Become) -> Vec<String> {
    let command = format!("exec {}", quote(path));
    let mut words = vec![exe];
    let own = own.unwrap_or_default();
    if !own.iter().any(|flag| flag == "-s") {
        words.extend(texts(&["-s", "/bin/sh"]));
    }
    words.extend(own);
    words.extend(texts(&[&wanted.user, "-c", &command]));
    words
}

/// The words of `become_flags`, divided as a shell divides them.
fn words(flags: &str) -> Result<Vec<String>, TransportError> {
    shlex::split(flags).ok_or_else(|| {
        TransportError::Become(format!("a quote is open in `become_flags: {flags}`"))
    })
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
            exe: None,
            flags: None,
        };
        let agents = Agents {
            own: "/home/me/agent-0",
            other: "/var/lib/strata/agent-0",
        };
        let asks = match method {
            BecomeMethod::Doas if wanted.password.is_some() => Asks::OnTerminal,
            _ => Asks::OnStreams,
        };
        let shown = match arguments(base, &agents, &wanted, asks) {
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
            Some("secret"),
            "su -s /bin/sh app -c exec /var/lib/strata/agent-0",
        );
        check(
            "me",
            BecomeMethod::Doas,
            None,
            "doas -n -u app /var/lib/strata/agent-0",
        );
        check(
            "me",
            BecomeMethod::Doas,
            Some("secret"),
            "/home/me/agent-0 --on-terminal doas -u app /var/lib/strata/agent-0 --off-terminal",
        );
    }

    #[test]
    fn flags_and_program_of_the_user_stand_in_for_the_usual_ones() {
        let wanted = |method, exe: Option<&str>, flags: &str| Become {
            user: "app".to_owned(),
            method,
            password: None,
            exe: exe.map(str::to_owned),
            flags: Some(flags.to_owned()),
        };
        let agents = Agents {
            own: "/agent",
            other: "/agent",
        };
        let shown =
            |base: &str, wanted: &Become| match arguments(base, &agents, wanted, Asks::OnStreams) {
                Ok(words) => words.join(" "),
                Err(error) => error.to_string(),
            };
        let sudo = wanted(BecomeMethod::Sudo, Some("/opt/sudo"), "-E -n");
        assert_eq!(shown("me", &sudo), "/opt/sudo -E -n -u app -- /agent");
        assert_eq!(shown("root", &sudo), "/opt/sudo -E -n -u app -- /agent");
        let su = wanted(BecomeMethod::Su, None, "-s /bin/bash");
        assert_eq!(shown("me", &su), "su -s /bin/bash app -c exec /agent");
        let quoted = wanted(BecomeMethod::Sudo, None, "-H --prompt='a b'");
        assert_eq!(
            shown("me", &quoted),
            "sudo -H --prompt=a b -n -u app -- /agent"
        );
        let open = wanted(BecomeMethod::Su, None, "-s '/bin/x");
        assert!(shown("me", &open).contains("a quote is open"));
    }

    #[test]
    fn a_complaint_that_has_only_begun_is_no_question() {
        for text in [
            "sudo:",
            "welcome\nsudo: ",
            "sudo: sorry, you must have a tty:",
        ] {
            assert!(!is_question(text, "sudo"), "{text}");
        }
        let asked = "sudo: no such host\n[strata asks sudo for a password]";
        assert!(is_question(asked, "sudo"));
        assert!(!is_question("su: ", "/bin/su"));
        for text in ["Passwort: ", "su: try again\nPassword:", "パスワード："] {
            assert!(is_question(text, "/bin/su"), "{text}");
        }
    }

    #[test]
    fn words_are_quoted_only_where_a_shell_would_read_them_otherwise() {
        assert_eq!(quote("/a/b-1.gz"), "/a/b-1.gz");
        assert_eq!(quote("it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!(quote(""), "''");
    }
}
