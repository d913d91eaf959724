//! A line of a service in `/etc/pam.d`.

use crate::module::ModuleError;

/// What tells one rule from the others.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Head {
    pub(super) kind: String,
    pub(super) control: String,
    pub(super) module: String,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rule {
    pub(super) head: Head,
    pub(super) arguments: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Line {
    /// A comment, or nothing.
    Blank(String),
    Include(String),
    Rule(Rule),
}

pub(super) const KINDS: &[&str] = &[
    "account",
    "-account",
    "auth",
    "-auth",
    "password",
    "-password",
    "session",
    "-session",
];

const CONTROLS: &[&str] = &[
    "required",
    "requisite",
    "sufficient",
    "optional",
    "include",
    "substack",
    "definitive",
];

/// What a module may answer, in a control in brackets; from `pam.d(5)`.
const ANSWERS: &[&str] = &[
    "success",
    "open_err",
    "symbol_err",
    "service_err",
    "system_err",
    "buf_err",
    "perm_denied",
    "auth_err",
    "cred_insufficient",
    "authinfo_unavail",
    "user_unknown",
    "maxtries",
    "new_authtok_reqd",
    "acct_expired",
    "session_err",
    "cred_unavail",
    "cred_expired",
    "cred_err",
    "no_module_data",
    "conv_err",
    "authtok_err",
    "authtok_recover_err",
    "authtok_lock_busy",
    "authtok_disable_aging",
    "try_again",
    "ignore",
    "abort",
    "authtok_expired",
    "module_unknown",
    "bad_item",
    "conv_again",
    "incomplete",
    "default",
];

/// What is done about an answer, beside a number of rules to leave out.
const ACTIONS: &[&str] = &["ignore", "bad", "die", "ok", "done", "reset"];

impl Line {
    pub(super) fn head(&self) -> Option<&Head> {
        match self {
            Line::Rule(rule) => Some(&rule.head),
            _ => None,
        }
    }

    pub(super) fn shown(&self) -> String {
        match self {
            Line::Blank(text) | Line::Include(text) => text.clone(),
            Line::Rule(rule) => rule.shown(),
        }
    }
}

impl Rule {
    pub(super) fn shown(&self) -> String {
        let Head {
            kind,
            control,
            module,
        } = &self.head;
        let mut shown = format!("{kind:<11}{control} {module}");
        for argument in &self.arguments {
            shown.push(' ');
            shown.push_str(argument);
        }
        shown
    }

    /// Has an argument, or its value where it has one.
    pub(super) fn add(&mut self, argument: &str) {
        let Some((name, _)) = argument.split_once('=') else {
            if !self.arguments.iter().any(|there| there == argument) {
                self.arguments.push(argument.to_owned());
            }
            return;
        };
        let is_same = |there: &&mut String| {
            let named = there.split_once('=').map(|(name, _)| name);
            !there.starts_with('[') && named == Some(name)
        };
        match self.arguments.iter_mut().find(is_same) {
            Some(there) => argument.clone_into(there),
            None => self.arguments.push(argument.to_owned()),
        }
    }

    pub(super) fn validate(&self) -> Result<(), ModuleError> {
        let wrong = |what: String| {
            let shown = self.shown();
            Err(ModuleError::new(format!(
                "Rule {what}, is not valid in rule {shown}"
            )))
        };
        let Head { kind, control, .. } = &self.head;
        if !KINDS.contains(&kind.as_str()) {
            return wrong(format!("type, {kind}"));
        }
        let Some(inner) = control.strip_prefix('[') else {
            return match CONTROLS.contains(&control.as_str()) {
                true => Ok(()),
                false => wrong(format!("control, {control}")),
            };
        };
        for pair in inner.trim_end_matches(']').split_whitespace() {
            let (answer, action) = pair.split_once('=').unwrap_or((pair, ""));
            if !ANSWERS.contains(&answer) {
                return wrong(format!("control value, {answer}"));
            }
            if !ACTIONS.contains(&action) && action.parse::<u32>().is_err() {
                return wrong(format!("control action, {action}"));
            }
        }
        Ok(())
    }
}

/// A control as it is compared: in brackets without gaps around `=`.
pub(super) fn control(text: &str) -> String {
    match text.strip_prefix('[') {
        Some(inner) => format!("[{}]", inner.replace(" = ", "=").replace(['[', ']'], "")),
        None => text.to_owned(),
    }
}

/// The arguments of a rule: words, and what stands in brackets with all its gaps.
pub(super) fn split_arguments(given: &[String]) -> Vec<String> {
    let mut arguments = Vec::new();
    for text in given {
        let mut rest = text.trim();
        while !rest.is_empty() {
            let end = word_end(rest).unwrap_or(rest.len());
            arguments.push(rest[..end].to_owned());
            rest = rest[end..].trim_start();
        }
    }
    arguments
}

/// Where a word ends; one in brackets, in which there may be gaps, at the bracket that is not escaped.
fn word_end(text: &str) -> Option<usize> {
    if !text.starts_with('[') {
        return text.find(char::is_whitespace);
    }
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        if c == ']' && before != '\\' {
            return Some(at + 1);
        }
        before = c;
    }
    text.find(char::is_whitespace)
}

pub(super) fn read(line: &str) -> Result<Line, ModuleError> {
    let text = line.trim_start();
    if text.starts_with('#') || text.trim().is_empty() {
        return Ok(Line::Blank(line.to_owned()));
    }
    if text.starts_with("@include") {
        return Ok(Line::Include(line.to_owned()));
    }
    let wrong = || ModuleError::new(format!("Rule is not valid {line}"));
    let (kind, rest) = text.split_once(char::is_whitespace).ok_or_else(wrong)?;
    let rest = rest.trim_start();
    let end = word_end(rest).ok_or_else(wrong)?;
    let (found, rest) = rest.split_at(end);
    let rest = rest.trim();
    let (module, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    Ok(Line::Rule(Rule {
        head: Head {
            kind: kind.to_owned(),
            control: control(found),
            module: module.to_owned(),
        },
        arguments: split_arguments(&[rest.to_owned()]),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> Rule {
        match read(text).unwrap() {
            Line::Rule(rule) => rule,
            line => panic!("{line:?}"),
        }
    }

    #[test]
    fn what_cannot_be_a_rule_is_a_mistake() {
        assert!(rule("auth [success=many] x.so").validate().is_err());
        assert!(rule("auth [success=1] x.so").validate().is_ok());
        assert!(rule("auth perhaps x.so").validate().is_err());
        assert!(read("auth").is_err());
    }
}
