//! Passwords for `ssh`, which takes them from a terminal or from a program (`SSH_ASKPASS`) alone.
//!
//! The program is Strata itself: it asks the process that started `ssh` over a socket in a folder
//! that only this user may enter. So the password is never an argument, a variable or a file.

use std::fmt;
use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::net::UnixListener;
use tokio::task::JoinHandle;

/// Names the socket to a program that was started to ask for a password.
pub const SOCKET: &str = "STRATA_ASKPASS";

/// The password of a user on a host, and who hands it to `ssh`.
#[derive(Clone, PartialEq, Eq)]
pub struct Password {
    /// The password itself.
    pub text: String,
    /// A program that calls [`answer`] with its first argument when [`SOCKET`] is in its environment.
    pub program: PathBuf,
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// Gives one password to whoever asks, until it is dropped.
pub struct Keeper {
    program: PathBuf,
    folder: TempDir,
    task: JoinHandle<()>,
}

impl Keeper {
    /// Begins to listen; inside of a runtime.
    ///
    /// # Errors
    ///
    /// No folder or socket can be made.
    pub fn new(password: &Password) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("strata-").tempdir()?;
        let listener = UnixListener::bind(folder.path().join("ask"))?;
        let text = password.text.clone();
        let task = tokio::spawn(async move {
            while let Ok((mut asking, _)) = listener.accept().await {
                // One that does not wait for its answer needs none.
                asking.write_all(text.as_bytes()).await.ok();
            }
        });
        Ok(Self {
            program: password.program.clone(),
            folder,
            task,
        })
    }

    /// What `ssh` needs in its environment. It obeys from version 8.4 on, of 2020.
    pub fn environment(&self) -> [(&'static str, PathBuf); 3] {
        [
            ("SSH_ASKPASS", self.program.clone()),
            ("SSH_ASKPASS_REQUIRE", PathBuf::from("force")),
            (SOCKET, self.folder.path().join("ask")),
        ]
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The password behind the socket, if `prompt` is a question for one.
///
/// Other questions have no answer: whether an unknown host key is right, the passphrase of a key,
/// a second factor.
pub fn answer(socket: &Path, prompt: &str) -> io::Result<Option<String>> {
    if !prompt.to_lowercase().contains("password") {
        return Ok(None);
    }
    let mut text = String::new();
    UnixStream::connect(socket)?.read_to_string(&mut text)?;
    Ok(Some(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_question_for_the_password_is_answered() {
        let password = Password {
            text: "s3cret".to_owned(),
            program: PathBuf::from("/bin/strata"),
        };
        assert!(!format!("{password:?}").contains("s3cret"));
        let keeper = Keeper::new(&password).unwrap();
        let [_, _, (_, socket)] = keeper.environment();
        let ask = |prompt: &'static str| {
            let socket = socket.clone();
            tokio::task::spawn_blocking(move || answer(&socket, prompt).unwrap())
        };
        let given = ask("root@10.0.0.5's password: ").await.unwrap();
        assert_eq!(given.as_deref(), Some("s3cret"));
        let again = ask("(root@10.0.0.5) Password: ").await.unwrap();
        assert_eq!(again.as_deref(), Some("s3cret"));
        for other in [
            "Are you sure you want to continue connecting (yes/no/[fingerprint])? ",
            "Enter passphrase for key '/root/.ssh/id_ed25519': ",
            "Verification code: ",
        ] {
            assert_eq!(ask(other).await.unwrap(), None);
        }
        drop(keeper);
        assert!(!socket.exists());
    }
}
