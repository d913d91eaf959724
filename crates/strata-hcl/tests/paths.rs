//! Paths that depend on the folder a program runs in; Terraform's answers hold for its own folder only.

use std::sync::Arc;

use strata_core::{Diagnostics, Source, Value};
use strata_hcl::{Environment, Reference, Resolved, Scope, evaluate, parse_expression};

/// Knows the folder it runs in, and nothing else.
struct InFolder<'a>(&'a str);

impl Scope for InFolder<'_> {
    fn resolve(&self, _: &Reference<'_>, _: &mut Diagnostics) -> Option<Resolved> {
        None
    }

    fn environment(&self) -> Environment<'_> {
        Environment {
            working_directory: Some(self.0.as_ref()),
            ..Environment::none()
        }
    }
}

fn run(text: &str, folder: &str) -> (Value, Diagnostics) {
    let mut diags = Diagnostics::new();
    let expression = parse_expression(&Arc::new(Source::new("test.tf", text)), &mut diags);
    let value = evaluate(&expression, &InFolder(folder), &mut diags);
    (value, diags)
}

#[test]
fn abspath_begins_at_the_working_folder() {
    // As `terraform console` answers in a folder of this name.
    for (path, whole) in [
        ("a/../b", "/srv/site/b"),
        ("", "/srv/site"),
        (".", "/srv/site"),
        ("../x//y/", "/srv/x/y"),
    ] {
        let (value, diags) = run(&format!("abspath({path:?})"), "/srv/site");
        assert!(diags.is_empty(), "{diags:?}");
        assert_eq!(value.as_str(), Some(whole), "{path}");
    }
}

#[test]
fn what_is_not_known_is_a_mistake() {
    for (text, cause) in [
        (
            "abspath(\"a\")",
            "Call to function \"abspath\" failed: the working folder is not known here.",
        ),
        (
            "pathexpand(\"~\")",
            "Call to function \"pathexpand\" failed: the home folder is not known here.",
        ),
    ] {
        let (value, diags) = run(text, "site");
        assert!(!value.is_known());
        let details: Vec<_> = diags.into_iter().map(|found| found.detail).collect();
        assert_eq!(details, [cause]);
    }
}
