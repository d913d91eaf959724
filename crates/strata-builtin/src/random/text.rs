//! Random text with rules on its characters: what `random_password` and `random_string` share.

use strata_core::{Diagnostic, Diagnostics, Value};
use strata_provider::{Plan, Schema};

use super::chance::Chance;
use crate::{Settings, failure::failed};

const NUMERIC: &str = "0123456789";
const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const SPECIAL: &str = "!@#$%&*()-_=+[]{}<>:?";

/// The arguments that say which characters a random text has.
#[derive(Default, Schema)]
pub(super) struct Characters {
    /// How many characters it has.
    #[schema(replace, range(1..=1048576))]
    length: i64,
    /// Whether upper-case letters may occur.
    #[schema(default = true, replace)]
    upper: bool,
    /// Whether lower-case letters may occur.
    #[schema(default = true, replace)]
    lower: bool,
    /// Whether digits may occur.
    #[schema(optional_computed, deprecated = "use `numeric`")]
    number: bool,
    /// Whether digits may occur. Default: `true`.
    #[schema(optional_computed)]
    numeric: bool,
    /// Whether special characters may occur: those of `override_special`, or `!@#$%&*()-_=+[]{}<>:?`.
    #[schema(default = true, replace)]
    special: bool,
    /// How many upper-case letters it has at least.
    #[schema(default = 0, replace, range(0..=1048576))]
    min_upper: i64,
    /// How many lower-case letters it has at least.
    #[schema(default = 0, replace, range(0..=1048576))]
    min_lower: i64,
    /// How many digits it has at least.
    #[schema(default = 0, replace, range(0..=1048576))]
    min_numeric: i64,
    /// How many special characters it has at least.
    #[schema(default = 0, replace, range(0..=1048576))]
    min_special: i64,
    /// The special characters that may occur.
    #[schema(replace)]
    override_special: Option<String>,
}

impl Characters {
    /// The rules that they are.
    pub(super) fn rules(&self) -> Rules<'_> {
        Rules {
            length: self.length,
            upper: (self.upper, self.min_upper),
            lower: (self.lower, self.min_lower),
            numeric: (self.numeric, self.min_numeric),
            special: (self.special, self.min_special),
            override_special: self.override_special.as_deref(),
        }
    }

    /// Those of a text that is there already, of which nobody says what it must be made of.
    pub(super) fn any(text: &str) -> Self {
        Self {
            length: text.chars().count() as i64,
            upper: true,
            lower: true,
            number: true,
            numeric: true,
            special: true,
            ..Self::default()
        }
    }
}

/// What text is wanted: for each family of characters whether it may occur, and how often it must.
pub(crate) struct Rules<'a> {
    pub(crate) length: i64,
    pub(crate) upper: (bool, i64),
    pub(crate) lower: (bool, i64),
    pub(crate) numeric: (bool, i64),
    pub(crate) special: (bool, i64),
    pub(crate) override_special: Option<&'a str>,
}

/// Makes the text.
pub(crate) fn make(rules: &Rules<'_>) -> Result<String, Diagnostics> {
    let mut chance = Chance::System;
    let special = rules.override_special.filter(|text| !text.is_empty());
    let families = [
        (NUMERIC, rules.numeric),
        (LOWER, rules.lower),
        (UPPER, rules.upper),
        (special.unwrap_or(SPECIAL), rules.special),
    ];
    let allowed: Vec<char> = families
        .iter()
        .filter(|(_, (may, _))| *may)
        .flat_map(|(family, _)| family.chars())
        .collect();
    if allowed.is_empty() {
        return Err(failed(
            "Create Random String Error",
            "The character set specified is empty.",
        ));
    }
    let mut text = Vec::new();
    for (family, (_, count)) in families {
        let family: Vec<char> = family.chars().collect();
        for _ in 0..count {
            text.push(*chance.pick(&family)?);
        }
    }
    while (text.len() as i64) < rules.length {
        text.push(*chance.pick(&allowed)?);
    }
    chance.shuffle(&mut text)?;
    Ok(text.into_iter().collect())
}

/// `number` and `numeric` are one thing under two names: what configuration says of one holds for both.
pub(crate) fn plan_numeric(plan: &mut Plan<'_, Settings>) {
    let said = |name: &str| {
        plan.config
            .get(name)
            .filter(|value| !value.is_null())
            .cloned()
    };
    let value = said("numeric")
        .or_else(|| said("number"))
        .unwrap_or(Value::Bool(true));
    plan.set_value("number", value.clone());
    plan.set_value("numeric", value);
    for name in ["number", "numeric"] {
        // States of old versions lack one of the two; that it is filled in changes nothing.
        if plan.before::<bool>(name).is_some() && plan.changes(name) {
            plan.replace(name);
        }
    }
}

/// Checks rules between arguments.
pub(crate) fn validate(config: &Value, diags: &mut Diagnostics) {
    let flag = |name: &str| config.get(name).and_then(Value::as_bool);
    if let (Some(number), Some(numeric)) = (flag("number"), flag("numeric"))
        && number != numeric
    {
        let summary = "Number and Numeric are Inconsistent";
        let detail = "`number` and `numeric` mean the same and must not differ.";
        diags.push(Diagnostic::error("invalid-attribute-value", summary).detail(detail));
    }
    let count = |name: &str| {
        let number = config.get(name).and_then(Value::as_number);
        number.and_then(strata_core::Number::as_i64)
    };
    let least = ["min_upper", "min_lower", "min_numeric", "min_special"];
    let least: i64 = least
        .iter()
        .filter_map(|name| count(name))
        .fold(0, i64::saturating_add);
    if count("length").is_some_and(|length| length < least) {
        let detail = format!(
            "`length` must be at least `min_upper` + `min_lower` + `min_numeric` + `min_special`, which is {least}."
        );
        diags.push(
            Diagnostic::error(
                "invalid-attribute-value",
                "Invalid attribute value in `length`",
            )
            .detail(detail),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> Rules<'static> {
        Rules {
            length: 12,
            upper: (true, 0),
            lower: (true, 0),
            numeric: (true, 0),
            special: (true, 0),
            override_special: None,
        }
    }

    #[test]
    fn characters_are_of_the_families_allowed() {
        let only_digits = Rules {
            upper: (false, 0),
            lower: (false, 0),
            special: (false, 0),
            ..rules()
        };
        let text = make(&only_digits).unwrap();
        assert!(
            text.len() == 12 && text.chars().all(|c| c.is_ascii_digit()),
            "{text}"
        );
        let own = Rules {
            override_special: Some("_"),
            special: (true, 9),
            upper: (false, 0),
            lower: (false, 0),
            ..rules()
        };
        let text = make(&own).unwrap();
        assert!(
            text.matches('_').count() >= 9 && text.chars().all(|c| c == '_' || c.is_ascii_digit()),
            "{text}"
        );
    }

    #[test]
    fn every_family_occurs_as_often_as_it_must() {
        let text = make(&Rules {
            upper: (false, 3),
            lower: (true, 3),
            numeric: (true, 3),
            special: (true, 3),
            ..rules()
        })
        .unwrap();
        let count = |test: fn(&char) -> bool| text.chars().filter(test).count();
        assert_eq!(count(char::is_ascii_uppercase), 3, "{text}");
        assert_eq!(count(char::is_ascii_lowercase), 3, "{text}");
        assert_eq!(count(char::is_ascii_digit), 3, "{text}");
    }

    #[test]
    fn without_any_family_there_is_no_text() {
        let none = Rules {
            upper: (false, 0),
            lower: (false, 0),
            numeric: (false, 0),
            special: (false, 0),
            ..rules()
        };
        assert!(make(&none).is_err());
    }
}
