//! A `connection` block: a host that is reached over the user's own ssh.
//!
//! As in Terraform the host's key is only checked if the block says which it is. Keys given as text are written to
//! files that only this user may read, and that go when the connection does.

use std::{path::PathBuf, sync::Arc, time::Duration};

use strata_core::{
    Value,
    connection::{Channel, Connection, Output},
};
use strata_engine::Provision;
use strata_transport::SshOptions;
use tempfile::TempDir;

use super::arguments::{text, truth};
use crate::askpass::password;

/// What of a connection block belongs to WinRM, or to ways that ssh has not.
const REFUSED: [&str; 9] = [
    "https",
    "insecure",
    "cacert",
    "use_ntlm",
    "bastion_password",
    "proxy_scheme",
    "proxy_host",
    "proxy_port",
    "proxy_user_name",
];

/// A host that answers.
pub(super) struct Remote {
    connection: Arc<dyn Connection>,
    /// Where scripts are put.
    pub(super) script_path: Option<String>,
    /// Holds the keys.
    _keys: TempDir,
}

/// Connects, trying until the block's `timeout` is over.
pub(super) async fn connect(call: &Provision) -> Result<Remote, String> {
    let none = || {
        format!(
            "{} needs a `connection` block that says where the host is",
            call.kind
        )
    };
    let block = call.connection.as_ref().ok_or_else(none)?;
    let keys = tempfile::tempdir().map_err(|error| format!("no folder for keys: {error}"))?;
    let options = options(block, &keys)?;
    let timeout = options.timeout;
    (call.output)(&format!(
        "Connecting to remote host via SSH...\n  Host: {}",
        options.host
    ));
    let connection = strata_transport::ssh(options).map_err(|error| error.to_string())?;
    let progress = |_: &str| {};
    match tokio::time::timeout(timeout, connection.ready(&progress)).await {
        Ok(Ok(())) => (call.output)("Connected!"),
        Ok(Err(error)) => return Err(format!("the host cannot be reached: {error}")),
        Err(_) => {
            return Err(format!(
                "timeout: the host did not answer within {timeout:?}"
            ));
        }
    }
    Ok(Remote {
        connection,
        script_path: text(block, "script_path"),
        _keys: keys,
    })
}

fn options(block: &Value, keys: &TempDir) -> Result<SshOptions, String> {
    if let Some(kind) = text(block, "type").filter(|kind| kind != "ssh") {
        return Err(format!(
            "connections of type `{kind}` are not supported, only `ssh`"
        ));
    }
    if text(block, "target_platform").is_some_and(|platform| platform != "unix") {
        return Err("the target platform `windows` is not supported".to_owned());
    }
    for name in REFUSED {
        let is_set = text(block, name).is_some_and(|value| !value.is_empty() && value != "false");
        if is_set {
            return Err(format!(
                "`{name}` of a connection is not supported: use keys or an agent"
            ));
        }
    }
    let host = text(block, "host").filter(|host| !host.is_empty());
    let host = host.ok_or("host for provisioner cannot be empty")?;
    let port = text(block, "port").and_then(|port| port.parse().ok());
    let mut extra_args = Vec::new();
    let mut option = |text: String| extra_args.extend(["-o".to_owned(), text]);
    let host_key = text(block, "host_key");
    if let Some(key) = &host_key {
        let name = match port {
            Some(port) if port != 22 => format!("[{host}]:{port}"),
            _ => host.clone(),
        };
        let file = write(keys, "known_hosts", &format!("{name} {key}\n"))?;
        option(format!("UserKnownHostsFile={}", file.display()));
    }
    if truth(block, "agent") == Some(false) {
        option("IdentityAgent=none".to_owned());
    }
    if let Some(certificate) = text(block, "certificate") {
        let file = write(keys, "certificate", &certificate)?;
        option(format!("CertificateFile={}", file.display()));
    }
    if let Some(jump) = bastion(block, keys)? {
        option(format!("ProxyCommand={jump}"));
    }
    let private_key_file = match text(block, "private_key") {
        Some(key) => Some(write(keys, "key", &key)?),
        None => None,
    };
    Ok(SshOptions {
        host,
        port,
        user: Some(text(block, "user").unwrap_or_else(|| "root".to_owned())),
        private_key_file,
        extra_args,
        host_key_checking: host_key.is_some(),
        timeout: timeout(block)?,
        password: text(block, "password")
            .map(password)
            .transpose()
            .map_err(|error| error.to_string())?,
    })
}

/// The command that leads through the host in between.
fn bastion(block: &Value, keys: &TempDir) -> Result<Option<String>, String> {
    let Some(host) = text(block, "bastion_host").filter(|host| !host.is_empty()) else {
        return Ok(None);
    };
    let mut words = vec!["ssh".to_owned(), "-W".to_owned(), "%h:%p".to_owned()];
    // The password is the host's, and no answer to what the one in between asks.
    words.extend(["-o".to_owned(), "BatchMode=yes".to_owned()]);
    let options = match text(block, "bastion_host_key") {
        Some(key) => {
            let file = write(keys, "bastion_known_hosts", &format!("{host} {key}\n"))?;
            vec![format!("UserKnownHostsFile={}", file.display())]
        }
        None => vec![
            "StrictHostKeyChecking=no".to_owned(),
            "UserKnownHostsFile=/dev/null".to_owned(),
            "LogLevel=ERROR".to_owned(),
        ],
    };
    for option in options {
        words.extend(["-o".to_owned(), option]);
    }
    if let Some(port) = text(block, "bastion_port") {
        words.extend(["-p".to_owned(), port]);
    }
    let key = text(block, "bastion_private_key").or_else(|| text(block, "private_key"));
    if let Some(key) = key {
        let file = write(keys, "bastion_key", &key)?;
        words.extend(["-i".to_owned(), file.display().to_string()]);
    }
    let user = text(block, "bastion_user").or_else(|| text(block, "user"));
    words.push(format!(
        "{}@{host}",
        user.unwrap_or_else(|| "root".to_owned())
    ));
    let quoted: Result<Vec<_>, _> = words.iter().map(|word| shlex::try_quote(word)).collect();
    let quoted = quoted.map_err(|_| "the bastion's name or user has a zero in it".to_owned())?;
    Ok(Some(quoted.join(" ")))
}

/// `timeout`, five minutes if it is not set.
fn timeout(block: &Value) -> Result<Duration, String> {
    let Some(text) = text(block, "timeout") else {
        return Ok(Duration::from_secs(300));
    };
    let wrong = || format!("`{text}` is no duration: write `30s` or `5m`");
    let unit = text.chars().last().ok_or_else(wrong)?;
    let number: f64 = text
        .trim_end_matches(char::is_alphabetic)
        .parse()
        .map_err(|_| wrong())?;
    let seconds = match unit {
        's' if text.ends_with("ms") => number / 1000.0,
        's' => number,
        'm' => number * 60.0,
        'h' => number * 3600.0,
        _ => return Err(wrong()),
    };
    Duration::try_from_secs_f64(seconds).map_err(|_| wrong())
}

fn write(keys: &TempDir, name: &str, text: &str) -> Result<PathBuf, String> {
    let path = keys.path().join(name);
    let text = format!("{}\n", text.trim_end());
    strata_state::write_private(&path, text.as_bytes()).map_err(|error| error.to_string())?;
    Ok(path)
}

impl Remote {
    /// Writes a file on the host.
    pub(super) async fn upload(&self, path: &str, mode: u32, content: &[u8]) -> Result<(), String> {
        let uploaded = self.connection.upload(path, mode, content).await;
        uploaded.map_err(|error| format!("Upload failed: {error}"))
    }

    /// Runs a shell command there, gives it bytes, and takes its output line by line; gives its exit code.
    pub(super) async fn shell(
        &self,
        command: &str,
        input: &[u8],
        line: &(dyn Fn(&str) + Send + Sync),
    ) -> Result<i32, String> {
        let argv = ["/bin/sh", "-c", command].map(str::to_owned);
        let channel = self.connection.start(&argv).await;
        let Channel {
            input: mut to,
            mut output,
        } = channel.map_err(|error| error.to_string())?;
        let send = async {
            if !input.is_empty() {
                to.send(input).await?;
            }
            to.close().await
        };
        let mut lines = Lines::default();
        let receive = async {
            loop {
                match output.receive().await? {
                    Output::Stdout(bytes) | Output::Stderr(bytes) => lines.take(&bytes, line),
                    Output::Exit(code) => {
                        lines.end(line);
                        return Ok(code);
                    }
                }
            }
        };
        let (sent, code) = futures_util::future::join(send, receive).await;
        match code {
            Ok(code) => Ok(code),
            Err(error) => Err(sent.err().unwrap_or(error).to_string()),
        }
    }
}

/// Pieces of output as whole lines.
#[derive(Default)]
struct Lines(Vec<u8>);

impl Lines {
    fn take(&mut self, bytes: &[u8], line: &(dyn Fn(&str) + Send + Sync)) {
        self.0.extend_from_slice(bytes);
        while let Some(end) = self.0.iter().position(|byte| *byte == b'\n') {
            let rest = self.0.split_off(end + 1);
            let whole = std::mem::replace(&mut self.0, rest);
            line(String::from_utf8_lossy(&whole).trim_end_matches(['\n', '\r']));
        }
    }

    fn end(&mut self, line: &(dyn Fn(&str) + Send + Sync)) {
        if !self.0.is_empty() {
            line(&String::from_utf8_lossy(&std::mem::take(&mut self.0)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(arguments: &[(&str, &str)]) -> Result<SshOptions, String> {
        let keys = tempfile::tempdir().unwrap();
        let block = arguments
            .iter()
            .map(|(name, value)| (*name, Value::string(*value)));
        options(&Value::object(block), &keys)
    }

    #[test]
    fn the_block_becomes_the_options_of_ssh() {
        let options = check(&[("host", "h"), ("port", "2222"), ("timeout", "90s")]).unwrap();
        assert_eq!((options.host.as_str(), options.port), ("h", Some(2222)));
        assert_eq!(options.user.as_deref(), Some("root"));
        assert!(!options.host_key_checking);
        assert_eq!(options.timeout, Duration::from_secs(90));
        let jump = check(&[("host", "h"), ("bastion_host", "b"), ("bastion_user", "u")]).unwrap();
        assert!(jump.extra_args[1].ends_with("u@b"), "{:?}", jump.extra_args);
        let password = check(&[("host", "h"), ("password", "x")]).unwrap().password;
        assert_eq!(password.unwrap().text, "x");
    }

    #[test]
    fn what_is_not_supported_is_refused_by_name() {
        let refused = |arguments: &[(&str, &str)]| check(arguments).err().unwrap();
        assert!(refused(&[("host", "h"), ("type", "winrm")]).contains("`winrm`"));
        assert!(
            refused(&[("host", "h"), ("bastion_password", "x")]).contains("`bastion_password`")
        );
        assert!(refused(&[]).contains("host"));
        assert!(refused(&[("host", "h"), ("timeout", "soon")]).contains("`soon`"));
    }
}
