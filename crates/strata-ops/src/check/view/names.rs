//! Which variables a template asks for, and which names anything sets.
//!
//! Both err on the side of silence: a name that looks as if something set it, or as if the template
//! could do without it, is not asked for.

use std::{collections::BTreeSet, sync::LazyLock};

use regex::Regex;

/// Words that are not variables of the user.
const LANGUAGE: [&str; 66] = [
    "and",
    "or",
    "not",
    "in",
    "is",
    "if",
    "else",
    "elif",
    "true",
    "false",
    "none",
    "True",
    "False",
    "None",
    "item",
    "omit",
    "hostvars",
    "groups",
    "group_names",
    "inventory_hostname",
    "inventory_hostname_short",
    "inventory_dir",
    "inventory_file",
    "play_hosts",
    "playbook_dir",
    "role_path",
    "role_name",
    "role_names",
    "vars",
    "environment",
    "lookup",
    "query",
    "q",
    "now",
    "undef",
    "range",
    "dict",
    "cycler",
    "joiner",
    "namespace",
    "loop",
    "self",
    "caller",
    "varargs",
    "kwargs",
    "super",
    "for",
    "endfor",
    "endif",
    "set",
    "endset",
    "macro",
    "endmacro",
    "include",
    "import",
    "with",
    "recursive",
    "context",
    "template_path",
    "template_host",
    "undefined",
    "template_uid",
    "yes",
    "no",
    "on",
    "off",
];

static TEMPLATE: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(?s)\{\{(.*?)\}\}|\{%(.*?)%\}|\{#.*?#\}"));
static STRING: LazyLock<Regex> = LazyLock::new(|| regex(r#""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'"#));
static RAW: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(?s)\{%-?\s*raw\s*-?%\}.*?\{%-?\s*endraw\s*-?%\}"));
/// A name, with what stands before it.
static NAME: LazyLock<Regex> = LazyLock::new(|| {
    regex(r"(?P<before>\.\s*|\|\s*|\bis\s+not\s+|\bis\s+)?\b(?P<name>[A-Za-z_]\w*)")
});
/// What follows a name that is not needed: a call, a named argument, a way to do without.
static AFTER: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"^(?:(?P<other>\s*\(|\s*=(?:[^=]|$))|(?:\.\w+|\[[^\]]*\])*\s*(?:\|\s*(?:d|default)\b|\bis\s+(?:not\s+)?(?:defined|undefined)\b))",
    )
});
static BOUND: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"\bfor\s+([\w\s,()]+?)\s+in\b|\bset\s+([\w\s,]+?)\s*(?:=|$|\|)|\bmacro\s+\w+\s*\(([^)]*)\)|\bas\s+(\w+)|\bimport\s+(\w+)|\bcall\s*\(([^)]*)\)",
    )
});
/// A name that something is assigned to, in any of the languages that set variables.
static ASSIGNED: LazyLock<Regex> =
    LazyLock::new(|| regex(r#"(?m)([A-Za-z_]\w*)["']?[ \t]*(?::(?:\s|$)|=(?:[^=~]|$))"#));
/// A name that a task or a play gives to what it makes.
static GIVEN: LazyLock<Regex> = LazyLock::new(|| {
    regex(r#"(?m)(?:register|loop_var|index_var|name|var)["']?\s*[:=]\s*["']?([A-Za-z_]\w*)"#)
});

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is a constant and valid")
}

/// What templates ask for.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    /// Names without which they fail.
    pub(crate) needed: BTreeSet<String>,
    /// Names that they can do without, and those they set themselves.
    pub(crate) settled: BTreeSet<String>,
}

impl Asked {
    /// Reads a text with templates in it.
    pub(crate) fn text(&mut self, text: &str) {
        let text = RAW.replace_all(text, "");
        for captures in TEMPLATE.captures_iter(&text) {
            if let Some(inner) = captures.get(1).or(captures.get(2)) {
                self.expression(inner.as_str());
            }
        }
    }

    /// Reads an expression.
    pub(crate) fn expression(&mut self, text: &str) {
        self.looked_up(text);
        let text = STRING.replace_all(text, "''");
        for captures in BOUND.captures_iter(&text) {
            let names = captures.iter().skip(1).flatten();
            for name in names.flat_map(|names| names.as_str().split([',', ' ', '(', ')', '='])) {
                self.settled.insert(name.trim().to_owned());
            }
        }
        for captures in NAME.captures_iter(&text) {
            let after = captures.get(0).map_or("", |found| &text[found.end()..]);
            if captures.name("before").is_none() {
                self.name(&captures["name"], after);
            }
        }
    }

    fn name(&mut self, name: &str, after: &str) {
        if LANGUAGE.contains(&name) || name.starts_with("ansible_") {
            return;
        }
        match AFTER.captures(after) {
            Some(found) if found.name("other").is_some() => {}
            Some(_) => {
                self.settled.insert(name.to_owned());
            }
            None => {
                self.needed.insert(name.to_owned());
            }
        }
    }

    /// Names in texts, as `vars['x']` and `'x' in vars` have them.
    fn looked_up(&mut self, text: &str) {
        if text.contains("vars") {
            for found in STRING.find_iter(text) {
                let name = found.as_str().trim_matches(['"', '\'']);
                self.settled.insert(name.to_owned());
            }
        }
    }

    /// The names that are needed and not settled.
    pub(crate) fn open(&self) -> impl Iterator<Item = &str> {
        self.needed
            .iter()
            .filter(|name| !self.settled.contains(*name))
            .map(String::as_str)
    }
}

/// Adds every name that a text seems to set.
pub(crate) fn assigned(text: &str, names: &mut BTreeSet<String>) {
    for pattern in [&ASSIGNED, &GIVEN] {
        let found = pattern.captures_iter(text).map(|found| found[1].to_owned());
        names.extend(found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(template: &str, open: &str) {
        let mut asked = Asked::default();
        asked.text(template);
        assert_eq!(
            asked.open().collect::<Vec<_>>().join(" "),
            open,
            "{template}"
        );
    }

    #[test]
    fn names_that_a_template_cannot_do_without_are_asked_for() {
        check("{{ a }} {{ b.c[d] | join(', ') }}", "a b d");
        check(
            "{% for x in xs %}{{ x.y }}{{ loop.index }}{% endfor %}",
            "xs",
        );
        check("{{ f(a, key=b) }}", "a b");
        check("{{ a if b == 'c' else d }}", "a b d");
        check("{{ hostvars[inventory_hostname].ansible_host }}", "");
    }

    #[test]
    fn names_that_it_can_do_without_are_not() {
        check("{{ a | default('x') }} {{ b.c | d(1) }}", "");
        check("{% if a is defined %}{{ a }}{% endif %}", "");
        check(
            "{% set a = 1 %}{{ a }}{% macro m(b) %}{{ b }}{% endmacro %}",
            "",
        );
        check("{{ lookup('vars', 'a') }}{{ a }}", "");
        check("{% raw %}{{ a }}{% endraw %}{# {{ b }} #}", "");
    }

    #[test]
    fn names_are_set_in_many_languages() {
        let mut names = BTreeSet::new();
        assigned("a: 1\n\"b\" = 2\nhost c=3 d==4\nregister: e\n", &mut names);
        let names: Vec<_> = names.into_iter().collect();
        assert_eq!(names, ["a", "b", "c", "e", "register"]);
    }
}
