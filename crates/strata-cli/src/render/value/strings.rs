//! How a string changes: by what is in it, if that is text of several lines, JSON, or encoded user data.

use strata_core::AttributePath;

use super::{change::ValueLines, quoted, text, user_data};

impl ValueLines<'_> {
    pub(super) fn strings(&self, before: &str, after: &str, indent: usize) -> String {
        let end = " ".repeat(indent + 2);
        if let (Some(old), Some(new)) = (text::json(before), text::json(after)) {
            // Only the blanks differ.
            if old == new {
                return format!("{} -> {}", quoted(before), quoted(after));
            }
            let inner = self.element(&old, &new, &AttributePath::root(), indent + 4);
            return format!(
                "jsonencode(\n{}{end})",
                inner.trim_end_matches(",\n").to_owned() + "\n"
            );
        }
        if let (Some(old), Some(new)) = (user_data::decode(before), user_data::decode(after))
            && old.text != new.text
        {
            let inner = text::difference(&old.text, &new.text, indent + 4);
            return format!("{}(<<-EOT\n{inner}{end}EOT)", new.function);
        }
        if let (Some(old), Some(new)) = (user_data::message(before), user_data::message(after))
            && old != new
        {
            return format!(
                "<<-EOT\n{}{end}EOT",
                text::difference(&old, &new, indent + 4)
            );
        }
        if before.contains('\n') || after.contains('\n') {
            let inner = text::difference(before, after, indent + 4);
            return format!("<<-EOT\n{inner}{end}EOT");
        }
        format!("{} -> {}", quoted(before), quoted(after))
    }
}
