//! The way in: renders texts, values, files and conditions.

use std::sync::Arc;

use serde_json::Value as Json;

use crate::{Surroundings, TemplateError, Variables};

/// The language with all filters, tests and functions; made once and shared.
pub struct Engine {}

impl Engine {
    /// Makes the language.
    pub fn new() -> Arc<Self> {
        Arc::new(Self {})
    }
}

/// Renders for one set of variables. Cheap to make and to clone.
#[derive(Clone)]
#[expect(dead_code, reason = "the body follows")]
pub struct Templar {
    engine: Arc<Engine>,
    variables: Arc<dyn Variables>,
    surroundings: Arc<dyn Surroundings>,
}

/// How the `template` module wants a file rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileOptions {
    /// Whether the line break after a block is dropped.
    pub trim_blocks: bool,
    /// Whether blanks before a block are dropped.
    pub lstrip_blocks: bool,
    /// What line breaks become.
    pub newline_sequence: String,
    /// Other delimiters: block start and end, variable start and end, comment start and end.
    pub delimiters: Option<[String; 6]>,
}

impl FileOptions {
    /// As the `template` module does without options.
    pub fn ansible() -> Self {
        Self {
            trim_blocks: true,
            lstrip_blocks: false,
            newline_sequence: "\n".to_owned(),
            delimiters: None,
        }
    }
}

impl Templar {
    /// Joins the language, the variables and the world.
    pub fn new(
        engine: &Arc<Engine>,
        variables: Arc<dyn Variables>,
        surroundings: Arc<dyn Surroundings>,
    ) -> Self {
        Self {
            engine: engine.clone(),
            variables,
            surroundings,
        }
    }

    /// Renders every template in a value; `omit` drops out of mappings and lists.
    pub fn render(&self, value: &Json) -> Result<Json, TemplateError> {
        unimplemented!("{value}")
    }

    /// Renders one text; a single expression keeps its native type.
    pub fn render_text(&self, template: &str) -> Result<Json, TemplateError> {
        self.render(&Json::String(template.to_owned()))
    }

    /// Renders a template file's text.
    pub fn render_file(
        &self,
        name: &str,
        text: &str,
        options: &FileOptions,
    ) -> Result<String, TemplateError> {
        unimplemented!("{name} {text} {options:?}")
    }

    /// Evaluates a bare expression, as `until` or `debug: var=` has them.
    pub fn expression(&self, expression: &str) -> Result<Json, TemplateError> {
        unimplemented!("{expression}")
    }

    /// Evaluates a condition (`when`, `failed_when`, ...), which must be boolean.
    pub fn condition(&self, condition: &Json) -> Result<bool, TemplateError> {
        unimplemented!("{condition}")
    }
}
