//! What a Python source imports, as far as it can lie in `module_utils` and collections.

use std::sync::LazyLock;

use regex::Regex;

/// `from MODULE import NAMES`, or `import MODULE` without names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Import {
    /// How many dots stand before the module.
    pub(super) level: usize,
    pub(super) module: String,
    pub(super) names: Vec<String>,
}

static FROM: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?m)^[ \t]*from[ \t]+(\.*)([\w.]*)[ \t]+import[ \t]+(\([^)]*\)|(?:[^\n\\#;]|\\\n)*)",
    )
    .expect("the pattern is right")
});

static PLAIN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?m)^[ \t]*import[ \t]+([\w., \t]+)").expect("the pattern is right")
});

/// Every import of a source, those inside functions too.
pub(super) fn of(source: &str) -> Vec<Import> {
    let mut all: Vec<Import> = Vec::new();
    for found in FROM.captures_iter(source) {
        all.push(Import {
            level: found[1].len(),
            module: found[2].to_owned(),
            names: names(&found[3]),
        });
    }
    for found in PLAIN.captures_iter(source) {
        all.extend(names(&found[1]).into_iter().map(|module| Import {
            level: 0,
            module,
            names: Vec::new(),
        }));
    }
    all
}

/// The names of a list, without what they are to be called.
fn names(list: &str) -> Vec<String> {
    let lines = list
        .lines()
        .map(|line| line.split('#').next().unwrap_or(""));
    let joined: String = lines.collect::<Vec<_>>().join(" ").replace('\\', " ");
    let parts = joined.trim_matches(['(', ')', ' ']).split(',');
    let first = parts.filter_map(|part| part.split_whitespace().next());
    first.map(str::to_owned).collect()
}

/// True for Python that imports what Ansible has for modules.
pub(super) fn is_new_style(source: &str) -> bool {
    of(source).iter().any(|import| {
        let module = &import.module;
        let of_collection = module.starts_with("ansible_collections.");
        let of_core = module == "ansible.module_utils"
            || module.starts_with("ansible.module_utils.")
            || (module == "ansible" && import.names.iter().any(|name| name == "module_utils"));
        let relative = import.level > 0 && module.split('.').any(|part| part == "module_utils");
        of_collection || of_core || relative
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_found_in_all_their_forms() {
        let source = "\
from ansible.module_utils.basic import AnsibleModule, env_fallback as e  # why
from ..module_utils.x import (  # several
    one,
    two as zwei,
)
import os, ansible.module_utils.urls as urls
def f():
    from . import late
from a.b import c, \\
    d
";
        let import = |level, module: &str, names: &[&str]| Import {
            level,
            module: module.to_owned(),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
        };
        assert_eq!(
            of(source),
            [
                import(
                    0,
                    "ansible.module_utils.basic",
                    &["AnsibleModule", "env_fallback"]
                ),
                import(2, "module_utils.x", &["one", "two"]),
                import(1, "", &["late"]),
                import(0, "a.b", &["c", "d"]),
                import(0, "os", &[]),
                import(0, "ansible.module_utils.urls", &[]),
            ]
        );
    }
}
