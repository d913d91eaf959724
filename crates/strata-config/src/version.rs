//! Versions and what is asked of them: `>= 1.2, < 2.0`, `~> 1.4`, as Terraform and OpenTofu read them.

use std::{cmp::Ordering, fmt};

/// The Terraform version whose language we speak.
pub(crate) const LANGUAGE: &str = "1.11.4";

/// The OpenTofu version whose additions to it we have.
pub(crate) const OPENTOFU: &str = "1.10.6";

/// How the version that a configuration asks for stands to ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// [`LANGUAGE`] or [`OPENTOFU`] will do.
    Ours,
    /// Only a later version of the same line will do: what of it is used is met, or refused by name.
    Newer,
    /// Only an earlier version of the same line will do: later ones of a line run what it runs.
    Older,
    /// None of these.
    Other,
}

/// A version such as `1.2.0-beta1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    numbers: [u64; 3],
    /// How many numbers were written.
    written: usize,
    before_release: Option<String>,
}

/// Conditions that must all hold, such as `>= 1.2, < 2.0`.
#[derive(Clone, Debug)]
pub struct VersionConstraint(Vec<(Operator, Version)>);

#[derive(Clone, Copy, Debug)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    /// `~>`: only the last number that was written may be greater.
    SameLine,
}

impl Version {
    /// Reads one to three numbers, with what stands before a release; what is built from is left out.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let text = text.split_once('+').map_or(text, |(version, _)| version);
        let (numbers, before_release) = match text.split_once('-') {
            Some((numbers, before)) => (numbers, Some(before.to_owned())),
            None => (text, None),
        };
        let mut version = Version {
            numbers: [0; 3],
            written: 0,
            before_release,
        };
        for part in numbers.split('.') {
            *version.numbers.get_mut(version.written)? = part.parse().ok()?;
            version.written += 1;
        }
        Some(version)
    }

    fn next(mut self) -> Self {
        self.numbers[2] = self.numbers[2].saturating_add(1);
        self
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let numbers = self.numbers.cmp(&other.numbers);
        numbers.then_with(|| match (&self.before_release, &other.before_release) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (Some(left), Some(right)) => before_release(left, right),
        })
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Part by part, numbers as numbers and before words.
fn before_release(left: &str, right: &str) -> Ordering {
    let part = |text: &str| match text.parse::<u64>() {
        Ok(number) => (0, number, String::new()),
        Err(_) => (1, 0, text.to_owned()),
    };
    left.split('.').map(part).cmp(right.split('.').map(part))
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.numbers;
        write!(f, "{major}.{minor}.{patch}")?;
        match &self.before_release {
            Some(before) => write!(f, "-{before}"),
            None => Ok(()),
        }
    }
}

impl VersionConstraint {
    /// Reads conditions separated by commas.
    pub fn parse(text: &str) -> Option<Self> {
        let parts = text.split(',').map(|part| condition(part.trim()));
        parts.collect::<Option<Vec<_>>>().map(Self)
    }

    /// True if a version fulfils all. A version before a release only fulfils conditions that name one of its kind.
    pub fn allows(&self, version: &Version) -> bool {
        let named = |(_, wanted): &(Operator, Version)| {
            wanted.before_release.is_some() && wanted.numbers == version.numbers
        };
        if version.before_release.is_some() && !self.0.iter().any(named) {
            return false;
        }
        self.0
            .iter()
            .all(|(operator, wanted)| operator.holds(version, wanted))
    }
}

fn condition(text: &str) -> Option<(Operator, Version)> {
    let number = |c: char| c.is_ascii_digit() || c == 'v';
    let (operator, wanted) = text.split_at(text.find(number)?);
    let operator = match operator.trim() {
        "" | "=" => Operator::Equal,
        "!=" => Operator::NotEqual,
        ">" => Operator::Greater,
        ">=" => Operator::GreaterOrEqual,
        "<" => Operator::Less,
        "<=" => Operator::LessOrEqual,
        "~>" => Operator::SameLine,
        _ => return None,
    };
    Some((operator, Version::parse(wanted.trim())?))
}

impl Operator {
    fn holds(self, version: &Version, wanted: &Version) -> bool {
        let order = version.cmp(wanted);
        match self {
            Operator::Equal => order.is_eq(),
            Operator::NotEqual => order.is_ne(),
            Operator::Greater => order.is_gt(),
            Operator::GreaterOrEqual => order.is_ge(),
            Operator::Less => order.is_lt(),
            Operator::LessOrEqual => order.is_le(),
            Operator::SameLine => {
                let fixed = wanted.written.saturating_sub(1).max(1);
                order.is_ge() && version.numbers[..fixed] == wanted.numbers[..fixed]
            }
        }
    }
}

/// Says how far we fulfil a `required_version`; none if it cannot be read.
pub(crate) fn asked(text: &str) -> Option<Asked> {
    let constraint = VersionConstraint::parse(text)?;
    let ours = [LANGUAGE, OPENTOFU].map(Version::parse);
    let [language, _] = &ours;
    if ours
        .iter()
        .flatten()
        .any(|version| constraint.allows(version))
    {
        return Some(Asked::Ours);
    }
    let line = language.as_ref().map(|ours| ours.numbers[0]);
    // Where any version of the line will do, one of those that are named will, or the one after it.
    let named = constraint.0.iter().map(|(_, named)| Version {
        before_release: None,
        ..named.clone()
    });
    let mut near = named
        .flat_map(|named| [named.clone(), named.next()])
        .filter(|version| Some(version.numbers[0]) == line && constraint.allows(version));
    Some(match near.next() {
        Some(version) if Some(&version) > language.as_ref() => Asked::Newer,
        Some(_) => Asked::Older,
        None => Asked::Other,
    })
}

/// Says whether a version fulfils a constraint; none if either cannot be read.
pub(crate) fn allows(constraint: &str, version: &str) -> Option<bool> {
    let version = Version::parse(version)?;
    Some(VersionConstraint::parse(constraint)?.allows(&version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constraints_are_read_as_terraform_does() {
        let cases = [
            (">= 1.6", Some(true)),
            (">= 1.6, < 2.0.0", Some(true)),
            ("~> 1.4", Some(true)),
            ("~> 1.4.2", Some(false)),
            ("~> 1.11.2", Some(true)),
            ("1.11.4", Some(true)),
            ("!= 1.11.4", Some(false)),
            ("< 1.0", Some(false)),
            ("> 1.12.0-beta1", Some(false)),
            ("about 1", None),
            ("", None),
        ];
        for (constraint, allowed) in cases {
            assert_eq!(allows(constraint, LANGUAGE), allowed, "{constraint}");
        }
    }

    #[test]
    fn later_versions_may_be_asked_for() {
        let cases = [
            (">= 1.6", Some(Asked::Ours)),
            ("~> 1.10.2", Some(Asked::Ours)),
            (">= 1.12", Some(Asked::Newer)),
            ("~> 1.12.3", Some(Asked::Newer)),
            ("> 1.11.4, < 2.0.0", Some(Asked::Newer)),
            ("1.14.0", Some(Asked::Newer)),
            ("~> 1.4.2", Some(Asked::Older)),
            ("~> 1.9.0", Some(Asked::Older)),
            ("1.5.7", Some(Asked::Older)),
            ("< 1.0", Some(Asked::Other)),
            ("~> 0.13.0", Some(Asked::Other)),
            (">= 2.0", Some(Asked::Other)),
            (">= 1.12, < 1.5", Some(Asked::Other)),
            ("soon", None),
        ];
        for (constraint, expected) in cases {
            assert_eq!(asked(constraint), expected, "{constraint}");
        }
    }

    #[test]
    fn what_comes_before_a_release_is_older_and_only_taken_where_it_is_named() {
        let version = |text| Version::parse(text).unwrap();
        assert!(version("1.2.0-beta.2") < version("1.2.0-beta.10"));
        assert!(version("1.2.0-rc1") < version("1.2.0"));
        assert_eq!(allows(">= 1.0", "1.2.0-rc1"), Some(false));
        assert_eq!(allows(">= 1.2.0-beta1", "1.2.0-rc1"), Some(true));
        assert_eq!(version("v1.2").to_string(), "1.2.0");
    }
}
