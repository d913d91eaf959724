//! Backends: states that are kept elsewhere than in a local file.
//!
//! [`arguments`] knows what each backend takes, as the block, `-backend-config` and Terraform's own
//! `.terraform/terraform.tfstate` have it; [`Backend::open`] makes a backend of that and of what the environment
//! adds; a [`Remote`] is the state of one workspace in it, which a [`Store`](crate::Store) reads, locks and writes.
//!
//! Nothing here opens a connection: requests go out through a [`Web`] that the caller brings.
//!
//! What the backends take and do is that of Terraform 1.11, found in its documentation and by asking it.

pub mod arguments;
mod http;
mod retry;
mod s3;
mod web;

use std::{collections::BTreeSet, fmt::Debug, sync::Arc};

use serde_json::{Map, Value as Json};

use crate::{StateError, lock::LockInfo};
use http::Http;
pub use s3::S3;
pub use web::{Answer, Outside, Request, Tls, Web};

/// The workspace that is always there.
const DEFAULT: &str = "default";

/// The state of one workspace in a backend.
pub trait Remote: Debug + Send + Sync {
    /// Where it is, for messages; without secrets.
    fn place(&self) -> String;

    /// What its lock says of where it is, as Terraform writes it.
    fn lock_path(&self) -> String;

    /// What is there; none if nothing was written yet.
    fn read(&self) -> Result<Option<Vec<u8>>, StateError>;

    /// Replaces what is there.
    fn write(&self, bytes: &[u8]) -> Result<(), StateError>;

    /// Removes what is there.
    fn delete(&self) -> Result<(), StateError>;

    /// Takes the lock; [`StateError::Locked`] if somebody has it. Nothing where the backend has no locks.
    fn lock(&self, info: &LockInfo) -> Result<(), StateError>;

    /// Gives the lock back that was taken with this.
    fn unlock(&self, info: &LockInfo) -> Result<(), StateError>;

    /// Breaks the lock with this id.
    fn force_unlock(&self, id: &str) -> Result<(), StateError>;
}

/// A backend that is not the local disk.
#[derive(Clone, Debug)]
pub enum Backend {
    /// `s3`.
    S3(Arc<S3>),
    /// `http`.
    Http(Arc<Http>),
}

impl Backend {
    /// Makes a backend of its arguments, as [`arguments::check`] gives them.
    pub fn open(
        kind: &str,
        arguments: &Map<String, Json>,
        outside: &Outside,
    ) -> Result<Self, StateError> {
        match kind {
            "s3" => Ok(Self::S3(Arc::new(S3::new(arguments, outside)?))),
            "http" => Ok(Self::Http(Arc::new(Http::new(arguments, outside)?))),
            _ => Err(StateError::Backend(format!(
                "There is no backend \"{kind}\" here, only `local`, `s3` and `http`."
            ))),
        }
    }

    /// The state of a workspace.
    pub fn state(&self, workspace: &str) -> Result<Arc<dyn Remote>, StateError> {
        match self {
            Self::S3(s3) => Ok(s3.clone().state(workspace)),
            Self::Http(http) if workspace == DEFAULT => Ok(http.clone()),
            Self::Http(_) => Err(no_workspaces()),
        }
    }

    /// All workspaces that have a state, and `default`.
    pub fn workspaces(&self) -> Result<BTreeSet<String>, StateError> {
        match self {
            Self::S3(s3) => s3.workspaces(),
            Self::Http(_) => Ok(BTreeSet::from([DEFAULT.to_owned()])),
        }
    }

    /// True if there can be other workspaces than `default`.
    pub fn has_workspaces(&self) -> bool {
        matches!(self, Self::S3(_))
    }
}

fn no_workspaces() -> StateError {
    StateError::Backend(
        "workspaces not supported: the backend `http` keeps one state at one address.".to_owned(),
    )
}
