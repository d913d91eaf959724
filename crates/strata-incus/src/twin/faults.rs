//! Faults on request: the next call that fits goes wrong, in one of the ways in which real daemons do.

use std::time::Duration;

use hyper::{Method, StatusCode};

use super::{
    Shared,
    answer::{Answered, Refusal},
};

/// Which call goes wrong, and how. It happens once.
#[derive(Clone, Debug)]
pub struct Fault {
    /// The method of the call.
    pub method: &'static str,
    /// The path of the call, from `/1.0` on, without its query.
    pub path: String,
    /// What happens.
    pub failure: Failure,
}

/// What happens to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It is refused with this status and these words, and nothing is done.
    Refused(u16, &'static str),
    /// It is answered late.
    Slow(Duration),
    /// The connection breaks before anything is done.
    Unheard,
    /// All is done, but the connection breaks before the answer.
    Unanswered,
    /// The operation starts; then the connections break, that of the events, too, while it goes on.
    Dropped,
    /// The object is made, but its operation fails with these words.
    HalfDone(&'static str),
}

/// The failure of a call, if one was asked for.
pub(super) fn take(shared: &Shared, method: &Method, path: &str) -> Option<Failure> {
    let mut faults = shared.faults();
    let fits = |fault: &Fault| *method == *fault.method && fault.path == path;
    let at = faults.iter().position(fits)?;
    Some(faults.remove(at).failure)
}

/// The refusal of a call.
pub(super) fn refused(status: u16, message: &str) -> Answered {
    Err(Refusal {
        status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        message: message.to_owned(),
    })
}
