//! A host reached by the system's own `ssh`.
//!
//! The user's configuration, agent and known hosts count as they do on the command line. One master
//! connection a host (ControlMaster) carries every channel, and ends a minute after the last.

use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use strata_core::BoxFuture;
use strata_core::connection::{Channel, Connection, ConnectionError, Output, RemoteShell};

use crate::TransportError;
use crate::askpass::{Keeper, Password};
use crate::become_user::quote;
use crate::process::{self, Dropped};

/// How to reach a host by ssh. What is `None` is left to the user's own configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshOptions {
    /// Name or address (`ansible_host`).
    pub host: String,
    /// `ansible_port`.
    pub port: Option<u16>,
    /// `ansible_user`.
    pub user: Option<String>,
    /// `ansible_ssh_private_key_file`.
    pub private_key_file: Option<PathBuf>,
    /// Further arguments for ssh (`ansible_ssh_common_args` and the like), already split.
    pub extra_args: Vec<String>,
    /// Whether an unknown host key ends the attempt (`host_key_checking`).
    pub host_key_checking: bool,
    /// How long to wait for the first answer.
    pub timeout: Duration,
    /// How often it is tried again when no connection comes about (`ansible_ssh_retries`).
    pub retries: u32,
    /// `ansible_password`: what to log in with where no key does.
    pub password: Option<Password>,
}

/// The connection to a host by ssh. Nothing happens before it is used.
pub fn ssh(options: SshOptions) -> Result<Arc<dyn Connection>, TransportError> {
    if options.host.starts_with('-') || options.user.as_ref().is_some_and(|u| u.starts_with('-')) {
        return Err(TransportError::Unsupported(
            "a host or user whose name begins with `-` would be an option of ssh".to_owned(),
        ));
    }
    Ok(Arc::new(Ssh {
        control: control_path(),
        keeper: OnceLock::new(),
        options,
    }))
}

struct Ssh {
    options: SshOptions,
    control: String,
    /// Who has the password, once ssh was started.
    keeper: OnceLock<Keeper>,
}

/// Where the sockets of the masters are: short, since such a path may have 108 bytes at most.
fn control_path() -> String {
    let run = std::env::var("XDG_RUNTIME_DIR")
        .ok()
        .filter(|path| Path::new(path).is_dir());
    let home = std::env::var("HOME").unwrap_or_else(|_| "/".to_owned());
    let folder = run.unwrap_or_else(|| format!("{home}/.ssh"));
    // Where it cannot be made, ssh says so itself and goes on without a master.
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder)
        .ok();
    format!("{folder}/strata-%C")
}

impl Ssh {
    fn target(&self) -> String {
        match &self.options.user {
            Some(user) => format!("{user}@{}", self.options.host),
            None => self.options.host.clone(),
        }
    }

    /// The command line of ssh for a command line of the host.
    fn arguments(&self, remote: &str) -> Vec<String> {
        let mut arguments = self.options();
        arguments.extend([self.target(), "--".to_owned(), remote.to_owned()]);
        arguments
    }

    /// The program with its options.
    fn options(&self) -> Vec<String> {
        let mut arguments = vec!["ssh".to_owned(), "-T".to_owned()];
        // Of an option that is given twice ssh takes the first: the user's own.
        arguments.extend(self.options.extra_args.iter().cloned());
        let mut option = |text: String| arguments.extend(["-o".to_owned(), text]);
        option("ControlMaster=auto".to_owned());
        option("ControlPersist=60s".to_owned());
        option(format!("ControlPath={}", self.control));
        match self.options.password {
            // It asks once: a wrong password does not become right, and hosts lock users out.
            Some(_) => option("NumberOfPasswordPrompts=1".to_owned()),
            None => option("BatchMode=yes".to_owned()),
        }
        option(format!(
            "ConnectTimeout={}",
            self.options.timeout.as_secs().max(1)
        ));
        option("ServerAliveInterval=15".to_owned());
        option("ServerAliveCountMax=4".to_owned());
        if !self.options.host_key_checking {
            option("StrictHostKeyChecking=no".to_owned());
            option("UserKnownHostsFile=/dev/null".to_owned());
            option("LogLevel=ERROR".to_owned());
        }
        if let Some(key) = &self.options.private_key_file {
            option("IdentitiesOnly=yes".to_owned());
            arguments.extend(["-i".to_owned(), key.to_string_lossy().into_owned()]);
        }
        if let Some(port) = self.options.port {
            arguments.extend(["-p".to_owned(), port.to_string()]);
        }
        arguments
    }

    fn spawn(&self, remote: &str) -> Result<Channel, ConnectionError> {
        let environment = match self.keeper()? {
            Some(keeper) => Vec::from(keeper.environment()),
            None => Vec::new(),
        };
        process::spawn(
            &self.arguments(remote),
            &environment,
            &self.describe(),
            Dropped::Killed,
        )
    }

    /// Who hands out the password, if there is one.
    fn keeper(&self) -> Result<Option<&Keeper>, ConnectionError> {
        let Some(password) = &self.options.password else {
            return Ok(None);
        };
        if let Some(keeper) = self.keeper.get() {
            return Ok(Some(keeper));
        }
        let keeper = Keeper::new(password).map_err(|error| {
            let what = "nothing can be set up to hand the password to ssh";
            ConnectionError::Broken(format!("{}: {what}: {error}", self.describe()))
        })?;
        Ok(Some(self.keeper.get_or_init(|| keeper)))
    }

    /// Runs a command line to its end, and tells what it said when it failed.
    async fn run(&self, remote: &str, stdin: &[u8]) -> Result<String, ConnectionError> {
        let Channel {
            mut input,
            mut output,
        } = self.spawn(remote)?;
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let feed = async {
            // What went wrong shows in what it says and how it ends.
            input.send(stdin).await.ok();
            input.close().await.ok();
        };
        let listen = async {
            loop {
                match output.receive().await? {
                    Output::Stdout(bytes) => out.extend(bytes),
                    Output::Stderr(bytes) => err.extend(bytes),
                    Output::Exit(code) => return Ok(code),
                }
            }
        };
        let (_, code) = tokio::join!(feed, listen);
        match code? {
            0 => Ok(String::from_utf8_lossy(&out).into_owned()),
            255 => Err(ConnectionError::Unreachable(self.complaint(&err))),
            code => Err(ConnectionError::Broken(format!(
                "{} (status {code})",
                self.complaint(&err)
            ))),
        }
    }

    /// What a script says: of whatever login shell the user has, and without what that prints by itself.
    async fn ask(&self, script: &str) -> Result<String, ConnectionError> {
        let script = quote(&format!("echo {ANSWER}; {script}"));
        let said = self.run(&format!("exec /bin/sh -c {script}"), b"").await?;
        let answer = said.split_once(ANSWER).map_or("", |(_, answer)| answer);
        Ok(answer.to_owned())
    }

    fn complaint(&self, stderr: &[u8]) -> String {
        format!(
            "{}: {}",
            self.describe(),
            String::from_utf8_lossy(stderr).trim()
        )
    }

    async fn wait_until_ready(
        &self,
        progress: &(dyn Fn(&str) + Send + Sync),
    ) -> Result<(), ConnectionError> {
        progress("waiting for ssh");
        let mut pause = Duration::from_millis(200);
        let answer = loop {
            match self.ask(SETTLED).await {
                Ok(answer) => break answer,
                Err(ConnectionError::Unreachable(reason)) if !may_come(&reason) => {
                    return Err(ConnectionError::Unreachable(reason));
                }
                Err(error) => progress(&error.to_string()),
            }
            // Nobody tells when a machine's sshd begins to listen; the caller ends the wait.
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(3));
        };
        if answer.trim() != UNSETTLED {
            return Ok(());
        }
        progress("waiting for cloud-init");
        let said = self.ask(CLOUD_INIT).await?;
        match said.trim() {
            "" => Ok(()),
            said => Err(ConnectionError::NotReady(format!(
                "cloud-init failed: {said}"
            ))),
        }
    }
}

/// What stands before an answer.
const ANSWER: &str = "strata-answers:";

/// What [`SETTLED`] answers if cloud-init has to be asked.
const UNSETTLED: &str = "cloud-init";

/// Looks whether cloud-init is absent, switched off or done without errors. Asking itself would start Python, on every
/// connection.
const SETTLED: &str = "command -v cloud-init >/dev/null 2>&1 || exit 0; \
    [ ! -e /run/cloud-init/disabled ] && [ ! -e /etc/cloud/cloud-init.disabled ] || exit 0; \
    grep -qs '\"errors\": \\[\\]' /run/cloud-init/result.json || echo cloud-init";

/// Waits for cloud-init, and prints its complaint when it failed. Status 2 is "done with warnings".
const CLOUD_INIT: &str = "\
    cloud-init status --wait >/dev/null 2>&1; [ $? -ne 1 ] || cloud-init status --long 2>&1; exit 0";

/// Whether a refusal of ssh may turn into an answer while a machine boots.
fn may_come(reason: &str) -> bool {
    ![
        "Permission denied",
        "Host key verification failed",
        "Bad configuration",
        "Could not resolve",
    ]
    .iter()
    .any(|end| reason.contains(end))
}

impl Connection for Ssh {
    fn remote_shell(&self) -> Option<RemoteShell> {
        Some(RemoteShell {
            command: self.options(),
            host: self.target(),
        })
    }

    fn describe(&self) -> String {
        format!("ssh {}", self.target())
    }

    fn retries(&self) -> u32 {
        self.options.retries
    }

    fn ready<'a>(
        &'a self,
        progress: &'a (dyn Fn(&str) + Send + Sync),
    ) -> BoxFuture<'a, Result<(), ConnectionError>> {
        Box::pin(self.wait_until_ready(progress))
    }

    fn start<'a>(&'a self, argv: &'a [String]) -> BoxFuture<'a, Result<Channel, ConnectionError>> {
        Box::pin(async move {
            let words: Vec<String> = argv.iter().map(|word| quote(word)).collect();
            self.spawn(&format!("exec {}", words.join(" ")))
        })
    }

    fn upload<'a>(
        &'a self,
        path: &'a str,
        mode: u32,
        content: &'a [u8],
    ) -> BoxFuture<'a, Result<(), ConnectionError>> {
        Box::pin(async move {
            let folder = path.rsplit_once('/').map_or(".", |(folder, _)| folder);
            let (folder, file) = (quote(folder), quote(path));
            let script = format!(
                "umask 077; mkdir -p {folder} && cat >{file}.$$ && chmod {mode:o} {file}.$$ \
                 && mv -f {file}.$$ {file}"
            );
            self.run(&format!("exec /bin/sh -c {}", quote(&script)), content)
                .await
                .map(drop)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> SshOptions {
        SshOptions {
            host: "10.0.0.5".to_owned(),
            port: Some(2222),
            user: Some("root".to_owned()),
            private_key_file: Some(PathBuf::from("/k")),
            extra_args: vec!["-J".to_owned(), "jump".to_owned()],
            host_key_checking: true,
            timeout: Duration::from_secs(10),
            retries: 0,
            password: None,
        }
    }

    #[test]
    fn the_command_line_holds_what_the_inventory_says() {
        let ssh = Ssh {
            options: options(),
            control: "/run/strata-%C".to_owned(),
            keeper: OnceLock::new(),
        };
        assert_eq!(
            ssh.arguments("true").join(" "),
            "ssh -T -J jump -o ControlMaster=auto -o ControlPersist=60s -o ControlPath=/run/strata-%C \
             -o BatchMode=yes -o ConnectTimeout=10 -o ServerAliveInterval=15 \
             -o ServerAliveCountMax=4 -o IdentitiesOnly=yes -i /k -p 2222 \
             root@10.0.0.5 -- true"
        );
    }

    #[test]
    fn what_ssh_cannot_do_is_refused_by_name() {
        let refusal = |options| ssh(options).err().map(|error| error.to_string());
        let option = refusal(SshOptions {
            host: "-oProxyCommand=x".to_owned(),
            ..options()
        });
        assert!(option.is_some_and(|text| text.contains("option of ssh")));
    }
}
