//! What goes wrong on request.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use super::answer::Refusal;

/// Something that goes wrong.
#[derive(Clone, Debug)]
pub struct Fault {
    /// `POST`, `GET`, …; any if empty.
    pub verb: &'static str,
    /// What the path holds, or a task's kind for [`FaultKind::TaskKilled`]; any if empty.
    pub path: &'static str,
    /// What happens.
    pub kind: FaultKind,
    /// How many requests pass before it happens.
    pub after: usize,
    /// How often it happens.
    pub times: usize,
}

/// What happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The answer is this status with this text.
    Refused(u16, &'static str),
    /// The connection ends before the request is looked at.
    Dropped,
    /// The request is done, but its answer is lost.
    AnswerLost,
    /// The answer comes late.
    Slow(Duration),
    /// The cluster has no quorum: nothing can be changed.
    NoQuorum,
    /// The task is killed before it has done anything.
    TaskKilled,
}

/// What is to happen to a request now, if anything.
pub(super) fn strikes(faults: &Mutex<Vec<Fault>>, verb: &str, path: &str) -> Option<FaultKind> {
    let mut faults = faults.lock().unwrap_or_else(PoisonError::into_inner);
    let fits = |fault: &Fault| {
        fault.kind != FaultKind::TaskKilled
            && (fault.verb.is_empty() || fault.verb == verb)
            && path.contains(fault.path)
            && !(fault.kind == FaultKind::NoQuorum && verb == "GET")
    };
    let mut struck = None;
    for fault in faults.iter_mut().filter(|fault| fits(fault)) {
        if fault.after > 0 {
            fault.after -= 1;
        } else if struck.is_none() && fault.times > 0 {
            fault.times -= 1;
            struck = Some(fault.kind.clone());
        }
    }
    faults.retain(|fault| fault.times > 0);
    struck
}

/// True if a task of this kind is to be killed.
pub(super) fn kills(faults: &Mutex<Vec<Fault>>, kind: &str) -> bool {
    let mut faults = faults.lock().unwrap_or_else(PoisonError::into_inner);
    let found = faults.iter_mut().find(|fault| {
        fault.kind == FaultKind::TaskKilled && (fault.path.is_empty() || fault.path == kind)
    });
    let struck = match found {
        Some(fault) if fault.after == 0 => {
            fault.times -= 1;
            true
        }
        Some(fault) => {
            fault.after -= 1;
            false
        }
        None => false,
    };
    faults.retain(|fault| fault.times > 0);
    struck
}

/// The refusal of a cluster without quorum.
pub(super) fn no_quorum() -> Refusal {
    Refusal::fail("cluster not ready - no quorum?")
}
