//! Values that come, go or stay as a whole.

use std::borrow::Cow;

use strata_core::{AttributePath, Value, value::Entries};

use super::{
    change::{NOTHING, ValueLines, is_secret, label},
    quoted, short,
    sign::{Sign, line},
    text, user_data,
};

impl ValueLines<'_> {
    /// A whole value, all of it with one sign.
    pub(super) fn whole(&self, value: &Value, sign: Sign, indent: usize) -> String {
        if is_secret(value) || !value.is_known() {
            return short(value);
        }
        let end = || " ".repeat(indent + 2);
        if let Some(entries) = value.as_entries() {
            let entries = match sign {
                _ if entries.is_empty() => return "{}".to_owned(),
                Sign::Same => self.same_entries(entries, indent + 4),
                Sign::Remove => self.entries(value, NOTHING, &AttributePath::root(), indent + 4),
                _ => self.entries(NOTHING, value, &AttributePath::root(), indent + 4),
            };
            return format!("{{\n{entries}{}}}", end());
        }
        if let Some(items) = value.as_sequence() {
            if items.is_empty() {
                return "[]".to_owned();
            }
            let mut out = String::new();
            for item in items {
                let text = self.whole(item, sign, indent + 4);
                line(&mut out, indent + 4, sign, &format!("{text},"));
            }
            return format!("[\n{out}{}]", end());
        }
        let Some(text) = value.as_str() else {
            return short(value);
        };
        if let Some(inner) = text::json(text) {
            let inner = self.whole(&inner, sign, indent + 4);
            return format!("jsonencode(\n{:1$}{inner}\n{2})", "", indent + 6, end());
        }
        if let Some(decoded) = user_data::decode(text) {
            let inner = text::indented(&decoded.text, indent + 6);
            return format!("{}(<<-EOT\n{inner}{}EOT)", decoded.function, end());
        }
        let text = &*user_data::message(text).map_or(Cow::Borrowed(text), Cow::Owned);
        match text.trim_end_matches('\n').contains('\n') {
            true => format!("<<-EOT\n{}{}EOT", text::indented(text, indent + 6), end()),
            false => quoted(text),
        }
    }

    /// The entries of an object or map that stays as it is.
    fn same_entries(&self, entries: &Entries, indent: usize) -> String {
        let width = entries
            .keys()
            .map(|name| label(name).chars().count())
            .max()
            .unwrap_or(0);
        let mut out = String::new();
        for (name, value) in entries {
            let text = self.whole(value, Sign::Same, indent);
            let name = label(name);
            line(
                &mut out,
                indent,
                Sign::Same,
                &format!("{name:<width$} = {text}"),
            );
        }
        out
    }
}
