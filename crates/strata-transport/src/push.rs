//! Getting the agent onto a host, once.
//!
//! The agents are embedded in this program, compressed, one for each processor. On a host one lies under a name that holds its
//! sha256, and that is checked before it is started. One script does it all in one session: it starts
//! the agent where it is already; where it is not, it says what it needs to know, takes the agent from
//! its own input, and becomes it.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use strata_agent::protocol::{Frame, Response, VERSION};
use strata_core::connection::{Channel, ChannelInput, Connection, ConnectionError};

use crate::TransportError;
use crate::incoming::{Incoming, Next, lost};

/// An agent as `build.rs` made it.
struct Agent {
    /// The processor that it runs on, as `uname -m` calls it.
    processor: &'static str,
    /// The program, by gzip.
    packed: &'static [u8],
    /// The sum of the program, unpacked, in hexadecimal digits.
    sha256: &'static str,
}

impl Agent {
    fn unpack(&self) -> Vec<u8> {
        let mut plain = Vec::new();
        let mut decoder = flate2::read::GzDecoder::new(self.packed);
        decoder.read_to_end(&mut plain).expect("build.rs packed it");
        plain
    }
}

/// All that this build brings; the first is for this program's own processor.
static AGENTS: &[Agent] = include!(concat!(env!("OUT_DIR"), "/agents.rs"));

/// The exit status by which the script says that it was given no agent.
const MISSING: i32 = 44;

/// The exit status by which the script says that the host has no place for the agent.
const NOWHERE: i32 = 45;

/// So many folders the script tries.
const FOLDERS: usize = 2;

/// An agent that has said hello.
pub(crate) struct Started {
    pub(crate) incoming: Incoming,
    pub(crate) input: Box<dyn ChannelInput>,
    /// The user that it runs as.
    pub(crate) user: String,
    /// Its own file on the host.
    pub(crate) path: String,
}

/// Bytes that go over the wire when a host with this program's processor has no agent yet, and the agent's own size.
pub fn agent_size() -> (usize, usize) {
    (AGENTS[0].packed.len(), AGENTS[0].unpack().len())
}

/// The agent for this program's own processor: a static program that speaks the protocol on its input and output.
pub fn agent() -> Vec<u8> {
    AGENTS[0].unpack()
}

/// The agent for hosts with `processor`, as `uname -m` calls it, if this build brings one.
pub fn agent_for(processor: &str) -> Option<Vec<u8>> {
    let mut all = AGENTS.iter();
    let agent = all.find(|agent| agent.processor == processor)?;
    Some(agent.unpack())
}

/// Starts the agent as the user of the connection, after pushing it if need be.
pub(crate) async fn start(connection: &Arc<dyn Connection>) -> Result<Started, TransportError> {
    let argv = ["/bin/sh".to_owned(), "-c".to_owned(), script()];
    let mut refused = 0;
    loop {
        match launch(connection, &argv).await? {
            Launch::Started(started) => return Ok(started),
            Launch::Refused(_) if refused < connection.retries() => {
                // As Ansible waits between its tries: 0, 1, 3, 7, … seconds.
                let pause = (1 << refused.min(5)) - 1;
                tokio::time::sleep(Duration::from_secs(pause)).await;
                refused += 1;
            }
            Launch::Refused(reason) => return Err(TransportError::Unreachable(reason)),
        }
    }
}

enum Launch {
    Started(Started),
    /// There is no connection.
    Refused(String),
}

async fn launch(
    connection: &Arc<dyn Connection>,
    argv: &[String],
) -> Result<Launch, TransportError> {
    let started = connection.start(argv).await;
    let Channel { mut input, output } = started.map_err(|error| unreachable(&error))?;
    let mut incoming = Incoming::new(output);
    let mut answer = listen(&mut incoming).await?;
    // Once for each of the folders, at most.
    for _ in 0..FOLDERS {
        let Answer::Missing(missing) = answer else {
            break;
        };
        let agent = missing.agent()?;
        let sending = send(&mut input, agent, missing.gzip);
        let listening = std::pin::pin!(listen(&mut incoming));
        // Who ends before all was sent says why.
        answer = match futures_util::future::select(listening, std::pin::pin!(sending)).await {
            futures_util::future::Either::Left((answer, _)) => answer?,
            futures_util::future::Either::Right((_, listening)) => listening.await?,
        };
    }
    match answer {
        Answer::Hello { user, path } => Ok(Launch::Started(Started {
            incoming,
            input,
            user,
            path,
        })),
        Answer::Missing(_) => Err(lost("it is not there after it was pushed")),
        // The status by which ssh tells mistakes of its own from those of the program.
        Answer::Exit(255) if connection.remote_shell().is_some() => {
            let why = incoming.complaints();
            let reason = format!("Task failed: Failed to connect to the host via ssh: {why}");
            Ok(Launch::Refused(reason))
        }
        // As Ansible has it where it cannot make its temporary folder.
        Answer::Exit(NOWHERE) => Err(TransportError::Unreachable(nowhere(&incoming))),
        Answer::Exit(_) => Err(TransportError::Unreachable(format!(
            "the agent did not start on the host: {}",
            words(&incoming)
        ))),
    }
}

/// Gives the script the agent: a line with the number of bytes, and so many.
async fn send(
    input: &mut Box<dyn ChannelInput>,
    agent: &Agent,
    gzip: bool,
) -> Result<(), ConnectionError> {
    let plain = if gzip { Vec::new() } else { agent.unpack() };
    let bytes = if gzip { agent.packed } else { &plain };
    let line = format!("{}\n", bytes.len());
    input.send(line.as_bytes()).await?;
    input.send(bytes).await
}

/// What the host says first.
enum Answer {
    Hello { user: String, path: String },
    Missing(Missing),
    Exit(i32),
}

async fn listen(incoming: &mut Incoming) -> Result<Answer, TransportError> {
    loop {
        match incoming.next().await? {
            Next::Frame(frame) => {
                let (user, path) = hello(frame)?;
                return Ok(Answer::Hello { user, path });
            }
            Next::Complaint => {
                if let Some(missing) = Missing::read(&incoming.complaints()) {
                    incoming.forget_complaints();
                    return Ok(Answer::Missing(missing));
                }
            }
            Next::Exit(code) => return Ok(Answer::Exit(code)),
        }
    }
}

fn nowhere(incoming: &Incoming) -> String {
    let said = incoming.complaints();
    let why = said.lines().rev().take(2).collect::<Vec<_>>();
    let why = why.into_iter().rev().collect::<Vec<_>>().join("; ");
    format!(
        "the agent finds no folder on the host that has room, that it may write to and whose programs \
         may be run (no noexec): {why}"
    )
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
    processor: String,
    gzip: bool,
}

impl Missing {
    fn read(said: &str) -> Option<Missing> {
        let mut lines = said.lines().rev();
        let line = lines.find_map(|line| line.strip_prefix("strata-agent-missing:"))?;
        // It is whole once its end is there.
        let (processor, gzip) = line.strip_suffix('.')?.split_once(':')?;
        Some(Missing {
            processor: processor.to_owned(),
            gzip: gzip == "yes",
        })
    }

    fn agent(&self) -> Result<&'static Agent, TransportError> {
        let found = AGENTS
            .iter()
            .find(|agent| agent.processor == self.processor);
        found.ok_or_else(|| {
            let all = AGENTS.iter().map(|agent| format!("`{}`", agent.processor));
            TransportError::Unsupported(format!(
                "the host's processor is `{}`, but this build of Strata brings agents for {} only",
                self.processor,
                all.collect::<Vec<_>>().join(" and "),
            ))
        })
    }
}

/// Starts the agent from the first folder where it is whole, ours and may be run. Else it says what it needs to
/// know, and waits: for the agent, which it puts into the first folder where programs may be run, or for the end of
/// its input. (Of a program that ends at once, Incus 6.0.4 loses the output now and then on a busy machine: 6 of 100
/// runs of `incus exec`; none of those that stay until they are heard.) Where there is no room for the agent, it asks
/// for it once more and tries the next folder.
///
/// What is compressed brings its own checksum.
fn script() -> String {
    let sums: String = AGENTS
        .iter()
        .map(|agent| format!("  {}) h={} ;;\n", agent.processor, agent.sha256))
        .collect();
    format!(
        r#"h= u=$(id -u) m=$(uname -m)
case $m in
{sums}esac
whole() {{
  command -v sha256sum >/dev/null 2>&1 || return 0
  echo "$h  $1" | sha256sum -c >/dev/null 2>&1
}}
able() {{
  umask 077
  mkdir -p "$1" && chmod 755 "$1" && echo '#!/bin/sh' | cat >"$1/try.$$" && chmod 755 "$1/try.$$" && "$1/try.$$"
  s=$?
  rm -f "$1/try.$$"
  return $s
}}
if [ "$u" = 0 ]; then
  set -- /var/lib/strata /usr/local/lib/strata
else
  set -- "$HOME/.cache/strata" "/var/tmp/strata-$u"
fi
for d do
  f=$d/agent-$h
  if [ -O "$f" ] && [ -x "$f" ] && whole "$f"; then exec "$f"; fi
done
unpack=cat check=whole
if command -v gzip >/dev/null 2>&1; then unpack="gzip -dc" check=: g=yes; fi
ask() {{
  echo "strata-agent-missing:$m:$g." >&2
  read -r n || exit {MISSING}
}}
ask
umask 022
for d do
  (able "$d") || continue
  [ "$n" ] || ask
  f=$d/agent-$h
  head -c "$n" | {{ $unpack >"$f.$$"; s=$?; cat >/dev/null; exit $s; }} &&
    chmod 755 "$f.$$" && mv -f "$f.$$" "$f" && $check "$f" && exec "$f"
  rm -f "$f.$$"
  n=
done
exit {NOWHERE}
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_without_agent_is_understood_below_its_banner() {
        let said = "Warning: welcome\nstrata-agent-missing:x86_64:yes.\n";
        let missing = Missing::read(said).unwrap();
        assert!(missing.gzip);
        assert_eq!(missing.processor, "x86_64");
        assert!(Missing::read("strata-agent-missing:x86_64:y").is_none());
    }

    #[test]
    fn another_processor_is_named() {
        let missing = Missing::read("strata-agent-missing:riscv64:yes.").unwrap();
        let error = missing.agent().err().unwrap().to_string();
        assert!(error.contains("`riscv64`"), "{error}");
    }

    #[test]
    fn the_agent_keeps_within_its_budget_on_the_wire() {
        assert!(agent_size().0 <= 4 << 20, "{:?}", agent_size());
    }

    #[test]
    fn the_sums_are_those_of_the_agents() {
        for agent in AGENTS {
            assert_eq!(strata_agent::digest::sha256(&agent.unpack()), agent.sha256);
        }
    }
}
