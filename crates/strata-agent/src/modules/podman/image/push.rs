//! `push_args`: where an image is pushed to, and how.

use super::inner;
use crate::arguments::{Arguments, Field, Spec};
use crate::module::ModuleError;
use crate::modules::podman::flags;
use crate::modules::programs;

const SPEC: Spec = Spec::new(
    "containers.podman.podman_image: push_args",
    &[
        Field::str("ssh"),
        Field::maybe("compress"),
        Field::str("format").choices(&["oci", "v2s1", "v2s2"]),
        Field::maybe("remove_signatures"),
        Field::str("sign_by"),
        Field::str("dest").alias(&["destination"]),
        Field::str("extra_args"),
        Field::str("transport").choices(&[
            "dir",
            "docker-archive",
            "docker-daemon",
            "oci-archive",
            "ostree",
            "docker",
            "scp",
        ]),
    ],
);

pub(super) struct Push {
    inner: Arguments,
    extra: Vec<String>,
}

impl Push {
    pub(super) fn read(arguments: &Arguments) -> Result<Push, ModuleError> {
        let inner = inner(&SPEC, arguments, "push_args")?;
        let extra = inner.filled("extra_args").unwrap_or_default();
        Ok(Push {
            extra: programs::words(&extra)?,
            inner,
        })
    }

    /// Copied to another machine, and to no registry.
    pub(super) fn is_by_ssh(&self) -> bool {
        self.inner.string("transport").as_deref() == Some("scp")
    }

    pub(super) fn dest(&self) -> String {
        self.inner.text("dest")
    }

    /// Where the image goes, as Podman is told.
    pub(super) fn target(&self, image: &str) -> Result<String, ModuleError> {
        let given = self.inner.filled("dest");
        if self.is_by_ssh() {
            let Some(dest) = given else {
                return Err(ModuleError::new(
                    "When using transport 'scp', push_args.dest must be provided",
                ));
            };
            return Ok(match dest.contains("::") {
                true => dest,
                false => format!("{dest}::"),
            });
        }
        let dest = given.unwrap_or_else(|| image.to_owned());
        let Some(transport) = self.inner.filled("transport") else {
            return without_transport(dest, image);
        };
        let last = image.rsplit('/').next().unwrap_or(image);
        let bare = last.split(':').next().unwrap_or(last);
        Ok(match transport.as_str() {
            "docker" => format!("{transport}://{dest}"),
            "ostree" => format!("{transport}:{bare}@{dest}"),
            "docker-daemon" if !dest.contains(':') => format!("{transport}:{dest}:latest"),
            _ => format!("{transport}:{dest}"),
        })
    }

    pub(super) fn words(&self, image: &str, target: &str, access: Vec<String>) -> Vec<String> {
        let inner = &self.inner;
        let one = |name: &str| -> Vec<String> { inner.filled(name).into_iter().collect() };
        let ends = [image.to_owned(), target.to_owned()];
        let mut words = Vec::new();
        if self.is_by_ssh() {
            words.extend(flags("--ssh", &one("ssh")));
            words.extend(["image".to_owned(), "scp".to_owned()]);
        } else {
            words.push("push".to_owned());
            words.extend(access);
            words.extend(inner.bool("compress").then(|| "--compress".to_owned()));
            words.extend(flags("--format", &one("format")));
            let removes = inner.bool("remove_signatures");
            words.extend(removes.then(|| "--remove-signatures".to_owned()));
            words.extend(flags("--sign-by", &one("sign_by")));
        }
        words.extend(self.extra.iter().cloned());
        words.extend(ends);
        words
    }
}

/// A registry, perhaps with a folder, takes the image under its own name.
fn without_transport(dest: String, image: &str) -> Result<String, ModuleError> {
    let bare = dest.trim_end_matches('/');
    let is_name = dest.contains([':', '@']);
    if !is_name && bare.split('/').count() == 2 {
        return Ok(format!("{bare}/{image}"));
    }
    if !dest.contains(['/', '@']) && !dest.contains("docker-daemon") {
        return Err(ModuleError::new(
            "Destination must be a full URL or path to a directory with image name and tag.",
        ));
    }
    Ok(dest)
}
