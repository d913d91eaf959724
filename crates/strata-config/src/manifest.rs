//! `modules.json`: which modules are installed, and where.
//!
//! Terraform's format: `{"Modules": [{"Key": "a.b", "Source": "…", "Version": "1.2.3", "Dir": "…"}]}`. The root has the
//! empty key; folders are relative to the folder of the root module.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use strata_core::{
    Diagnostic, Diagnostics, Value,
    files::{EntryKind, Files, normalize},
};
use strata_hcl::{Shape, parse_json};

/// What is installed, by the names of the calls from the root, separated by dots.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModuleManifest {
    /// The entries by key.
    pub modules: BTreeMap<String, ManifestModule>,
}

/// An installed module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestModule {
    /// The source, complete.
    pub source: String,
    /// The version, for modules of registries.
    pub version: Option<String>,
    /// The folder, relative to that of the root module.
    pub folder: String,
}

/// The name of the file in the folder of modules.
pub const MANIFEST: &str = "modules.json";

impl ModuleManifest {
    /// Reads the file in a folder of modules; empty if there is none.
    pub fn read(files: &dyn Files, folder: &Path, diags: &mut Diagnostics) -> Self {
        let path = normalize(&folder.join(MANIFEST));
        if files.kind(&path) != Some(EntryKind::File) {
            return Self::default();
        }
        let mut found = Diagnostics::new();
        let source = crate::load::source(files, &path, &mut found);
        let body = source.map(|source| parse_json(&source, &Shape(&[], &[]), &mut found));
        if found.has_errors() {
            diags.push(
                Diagnostic::error(
                    "invalid-manifest",
                    "Cannot read the list of installed modules",
                )
                .detail(format!("`{}` is not what `init` writes.", path.display()))
                .hint("Run `strata init`, which writes it anew."),
            );
        }
        let modules = body.and_then(|body| body.attribute("Modules")?.expression.json_value());
        let entries = modules
            .as_ref()
            .and_then(Value::as_sequence)
            .unwrap_or_default();
        Self {
            modules: entries.iter().filter_map(entry).collect(),
        }
    }
}

fn entry(value: &Value) -> Option<(String, ManifestModule)> {
    let text = |name: &str| Some(value.get(name)?.as_str()?.to_owned());
    let module = ManifestModule {
        source: text("Source")?,
        version: text("Version"),
        folder: text("Dir")?,
    };
    Some((text("Key")?, module))
}

/// The key of a module in the manifest.
pub(crate) fn key(path: &[Arc<str>]) -> String {
    let names: Vec<&str> = path.iter().map(|name| &**name).collect();
    names.join(".")
}
