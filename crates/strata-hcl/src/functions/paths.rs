//! Paths as the machine has them: `abspath` and `pathexpand`. Nothing is read for it.

use std::{borrow::Cow, path::Path};

use strata_core::Value;

use super::{
    Context, Function, FunctionError, Given, Kind, Parameter, Result_, Returns, files::cleaned,
    text,
};

const PATH: Parameter = Parameter::new("path", Kind::String);

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "abspath",
        &[PATH],
        Returns::String,
        "Gives the whole path of a relative one, from the working folder.",
        abspath,
    ),
    Function::new(
        "pathexpand",
        &[PATH],
        Returns::String,
        "Puts the home folder where a path begins with `~`.",
        pathexpand,
    ),
];

fn abspath(given: Given<'_>, context: &Context<'_>) -> Result_ {
    let path = text(given, 0);
    if path.starts_with('/') {
        return Ok(Value::from(cleaned(path)));
    }
    let environment = context.scope.environment();
    let folder = environment.working_directory;
    let Some(folder) = folder.filter(|folder| folder.is_absolute()) else {
        return Err(FunctionError::new("the working folder is not known here"));
    };
    Ok(Value::from(joined(folder, path)))
}

fn pathexpand(given: Given<'_>, context: &Context<'_>) -> Result_ {
    Ok(Value::from(&*expanded(text(given, 0), context)?))
}

/// A path with the home folder in place of a `~` that it begins with.
pub(super) fn expanded<'a>(
    path: &'a str,
    context: &Context<'_>,
) -> Result<Cow<'a, str>, FunctionError> {
    let Some(rest) = path.strip_prefix('~') else {
        return Ok(Cow::Borrowed(path));
    };
    if !(rest.is_empty() || rest.starts_with(['/', '\\'])) {
        return Err(FunctionError::argument(
            0,
            "cannot expand user-specific home dir",
        ));
    }
    let environment = context.scope.environment();
    let known = || environment.files.and_then(|files| files.home());
    let Some(home) = environment.home.map(Path::to_owned).or_else(known) else {
        return Err(FunctionError::new("the home folder is not known here"));
    };
    Ok(Cow::Owned(joined(&home, rest.trim_start_matches('/'))))
}

fn joined(folder: &Path, path: &str) -> String {
    cleaned(&folder.join(path).to_string_lossy())
}
