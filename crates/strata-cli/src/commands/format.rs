//! `fmt`: configuration files in the usual style.

use std::{
    io::{Read, Write, stdin, stdout},
    path::{Path, PathBuf},
};

use anstream::print;
use similar::TextDiff;
use strata_core::{Diagnostic, Diagnostics};
use strata_ops::format::{FormatOptions, Formatted, format, format_text};

use super::{Exit, complain};
use crate::{args, output_lost};

/// A file has mistakes or cannot be read.
const MISTAKEN: Exit = 2;

/// With `-check`, a file would change.
const WOULD_CHANGE: Exit = 3;

/// What to say about a file that changes.
struct Report {
    list: bool,
    diff: bool,
    /// The whole file, changed or not.
    content: bool,
}

pub(super) fn run(arguments: &args::Format) -> Result<Exit, Diagnostics> {
    let from_input = arguments.targets.first().is_some_and(|path| path == "-");
    let (list, write) = (
        arguments.list && !from_input,
        arguments.write && !from_input,
    );
    let report = Report {
        list: list || arguments.check,
        diff: arguments.diff,
        content: !list && !write && !arguments.diff && !arguments.check,
    };
    let options = FormatOptions {
        paths: targets(arguments),
        recursive: arguments.recursive,
        write: write && !arguments.check,
    };
    let (mut said, mut diags) = (String::new(), Diagnostics::new());
    let mut each = |formatted: Formatted| {
        let text = report.of(&formatted);
        // A check says nothing if there are mistakes, so its words are kept.
        if arguments.check {
            said.push_str(&text)
        } else if let (true, Some(raw)) = (report.content, &formatted.raw) {
            let mut bytes = raw.clone();
            if bytes.last() != Some(&b'\n') {
                bytes.push(b'\n');
            }
            output_lost::heed(stdout().lock().write_all(&bytes));
        } else {
            print!("{text}")
        }
    };
    if from_input {
        standard_input(&mut each, &mut diags);
    } else {
        format(&options, &mut each, &mut diags);
    }
    complain(&diags);
    if diags.has_errors() {
        return Ok(MISTAKEN);
    }
    if list {
        print!("{said}");
    }
    Ok(if said.is_empty() { 0 } else { WOULD_CHANGE })
}

fn targets(arguments: &args::Format) -> Vec<PathBuf> {
    if arguments.targets.is_empty() {
        return vec![PathBuf::from(".")];
    }
    arguments.targets.clone()
}

fn standard_input(each: &mut dyn FnMut(Formatted), diags: &mut Diagnostics) {
    let mut text = Vec::new();
    let read = stdin().lock().read_to_end(&mut text);
    let formatted = read.map_err(|error| {
        Diagnostic::error("unreadable", "Failed to read <stdin>")
            .detail(error.to_string())
            .into()
    });
    match formatted.and_then(|_| format_text("<stdin>", text)) {
        Ok(formatted) => each(formatted),
        Err(mistakes) => diags.extend(mistakes),
    }
}

impl Report {
    fn of(&self, formatted: &Formatted) -> String {
        let mut text = String::new();
        if formatted.changed() {
            if self.list {
                text.push_str(&formatted.name);
                text.push('\n');
            }
            if self.diff {
                text.push_str(&difference(formatted));
            }
        }
        if self.content {
            text.push_str(&formatted.after);
        }
        // As in Terraform, what is printed ends its line.
        if (self.content || !text.is_empty()) && !text.ends_with('\n') {
            text.push('\n');
        }
        text
    }
}

fn difference(formatted: &Formatted) -> String {
    let name = Path::new(&formatted.name).display();
    TextDiff::from_lines(&*formatted.before, formatted.after.as_str())
        .unified_diff()
        .header(&format!("old/{name}"), &format!("new/{name}"))
        .to_string()
}
