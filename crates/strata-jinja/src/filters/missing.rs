//! Filters that Strata knows of but does not have: they are refused by name when a template uses them.

use minijinja::{Environment, Error, ErrorKind, Value, value::Rest};

/// Names that users may expect, without the collection that minds them.
const MISSING: &[&str] = &["community.general.jc"];

pub(super) fn register(environment: &mut Environment<'static>) {
    for name in MISSING {
        environment.add_filter(*name, move |_: Rest<Value>| -> Result<Value, Error> {
            let message = format!("the filter `{name}` is not supported by Strata yet");
            let source =
                crate::TemplateError::new(crate::TemplateErrorKind::Unsupported, message.clone());
            Err(Error::new(ErrorKind::InvalidOperation, message).with_source(source))
        });
    }
}
