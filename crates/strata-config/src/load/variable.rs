//! `variable` blocks.

use std::sync::Arc;

use strata_core::{Diagnostic, Diagnostics, Span, Value};
use strata_hcl::{Attribute, Block, TypeWithDefaults, type_expression};

use super::{fields, folder::duplicate};
use crate::module::{Module, Variable};

const ATTRIBUTES: [&str; 7] = [
    "type",
    "default",
    "description",
    "sensitive",
    "ephemeral",
    "deprecated",
    "nullable",
];

/// Names that mean something in `module` blocks.
const RESERVED: [&str; 8] = [
    "source",
    "version",
    "providers",
    "count",
    "for_each",
    "lifecycle",
    "depends_on",
    "locals",
];

pub(super) fn decode(block: &Block, module: &mut Module, diags: &mut Diagnostics) {
    let body = &block.body;
    fields::only(body, &ATTRIBUTES, &["validation"], diags);
    let name = block.labels[0].text.clone();
    let valid = valid_name(&name, block.label_span(0), diags);
    let ty = body
        .attribute("type")
        .map(|ty| type_expression(&ty.expression.plain(), diags));
    let nullable = fields::flag(body, "nullable", diags).unwrap_or(true);
    let default = body.attribute("default");
    let default = default.map(|default| default_value(default, ty.as_ref(), nullable, diags));
    let variable = Variable {
        name: name.clone(),
        default,
        ty,
        description: fields::text(body, "description", diags),
        validations: fields::checks(body, "validation", diags),
        sensitive: fields::flag(body, "sensitive", diags).unwrap_or(false),
        ephemeral: fields::flag(body, "ephemeral", diags).unwrap_or(false),
        deprecated: fields::text(body, "deprecated", diags),
        nullable,
        span: block.header_span(),
    };
    if let Some(first) = module.variables.get(&name) {
        let what = format!("A variable named `{name}`");
        diags.push(duplicate(
            "Duplicate variable declaration",
            what,
            &first.span,
            variable.span,
        ));
        return;
    }
    if valid {
        module.variables.insert(name, variable);
    }
}

fn valid_name(name: &Arc<str>, span: Option<Span>, diags: &mut Diagnostics) -> bool {
    if !RESERVED.contains(&&**name) {
        return fields::valid_name(name, span, "Invalid variable name", diags);
    }
    let found = Diagnostic::error("invalid-name", "Invalid variable name").detail(format!(
        "The variable name `{name}` is reserved due to its special meaning inside module blocks."
    ));
    diags.push(match span {
        Some(span) => found.at(span),
        None => found,
    });
    false
}

/// The default, converted; unknown after a mistake.
fn default_value(
    attribute: &Attribute,
    ty: Option<&TypeWithDefaults>,
    nullable: bool,
    diags: &mut Diagnostics,
) -> Value {
    let given = fields::constant(&attribute.expression, diags);
    let wrong = |why: String| {
        Diagnostic::error("invalid-default", "Invalid default value for variable")
            .detail(why)
            .at(attribute.expression.span())
    };
    if given.is_null() && !nullable {
        diags.push(wrong(
            "A null default value is not valid when nullable=false.".to_owned(),
        ));
    }
    let Some(ty) = ty else { return given };
    match ty.apply_defaults(&given).convert(&ty.ty) {
        Ok(value) => value,
        Err(error) => {
            let why = super::at_path(&error);
            diags.push(wrong(format!(
                "This default value is not compatible with the variable's type constraint: {why}."
            )));
            Value::unknown(ty.ty.without_optional())
        }
    }
}
