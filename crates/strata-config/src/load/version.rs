//! Version constraints as `required_version` has them: `>= 1.2, < 2.0`, `~> 1.4`.

use std::cmp::Ordering;

/// The Terraform version whose language we speak.
pub(super) const LANGUAGE: &str = "1.11.4";

/// Says whether a version fulfils a constraint; none if either cannot be read.
///
/// As in Terraform, a version before a release (`1.2.0-beta1`) only fulfils constraints that name one.
pub(super) fn allows(constraint: &str, version: &str) -> Option<bool> {
    let version = Version::parse(version)?;
    let mut allowed = true;
    for part in constraint.split(',') {
        allowed &= one(part.trim(), &version)?;
    }
    Some(allowed)
}

#[derive(Debug)]
struct Version {
    numbers: [u64; 3],
    /// How many numbers were written.
    written: usize,
    before_release: Option<String>,
}

impl Version {
    fn parse(text: &str) -> Option<Self> {
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

    fn order(&self, other: &Self) -> Ordering {
        let numbers = self.numbers.cmp(&other.numbers);
        numbers.then_with(|| match (&self.before_release, &other.before_release) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (Some(left), Some(right)) => left.cmp(right),
        })
    }
}

fn one(constraint: &str, version: &Version) -> Option<bool> {
    let number = |c: char| c.is_ascii_digit() || c == 'v';
    let (operator, wanted) = constraint.split_at(constraint.find(number)?);
    let wanted = Version::parse(wanted.trim())?;
    let order = version.order(&wanted);
    let fulfilled = match operator.trim() {
        "" | "=" => order.is_eq(),
        "!=" => order.is_ne(),
        ">" => order.is_gt(),
        ">=" => order.is_ge(),
        "<" => order.is_lt(),
        "<=" => order.is_le(),
        "~>" => order.is_ge() && same_line(version, &wanted),
        _ => return None,
    };
    Some(fulfilled)
}

/// For `~>`: only the last number that was written may be greater.
fn same_line(version: &Version, wanted: &Version) -> bool {
    let fixed = wanted.written.saturating_sub(1).max(1);
    version.numbers[..fixed] == wanted.numbers[..fixed]
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
}
