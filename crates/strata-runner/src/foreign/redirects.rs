//! Where modules are now that moved into another collection, as installed collections say it (`meta/runtime.yml`).

use std::path::PathBuf;

use super::Places;

/// How often one name may lead to another.
const MOST: usize = 5;

impl Places<'_> {
    /// The name under which a module is now, if it is not there under the one that is given, and is known to be
    /// somewhere by `is_there`.
    pub(crate) fn moved(&self, name: &str, is_there: impl Fn(&str) -> bool) -> Option<String> {
        let there = |name: &str| is_there(name) || self.find(name).is_some();
        let mut name = name.to_owned();
        for step in 0..MOST {
            if there(&name) {
                return (step > 0).then_some(name);
            }
            name = self.redirect(&name)?;
        }
        None
    }

    /// What the collection of a module says of where it went.
    fn redirect(&self, name: &str) -> Option<String> {
        let text = |path: PathBuf| self.files.read_text(&path).ok();
        match name.split('.').collect::<Vec<_>>()[..] {
            [short] => {
                let core = self.options.modules.core.as_ref()?;
                redirect_in(
                    &text(core.join("config/ansible_builtin_runtime.yml"))?,
                    short,
                )
            }
            [namespace, collection, short] => {
                let file = format!("ansible_collections/{namespace}/{collection}/meta/runtime.yml");
                let text = self
                    .collections
                    .iter()
                    .find_map(|root| text(root.join(&file)))?;
                redirect_in(&text, short)
            }
            _ => None,
        }
    }
}

/// `plugin_routing.modules.NAME.redirect` of a text of some thousand lines, line by line: to parse it whole for one
/// name would take longer than the task.
fn redirect_in(text: &str, name: &str) -> Option<String> {
    let content = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    let lines: Vec<&str> = text.lines().filter(content).collect();
    let mut lines = &lines[..];
    for key in ["plugin_routing", "modules", name] {
        lines = below(lines, key);
    }
    let target = lines
        .iter()
        .find_map(|line| line.trim().strip_prefix("redirect:"))?;
    Some(target.trim().trim_matches(['"', '\'']).to_owned())
}

/// The lines below a key, up to the next that is no deeper than it.
fn below<'a, 'b>(lines: &'a [&'b str], key: &str) -> &'a [&'b str] {
    let depth = |line: &str| line.len() - line.trim_start().len();
    let is_key = |line: &&str| {
        let word = line.trim().strip_suffix(':').unwrap_or_default();
        word.trim_matches(['"', '\'']) == key
    };
    let Some(at) = lines.iter().position(is_key) else {
        return &[];
    };
    let rest = &lines[at + 1..];
    let inside = rest
        .iter()
        .take_while(|line| depth(line) > depth(lines[at]));
    &rest[..inside.count()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_that_moved_is_found_by_what_its_collection_says() {
        let text = "\
requires_ansible: '>=2.16'
plugin_routing:
  lookup:
    other:
      redirect: not.this.one
  modules:
    # Nothing of this counts.
    gone:
      tombstone:
        removal_version: 2.0.0
    other:
      deprecation:
        removal_version: 3.0.0
      redirect: 'here.it.is'
  module_utils:
    late:
      redirect: not.this.either
";
        assert_eq!(redirect_in(text, "other").as_deref(), Some("here.it.is"));
        assert_eq!(redirect_in(text, "gone"), None);
        assert_eq!(redirect_in(text, "late"), None);
        assert_eq!(
            redirect_in("modules:\n  a:\n    redirect: b.c.a\n", "a"),
            None
        );
    }
}
