//! In which block a place of a file is, for excerpts.

use std::sync::Arc;

use strata_core::{Diagnostics, Source, Span};
use strata_hcl::Block;

use crate::{load, test_file};

/// The outermost block around a place, as Terraform's diagnostics name it: `resource "terraform_data" "a"`, in JSON
/// `resource.terraform_data.a`. None outside of all blocks.
pub fn context(place: &Span, text: &str) -> Option<String> {
    let source = Arc::new(Source::new(place.file.clone(), text));
    let is_json = place.file.ends_with(".json");
    let mut unheard = Diagnostics::new();
    let body = match is_json {
        true => {
            let is_test = place.file.ends_with("test.json");
            let shape = if is_test {
                test_file::shape()
            } else {
                load::shape()
            };
            strata_hcl::parse_json(&source, shape, &mut unheard)
        }
        false => strata_hcl::parse(&source, &mut unheard),
    };
    let holds = |block: &&Block| {
        let span = block.span();
        span.start.byte < place.start.byte && place.start.byte < span.end.byte
    };
    let block = body.blocks.iter().find(holds)?;
    let labels = block.labels.iter();
    Some(match is_json {
        true => labels.fold(block.kind.text.to_string(), |name, label| {
            format!("{name}.{}", label.text)
        }),
        false => labels.fold(block.kind.text.to_string(), |name, label| {
            format!("{name} {:?}", &*label.text)
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(file: &str, text: &str, mark: &str, expected: Option<&str>) {
        let at = text.find(mark).expect("the mark is there");
        let span = Source::new(file, text).span(at..at + 1);
        assert_eq!(context(&span, text).as_deref(), expected);
    }

    #[test]
    fn the_outermost_block_around_a_place_is_named() {
        let text =
            "x = 1\nresource \"a\" \"b\" {\n  lifecycle {\n    precondition { y = 1 }\n  }\n}\n";
        check("main.tf", text, "y", Some("resource \"a\" \"b\""));
        check("main.tf", text, "x", None);
    }

    #[test]
    fn in_json_labels_are_properties() {
        let text = r#"{"resource": {"a": {"b": {"y": 1}}}, "locals": {"z": 2}}"#;
        check("main.tf.json", text, "y", Some("resource.a.b"));
        check("main.tf.json", text, "z", Some("locals"));
    }
}
