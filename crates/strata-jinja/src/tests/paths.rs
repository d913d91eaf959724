//! Tests on the controller's files: `file`, `directory`, `exists`, `link`, `mount`, `same_file`, `abs`.

use std::path::Path;

use minijinja::{Environment, Error, ErrorKind, State};
use strata_core::files::EntryKind;

use super::add;
use crate::run::Run;

pub(super) fn register(environment: &mut Environment<'static>) {
    add(
        environment,
        "exists",
        |state: &mut State<'_, '_>, path: &str| Ok::<_, Error>(kind(state, path)?.is_some()),
    );
    for name in ["file", "is_file"] {
        add(
            environment,
            name,
            |state: &mut State<'_, '_>, path: &str| {
                Ok::<_, Error>(kind(state, path)? == Some(EntryKind::File))
            },
        );
    }
    for name in ["directory", "is_dir"] {
        add(
            environment,
            name,
            |state: &mut State<'_, '_>, path: &str| {
                Ok::<_, Error>(kind(state, path)? == Some(EntryKind::Folder))
            },
        );
    }
    for name in ["link", "is_link"] {
        add(environment, name, is_link);
    }
    add(
        environment,
        "link_exists",
        |state: &mut State<'_, '_>, path: &str| {
            Ok::<_, Error>(is_link(state, path)? || kind(state, path)?.is_some())
        },
    );
    for name in ["mount", "is_mount"] {
        add(
            environment,
            name,
            |state: &mut State<'_, '_>, path: &str| {
                let run = Run::of(state)?;
                let files = run.templar.surroundings.files();
                Ok::<_, Error>(files.is_mount(Path::new(path)))
            },
        );
    }
    for name in ["same_file", "is_same_file"] {
        add(environment, name, same_file);
    }
    for name in ["abs", "is_abs"] {
        add(environment, name, |path: &str| path.starts_with('/'));
    }
}

fn is_link(state: &mut State<'_, '_>, path: &str) -> Result<bool, Error> {
    let run = Run::of(state)?;
    let files = run.templar.surroundings.files();
    Ok(files.is_link(Path::new(path)))
}

/// True if both paths lead to the same place.
fn same_file(state: &mut State<'_, '_>, one: &str, other: &str) -> Result<bool, Error> {
    let run = Run::of(state)?;
    let files = run.templar.surroundings.files();
    let real = |path: &str| {
        let missing = || {
            Error::new(
                ErrorKind::InvalidOperation,
                format!("`{path}` is not there"),
            )
        };
        files.kind(Path::new(path)).ok_or_else(missing)?;
        Ok::<_, Error>(files.real(&files.current().unwrap_or_default().join(path)))
    };
    Ok(real(one)? == real(other)?)
}

fn kind(state: &State<'_, '_>, path: &str) -> Result<Option<EntryKind>, Error> {
    Ok(Run::of(state)?
        .templar
        .surroundings
        .files()
        .kind(Path::new(path)))
}
