//! Terraform's options have one dash, our parser wants two.

use std::ffi::OsString;

use super::truth;

/// Commands whose options are Ansible's: there one dash begins a short option.
const SHORT_OPTIONS: [&str; 5] = ["playbook", "inventory", "run", "vault", "galaxy"];

/// Gives `-name` and `-name=value` a second dash, up to `--` and not for Ansible's commands.
///
/// An option that takes no value and is given one (`-json=false`) stays, or goes, as the value says.
///
/// Options of one letter stay as they are; words after an option are never options, since
/// Terraform's values do not begin with a dash.
pub(crate) fn widen(argv: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut widened = Vec::new();
    let mut verbatim = false;
    for (position, argument) in argv.into_iter().enumerate() {
        let text = argument.to_str().unwrap_or_default();
        verbatim |= text == "--" || SHORT_OPTIONS.contains(&text);
        let one_dash =
            position > 0 && text.starts_with('-') && !text.starts_with("--") && text.len() > 2;
        let argument = if one_dash && !verbatim {
            OsString::from(format!("-{text}"))
        } else {
            argument
        };
        match argument.to_str().and_then(truth::said) {
            Some((option, true)) if !verbatim => widened.push(option.into()),
            Some((_, false)) if !verbatim => {}
            _ => widened.push(argument),
        }
    }
    widened
}

#[cfg(test)]
mod tests {
    use super::*;

    fn widened(argv: &[&str]) -> Vec<String> {
        widen(argv.iter().map(OsString::from))
            .into_iter()
            .map(|a| a.into_string().unwrap())
            .collect()
    }

    #[test]
    fn long_options_get_a_second_dash_and_all_else_stays() {
        assert_eq!(
            widened(&["strata", "-chdir=x", "plan", "-json", "-h"]),
            ["strata", "--chdir=x", "plan", "--json", "-h"]
        );
        assert_eq!(
            widened(&["strata", "playbook", "-vvv", "-i", "x"]),
            ["strata", "playbook", "-vvv", "-i", "x"]
        );
        assert_eq!(
            widened(&["strata", "plan", "-json=false", "-destroy=1", "-lock=0"]),
            ["strata", "plan", "--destroy", "--lock=0"]
        );
        assert_eq!(
            widened(&["strata", "apply", "--", "-plan"]),
            ["strata", "apply", "--", "-plan"]
        );
    }
}
