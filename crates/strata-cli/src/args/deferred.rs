//! Options that are described only when their command is the one asked for.

use std::ops::Deref;

use clap::{ArgMatches, Args, Command, FromArgMatches, builder::Resettable, error::Error};

/// The arguments of a command, as `T` describes them, once that command is parsed or explained.
///
/// Describing every option of every command takes a third of the time of a short run.
#[derive(Debug)]
pub(crate) struct Deferred<T>(T);

impl<T> Deref for Deferred<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Args> Args for Deferred<T> {
    fn augment_args(command: Command) -> Command {
        command.defer(describe::<T>)
    }

    fn augment_args_for_update(command: Command) -> Command {
        command.defer(describe::<T>)
    }
}

/// Adds the options; what the command is about stays as it was said with its name.
fn describe<T: Args>(command: Command) -> Command {
    let about = Resettable::from(command.get_about().cloned());
    let long_about = Resettable::from(command.get_long_about().cloned());
    T::augment_args(command).about(about).long_about(long_about)
}

impl<T: FromArgMatches> FromArgMatches for Deferred<T> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        T::from_arg_matches(matches).map(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        self.0.update_from_arg_matches(matches)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the options say of themselves.
    #[derive(Debug, Args)]
    struct Options {
        #[arg(long)]
        name: Option<String>,
    }

    #[test]
    fn options_come_when_asked_for_and_leave_the_description_alone() {
        let named = Deferred::<Options>::augment_args(Command::new("x")).about("Names it.");
        assert_eq!(named.get_arguments().count(), 0);
        let (about, matches) = (
            named.get_about().map(ToString::to_string),
            named.get_matches_from(["x", "--name", "y"]),
        );
        assert_eq!(about.as_deref(), Some("Names it."));
        let options = Deferred::<Options>::from_arg_matches(&matches).unwrap();
        assert_eq!(options.name.as_deref(), Some("y"));
    }
}
