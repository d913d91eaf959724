//! `modules`: which modules the configuration calls, as a tree or as JSON.

use std::path::Path;

use anstream::{print, println};
use serde_json::{Value as Json, json};
use strata_core::{Diagnostics, addr::Module};
use strata_ops::modules::{CalledModule, modules};

use super::{Exit, process};

pub(super) fn run(as_json: bool) -> Result<Exit, Diagnostics> {
    let found = modules(Path::new("."), &process()?)?;
    match as_json {
        true => println!("{}", json(&found)),
        false => print!("{}", text(&found)),
    }
    Ok(0)
}

/// The list as `terraform modules -json` 1.11 gives it.
fn json(found: &[CalledModule]) -> Json {
    let entry = |module: &CalledModule| {
        json!({
            "key": &*module.name,
            "source": module.source,
            "version": module.version.as_deref().unwrap_or_default(),
        })
    };
    let all = match found.is_empty() {
        true => Json::Null,
        false => found.iter().map(entry).collect(),
    };
    json!({ "format_version": "1.0", "modules": all })
}

/// The tree as `terraform modules` 1.11 draws it.
fn text(found: &[CalledModule]) -> String {
    if found.is_empty() {
        return "No modules found in configuration.\n".to_owned();
    }
    let mut out = String::from("\nModules declared by configuration:\n.\n");
    draw(found, &Module::root(), "", &mut out);
    out.push('\n');
    out
}

fn draw(found: &[CalledModule], around: &Module, indent: &str, out: &mut String) {
    let is_inside = |module: &&CalledModule| {
        module.path.0.len() == around.0.len() + 1 && module.path.0.starts_with(&around.0)
    };
    let inside: Vec<_> = found.iter().filter(is_inside).collect();
    for (number, module) in inside.iter().enumerate() {
        let (branch, below) = match number + 1 == inside.len() {
            true => ("└── ", "    "),
            false => ("├── ", "│\u{a0}\u{a0} "),
        };
        let version = module
            .version
            .as_deref()
            .map(|version| format!(" ({version})"));
        out.push_str(&format!(
            "{indent}{branch}{:?}[{}]{}\n",
            &*module.name,
            module.source,
            version.unwrap_or_default()
        ));
        draw(found, &module.path, &format!("{indent}{below}"), out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn called(path: &str, source: &str, version: Option<&str>) -> CalledModule {
        let path = Module(path.split('.').map(Into::into).collect());
        CalledModule {
            name: path.0.last().expect("a name").clone(),
            path,
            source: source.to_owned(),
            version: version.map(str::to_owned),
        }
    }

    #[test]
    fn modules_are_drawn_as_a_tree() {
        let found = [
            called("k", "./m/n", None),
            called("m", "x/y/z", Some("1.2.0")),
            called("m.n", "./n", None),
        ];
        let expected = expect_test::expect![[r#"

            Modules declared by configuration:
            .
            ├── "k"[./m/n]
            └── "m"[x/y/z] (1.2.0)
                └── "n"[./n]

        "#]];
        expected.assert_eq(&text(&found));
    }
}
