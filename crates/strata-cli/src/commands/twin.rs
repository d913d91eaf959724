//! `twin`: models of platforms for other programs, until Ctrl-C.

use std::io::Write;

use strata_core::{Diagnostic, Diagnostics};
use strata_ops::twin::{ServeOptions, Served, serve};
use tokio::signal::unix::{SignalKind, signal};

use super::{Exit, block_on};
use crate::args;

pub(super) fn run(arguments: &args::Twin) -> Result<Exit, Diagnostics> {
    let wants = |platform| arguments.platform.is_none_or(|only| only == platform);
    let members = (1..=arguments.members.unwrap_or_default()).map(|at| format!("member-{at}"));
    let options = ServeOptions {
        incus: wants(args::Platform::Incus),
        proxmox: wants(args::Platform::Proxmox),
        members: members.collect(),
        folder: arguments.state.clone(),
    };
    block_on(async {
        let served = serve(&options).await?;
        // Heard from before anything is said: whoever reads that may end it at once.
        let (interrupt, terminate) = (SignalKind::interrupt(), SignalKind::terminate());
        let (mut interrupt, mut terminate) = (ending(interrupt)?, ending(terminate)?);
        tell(&served)?;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        Ok(0)
    })?
}

fn ending(kind: SignalKind) -> Result<tokio::signal::unix::Signal, Diagnostics> {
    signal(kind).map_err(|error| trouble(&error))
}

/// Says how to reach it, in lines that a shell can read.
fn tell(served: &Served) -> Result<(), Diagnostics> {
    let mut lines = Vec::new();
    if let Some(socket) = served.incus_socket() {
        lines.push("# Incus".to_owned());
        lines.push(format!("export INCUS_SOCKET={}", socket.display()));
    }
    if let Some(endpoint) = served.proxmox_endpoint() {
        lines.push("# Proxmox VE, with a certificate of its own".to_owned());
        lines.push(format!("export PROXMOX_VE_ENDPOINT={endpoint}"));
        lines.push(format!(
            "export PROXMOX_VE_API_TOKEN='{}'",
            served.proxmox_token()
        ));
        lines.push("export PROXMOX_VE_INSECURE=true".to_owned());
    }
    lines.push("# Until Ctrl-C".to_owned());
    let mut out = anstream::stdout();
    let written = writeln!(out, "{}", lines.join("\n")).and_then(|()| out.flush());
    written.map_err(|error| trouble(&error))
}

fn trouble(error: &std::io::Error) -> Diagnostics {
    Diagnostic::error("twin", "The twin cannot be offered")
        .detail(error.to_string())
        .into()
}
