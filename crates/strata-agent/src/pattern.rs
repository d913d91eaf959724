//! Python's regular expressions.
//!
//! Most run in time linear in their text. Those with look-around or back references take steps back, and one
//! that takes more than [`MOST_STEPS`] of them is given up: it counts as no match. Texts that come in pieces
//! (`wait_for`, `expect`) are served by [`compile`] alone, which refuses the latter by name.

use regex::Regex;

use crate::module::ModuleError;

/// Compiles a pattern that a task gave under an argument's name.
pub(crate) fn compile(argument: &str, pattern: &str) -> Result<Regex, ModuleError> {
    // Python's name for the very end of the text.
    let rewritten = pattern.replace(r"\Z", r"\z");
    Regex::new(&rewritten).map_err(|error| {
        let reason = reason(pattern, &error);
        ModuleError::new(format!("{argument}: the pattern `{pattern}` {reason}"))
    })
}

/// How many steps back a match may take before it is given up.
const MOST_STEPS: usize = 5_000_000;

/// A pattern for whole texts, with all that Python has.
pub(crate) enum Pattern {
    Plain(Regex),
    Backtracking(Box<fancy_regex::Regex>),
}

/// What a pattern's groups matched.
pub(crate) struct Groups<'t> {
    all: Vec<Option<&'t str>>,
}

/// Compiles a pattern for whole texts.
pub(crate) fn python(argument: &str, pattern: &str) -> Result<Pattern, ModuleError> {
    let rewritten = pattern.replace(r"\Z", r"\z");
    if let Ok(regex) = Regex::new(&rewritten) {
        return Ok(Pattern::Plain(regex));
    }
    let built = fancy_regex::RegexBuilder::new(&rewritten)
        .backtrack_limit(MOST_STEPS)
        .build();
    built
        .map(|regex| Pattern::Backtracking(Box::new(regex)))
        .map_err(|error| {
            let text = error.to_string();
            let reason = text.lines().last().unwrap_or_default().trim();
            ModuleError::new(format!(
                "{argument}: the pattern `{pattern}` is not a regular expression: {reason}"
            ))
        })
}

impl Pattern {
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Pattern::Plain(regex) => regex.as_str(),
            Pattern::Backtracking(regex) => regex.as_str(),
        }
    }

    pub(crate) fn is_match(&self, text: &str) -> bool {
        match self {
            Pattern::Plain(regex) => regex.is_match(text),
            Pattern::Backtracking(regex) => regex.is_match(text).unwrap_or(false),
        }
    }

    /// All matches: where each begins and ends, and what its groups matched.
    pub(crate) fn all<'t>(&self, text: &'t str) -> Vec<(usize, usize, Groups<'t>)> {
        match self {
            Pattern::Plain(regex) => {
                let found = regex.captures_iter(text).map(|found| {
                    let whole = found.get_match();
                    let all = found.iter().map(|group| group.map(|group| group.as_str()));
                    (whole.start(), whole.end(), Groups::new(all))
                });
                found.collect()
            }
            Pattern::Backtracking(regex) => {
                let found = regex.captures_iter(text).map_while(Result::ok);
                let found = found.filter_map(|found| {
                    let whole = found.get(0)?;
                    let all = found.iter().map(|group| group.map(|group| group.as_str()));
                    Some((whole.start(), whole.end(), Groups::new(all)))
                });
                found.collect()
            }
        }
    }

    /// How many groups there are, the whole match among them.
    pub(crate) fn groups(&self) -> usize {
        match self {
            Pattern::Plain(regex) => regex.captures_len(),
            Pattern::Backtracking(regex) => regex.captures_len(),
        }
    }

    /// The number of the group of a name.
    pub(crate) fn group(&self, name: &str) -> Option<usize> {
        let is_it = |known: Option<&str>| known == Some(name);
        match self {
            Pattern::Plain(regex) => regex.capture_names().position(is_it),
            Pattern::Backtracking(regex) => regex.capture_names().position(is_it),
        }
    }

    /// The first match: where it begins and ends.
    pub(crate) fn find(&self, text: &str) -> Option<(usize, usize)> {
        match self {
            Pattern::Plain(regex) => regex.find(text).map(|found| (found.start(), found.end())),
            Pattern::Backtracking(regex) => {
                let found = regex.find(text).ok().flatten()?;
                Some((found.start(), found.end()))
            }
        }
    }
}

impl<'t> Groups<'t> {
    fn new(all: impl Iterator<Item = Option<&'t str>>) -> Groups<'t> {
        Groups { all: all.collect() }
    }

    /// What the group of a number matched; nothing, if it took no part.
    pub(crate) fn get(&self, number: usize) -> &'t str {
        self.all.get(number).copied().flatten().unwrap_or_default()
    }
}

fn reason(pattern: &str, error: &regex::Error) -> String {
    let unsupported = [
        ("(?=", "look-ahead"),
        ("(?!", "look-ahead"),
        ("(?<=", "look-behind"),
        ("(?<!", "look-behind"),
        ("(?P=", "a back reference"),
        ("(?(", "a conditional"),
    ];
    if let Some((_, name)) = unsupported
        .iter()
        .find(|(start, _)| pattern.contains(start))
    {
        return format!("uses {name}, which Strata does not support");
    }
    let text = error.to_string();
    if text.contains("backreferences") {
        return "uses a back reference, which Strata does not support".to_owned();
    }
    format!(
        "is not a regular expression: {}",
        text.lines().last().unwrap_or_default().trim()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_may_look_around_and_refer_back() {
        let cgroup = python("regexp", r"^((?!.*\bcgroup_enable=memory\b).*)$").unwrap();
        assert!(cgroup.is_match("console=tty1 rootwait"));
        assert!(!cgroup.is_match("console=tty1 cgroup_enable=memory rootwait"));
        let found = cgroup.all("rootwait");
        assert_eq!(found[0].2.get(1), "rootwait");
        let twice = python("regexp", r"(?P<word>\w+) (?P=word)").unwrap();
        assert_eq!(twice.find("a bb bb"), Some((2, 7)));
        assert!(python("regexp", "(?!a").is_err());
    }

    #[test]
    fn what_is_not_supported_is_named() {
        let check = |pattern, expected: &str| {
            let error = compile("regexp", pattern).unwrap_err().msg;
            assert!(error.contains(expected), "{error}");
        };
        check(
            "^(?!#)a",
            "`^(?!#)a` uses look-ahead, which Strata does not support",
        );
        check(r"(a)\1", "a back reference");
        check("(a", "is not a regular expression");
    }
}
