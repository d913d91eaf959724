//! Getting the agent onto a host, once.
//!
//! The agent is embedded in this program, compressed. On a host it lies under a name that holds its
//! sha256, and that is checked before it is started. One round trip starts it where it is already;
//! where it is not, the same script says what it needs to know, the agent is uploaded, and the
//! script is run again.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use strata_agent::digest;
use strata_agent::protocol::{Frame, Response, VERSION};
use strata_core::connection::{Channel, ChannelInput, Connection, ConnectionError};

use crate::TransportError;
use crate::incoming::{Incoming, Next, lost};

/// The agent for this program's own processor, as `build.rs` made it.
const PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/agent.gz"));

/// The exit status by which the script says that the agent is not there.
const MISSING: i32 = 44;

/// An agent that has said hello.
pub(crate) struct Started {
    pub(crate) incoming: Incoming,
    pub(crate) input: Box<dyn ChannelInput>,
    /// The user that it runs as.
    pub(crate) user: String,
    /// Its own file on the host.
    pub(crate) path: String,
}

struct Agent {
    plain: Vec<u8>,
    sha256: String,
}

static AGENT: LazyLock<Agent> = LazyLock::new(|| {
    let mut plain = Vec::new();
    let mut decoder = flate2::read::GzDecoder::new(PACKED);
    std::io::Read::read_to_end(&mut decoder, &mut plain).expect("build.rs packed it");
    Agent {
        sha256: digest::sha256(&plain),
        plain,
    }
});

/// Bytes that go over the wire when a host has no agent yet, and the agent's own size.
pub fn agent_size() -> (usize, usize) {
    (PACKED.len(), AGENT.plain.len())
}

/// Starts the agent as the user of the connection, after pushing it if need be.
pub(crate) async fn start(connection: &Arc<dyn Connection>) -> Result<Started, TransportError> {
    let sha256 = AGENT.sha256.clone();
    let argv = ["/bin/sh".to_owned(), "-c".to_owned(), script(&sha256)];
    let mut tried = Vec::new();
    let mut refused = 0;
    loop {
        let missing = match launch(connection, &argv).await? {
            Launch::Started(started) => return Ok(started),
            Launch::Missing(missing) => missing,
            Launch::Refused(_) if refused < connection.retries() => {
                // As Ansible waits between its tries: 0, 1, 3, 7, … seconds.
                let pause = (1 << refused.min(5)) - 1;
                tokio::time::sleep(Duration::from_secs(pause)).await;
                refused += 1;
                continue;
            }
            Launch::Refused(reason) => return Err(TransportError::Unreachable(reason)),
        };
        missing.check_processor()?;
        let Some(folder) = missing
            .folders()
            .into_iter()
            .find(|one| !tried.contains(one))
        else {
            return Err(TransportError::Unsupported(format!(
                "the agent was pushed to {} but cannot be started there: programs may not be \
                 allowed in these folders (noexec)",
                tried.join(" and "),
            )));
        };
        if let Err(error) = upload(connection, &missing, &folder, &sha256).await {
            // The last folder's error is the one to tell.
            if missing.folders().last() == Some(&folder) {
                return Err(unreachable(&error));
            }
        }
        tried.push(folder);
    }
}

async fn upload(
    connection: &Arc<dyn Connection>,
    missing: &Missing,
    folder: &str,
    sha256: &str,
) -> Result<(), ConnectionError> {
    let path = format!("{folder}/agent-{sha256}");
    if missing.gzip {
        return connection
            .upload(&format!("{path}.gz"), 0o600, PACKED)
            .await;
    }
    connection.upload(&path, 0o755, &AGENT.plain).await
}

enum Launch {
    Started(Started),
    Missing(Missing),
    /// There is no connection.
    Refused(String),
}

async fn launch(
    connection: &Arc<dyn Connection>,
    argv: &[String],
) -> Result<Launch, TransportError> {
    let channel = connection
        .start(argv)
        .await
        .map_err(|error| unreachable(&error))?;
    let Channel { mut input, output } = channel;
    let mut incoming = Incoming::new(output);
    loop {
        match incoming.next().await? {
            Next::Frame(frame) => {
                let (user, path) = hello(frame)?;
                return Ok(Launch::Started(Started {
                    incoming,
                    input,
                    user,
                    path,
                }));
            }
            // The script waits for the end of its input.
            Next::Complaint if Missing::read(&incoming.complaints()).is_some() => {
                input.close().await.map_err(|error| unreachable(&error))?;
            }
            Next::Complaint => {}
            Next::Exit(MISSING) => {
                let missing = Missing::read(&incoming.complaints());
                let missing = missing.ok_or_else(|| lost(&incoming.last_words()))?;
                return Ok(Launch::Missing(missing));
            }
            // The status by which ssh tells mistakes of its own from those of the program.
            Next::Exit(255) if connection.remote_shell().is_some() => {
                let why = incoming.complaints();
                let reason = format!("Task failed: Failed to connect to the host via ssh: {why}");
                return Ok(Launch::Refused(reason));
            }
            Next::Exit(_) => return Err(lost(&words(&incoming))),
        }
    }
}

fn words(incoming: &Incoming) -> String {
    let text = incoming.text();
    if text.is_empty() {
        incoming.last_words()
    } else {
        format!("{}: {text}", incoming.last_words())
    }
}

/// Takes an agent's hello.
pub(crate) fn hello(frame: Frame<Response>) -> Result<(String, String), TransportError> {
    match frame {
        Frame::Message(Response::Hello {
            version: VERSION,
            user,
            path,
        }) => Ok((user, path)),
        Frame::Message(Response::Hello { version, .. }) => Err(lost(&format!(
            "it speaks version {version} of the protocol"
        ))),
        Frame::Message(Response::Fatal { message }) => Err(lost(&message)),
        _ => Err(lost("it did not say hello")),
    }
}

pub(crate) fn unreachable(error: &ConnectionError) -> TransportError {
    TransportError::Unreachable(error.to_string())
}

/// What a host says that has no agent.
struct Missing {
    user: String,
    home: String,
    processor: String,
    gzip: bool,
}

impl Missing {
    fn read(said: &str) -> Option<Missing> {
        let line = said
            .lines()
            .rev()
            .find_map(|line| line.strip_prefix("strata-agent-missing:"))?;
        let fields: Vec<&str> = line.splitn(4, ':').collect();
        let [user, processor, gzip, home] = fields[..] else {
            return None;
        };
        Some(Missing {
            user: user.to_owned(),
            home: home.to_owned(),
            processor: processor.to_owned(),
            gzip: gzip == "yes",
        })
    }

    /// As in the script.
    fn folders(&self) -> Vec<String> {
        if self.user == "0" {
            return vec![
                "/var/lib/strata".to_owned(),
                "/usr/local/lib/strata".to_owned(),
            ];
        }
        vec![
            format!("{}/.cache/strata", self.home),
            format!("/var/tmp/strata-{}", self.user),
        ]
    }

    fn check_processor(&self) -> Result<(), TransportError> {
        if self.processor == std::env::consts::ARCH {
            return Ok(());
        }
        Err(TransportError::Unsupported(format!(
            "the host's processor is `{}`, but this build of Strata brings an agent for `{}` only",
            self.processor,
            std::env::consts::ARCH,
        )))
    }
}

/// Starts the agent from the first folder where it is whole, ours and may be run. Else it says what it needs to
/// know, and stays until its input is closed: of a program that ends at once, Incus 6.0.4 loses the output now and
/// then on a busy machine (6 of 100 runs of `incus exec`; none of those that stay until they are heard).
fn script(sha256: &str) -> String {
    format!(
        r#"h={sha256}
u=$(id -u)
whole() {{
  command -v sha256sum >/dev/null 2>&1 || return 0
  echo "$h  $1" | sha256sum -c >/dev/null 2>&1
}}
if [ "$u" = 0 ]; then
  set -- /var/lib/strata /usr/local/lib/strata
else
  set -- "$HOME/.cache/strata" "/var/tmp/strata-$u"
fi
for d do
  f=$d/agent-$h
  if [ -O "$f.gz" ]; then
    (umask 022; gzip -dc <"$f.gz" >"$f.$$" && chmod 755 "$d" "$f.$$" && mv -f "$f.$$" "$f")
    rm -f "$f.gz" "$f.$$"
  fi
  if [ -O "$f" ] && [ -x "$f" ] && whole "$f"; then exec "$f"; fi
done
g=no
command -v gzip >/dev/null 2>&1 && g=yes
echo "strata-agent-missing:$u:$(uname -m):$g:$HOME" >&2
read -r _
exit {MISSING}
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_without_agent_is_understood_below_its_banner() {
        let said = "Warning: welcome\nstrata-agent-missing:1000:x86_64:yes:/home/a:b\n";
        let missing = Missing::read(said).unwrap();
        assert!(missing.gzip);
        assert_eq!(
            missing.folders(),
            ["/home/a:b/.cache/strata", "/var/tmp/strata-1000"]
        );
    }

    #[test]
    fn another_processor_is_named() {
        let missing = Missing::read("strata-agent-missing:0:riscv64:yes:/root").unwrap();
        let error = missing.check_processor().unwrap_err().to_string();
        assert!(error.contains("`riscv64`"), "{error}");
    }

    #[test]
    fn the_agent_keeps_within_its_budget_on_the_wire() {
        assert!(agent_size().0 <= 4 << 20, "{:?}", agent_size());
    }
}
