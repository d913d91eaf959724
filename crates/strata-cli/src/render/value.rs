//! Values and how they change, in the look of Terraform's plans.

use strata_core::{AttributePath, Marks, PathStep, Value};

use super::style::{BAD, CHANGE, GOOD, QUIET, paint};

/// Draws how values change, line by line.
pub(crate) struct ValueLines<'a> {
    /// Attributes whose change needs a new object.
    pub(crate) requires_replace: &'a [AttributePath],
    pub(crate) lines: Vec<String>,
}

/// What happens to one attribute or element.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sign {
    Add,
    Remove,
    Change,
    Same,
}

impl Sign {
    fn draw(self) -> String {
        match self {
            Sign::Add => paint(GOOD, "+"),
            Sign::Remove => paint(BAD, "-"),
            Sign::Change => paint(CHANGE, "~"),
            Sign::Same => " ".to_owned(),
        }
    }
}

impl ValueLines<'_> {
    /// Draws the attributes of an object at `indent` columns; those that stay as they are only by number.
    pub(crate) fn object(
        &mut self,
        before: &Value,
        after: &Value,
        path: &AttributePath,
        indent: usize,
    ) {
        let names = names(before, after);
        let width = names
            .iter()
            .filter(|(_, sign)| *sign != Sign::Same)
            .map(|(name, _)| name.chars().count())
            .max()
            .unwrap_or(0);
        let mut same = 0;
        for (name, sign) in names {
            if sign == Sign::Same {
                same += usize::from(!get(after, &name).is_null());
                continue;
            }
            let step = if matches!(after.unmarked(), Value::Map(..))
                || matches!(before.unmarked(), Value::Map(..))
            {
                PathStep::Key(name.as_str().into())
            } else {
                PathStep::Attribute(name.as_str().into())
            };
            let label = if matches!(step, PathStep::Key(_)) {
                format!("{name:?}")
            } else {
                name.clone()
            };
            let padded = format!(
                "{label:<width$}",
                width = width + label.chars().count() - name.chars().count()
            );
            self.entry(
                &padded,
                get(before, &name),
                get(after, &name),
                sign,
                &path.then(step),
                indent,
            );
        }
        if same > 0 {
            let noun = if same == 1 { "attribute" } else { "attributes" };
            self.push(
                indent,
                Sign::Same,
                &paint(QUIET, &format!("# ({same} unchanged {noun} hidden)")),
            );
        }
    }

    fn entry(
        &mut self,
        label: &str,
        before: &Value,
        after: &Value,
        sign: Sign,
        path: &AttributePath,
        indent: usize,
    ) {
        let forced = if self.requires_replace.iter().any(|wanted| wanted == path) {
            paint(BAD, " # forces replacement")
        } else {
            String::new()
        };
        if is_shown_inside(before)
            && is_shown_inside(after)
            && (before.as_entries().is_some() || after.as_entries().is_some())
        {
            self.push(indent, sign, &format!("{label} = {{{forced}"));
            self.object(before, after, path, indent + 4);
            self.push(indent, Sign::Same, "}");
        } else if is_shown_inside(before)
            && is_shown_inside(after)
            && (before.as_sequence().is_some() || after.as_sequence().is_some())
        {
            self.push(indent, sign, &format!("{label} = [{forced}"));
            self.sequence(before, after, path, indent + 4);
            self.push(indent, Sign::Same, "]");
        } else {
            let text = match sign {
                Sign::Add | Sign::Same => short(after),
                Sign::Remove => format!("{} -> null", short(before)),
                Sign::Change => format!("{} -> {}", short(before), short(after)),
            };
            self.push(indent, sign, &format!("{label} = {text}{forced}"));
        }
    }

    /// Elements that are in both stay, in the order of `after`; those only in one are added or removed.
    fn sequence(&mut self, before: &Value, after: &Value, path: &AttributePath, indent: usize) {
        let (old, new) = (
            before.as_sequence().unwrap_or_default(),
            after.as_sequence().unwrap_or_default(),
        );
        for item in old.iter().filter(|item| !new.contains(item)) {
            self.element(item, Sign::Remove, path, indent);
        }
        let mut same = 0;
        for item in new {
            if old.contains(item) {
                same += 1;
            } else {
                self.element(item, Sign::Add, path, indent);
            }
        }
        if same > 0 {
            let noun = if same == 1 { "element" } else { "elements" };
            self.push(
                indent,
                Sign::Same,
                &paint(QUIET, &format!("# ({same} unchanged {noun} hidden)")),
            );
        }
    }

    fn element(&mut self, item: &Value, sign: Sign, path: &AttributePath, indent: usize) {
        if item.as_entries().is_none() || !is_shown_inside(item) {
            self.push(indent, sign, &format!("{},", short(item)));
            return;
        }
        let nothing = Value::Null(strata_core::Type::Dynamic);
        self.push(indent, sign, "{");
        let (before, after) = if sign == Sign::Remove {
            (item, &nothing)
        } else {
            (&nothing, item)
        };
        self.object(before, after, path, indent + 4);
        self.push(indent, Sign::Same, "},");
    }

    fn push(&mut self, indent: usize, sign: Sign, text: &str) {
        self.lines
            .push(format!("{:indent$}{} {text}", "", sign.draw()));
    }
}

/// The names in either value, sorted, with what happens to each; those that are null in both are left out.
fn names(before: &Value, after: &Value) -> Vec<(String, Sign)> {
    let mut names: Vec<&str> = [before, after]
        .into_iter()
        .filter_map(Value::as_entries)
        .flatten()
        .map(|(name, _)| &**name)
        .collect();
    names.sort_unstable();
    names.dedup();
    let sign = |name: &str| {
        let (before, after) = (get(before, name), get(after, name));
        match (is_nothing(before), is_nothing(after)) {
            (true, true) => None,
            _ if before == after => Some(Sign::Same),
            (true, false) => Some(Sign::Add),
            (false, true) => Some(Sign::Remove),
            (false, false) => Some(Sign::Change),
        }
    };
    names
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), sign(name)?)))
        .collect()
}

/// Null, or a collection without elements: there is nothing to show.
fn is_nothing(value: &Value) -> bool {
    let no_items = value.as_sequence().is_some_and(<[Value]>::is_empty);
    value.is_null()
        || no_items
        || matches!(value.unmarked(), Value::Map(_, entries) if entries.is_empty())
}

fn get<'a>(value: &'a Value, name: &str) -> &'a Value {
    const NOTHING: &Value = &Value::Null(strata_core::Type::Dynamic);
    value.get(name).unwrap_or(NOTHING)
}

fn is_shown_inside(value: &Value) -> bool {
    !value.marks().contains(Marks::SENSITIVE) && value.is_known()
}

/// A value in one line, as HCL; sensitive and unknown ones by what they are.
pub(crate) fn short(value: &Value) -> String {
    if value.marks().contains(Marks::SENSITIVE) {
        return "(sensitive value)".to_owned();
    }
    match value.unmarked() {
        Value::Null(_) => "null".to_owned(),
        Value::Unknown(_) => "(known after apply)".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => format!("{text:?}"),
        Value::List(_, items) | Value::Set(_, items) | Value::Tuple(items) => {
            format!(
                "[{}]",
                items.iter().map(short).collect::<Vec<_>>().join(", ")
            )
        }
        Value::Map(_, entries) | Value::Object(entries) => {
            let entries: Vec<_> = entries
                .iter()
                .map(|(name, value)| format!("{name:?} = {}", short(value)))
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
        Value::Marked(value, _) => short(value),
    }
}

/// A value over several lines, as `terraform output` and `console` write it.
pub(crate) fn long(value: &Value, indent: usize) -> String {
    let pad = " ".repeat(indent + 2);
    let end = " ".repeat(indent);
    if value.marks().contains(Marks::SENSITIVE) {
        return "(sensitive value)".to_owned();
    }
    match value.unmarked() {
        Value::List(_, items) | Value::Tuple(items) | Value::Set(_, items) if !items.is_empty() => {
            let (open, close) = match value.unmarked() {
                Value::List(..) => ("tolist([", "])"),
                Value::Set(..) => ("toset([", "])"),
                _ => ("[", "]"),
            };
            let items: Vec<_> = items
                .iter()
                .map(|item| format!("{pad}{},\n", long(item, indent + 2)))
                .collect();
            format!("{open}\n{}{end}{close}", items.concat())
        }
        Value::Map(_, entries) | Value::Object(entries) if !entries.is_empty() => {
            let (open, close) = if matches!(value.unmarked(), Value::Map(..)) {
                ("tomap({", "})")
            } else {
                ("{", "}")
            };
            let entries: Vec<_> = entries
                .iter()
                .map(|(name, value)| format!("{pad}{name:?} = {}\n", long(value, indent + 2)))
                .collect();
            format!("{open}\n{}{end}{close}", entries.concat())
        }
        value => short(value),
    }
}
