//! YAML: `yamldecode` reads 1.1 words and numbers as Terraform does, `yamlencode` writes its style.

mod read;
mod write;

use super::{Function, FunctionError, Kind, Parameter, Returns, text};
use strata_core::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "yamldecode",
        &[Parameter::new("src", Kind::String)],
        Returns::Dynamic,
        "Reads a document of YAML.",
        |given, _| {
            read::decode(text(given, 0)).map_err(|message| FunctionError::argument(0, message))
        },
    )
    .or_null(),
    Function::new(
        "yamlencode",
        &[Parameter::new("value", Kind::Any).nullable()],
        Returns::String,
        "Writes a value as a document of YAML.",
        |given, _| Ok(Value::from(write::encode(&given[0]))),
    ),
];
