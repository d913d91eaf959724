//! What the command line says beside the names of the benches.

use std::path::PathBuf;

use crate::failure::Failure;

/// How to measure; what is not said is for each bench to choose.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Options {
    /// How often each side takes its turn.
    pub(super) pairs: Option<usize>,
    /// How many instances are made.
    pub(super) instances: Option<usize>,
    /// The only part of a bench to run, by its name.
    pub(super) shape: Option<String>,
    /// The only side to run; then nothing is compared.
    pub(super) side: Option<Side>,
    /// A `strata` that is built already.
    pub(super) strata: Option<PathBuf>,
}

/// One of the two that are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Strata,
    Peer,
}

impl Options {
    /// Parts the names of benches from the options.
    pub(super) fn parse<'a>(words: &[&'a str]) -> Result<(Vec<&'a str>, Options), Failure> {
        let (mut names, mut options) = (Vec::new(), Options::default());
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let Some(option) = word.strip_prefix("--") else {
                names.push(*word);
                continue;
            };
            let value = words
                .next()
                .ok_or_else(|| Failure::new(format!("`--{option}` needs a value")))?;
            options.set(option, value)?;
        }
        Ok((names, options))
    }

    fn set(&mut self, option: &str, value: &str) -> Result<(), Failure> {
        match option {
            "pairs" => self.pairs = Some(count(option, value)?),
            "instances" => self.instances = Some(count(option, value)?),
            "shape" => self.shape = Some(value.to_owned()),
            "side" => self.side = Some(side(value)?),
            "strata" => self.strata = Some(value.into()),
            _ => {
                let known = "--pairs, --instances, --shape, --side, --strata";
                return Err(Failure::new(format!(
                    "there is no option `--{option}`; there are {known}"
                )));
            }
        }
        Ok(())
    }

    /// Tells whether a side is to be run.
    pub(super) fn runs(&self, side: Side) -> bool {
        self.side.is_none_or(|only| only == side)
    }
}

fn count(option: &str, value: &str) -> Result<usize, Failure> {
    match value.parse() {
        Ok(count) if count > 0 => Ok(count),
        _ => Err(Failure::new(format!(
            "`--{option}` needs a number from 1, not `{value}`"
        ))),
    }
}

fn side(value: &str) -> Result<Side, Failure> {
    match value {
        "strata" => Ok(Side::Strata),
        "peer" => Ok(Side::Peer),
        _ => Err(Failure::new(format!(
            "`--side` is `strata` or `peer`, not `{value}`"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_options_come_in_any_order() {
        let words = ["--pairs", "5", "up", "--side", "peer", "agent"];
        let (names, options) = Options::parse(&words).expect("they are right");
        assert_eq!(names, ["up", "agent"]);
        assert_eq!((options.pairs, options.instances), (Some(5), None));
        assert!(options.runs(Side::Peer) && !options.runs(Side::Strata));
    }

    #[test]
    fn what_is_wrong_is_said_by_name() {
        let said = |words: &[&str]| {
            let parsed = Options::parse(words);
            parsed.map(drop).map_err(|failure| failure.to_string())
        };
        assert_eq!(
            said(&["--pairs"]),
            Err("`--pairs` needs a value".to_owned())
        );
        let none = "`--pairs` needs a number from 1, not `0`".to_owned();
        assert_eq!(said(&["--pairs", "0"]), Err(none));
        assert!(said(&["--fast", "x"]).is_err_and(|said| said.contains("`--fast`")));
    }
}
