//! How old a password may become, which `chage` sets.

use crate::arguments::Arguments;
use crate::change::Change;

/// An argument, the option of `chage`, and its field in `/etc/shadow`.
const AGES: &[(&str, &str, usize)] = &[
    ("password_expire_min", "-m", 3),
    ("password_expire_max", "-M", 4),
    ("password_expire_warn", "-W", 5),
    ("password_expire_account_disable", "-I", 6),
];

pub(super) struct Ages(Vec<(&'static str, usize, i64)>);

impl Ages {
    pub(super) fn read(arguments: &Arguments) -> Ages {
        let given = AGES.iter().filter_map(|(name, option, field)| {
            let days = arguments.int(name)?;
            Some((*option, *field, days))
        });
        Ages(given.collect())
    }

    /// Sets what differs from the user's line in `/etc/shadow`.
    pub(super) fn change(&self, name: &str, shadow: &[String]) -> Option<Change> {
        let mut argv = vec!["chage".to_owned()];
        for (option, field, days) in &self.0 {
            let kept = shadow.get(*field).and_then(|text| text.parse::<i64>().ok());
            if kept != Some(*days) && !(kept.is_none() && *days < 0) {
                argv.extend([(*option).to_owned(), days.to_string()]);
            }
        }
        let is_due = argv.len() > 1;
        argv.push(name.to_owned());
        let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
        is_due.then(|| Change::run(&argv))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_set() {
        let shadow: Vec<String> = "me:*:1:0:99999:7:::"
            .split(':')
            .map(str::to_owned)
            .collect();
        let ages = Ages(vec![("-M", 4, 90), ("-m", 3, 0), ("-I", 6, -1)]);
        let expected = Change::run(&["chage", "-M", "90", "me"]);
        assert_eq!(ages.change("me", &shadow), Some(expected));
        assert_eq!(Ages(vec![("-m", 3, 0)]).change("me", &shadow), None);
    }
}
