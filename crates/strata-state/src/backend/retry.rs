//! Sending a request again where there was no answer, or one that may be another the next time.

use std::time::Duration;

use super::{Answer, Outside, Request};

/// How often, and how long to wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct Retry {
    /// How often a request is sent again.
    pub(super) most: u64,
    /// The first pause; each next one is twice as long.
    pub(super) shortest: Duration,
    /// The longest pause.
    pub(super) longest: Duration,
}

impl Retry {
    /// Sends a request until there is an answer that counts. `make` makes it anew each time.
    pub(super) fn send(
        &self,
        outside: &Outside,
        make: impl Fn() -> Request,
    ) -> Result<Answer, String> {
        let mut pause = self.shortest;
        for _ in 0..self.most {
            match outside.web.send(&make()) {
                Ok(answer) if !may_pass(answer.status) => return Ok(answer),
                _ => outside.web.pause(pause.min(self.longest)),
            }
            pause = pause.saturating_mul(2);
        }
        outside.web.send(&make())
    }
}

/// Statuses of a server that is busy or broken for a while.
fn may_pass(status: u16) -> bool {
    status == 429 || (500..600).contains(&status) && status != 501
}
