//! Fills in the templates of `template_file`, by the language's own `templatestring`.

use std::{collections::BTreeMap, sync::Arc};

use strata_core::{Diagnostics, Source, Type, Value};
use strata_engine::SystemChance;
use strata_hcl::{Chance, Environment, Reference, Resolved, Scope, evaluate, parse_expression};

/// What [`fill_in`] evaluates.
const CALL: &str = "templatestring(template, vars)";

/// The two names in [`CALL`].
struct Given {
    template: Value,
    vars: Value,
    /// What `plantimestamp` gives: it is filled in where it is read.
    now: String,
}

impl Scope for Given {
    fn resolve(&self, reference: &Reference<'_>, _: &mut Diagnostics) -> Option<Resolved> {
        let value = match reference.root {
            "template" => &self.template,
            _ => &self.vars,
        };
        Some(Resolved::new(value.clone(), 0))
    }

    fn environment(&self) -> Environment<'_> {
        Environment {
            chance: Some(&SystemChance),
            plan_timestamp: Some(&self.now),
            ..Environment::none()
        }
    }
}

/// The text that a template gives with these variables; or why there is none, without what is in them, which may be
/// secret.
pub(crate) fn fill_in(
    template: &str,
    variables: &BTreeMap<String, String>,
) -> Result<String, String> {
    let mut diags = Diagnostics::new();
    let call = parse_expression(&Arc::new(Source::new("template", CALL)), &mut diags);
    let secret = |(name, value): (&String, &String)| {
        let value = Value::string(value.as_str()).sensitive();
        (name.clone(), value)
    };
    let given = Given {
        template: Value::string(template),
        vars: Value::object(variables.iter().map(secret)),
        now: SystemChance.now(),
    };
    let value = evaluate(&call, &given, &mut diags);
    if let Some(error) = diags.iter().find(|diagnostic| diagnostic.is_error()) {
        return Err(error.detail.clone());
    }
    let text = value.unmarked().convert(&Type::String);
    let text = text.map_err(|_| "It gives no text.".to_owned())?;
    let text = text.as_str().map(str::to_owned);
    text.ok_or_else(|| "It gives no text.".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(template: &str) -> Result<String, String> {
        let variables = [("name", "web"), ("ports", "80,443"), ("word", "hunter22")];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        fill_in(template, &variables.into())
    }

    #[test]
    fn templates_have_the_language_in_them() {
        let template = "${upper(name)}:%{ for port in split(\",\", ports) } ${port + 1}%{ endfor }";
        assert_eq!(filled(template), Ok("WEB: 81 444".to_owned()));
        assert_eq!(filled("${1 + 1}"), Ok("2".to_owned()));
        assert_eq!(filled("$${name} $name"), Ok("${name} $name".to_owned()));
        assert_eq!(filled(""), Ok(String::new()));
        assert_eq!(filled("${uuid()}").map(|id| id.len()), Ok(36));
        let times = filled("${timestamp()} ${plantimestamp()}").unwrap();
        assert_eq!(times.matches('Z').count(), 2, "{times}");
        assert!(filled("${null}").is_err());
    }

    #[test]
    fn mistakes_are_told_without_what_is_secret() {
        assert!(filled("${other}").unwrap_err().contains("\"other\""));
        assert!(filled("${split(\",\", ports)}").is_err());
        let why = filled("${word + 1}").unwrap_err();
        assert!(!why.contains("hunter22"), "{why}");
        assert!(filled("${name").is_err());
    }
}
