//! Which tasks run by their tags.

use serde_json::Value as Json;

/// What `--tags` and `--skip-tags` ask for.
#[derive(Clone, Debug)]
pub(crate) struct TagFilter<'a> {
    pub(crate) only: &'a [String],
    pub(crate) skip: &'a [String],
}

impl TagFilter<'_> {
    /// True if a task with these tags runs.
    ///
    /// `always` runs unless it is skipped by name and wins over `never`, which runs only if another of the task's tags (or `never`
    /// itself) is asked for; `all`, `tagged` and `untagged` may be asked for and skipped like tags.
    pub(crate) fn allows(&self, tags: &[String]) -> bool {
        self.wanted(tags) && !self.unwanted(tags)
    }

    fn wanted(&self, tags: &[String]) -> bool {
        let asked = |tag: &str| self.only.iter().any(|only| only == tag);
        let has = |tag: &str| tags.iter().any(|own| own == tag);
        if self.only.is_empty() {
            return has("always") || !has("never");
        }
        if tags.iter().any(|tag| asked(tag)) {
            return true;
        }
        if has("always") {
            return true;
        }
        if has("never") {
            return false;
        }
        asked("all")
            || if tags.is_empty() {
                asked("untagged")
            } else {
                asked("tagged")
            }
    }

    fn unwanted(&self, tags: &[String]) -> bool {
        let skipped = |tag: &str| self.skip.iter().any(|skip| skip == tag);
        let always = tags.iter().any(|tag| tag == "always");
        if tags.iter().any(|tag| skipped(tag)) {
            return true;
        }
        if skipped("all") && !always {
            return true;
        }
        if tags.is_empty() {
            skipped("untagged")
        } else {
            skipped("tagged")
        }
    }
}

/// The tags of a keyword's rendered value: a text (perhaps with commas) or a list of them.
pub(crate) fn words(value: &Json) -> Vec<String> {
    match value {
        Json::String(text) => text
            .split(',')
            .map(|word| word.trim().to_owned())
            .filter(|word| !word.is_empty())
            .collect(),
        Json::Array(items) => items.iter().flat_map(words).collect(),
        Json::Null => Vec::new(),
        other => vec![other.to_string()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(only: &str, skip: &str, tags: &str, expected: bool) {
        let list = |text: &str| words(&Json::String(text.to_owned()));
        let filter = TagFilter {
            only: &list(only),
            skip: &list(skip),
        };
        assert_eq!(
            filter.allows(&list(tags)),
            expected,
            "--tags {only:?} --skip-tags {skip:?} with {tags:?}"
        );
    }

    #[test]
    fn without_options_all_but_never_runs() {
        check("", "", "", true);
        check("", "", "a", true);
        check("", "", "never", false);
        check("", "", "never,a", false);
        check("", "", "never,always", true);
    }

    #[test]
    fn asked_for_tags_run_and_always_runs_beside() {
        check("a", "", "a,b", true);
        check("a", "", "b", false);
        check("a", "", "", false);
        check("a", "", "always", true);
        check("a", "", "never,a", true);
        check("never", "", "never", true);
    }

    #[test]
    fn groups_of_tags_can_be_asked_for() {
        check("tagged", "", "a", true);
        check("tagged", "", "", false);
        check("untagged", "", "", true);
        check("untagged", "", "a", false);
        check("all", "", "never", false);
        check("all", "", "", true);
    }

    #[test]
    fn skipped_tags_win() {
        check("a", "b", "a,b", false);
        check("", "always", "always", false);
        check("", "all", "always", true);
        check("", "all", "a", false);
        check("", "tagged", "a", false);
        check("", "untagged", "", false);
    }
}
