//! Options that are true or false, with the words for it that Terraform takes.

/// Options without a value of their own, which may be given one all the same: `-json=false`.
pub(super) const FLAGS: [&str; 21] = [
    "allow-missing",
    "auto-approve",
    "compact-warnings",
    "destroy",
    "detailed-exitcode",
    "draw-cycles",
    "dry-run",
    "enable-plugin-cache",
    "force",
    "force-copy",
    "ignore-remote-version",
    "json",
    "migrate-state",
    "no-tests",
    "or-create",
    "raw",
    "reconfigure",
    "refresh-only",
    "update",
    "upgrade",
    "verbose",
];

/// Reads a truth as Go does.
pub(super) fn parse_bool(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(format!("`{text}` is neither `true` nor `false`")),
    }
}

/// What an option such as `--json=false` says: true or false of an option that takes no value; none of all others.
pub(super) fn said(argument: &str) -> Option<(&str, bool)> {
    let (option, value) = argument.split_once('=')?;
    let name = option.strip_prefix("--")?;
    let value = parse_bool(value).ok()?;
    FLAGS.contains(&name).then_some((option, value))
}
