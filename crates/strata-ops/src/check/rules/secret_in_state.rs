//! `secret-in-state`.

use std::collections::BTreeMap;

use strata_core::{Severity, Span};
use strata_hcl::{
    Attribute, Block, Body,
    syntax::node::{BinaryOperator, Node, NodeKind, StepKind},
};

use crate::check::{
    finding::Findings,
    rule::Rule,
    view::{
        View,
        hcl::{self, Folder},
    },
};

pub(super) static RULE: Rule = Rule {
    name: "secret-in-state",
    severity: Severity::Warning,
    summary: "A secret that ends up in the state",
    reason: "State keeps every argument of every resource in plain text, and `sensitive = true` only hides it on the screen: whoever may read the state, or a backup of it, has the secret.",
    fix: "Set the secret in the application layer, from a vault, when it is needed. Where the provider must have it, use its write-only argument (`…_wo`) with an `ephemeral` variable; otherwise keep the state where only its users can read it, encrypted, and waive this here.",
    scope: "Arguments of resources and data sources that use a variable which is `sensitive` or called like a secret (`…_password`, `…_token`, …), and written-out passwords. Provider blocks, connections and provisioners do not reach the state. Conditions on a secret are fine.",
    bad: &[(
        "main.tf",
        r#"variable "db_password" {
  type      = string
  sensitive = true
}

resource "aws_db_instance" "main" {
  engine   = "postgres"
  password = var.db_password
}
"#,
    )],
    good: &[(
        "main.tf",
        r#"variable "db_password" {
  type      = string
  sensitive = true
  ephemeral = true
}

resource "aws_db_instance" "main" {
  engine              = "postgres"
  password_wo         = var.db_password
  password_wo_version = 1
}
"#,
    )],
    find,
};

/// How the names of secrets end.
const SECRETS: [&str; 14] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "api_key",
    "apikey",
    "private_key",
    "secret_key",
    "access_key",
    "client_secret",
    "credential",
    "credentials",
    "psk",
];

/// Arguments that are passwords, whatever the resource.
const PASSWORDS: [&str; 7] = [
    "password",
    "passwd",
    "passphrase",
    "api_key",
    "client_secret",
    "admin_password",
    "root_password",
];

fn find(view: &View, findings: &mut Findings<'_>) {
    for folder in &view.folders {
        let variables = secrets(folder);
        for block in folder.resources() {
            let mut places = Vec::new();
            look(&block.body, false, &variables, &mut places);
            let address = address(block);
            for (span, name) in places {
                let summary = match name {
                    Some(name) => format!("`{address}` keeps the secret `var.{name}` in the state"),
                    None => format!("`{address}` has a password written out"),
                };
                findings.at(&span, summary);
            }
        }
    }
}

fn address(block: &Block) -> String {
    let label = |at| block.label(at).unwrap_or_default();
    let data = if &*block.kind.text == "data" {
        "data."
    } else {
        ""
    };
    format!("{data}{}.{}", label(0), label(1))
}

/// Variables that hold secrets; false for those that never reach the state.
fn secrets(folder: &Folder) -> BTreeMap<&str, bool> {
    let mut secrets = BTreeMap::new();
    for block in folder.blocks("variable") {
        let Some(name) = block.label(0) else { continue };
        let says = |argument: &str| {
            let value = block.body.attribute(argument)?.expression.as_literal()?;
            value.as_bool()
        };
        let called = is_called_secret(name);
        let hidden = says("sensitive").unwrap_or(called && holds_text(block));
        let secret = hidden && !is_known_to_others(name);
        if secret && says("ephemeral") != Some(true) {
            secrets.insert(name, true);
        }
    }
    secrets
}

fn is_called_secret(name: &str) -> bool {
    SECRETS.iter().any(|ending| {
        let before = name.strip_suffix(ending);
        name == *ending || before.is_some_and(|name| name.ends_with('_'))
    })
}

/// True for names of what is no secret, even where the screen need not show it.
fn is_known_to_others(name: &str) -> bool {
    const ENDINGS: [&str; 20] = [
        "id", "ids", "ocid", "arn", "email", "domain", "username", "user", "users", "host",
        "hostname", "url", "endpoint", "ip", "cidr", "name", "path", "address", "port", "region",
    ];
    let last = name.rsplit('_').next().unwrap_or(name);
    let ssh_key = ["ssh_key", "ssh_keys", "authorized_keys"]
        .iter()
        .any(|key| name.ends_with(key));
    name.contains("public") || ssh_key || ENDINGS.contains(&last)
}

/// False for variables that can only be a choice or a number.
fn holds_text(variable: &Block) -> bool {
    let ty = variable.body.attribute("type");
    ty.is_none_or(|ty| !matches!(ty.expression.text(), "bool" | "number"))
}

fn look<'a>(
    body: &'a Body,
    cloud_init: bool,
    variables: &BTreeMap<&'a str, bool>,
    places: &mut Vec<(Span, Option<&'a str>)>,
) {
    for attribute in &body.attributes {
        let name = &*attribute.name.text;
        let control = matches!(
            name,
            "count" | "for_each" | "depends_on" | "provider" | "name" | "path" | "mount" | "key"
        );
        if control || name.ends_with("_wo") {
            continue;
        }
        if let Some(secret) = used(attribute.expression.node(), variables) {
            places.push((attribute.span(), Some(secret)));
        } else if is_password(attribute) && !cloud_init {
            places.push((attribute.span(), None));
        }
    }
    for block in &body.blocks {
        if !matches!(
            &*block.kind.text,
            "provisioner" | "connection" | "lifecycle"
        ) {
            let cloud_init = &*block.kind.text == "user_account";
            look(&block.body, cloud_init, variables, places);
        }
    }
}

/// A secret variable whose value goes into what a node gives.
fn used<'a>(node: &'a Node, variables: &BTreeMap<&'a str, bool>) -> Option<&'a str> {
    match &node.kind {
        NodeKind::Access(of, steps) => match (&of.kind, steps.first().map(|step| &step.kind)) {
            (NodeKind::Variable(root), Some(StepKind::Attribute(name))) if &**root == "var" => {
                let member = steps[1..].iter().rev().find_map(|step| match &step.kind {
                    StepKind::Attribute(name) => Some(&**name),
                    _ => None,
                });
                let secret = member.is_none_or(is_called_secret);
                let known = variables.get_key_value(&**name).filter(|_| secret);
                known.map(|(name, _)| *name)
            }
            _ => used(of, variables),
        },
        NodeKind::Conditional(choice) => {
            used(&choice.then, variables).or_else(|| used(&choice.otherwise, variables))
        }
        // A comparison tells next to nothing, and neither does a length or a hash.
        NodeKind::Binary(_, operations) if operations.iter().all(|o| compares(o.operator)) => None,
        NodeKind::Call(call) if tells_nothing(&call.name.text) => None,
        NodeKind::Call(call) => call.arguments.iter().find_map(|node| used(node, variables)),
        NodeKind::Parentheses(inner) => used(inner, variables),
        NodeKind::Tuple(items) => items.iter().find_map(|item| used(item, variables)),
        NodeKind::Object(items) => items.iter().find_map(|item| used(&item.value, variables)),
        NodeKind::Template(_) => {
            let mut found = None;
            let mut first = true;
            hcl::nodes(node, &mut |inner| {
                if !std::mem::take(&mut first) && found.is_none() && is_access(inner) {
                    found = used(inner, variables);
                }
            });
            found
        }
        _ => None,
    }
}

fn is_access(node: &Node) -> bool {
    matches!(node.kind, NodeKind::Access(..))
}

fn compares(operator: BinaryOperator) -> bool {
    use BinaryOperator as Is;
    matches!(
        operator,
        Is::Or | Is::And | Is::Equal | Is::NotEqual | Is::Less | Is::LessOrEqual | Is::Greater
    )
}

fn tells_nothing(function: &str) -> bool {
    function.starts_with("sha")
        || function == "md5"
        || ["length", "can", "nonsensitive_length", "bcrypt"].contains(&function)
}

fn is_password(attribute: &Attribute) -> bool {
    let name = PASSWORDS.contains(&&*attribute.name.text);
    name && hcl::text(&attribute.expression).is_some_and(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::tests::check;

    #[test]
    fn only_what_reaches_the_state_is_reported() {
        check(
            "secret-in-state",
            &[(
                "main.tf",
                "variable \"api_token\" {}\nvariable \"use_token\" { type = bool }\nvariable \"key_name\" {}\nprovider \"x\" {\n  token = var.api_token\n}\nresource \"x_y\" \"a\" {\n  count  = var.api_token == \"\" ? 0 : 1\n  flag   = var.use_token\n  named  = var.key_name\n  hash   = sha256(var.api_token)\n  nested {\n    header = \"Bearer ${var.api_token}\"\n  }\n  connection {\n    password = var.api_token\n  }\n}\nresource \"x_y\" \"b\" {\n  password = \"hunter2\"\n}\n",
            )],
            &expect![[r#"
                main.tf:13:5: `x_y.a` keeps the secret `var.api_token` in the state
                main.tf:20:3: `x_y.b` has a password written out
            "#]],
        );
    }
}
