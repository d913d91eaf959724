//! `build`: what an image is built by.

use std::path::Path;

use super::inner;
use crate::arguments::{Arguments, Field, FieldKind, Spec};
use crate::host::Host;
use crate::module::ModuleError;
use crate::modules::podman::{flags, pairs};
use crate::modules::programs;
use crate::modules::scratch::Scratch;

const SPEC: Spec = Spec::new(
    "containers.podman.podman_image: build",
    &[
        Field::new("annotation", FieldKind::Dict),
        Field::bool("force_rm", false),
        Field::path("file"),
        Field::str("container_file"),
        Field::str("format")
            .choices(&["oci", "docker"])
            .default("oci"),
        Field::bool("cache", true),
        Field::bool("rm", true),
        Field::list("volume"),
        Field::str("extra_args"),
        Field::str("target"),
    ],
);

pub(super) struct Build {
    pub(super) path: Option<String>,
    inner: Arguments,
    extra: Vec<String>,
}

impl Build {
    pub(super) fn read(arguments: &Arguments) -> Result<Build, ModuleError> {
        let inner = inner(&SPEC, arguments, "build")?;
        let extra = inner.filled("extra_args").unwrap_or_default();
        Ok(Build {
            path: arguments.filled("path"),
            extra: programs::words(&extra)?,
            inner,
        })
    }

    /// Refuses what nothing can be built by.
    pub(super) fn check(&self) -> Result<(), ModuleError> {
        let file = self.inner.filled("file");
        let text = self.inner.filled("container_file");
        match (&self.path, file, text) {
            (_, Some(_), Some(_)) => Err(ModuleError::new(
                "Cannot specify both build file and container file content!",
            )),
            (None, None, None) => Err(ModuleError::new(
                "Path to build context or file is required when building an image",
            )),
            _ => Ok(()),
        }
    }

    /// The text by which it is built, if it can be read.
    pub(super) fn text(&self, host: &dyn Host) -> Result<Option<String>, ModuleError> {
        if let Some(text) = self.inner.filled("container_file") {
            return Ok(Some(text));
        }
        let mut path = self.inner.filled_path("file");
        for name in ["Containerfile", "Dockerfile"] {
            if let (None, Some(folder)) = (&path, &self.path) {
                let one = Path::new(folder).join(name);
                path = host.metadata_followed(&one)?.map(|_| one);
            }
        }
        Ok(path
            .and_then(|path| host.read_text(&path))
            .filter(|text| !text.is_empty()))
    }

    /// Puts a text of the task's own where Podman can read it.
    pub(super) fn file(
        &self,
        host: &dyn Host,
        scratch: &mut Option<Scratch>,
    ) -> Result<Option<String>, ModuleError> {
        let Some(text) = self.inner.filled("container_file") else {
            return Ok(None);
        };
        let folder = match scratch.take() {
            Some(folder) => folder,
            None => Scratch::new(host)?,
        };
        let path = folder.put(host, "Containerfile", &text)?;
        *scratch = Some(folder);
        Ok(Some(path))
    }

    /// The words behind those for the registries.
    pub(super) fn words(&self, hash: Option<&str>) -> Vec<String> {
        let inner = &self.inner;
        let mut words = Vec::new();
        words.extend(inner.bool("force_rm").then(|| "--force-rm".to_owned()));
        let one = |name: &str| -> Vec<String> { inner.filled(name).into_iter().collect() };
        words.extend(flags("--format", &one("format")));
        words.extend((!inner.bool("cache")).then(|| "--no-cache".to_owned()));
        words.extend(inner.bool("rm").then(|| "--rm".to_owned()));
        words.extend(flags("--annotation", &pairs(inner.raw("annotation"))));
        let label = hash.map(|hash| format!("containerfile.hash={hash}"));
        words.extend(flags("--label", &label.into_iter().collect::<Vec<_>>()));
        let mut volumes = inner.list("volume").unwrap_or_default();
        volumes.retain(|volume| !volume.is_empty());
        words.extend(flags("--volume", &volumes));
        words.extend(flags("--file", &one("file")));
        words.extend(flags("--target", &one("target")));
        words.extend(self.extra.iter().cloned());
        words.extend(self.path.clone());
        words
    }
}

/// The images that one is built on.
pub(super) fn bases(text: &str) -> Vec<String> {
    let base = |line: &str| {
        let mut words = line.split_whitespace();
        let is_from = words.next()?.eq_ignore_ascii_case("from");
        let image = words.find(|word| !word.starts_with("--"))?;
        is_from.then(|| image.to_owned())
    };
    text.lines().filter_map(base).collect()
}
