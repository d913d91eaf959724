//! The `#jinja2:` line with which a template file may change how it is read.

use minijinja::syntax::SyntaxConfig;

use crate::{FileOptions, TemplateError, TemplateErrorKind, engine};

const MARK: &str = "#jinja2:";

/// Splits the header off; the options are those given, changed as the header says.
pub(crate) fn split<'a>(
    text: &'a str,
    options: &FileOptions,
) -> Result<(FileOptions, &'a str), TemplateError> {
    let mut options = options.clone();
    let Some(rest) = text.strip_prefix(MARK) else {
        return Ok((options, text));
    };
    let (line, body) = rest.split_once('\n').unwrap_or((rest, ""));
    for setting in line.split(',') {
        let (name, value) = setting.split_once(':').ok_or_else(|| wrong(setting))?;
        apply(&mut options, name.trim(), value.trim())?;
    }
    Ok((options, body))
}

fn apply(options: &mut FileOptions, name: &str, value: &str) -> Result<(), TemplateError> {
    let text = value.trim_matches(['\'', '"']);
    let places = [
        "block_start_string",
        "block_end_string",
        "variable_start_string",
        "variable_end_string",
        "comment_start_string",
        "comment_end_string",
    ];
    match name {
        "trim_blocks" => options.trim_blocks = boolean(value)?,
        "lstrip_blocks" => options.lstrip_blocks = boolean(value)?,
        "newline_sequence" => {
            options.newline_sequence = text.replace("\\n", "\n").replace("\\r", "\r");
        }
        _ => {
            let at = places
                .iter()
                .position(|place| *place == name)
                .ok_or_else(|| wrong(name))?;
            options.delimiters.get_or_insert_with(usual)[at] = text.to_owned();
        }
    }
    Ok(())
}

/// The usual delimiters.
pub(crate) fn usual() -> [String; 6] {
    ["{%", "%}", "{{", "}}", "{#", "#}"].map(str::to_owned)
}

fn boolean(value: &str) -> Result<bool, TemplateError> {
    match value {
        "True" | "true" => Ok(true),
        "False" | "false" => Ok(false),
        _ => Err(wrong(value)),
    }
}

fn wrong(what: &str) -> TemplateError {
    TemplateError::new(
        TemplateErrorKind::Syntax,
        format!("the `{MARK}` line does not know `{}`", what.trim()),
    )
}

/// The syntax that options ask for.
pub(crate) fn syntax(options: &FileOptions) -> Result<SyntaxConfig, TemplateError> {
    let Some(
        [
            block,
            block_end,
            variable,
            variable_end,
            comment,
            comment_end,
        ],
    ) = options.delimiters.clone()
    else {
        return Ok(engine::syntax_with(
            options.trim_blocks,
            options.lstrip_blocks,
        ));
    };
    SyntaxConfig::builder()
        .block_delimiters(block, block_end)
        .variable_delimiters(variable, variable_end)
        .comment_delimiters(comment, comment_end)
        .trim_blocks(options.trim_blocks)
        .lstrip_blocks(options.lstrip_blocks)
        .build()
        .map_err(|error| TemplateError::new(TemplateErrorKind::Syntax, error.to_string()))
}
