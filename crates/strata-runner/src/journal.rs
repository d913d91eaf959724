//! What a run tells as it goes, so that it can be resumed even if it is killed.

use std::sync::Arc;

use crate::{HostProgress, JsonMap};

/// Takes what a run tells.
pub type Journal = dyn Fn(&Note) + Send + Sync;

/// One thing that a run tells of a host.
#[derive(Clone, Debug, PartialEq)]
pub enum Note {
    /// What the host is to do next, without values.
    At {
        /// The host.
        host: Arc<str>,
        /// Where it stands.
        progress: HostProgress,
    },
    /// What a task found out, without what is secret.
    Values {
        /// The host.
        host: Arc<str>,
        /// The values.
        values: JsonMap,
        /// Whether they are facts that were gathered.
        gathered: bool,
        /// Names of values that are not told.
        secret: Vec<String>,
    },
}
