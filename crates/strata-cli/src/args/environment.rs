//! Arguments out of the environment: `TF_CLI_ARGS`, `TF_CLI_ARGS_name`, `TF_INPUT`.

use std::{collections::BTreeMap, ffi::OsString};

/// Terraform's commands, to which these variables apply.
const COMMANDS: [&str; 19] = [
    "apply",
    "console",
    "destroy",
    "fmt",
    "force-unlock",
    "get",
    "graph",
    "import",
    "init",
    "output",
    "plan",
    "providers",
    "refresh",
    "show",
    "state",
    "taint",
    "untaint",
    "validate",
    "workspace",
];

/// True if the command is one of Terraform's, to whose options these variables apply.
pub(crate) fn is_of_terraform(argv: &[OsString]) -> bool {
    let mut words = argv.iter().skip(1).filter_map(|word| word.to_str());
    let command = words.find(|word| !word.starts_with('-'));
    command.is_some_and(|name| COMMANDS.contains(&name) || name == "test")
}

/// Those that may ask.
const ASKING: [&str; 5] = ["apply", "destroy", "import", "plan", "refresh"];

/// Puts what the environment says after the command's name, before what is said on the command line.
///
/// The variables are split into words as a shell does; an open quote is an error.
pub(crate) fn with_environment(
    argv: Vec<OsString>,
    environment: &BTreeMap<String, String>,
) -> Result<Vec<OsString>, String> {
    let texts: Vec<&str> = argv
        .iter()
        .map(|word| word.to_str().unwrap_or_default())
        .collect();
    let Some(at) = (1..texts.len()).find(|at| !texts[*at].starts_with('-')) else {
        return Ok(argv);
    };
    if !COMMANDS.contains(&texts[at]) {
        return Ok(argv);
    }
    let mut words: Vec<&str> = vec![texts[at]];
    let sub = matches!(texts[at], "state" | "workspace" | "providers");
    if sub && let Some(next) = texts.get(at + 1).filter(|next| !next.starts_with('-')) {
        words.push(next);
    }
    let mut more = Vec::new();
    for name in [
        format!("TF_CLI_ARGS_{}", words.join("_").replace('-', "_")),
        "TF_CLI_ARGS".to_owned(),
    ] {
        if let Some(text) = environment.get(&name) {
            let split = shlex::split(text);
            more.extend(split.ok_or_else(|| format!("`{name}` has an open quote"))?);
        }
    }
    let asks = ASKING.contains(&texts[at]);
    if asks && environment.get("TF_INPUT").is_some_and(|text| is_no(text)) {
        more.push("-input=false".to_owned());
    }
    let after = at + words.len();
    let mut argv = argv;
    argv.splice(after..after, more.into_iter().map(OsString::from));
    Ok(argv)
}

fn is_no(text: &str) -> bool {
    matches!(text, "0" | "f" | "F" | "false" | "FALSE" | "False")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(argv: &str, environment: &[(&str, &str)], expected: &str) {
        let environment = environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let argv = argv.split(' ').map(OsString::from).collect();
        let text = match with_environment(argv, &environment) {
            Ok(argv) => argv.join(&OsString::from(" ")).into_string().unwrap(),
            Err(wrong) => wrong,
        };
        assert_eq!(text, expected);
    }

    #[test]
    fn arguments_stand_between_the_command_and_its_own() {
        let both = [
            ("TF_CLI_ARGS", "-no-color"),
            ("TF_CLI_ARGS_plan", "-var 'a=b c'"),
        ];
        check(
            "strata -chdir=x plan -json",
            &both,
            "strata -chdir=x plan -var a=b c -no-color -json",
        );
        check("strata apply", &both, "strata apply -no-color");
        check("strata up dev", &both, "strata up dev");
        check(
            "strata state list a",
            &[("TF_CLI_ARGS_state_list", "-id=x")],
            "strata state list -id=x a",
        );
        check(
            "strata plan",
            &[("TF_INPUT", "0")],
            "strata plan -input=false",
        );
        check("strata show", &[("TF_INPUT", "0")], "strata show");
        check(
            "strata plan",
            &[("TF_CLI_ARGS", "'x")],
            "`TF_CLI_ARGS` has an open quote",
        );
    }
}
