//! Tests on the controller's files: `file`, `directory`, `exists`, `abs`.

use std::path::Path;

use minijinja::{Environment, Error, State};
use strata_core::files::EntryKind;

use super::add;
use crate::run::Run;

pub(super) fn register(environment: &mut Environment<'static>) {
    add(
        environment,
        "exists",
        |state: &mut State<'_, '_>, path: String| Ok::<_, Error>(kind(state, &path)?.is_some()),
    );
    for name in ["file", "is_file"] {
        add(
            environment,
            name,
            |state: &mut State<'_, '_>, path: String| {
                Ok::<_, Error>(kind(state, &path)? == Some(EntryKind::File))
            },
        );
    }
    for name in ["directory", "is_dir"] {
        add(
            environment,
            name,
            |state: &mut State<'_, '_>, path: String| {
                Ok::<_, Error>(kind(state, &path)? == Some(EntryKind::Folder))
            },
        );
    }
    for name in ["abs", "is_abs"] {
        add(environment, name, |path: String| path.starts_with('/'));
    }
}

fn kind(state: &State<'_, '_>, path: &str) -> Result<Option<EntryKind>, Error> {
    Ok(Run::of(state)?
        .templar
        .surroundings
        .files()
        .kind(Path::new(path)))
}
