//! A requirement on a package: a name, and versions that will do (PEP 508, as far as a comparison
//! of numbers goes).

/// A name with limits of version.
#[derive(Debug, PartialEq)]
pub(in crate::modules) struct Requirement {
    pub(in crate::modules) name: String,
    limits: Vec<(String, String)>,
}

/// A name as the index knows it: lower case, with single dashes.
pub(in crate::modules) fn canonical(name: &str) -> String {
    let parts = name.split(['-', '_', '.']).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("-").to_lowercase()
}

impl Requirement {
    /// Reads `name`, `name==1.2` or `name>=1,<2`; none for an address, a file, or extras.
    pub(in crate::modules) fn read(text: &str) -> Option<Requirement> {
        let text = text.trim();
        let end = text.find(['<', '>', '=', '!', '~']).unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        let name = name.trim();
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.is_empty() || !name.chars().all(plain) || name.starts_with('.') {
            return None;
        }
        let mut limits = Vec::new();
        for limit in rest
            .split(',')
            .map(str::trim)
            .filter(|limit| !limit.is_empty())
        {
            let end = limit.find(|c: char| !"<>=!~".contains(c))?;
            let (operator, version) = limit.split_at(end);
            limits.push((operator.to_owned(), version.trim().to_owned()));
        }
        Some(Requirement {
            name: canonical(name),
            limits,
        })
    }

    /// Whether a version will do; none where that takes more than comparing numbers.
    pub(in crate::modules) fn allows(&self, version: &str) -> Option<bool> {
        for (operator, limit) in &self.limits {
            let order = numbers(version)?.cmp(&numbers(limit)?);
            let fits = match operator.as_str() {
                "==" => order.is_eq(),
                "!=" => order.is_ne(),
                ">=" => order.is_ge(),
                "<=" => order.is_le(),
                ">" => order.is_gt(),
                "<" => order.is_lt(),
                _ => return None,
            };
            if !fits {
                return Some(false);
            }
        }
        Some(true)
    }
}

/// The numbers of a release, without zeros at the end; none for anything but numbers.
fn numbers(version: &str) -> Option<Vec<u64>> {
    let parts = version.split('.').map(|part| part.parse().ok());
    let mut numbers: Vec<u64> = parts.collect::<Option<_>>()?;
    while numbers.last() == Some(&0) {
        numbers.pop();
    }
    Some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_held_against_limits() {
        let check = |text: &str, version: &str, expected| {
            assert_eq!(
                Requirement::read(text).unwrap().allows(version),
                expected,
                "{text}"
            );
        };
        check("a", "1", Some(true));
        check("a==1.0", "1", Some(true));
        check("a>=1.9,<2", "1.10", Some(true));
        check("a>=1.9,<2", "2.1", Some(false));
        check("a~=1.4", "1.5", None);
        check("a>1", "1.0rc1", None);
        assert_eq!(Requirement::read("My_Pkg.x").unwrap().name, "my-pkg-x");
        assert_eq!(Requirement::read("git+https://h/r"), None);
        assert_eq!(Requirement::read("a[x]==1"), None);
        assert_eq!(Requirement::read("./folder"), None);
    }
}
