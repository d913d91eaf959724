//! Taking the lock of a state.

use std::time::{Duration, Instant};

use strata_core::{Diagnostic, Events};
use strata_state::{Lock, LockRequest, StateError, Store};

use super::{Settings, trouble::diagnostic};
use crate::process::Process;

/// Says that a lock could not be given back.
pub(super) fn not_released(error: &StateError) -> Diagnostic {
    Diagnostic::warning("state-lock", "Error releasing the state lock")
        .detail(error.to_string())
        .hint("The next run on this machine breaks the lock that is left; others need `force-unlock`.")
}

/// How long to wait between two tries to get a lock.
pub(crate) const LOCK_PAUSE: Duration = Duration::from_millis(250);

fn request(operation: &str, process: &Process) -> LockRequest {
    LockRequest {
        operation: operation.to_owned(),
        who: format!("{}@{}", process.user(), process.host),
        host: process.host.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// Takes the lock if nobody has it; none, if somebody has.
pub(super) fn lock_if_free(
    store: &Store,
    operation: &str,
    process: &Process,
) -> Result<Option<Lock>, StateError> {
    match store.lock(&request(operation, process)) {
        Ok(lock) => Ok(Some(lock)),
        Err(StateError::Locked(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Takes the lock, waiting as long as the settings say.
pub(super) async fn lock(
    store: &Store,
    settings: &Settings,
    operation: &str,
    process: &Process,
    events: &Events,
) -> Result<Lock, Diagnostic> {
    let request = request(operation, process);
    let end = Instant::now() + settings.lock_timeout;
    loop {
        match store.lock(&request) {
            Ok(lock) => {
                if let Some(stale) = &lock.stale {
                    let warning = Diagnostic::warning(
                        "stale-lock",
                        "An earlier run ended without giving its lock back",
                    )
                    .detail(stale.to_string());
                    events.diagnostic(warning);
                }
                return Ok(lock);
            }
            // The holder may be on another machine: nothing would tell us when it is done.
            Err(StateError::Locked(_)) if Instant::now() + LOCK_PAUSE < end => {
                tokio::time::sleep(LOCK_PAUSE).await
            }
            Err(error) => return Err(diagnostic(&error)),
        }
    }
}
