//! What the controller offers to a host: bytes in memory or a file, sent only when asked for.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::Digest;

use strata_agent::protocol::{CHUNK, ContentReference};

use crate::TransportError;

/// A content with its name; reading it once to name it is the only cost before a host asks.
#[derive(Debug, Clone)]
pub struct Content {
    reference: ContentReference,
    source: Source,
}

/// Where the bytes are.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    Bytes(Arc<[u8]>),
    File(PathBuf),
}

impl Content {
    /// Offers bytes under a file name.
    pub fn from_bytes(name: &str, bytes: impl Into<Arc<[u8]>>) -> Content {
        let bytes = bytes.into();
        let reference = name_content(name, &mut &bytes[..]).expect("memory can always be read");
        Content {
            reference,
            source: Source::Bytes(bytes),
        }
    }

    /// Offers a file of this machine; it is read now to be named, and again when a host asks.
    pub async fn from_file(path: &Path) -> Result<Content, TransportError> {
        let path = path.to_owned();
        let task = tokio::task::spawn_blocking(move || {
            let name = path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned());
            let reference = std::fs::File::open(&path)
                .and_then(|mut file| name_content(&name.unwrap_or_default(), &mut file))
                .map_err(|error| unreadable(&path, &error))?;
            Ok(Content {
                reference,
                source: Source::File(path),
            })
        });
        task.await.expect("reading a file does not panic")
    }

    /// What the task carries in place of the bytes.
    pub fn reference(&self) -> &ContentReference {
        &self.reference
    }

    pub(crate) fn source(&self) -> &Source {
        &self.source
    }
}

pub(crate) fn unreadable(path: &Path, error: &std::io::Error) -> TransportError {
    TransportError::Content(format!("`{}` cannot be read: {error}", path.display()))
}

fn name_content(name: &str, input: &mut dyn Read) -> std::io::Result<ContentReference> {
    let mut sha256 = sha2::Sha256::new();
    let mut sha1 = sha1::Sha1::new();
    let mut size = 0;
    let mut buffer = vec![0; CHUNK];
    loop {
        let count = input.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        sha256.update(&buffer[..count]);
        sha1.update(&buffer[..count]);
        size += count as u64;
    }
    Ok(ContentReference {
        sha256: strata_agent::digest::hex(&sha256.finalize()),
        sha1: strata_agent::digest::hex(&sha1.finalize()),
        size,
        name: name.to_owned(),
    })
}
