//! The file's syntax: sections, `name = value` or `name: value`, comments, values that go on on indented lines.

/// One setting of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) section: String,
    pub(super) key: String,
    pub(super) value: String,
}

/// The settings in order, and the numbers of lines that make no sense.
pub(super) fn parse(text: &str) -> (Vec<Entry>, Vec<usize>) {
    let mut entries: Vec<Entry> = Vec::new();
    let mut wrong = Vec::new();
    let mut section = String::new();
    for (at, line) in text.lines().enumerate() {
        let words = without_comment(line);
        if words.is_empty() {
            continue;
        }
        if let Some(name) = words
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            name.trim().clone_into(&mut section);
        } else if line.starts_with([' ', '\t'])
            && let Some(last) = entries.last_mut()
        {
            last.value.push('\n');
            last.value.push_str(words);
        } else if let Some((key, value)) = words.split_once(['=', ':']) {
            entries.push(Entry {
                section: section.clone(),
                key: key.trim().to_ascii_lowercase(),
                value: unquoted(value.trim()).to_owned(),
            });
        } else {
            wrong.push(at + 1);
        }
    }
    (entries, wrong)
}

/// A line without comment: `#` and `;` begin one at the start, ` ;` anywhere.
fn without_comment(line: &str) -> &str {
    let line = line.trim();
    if line.starts_with(['#', ';']) {
        return "";
    }
    line.split(" ;").next().unwrap_or_default().trim_end()
}

fn unquoted(value: &str) -> &str {
    let quoted = ['"', '\''].iter().find_map(|quote| {
        value
            .strip_prefix(*quote)
            .and_then(|rest| rest.strip_suffix(*quote))
    });
    quoted.unwrap_or(value)
}
