//! `-var` and `-var-file`: values of variables, of which the last one counts, however it is given.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, value_parser};
use strata_ops::infrastructure::VariableArgument;

const VALUE: &str = "var";
const FILE: &str = "var-file";

/// Both options in the order in which they were written, as Terraform takes them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Variables(pub(crate) Vec<VariableArgument>);

impl Variables {
    /// True if some are given as `-var`, and if some are read from files.
    pub(crate) fn kinds(&self) -> (bool, bool) {
        let is_file = |given: &VariableArgument| matches!(given, VariableArgument::File(_));
        let mut given = self.0.iter();
        (
            given.clone().any(|given| !is_file(given)),
            given.any(is_file),
        )
    }
}

impl Args for Variables {
    fn augment_args(command: Command) -> Command {
        let value = Arg::new(VALUE)
            .long(VALUE)
            .value_name("NAME=VALUE")
            .help("Set a variable of the root module")
            .action(ArgAction::Append);
        let file = Arg::new(FILE)
            .long(FILE)
            .value_name("FILE")
            .help("Read variables from a file")
            .value_parser(value_parser!(PathBuf))
            .action(ArgAction::Append);
        command.arg(value).arg(file)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Variables {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let values = matches.get_many::<String>(VALUE).into_iter().flatten();
        let values = values.cloned().map(VariableArgument::Value);
        let files = matches.get_many::<PathBuf>(FILE).into_iter().flatten();
        let files = files.cloned().map(VariableArgument::File);
        let places = |name| matches.indices_of(name).into_iter().flatten();
        let mut given: Vec<(usize, VariableArgument)> = places(VALUE).zip(values).collect();
        given.extend(places(FILE).zip(files));
        given.sort_by_key(|(place, _)| *place);
        Ok(Self(given.into_iter().map(|(_, given)| given).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(words: &[&str]) -> Variables {
        let command = Variables::augment_args(Command::new("strata").no_binary_name(true));
        let matches = command.try_get_matches_from(words).unwrap();
        Variables::from_arg_matches(&matches).unwrap()
    }

    #[test]
    fn values_and_files_keep_their_order() {
        let words = [
            "--var",
            "a=1",
            "--var-file=f",
            "--var=a=2",
            "--var-file",
            "g",
        ];
        let (value, file) = (
            |text: &str| VariableArgument::Value(text.to_owned()),
            |path: &str| VariableArgument::File(path.into()),
        );
        let expected = vec![value("a=1"), file("f"), value("a=2"), file("g")];
        assert_eq!(given(&words), Variables(expected));
        assert_eq!(given(&words).kinds(), (true, true));
        assert_eq!(given(&[]).kinds(), (false, false));
    }
}
