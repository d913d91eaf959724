//! `file` blocks: files that are put into an instance or a volume, by the files API.

use sha2::{Digest, Sha256};
use strata_core::{Diagnostic, Diagnostics, Value};

use crate::{
    client::{Client, ClientError, Holder, Notes, Ownership},
    provider::{attributes::Attributes, validate as checks},
};

/// The permissions of a file, and of the folders above it, if configuration says nothing.
const DEFAULT_MODE: &str = "0755";

/// Checks `file` blocks.
pub(crate) fn validate(config: Attributes<'_>, diags: &mut Diagnostics) {
    for file in config.blocks("file") {
        let target = file.text("target_path").unwrap_or_default();
        if file.is_set("content") == file.is_set("source_path") {
            let summary = format!("file `{target}` needs either `content` or `source_path`");
            diags.push(Diagnostic::error("incus-invalid-value", summary));
        }
        if file
            .text("target_path")
            .is_some_and(|path| !path.starts_with('/'))
        {
            let summary = format!("the `target_path` `{target}` is not absolute");
            diags.push(Diagnostic::error("incus-invalid-value", summary));
        }
        for name in ["mode", "directory_mode"] {
            if file.text(name).is_some_and(|mode| octal(mode).is_none()) {
                let summary = format!("the `{name}` of file `{target}` is not an octal number");
                diags.push(Diagnostic::error("incus-invalid-value", summary));
            }
        }
        if file.flag("append") == Some(true) {
            diags.push(checks::not_supported(
                "`append` of a file is not supported".to_owned(),
            ));
        }
    }
}

/// Fills in what configuration leaves out in `file` blocks.
pub(crate) fn with_defaults(object: &Value) -> Value {
    let Some(Value::Set(element, blocks)) = object.get("file") else {
        return object.clone();
    };
    let blocks = blocks.iter().map(|block| {
        let mut entries = block.as_entries().cloned().unwrap_or_default();
        if block
            .get("mode")
            .is_none_or(|mode| mode.is_null() || !mode.is_known())
        {
            entries.insert("mode".into(), Value::from(DEFAULT_MODE));
        }
        entries.insert("append".into(), Value::from(false));
        Value::object(entries)
    });
    let blocks = Value::set(element.clone(), blocks.collect::<Vec<_>>());
    crate::provider::attributes::with(object, [("file", blocks)])
}

/// The files of an instance, or of a volume.
pub(crate) struct GuestFiles<'a> {
    pub(crate) client: &'a Client,
    pub(crate) holder: Holder,
    /// What holds them, in messages.
    pub(crate) what: String,
}

impl GuestFiles<'_> {
    /// Writes all files of the `file` blocks.
    pub(crate) async fn write(&self, planned: &Value, notes: Notes<'_>) -> Result<(), Diagnostics> {
        for file in Attributes(planned).blocks("file") {
            let target = file.text("target_path").unwrap_or_default();
            notes.note(&format!("writes {target}"));
            self.write_one(file, target).await?;
        }
        Ok(())
    }

    async fn write_one(&self, file: Attributes<'_>, target: &str) -> Result<(), Diagnostics> {
        let summary = || format!("cannot write file `{target}` into {}", self.what);
        let content = content(file).await.map_err(|reason| {
            Diagnostics::from(Diagnostic::error("incus-file", summary()).detail(reason))
        })?;
        let written = self.send(file, target, &content).await;
        written.map_err(|error| {
            let diagnostic = error.diagnostic(summary());
            Diagnostics::from(
                match error.is_not_found() && file.flag("create_directories") != Some(true) {
                    true => diagnostic
                        .hint("its folder is missing: `create_directories = true` makes it"),
                    false => diagnostic,
                },
            )
        })
    }

    async fn send(
        &self,
        file: Attributes<'_>,
        target: &str,
        content: &[u8],
    ) -> Result<(), ClientError> {
        let id = |name: &str| {
            file.number(name)
                .and_then(|id| u32::try_from(id).ok())
                .unwrap_or(0)
        };
        let mode = |name: &str| file.some_text(name).and_then(octal);
        let ownership = Ownership {
            mode: mode("mode").unwrap_or(0o755),
            uid: id("uid"),
            gid: id("gid"),
        };
        let folders = match file.flag("create_directories") {
            Some(true) => Some(mode("directory_mode").unwrap_or(0o755)),
            _ => None,
        };
        self.client
            .write_file(self.holder.clone(), target, ownership, folders, content)
            .await
    }

    /// The object without those `file` blocks whose file is no longer what it should be, so that a
    /// plan adds them again.
    pub(crate) async fn without_drifted(&self, object: &Value) -> Value {
        let Some(Value::Set(element, blocks)) = object.get("file") else {
            return object.clone();
        };
        let mut kept = Vec::new();
        for block in blocks.iter() {
            if !self.has_drifted(Attributes(block)).await {
                kept.push(block.clone());
            }
        }
        let blocks = Value::set(element.clone(), kept);
        crate::provider::attributes::with(object, [("file", blocks)])
    }

    /// True if a file is surely another one; where nobody can tell, it is taken for the same.
    async fn has_drifted(&self, file: Attributes<'_>) -> bool {
        let target = file.text("target_path").unwrap_or_default();
        let found = self.client.read_file(self.holder.clone(), target).await;
        match (found, content(file).await) {
            (Ok(found), Ok(wanted)) => Sha256::digest(&found) != Sha256::digest(&wanted),
            (Err(error), _) => error.is_not_found(),
            (Ok(_), Err(_)) => false,
        }
    }
}

async fn content(file: Attributes<'_>) -> Result<Vec<u8>, String> {
    match (file.text("content"), file.text("source_path")) {
        (Some(content), _) => Ok(content.as_bytes().to_vec()),
        (None, Some(path)) => {
            let read = tokio::fs::read(path).await;
            read.map_err(|error| format!("`{path}`: {error}"))
        }
        (None, None) => Ok(Vec::new()),
    }
}

fn octal(text: &str) -> Option<u32> {
    let mode = u32::from_str_radix(text, 8).ok()?;
    (mode <= 0o7777).then_some(mode)
}
