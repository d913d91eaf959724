//! This machine as a host: the agent is a child process.

use std::path::Path;
use std::sync::Arc;

use strata_core::BoxFuture;
use strata_core::connection::{Channel, Connection, ConnectionError};

use crate::process::{self, Dropped};

/// The connection to this machine.
pub fn local() -> Arc<dyn Connection> {
    Arc::new(Local)
}

struct Local;

impl Connection for Local {
    fn describe(&self) -> String {
        "local".to_owned()
    }

    fn ready<'a>(
        &'a self,
        _progress: &'a (dyn Fn(&str) + Send + Sync),
    ) -> BoxFuture<'a, Result<(), ConnectionError>> {
        Box::pin(async { Ok(()) })
    }

    fn start<'a>(&'a self, argv: &'a [String]) -> BoxFuture<'a, Result<Channel, ConnectionError>> {
        Box::pin(async move { process::spawn(argv, &[], "local", Dropped::Closed) })
    }

    fn upload<'a>(
        &'a self,
        path: &'a str,
        mode: u32,
        content: &'a [u8],
    ) -> BoxFuture<'a, Result<(), ConnectionError>> {
        Box::pin(async move {
            write(Path::new(path), mode, content)
                .await
                .map_err(|error| {
                    ConnectionError::Broken(format!("`{path}` cannot be written: {error}"))
                })
        })
    }
}

/// Writes beside the file and renames, so that two of us may do it at once.
async fn write(path: &Path, mode: u32, content: &[u8]) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    if let Some(folder) = path.parent() {
        tokio::fs::create_dir_all(folder).await?;
    }
    let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
    tokio::fs::write(&temporary, content).await?;
    let mode = std::fs::Permissions::from_mode(mode);
    tokio::fs::set_permissions(&temporary, mode).await?;
    tokio::fs::rename(&temporary, path).await
}
