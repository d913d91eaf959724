//! From expressions to bodies: which properties are blocks, and what their labels are.

use strata_core::{Diagnostic, Diagnostics};

use super::plain::key;
use crate::syntax::{
    ByteRange, Expression, Name,
    body::{Attribute, Block, Body},
    node::{Node, NodeKind, ObjectItem},
};

/// The blocks that a body may hold: each name, how many labels its blocks have, and what they hold in turn.
///
/// Every property that is not named here is an argument. Those that are named last are texts as they stand, in which
/// nothing is a template.
pub struct Shape(
    pub &'static [(&'static str, usize, &'static Shape)],
    pub &'static [&'static str],
);

/// What a block of a provider holds, before its schema is known.
static DYNAMIC: Shape = Shape(&[("dynamic", 1, &CONTENT)], &[]);
static CONTENT: Shape = Shape(&[("content", 0, &DYNAMIC)], &[]);

impl Shape {
    /// What the body of a resource may hold before its schema is known: `dynamic` blocks.
    pub const fn dynamic() -> &'static Shape {
        &DYNAMIC
    }

    fn find(&self, name: &str) -> Option<(usize, &'static Shape)> {
        let found = self.0.iter().find(|(known, ..)| *known == name);
        found.map(|(_, labels, inner)| (*labels, *inner))
    }
}

impl Body {
    /// The same body with the arguments that a schema calls blocks as blocks; `labels` gives how many labels the
    /// blocks of a name have. Only what is written in JSON changes.
    pub fn shaped(
        &self,
        labels: impl Fn(&str) -> Option<usize>,
        diags: &mut Diagnostics,
    ) -> Option<Body> {
        let is_block = |attribute: &&Attribute| {
            attribute.expression.is_json() && labels(&attribute.name.text).is_some()
        };
        self.attributes.iter().find(is_block)?;
        let mut body = self.clone();
        body.attributes.clear();
        for attribute in &self.attributes {
            let count = labels(&attribute.name.text).filter(|_| attribute.expression.is_json());
            match count {
                None => body.attributes.push(attribute.clone()),
                Some(count) => {
                    let mut maker = Maker {
                        within: &attribute.expression,
                        literal: Vec::new(),
                        diags,
                    };
                    let node = attribute.expression.node();
                    let (name, shape) = (&attribute.name, &DYNAMIC);
                    maker.blocks(name, node, count, shape, &mut Vec::new(), &mut body.blocks);
                }
            }
        }
        Some(body)
    }
}

/// Makes the body of a file: an object, or a list of objects that count together; and the places of texts that are
/// no templates.
pub(super) fn file(
    expression: &Expression,
    shape: &Shape,
    diags: &mut Diagnostics,
) -> Option<(Body, Vec<ByteRange>)> {
    let mut maker = Maker {
        within: expression,
        literal: Vec::new(),
        diags,
    };
    let node = expression.node();
    let (objects, wrong) = match &node.kind {
        NodeKind::Tuple(items) => (
            items.iter().collect(),
            (
                "Incorrect JSON value type",
                "Either a JSON object or JSON array of objects is required here, to define arguments and child blocks.",
            ),
        ),
        _ => (
            vec![node],
            (
                "Root value must be object",
                "The root value in a JSON-based configuration must be either a JSON object or a JSON array of objects.",
            ),
        ),
    };
    let mut body = maker.empty(node.range);
    for object in objects {
        let NodeKind::Object(items) = &object.kind else {
            maker.wrong(object, wrong.0, wrong.1);
            return None;
        };
        maker.fill(items, shape, &mut body);
    }
    Some((body, maker.literal))
}

struct Maker<'a> {
    within: &'a Expression,
    /// The places of texts that are no templates.
    literal: Vec<ByteRange>,
    diags: &'a mut Diagnostics,
}

impl Maker<'_> {
    fn empty(&self, range: ByteRange) -> Body {
        Body {
            source: self.within.source().clone(),
            attributes: Vec::new(),
            blocks: Vec::new(),
            range,
        }
    }

    fn wrong(&mut self, node: &Node, summary: &str, detail: &str) {
        self.diags.push(
            Diagnostic::error("invalid-json", summary)
                .detail(detail)
                .at(node.range.span(self.within.source())),
        );
    }

    fn name(&self, node: &Node) -> Name {
        Name {
            text: key(self.within, node),
            range: node.range,
        }
    }

    fn fill(&mut self, items: &[ObjectItem], shape: &Shape, body: &mut Body) {
        for item in items {
            let name = self.name(&item.key);
            if &*name.text == "//" {
                continue;
            }
            match shape.find(&name.text) {
                Some((labels, inner)) => self.blocks(
                    &name,
                    &item.value,
                    labels,
                    inner,
                    &mut Vec::new(),
                    &mut body.blocks,
                ),
                None => {
                    if shape.1.contains(&&*name.text) {
                        self.literal.push(item.value.range);
                    }
                    self.attribute(name, item, body);
                }
            }
        }
    }

    fn attribute(&mut self, name: Name, item: &ObjectItem, body: &mut Body) {
        if body.attribute(&name.text).is_some() {
            let detail = format!("The argument `{}` is set more than once.", name.text);
            self.wrong(&item.key, "Duplicate attribute definition", &detail);
            return;
        }
        body.attributes.push(Attribute {
            name,
            expression: self.within.part(&item.value),
        });
    }

    /// Adds the blocks of one name: one level of objects for each label, then a body or a list of them.
    fn blocks(
        &mut self,
        kind: &Name,
        node: &Node,
        labels: usize,
        shape: &Shape,
        found: &mut Vec<Name>,
        out: &mut Vec<Block>,
    ) {
        match &node.kind {
            NodeKind::Tuple(items) => {
                for item in items {
                    self.blocks(kind, item, labels, shape, found, out);
                }
            }
            NodeKind::Object(items) if labels > 0 => {
                for item in items
                    .iter()
                    .filter(|item| &*key(self.within, &item.key) != "//")
                {
                    let label = self.name(&item.key);
                    found.push(label);
                    self.blocks(kind, &item.value, labels - 1, shape, found, out);
                    found.pop();
                }
            }
            NodeKind::Object(items) => {
                let mut body = self.empty(node.range);
                self.fill(items, shape, &mut body);
                out.push(Block {
                    kind: kind.clone(),
                    labels: found.clone(),
                    body,
                    range: kind.range.to(node.range),
                });
            }
            NodeKind::Literal(value) if value.is_null() => {}
            _ => {
                let what = match labels {
                    0 => format!("the contents of one or more `{}` blocks", kind.text),
                    _ => format!("`{}` blocks by their labels", kind.text),
                };
                let detail = format!(
                    "Either a JSON object or a JSON array is required, representing {what}."
                );
                self.wrong(node, "Incorrect JSON value type", &detail);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use expect_test::{Expect, expect};
    use strata_core::Source;

    use super::*;
    use crate::parse_json;

    static LIFECYCLE: Shape = Shape(&[], &[]);
    static RESOURCE: Shape = Shape(
        &[("lifecycle", 0, &LIFECYCLE), ("dynamic", 1, &CONTENT)],
        &[],
    );
    static FILE: Shape = Shape(
        &[("resource", 2, &RESOURCE), ("locals", 0, &LIFECYCLE)],
        &[],
    );

    fn write(body: &Body, indent: usize, out: &mut String) {
        let space = "  ".repeat(indent);
        for attribute in &body.attributes {
            let expression = &attribute.expression;
            let references: Vec<_> = expression
                .references()
                .iter()
                .map(ToString::to_string)
                .collect();
            let at = expression.span().start;
            out.push_str(&format!(
                "{space}{} = {} at {}:{} {references:?}\n",
                attribute.name.text,
                expression.text(),
                at.line,
                at.column
            ));
        }
        for block in &body.blocks {
            let labels: Vec<_> = block.labels.iter().map(|label| &*label.text).collect();
            out.push_str(&format!("{space}{} {labels:?}\n", block.kind.text));
            write(&block.body, indent + 1, out);
        }
    }

    fn check(text: &str, expected: Expect) {
        let mut diags = Diagnostics::new();
        let body = parse_json(&Arc::new(Source::new("a.tf.json", text)), &FILE, &mut diags);
        let mut out = String::new();
        write(&body, 0, &mut out);
        for found in diags.iter() {
            let start = &found.labels[0].span.start;
            out.push_str(&format!(
                "{} at {}:{}\n",
                found.summary, start.line, start.column
            ));
        }
        expected.assert_eq(&out);
    }

    #[test]
    fn blocks_are_found_by_their_labels_and_comments_are_left_out() {
        check(
            r#"{
  "//": "a comment",
  "resource": {"a": {"b": {"x": "${var.y}", "//": 1, "lifecycle": [{"z": true}]}, "c": [{}, {"q": null}]}},
  "locals": [{"one": "1-${local.two}", "esc": "say \"${upper(\"x\")}\"\nthere ${local.one}"}]
}"#,
            expect![[r#"
                resource ["a", "b"]
                  x = "${var.y}" at 3:33 ["var.y"]
                  lifecycle []
                    z = true at 3:74 []
                resource ["a", "c"]
                resource ["a", "c"]
                  q = null at 3:99 []
                locals []
                  one = "1-${local.two}" at 4:22 ["local.two"]
                  esc = "say "${upper("x")}"
                there ${local.one}  at 4:47 ["local.one"]
            "#]],
        );
    }

    #[test]
    fn mistakes_are_reported_with_their_places() {
        check(
            r#"{"resource": "x"}"#,
            expect!["Incorrect JSON value type at 1:14\n"],
        );
        check("[1]", expect!["Incorrect JSON value type at 1:2\n"]);
        check("{\"a\": 1,}", expect!["Trailing comma in object at 1:8\n"]);
        check(
            "{\"a\" 1}",
            expect!["Missing property value colon at 1:6\n"],
        );
        check("{\n  \"a\": tru}", expect!["Invalid JSON keyword at 2:8\n"]);
        check(
            "{\"a\": [1, 2}",
            expect!["Missing item separator at 1:12\n"],
        );
        check("{\"a\": {", expect!["Unclosed object at 1:7\n"]);
        check("{\"a\": \"b\\x\"}", expect!["Invalid JSON string at 1:9\n"]);
        check("{} x", expect!["Extraneous data after value at 1:4\n"]);
        check("", expect!["Missing value at 1:1\n"]);
        check(&"[".repeat(10_000), expect!["Nesting too deep at 1:129\n"]);
    }

    #[test]
    fn strings_hold_references_types_and_literal_text() {
        let text = r#"{"a": ["x.y[0].z", "list(string)", "${no} $${x}", "all", 1]}"#;
        let mut diags = Diagnostics::new();
        let body = parse_json(&Arc::new(Source::new("a.tf.json", text)), &FILE, &mut diags);
        let list = body.attributes[0].expression.as_list().unwrap();
        assert_eq!(
            list[0].plain().as_traversal().unwrap().to_string(),
            "x.y[0].z"
        );
        assert!(list[1].plain().as_call().is_some());
        assert_eq!(list[2].json_value(), Some("${no} $${x}".into()));
        assert_eq!(list[3].plain().as_keyword(), Some("all"));
        assert!(diags.is_empty(), "{diags:?}");
    }
}
