//! Every event as one line of JSON, for machines.

use std::io::{Stdout, Write, stdout};

use jiff::Timestamp;
use serde::Serialize;
use strata_core::Event;

use super::Renderer;
use crate::output_lost;

/// Writes each event with its time.
pub(crate) struct JsonLines {
    output: Stdout,
}

#[derive(Serialize)]
struct Line<'a> {
    /// When the event came, RFC 3339 in UTC.
    time: String,
    #[serde(flatten)]
    event: &'a Event,
}

impl JsonLines {
    /// Writes to standard output.
    pub(crate) fn new() -> Self {
        Self { output: stdout() }
    }
}

impl Renderer for JsonLines {
    fn event(&mut self, event: Event) {
        let line = Line {
            time: Timestamp::now().to_string(),
            event: &event,
        };
        let text = serde_json::to_string(&line).expect("events have only text keys");
        output_lost::heed(writeln!(self.output.lock(), "{text}"));
    }
}
