//! Templates: text with values in it.

use std::{fmt::Write, sync::Arc};

use strata_core::{Marks, Type, Value, value::Unknown};

use crate::syntax::{
    ByteRange,
    node::{Node, NodeKind, StepKind, TemplateFor, TemplateIf, TemplatePart},
};

use super::{
    Evaluator,
    conditional::{CONDITION_TYPE, NULL_CONDITION},
    for_expression::Entries,
};

/// The text so far.
#[derive(Default)]
struct Output {
    text: String,
    marks: Marks,
    /// Set at the first unknown part; what was before is the known beginning.
    known: Option<usize>,
}

impl Evaluator<'_> {
    pub(super) fn template(&mut self, parts: &[TemplatePart]) -> Value {
        if let [TemplatePart::Interpolation(only)] = parts {
            return self.node(only);
        }
        let mut output = Output {
            text: std::mem::take(&mut self.template_text),
            ..Output::default()
        };
        self.parts(parts, &mut output);
        let value = match output.known {
            None => Value::from(&*crate::normal::text(&output.text)),
            Some(known) => Value::from(Unknown {
                ty: Type::String,
                not_null: true,
                prefix: (known > 0).then(|| Arc::from(&output.text[..known])),
                length: None,
            }),
        };
        output.text.clear();
        self.template_text = output.text;
        value.with_marks(output.marks)
    }

    fn parts(&mut self, parts: &[TemplatePart], output: &mut Output) {
        for part in parts {
            match part {
                TemplatePart::Text(text) => output.text.push_str(text),
                TemplatePart::Interpolation(node) if self.plain(node, output) => {}
                TemplatePart::Interpolation(node) => {
                    let value = self.node(node);
                    self.interpolate(&value, node.range, output);
                }
                TemplatePart::If(part) => self.template_if(part, output),
                TemplatePart::For(part) => self.template_for(part, output),
            }
        }
    }

    /// Writes the text or number that a variable of a `for`, or an attribute of it, is; false for all else.
    fn plain(&self, node: &Node, output: &mut Output) -> bool {
        match self.bound_part(node) {
            Some(Value::String(text)) => output.text.push_str(text),
            Some(Value::Number(number)) => {
                write!(output.text, "{number}").expect("writing to memory cannot fail");
            }
            _ => return false,
        }
        true
    }

    /// What a variable of a `for` holds, or an attribute of that, without a copy.
    fn bound_part(&self, node: &Node) -> Option<&Value> {
        let (name, steps) = match &node.kind {
            NodeKind::Variable(name) => (name, &[][..]),
            NodeKind::Access(of, steps) => match &of.kind {
                NodeKind::Variable(name) => (name, &steps[..]),
                _ => return None,
            },
            _ => return None,
        };
        steps.iter().try_fold(self.bound(name)?, |value, step| {
            let StepKind::Attribute(name) = &step.kind else {
                return None;
            };
            match value {
                Value::Object(entries) | Value::Map(_, entries) => entries.get(name),
                _ => None,
            }
        })
    }

    fn interpolate(&mut self, value: &Value, range: ByteRange, output: &mut Output) {
        output.marks |= value.marks();
        let detail = match value.unmarked() {
            Value::String(text) => return output.text.push_str(text),
            Value::Number(number) => {
                return write!(output.text, "{number}").expect("writing to memory cannot fail");
            }
            Value::Unknown(unknown) if unknown.ty.is_primitive() || unknown.ty == Type::Dynamic => {
                return output.unknown(unknown.prefix.as_deref());
            }
            Value::Null(_) => {
                "The expression result is null. Cannot include a null value in a string template."
                    .to_owned()
            }
            value => match value.convert(&Type::String) {
                Ok(Value::String(text)) => return output.text.push_str(&text),
                Ok(_) => return output.unknown(None),
                Err(error) => {
                    format!("Cannot include the given value in a string template: {error}.")
                }
            },
        };
        self.report(
            range,
            "invalid-template-value",
            "Invalid template interpolation value",
            detail,
        );
        output.unknown(None);
    }

    fn template_if(&mut self, part: &TemplateIf, output: &mut Output) {
        let condition = self.node(&part.condition);
        output.marks |= condition.marks();
        let (summary, detail) = match condition.unmarked() {
            Value::Null(_) => NULL_CONDITION,
            condition => match condition.convert(&Type::Bool) {
                Ok(Value::Bool(true)) => return self.parts(&part.then, output),
                Ok(Value::Bool(false)) => return self.parts(&part.otherwise, output),
                Ok(_) => return output.unknown(None),
                Err(_) => CONDITION_TYPE,
            },
        };
        self.report(part.condition.range, "invalid-condition", summary, detail);
        output.unknown(None);
    }

    fn template_for(&mut self, part: &TemplateFor, output: &mut Output) {
        let collection = self.node(&part.collection);
        output.marks |= collection.marks();
        let before = self.diags.len();
        match self.entries(&collection, part.collection.range) {
            Entries::Unknown | Entries::Mistaken => output.unknown(None),
            Entries::Known(count) => {
                let names = (part.key_name.as_ref(), &part.value_name);
                self.with_bound(names, |evaluator, slot| {
                    for at in 0..count {
                        evaluator.bind(slot, &collection, at);
                        evaluator.parts(&part.body, output);
                        if evaluator.diags.len() > before {
                            return;
                        }
                    }
                });
            }
        }
    }
}

impl Output {
    /// Takes an unknown text in, of which perhaps the beginning is known.
    fn unknown(&mut self, prefix: Option<&str>) {
        if self.known.is_none() {
            self.text.push_str(prefix.unwrap_or(""));
            self.known = Some(self.text.len());
        }
    }
}
