//! `.env` files, with the quoting rules of Docker Compose.
//!
//! A line is `NAME=value`, perhaps after `export`. Unquoted values end at ` #`; single quotes keep
//! everything but `\'`; double quotes know `\n`, `\r`, `\t`, `\"`, `\\` and `\$`; `${NAME}`, `$NAME` and
//! `${NAME:-default}` with its kin (`-`, `:+`, `+`, `:?`, `?`) stand for the process environment and for
//! earlier names except in single quotes.

use std::collections::BTreeMap;

use strata_core::{Diagnostic, Diagnostics, Source, Span};

/// Names and values in the order of the file; values may be secret, so this has no `Debug`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Variables(BTreeMap<String, String>);

impl Variables {
    /// One value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// All names and values.
    pub fn into_map(self) -> BTreeMap<String, String> {
        self.0
    }

    /// Adds or replaces all of `other`.
    pub fn extend(&mut self, other: Variables) {
        self.0.extend(other.0);
    }
}

impl FromIterator<(String, String)> for Variables {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Self {
        Self(variables.into_iter().collect())
    }
}

/// Reads a file; every line that is no assignment is reported, the others count.
pub fn parse(
    source: &Source,
    environment: &BTreeMap<String, String>,
    diags: &mut Diagnostics,
) -> Variables {
    let mut reader = Reader {
        source,
        at: 0,
        found: BTreeMap::new(),
        environment,
    };
    while reader.at < source.text.len() {
        let start = reader.at;
        if let Err(problem) = reader.line() {
            let end = source.text[start..]
                .find('\n')
                .map_or(source.text.len(), |length| start + length);
            diags.push(problem.at(source.span(start..end)));
            reader.at = reader.at.max(end + 1);
        }
    }
    Variables(reader.found)
}

/// What a file says of its names in comments: the lines right above one, and behind its value.
pub(crate) fn notes(source: &Source) -> Vec<Note> {
    let mut notes = Vec::new();
    let mut above: Vec<&str> = Vec::new();
    let mut at = 0;
    for line in source.text.split_inclusive('\n') {
        let text = line.trim();
        if let Some(comment) = text.strip_prefix('#') {
            above.push(comment.trim());
        } else if let Some((name, value)) = assignment(text) {
            let behind = value.rsplit_once(" #").map(|(_, comment)| comment.trim());
            let words: Vec<&str> = above.drain(..).chain(behind).collect();
            notes.push(Note {
                name: name.to_owned(),
                text: words.join(" ").trim().to_owned(),
                span: source.span(at..at + line.trim_end().len()),
            });
        } else {
            above.clear();
        }
        at += line.len();
    }
    notes
}

/// A name of an environment file, and what the file says of it.
pub(crate) struct Note {
    pub(crate) name: String,
    /// The comments, in one line; empty if there are none.
    pub(crate) text: String,
    pub(crate) span: Span,
}

fn assignment(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_prefix("export ").unwrap_or(text).trim_start();
    let (name, value) = text.split_once('=')?;
    is_name(name.trim_end()).then_some((name.trim_end(), value))
}

struct Reader<'a> {
    source: &'a Source,
    at: usize,
    found: BTreeMap<String, String>,
    environment: &'a BTreeMap<String, String>,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.source.text[self.at.min(self.source.text.len())..]
    }

    fn line(&mut self) -> Result<(), Diagnostic> {
        let line = self.rest().lines().next().unwrap_or_default().to_owned();
        let text = line.trim_start();
        if text.is_empty() || text.starts_with('#') {
            self.at += line.len() + 1;
            return Ok(());
        }
        let assignment = text.strip_prefix("export ").unwrap_or(text).trim_start();
        let Some((name, _)) = assignment.split_once('=') else {
            return Err(problem("a line needs the form `NAME=value`"));
        };
        let name = name.trim_end().to_owned();
        if !is_name(&name) {
            return Err(problem(
                "a name has letters, digits and underscores, and does not begin with a digit",
            ));
        }
        self.at += line.find('=').map_or(line.len(), |equals| equals + 1);
        self.at += self.rest().len() - self.rest().trim_start_matches([' ', '\t']).len();
        let value = match self.rest().chars().next() {
            Some('\'') => self.single_quoted()?,
            Some('"') => self.double_quoted()?,
            _ => self.unquoted()?,
        };
        self.found.insert(name, value);
        Ok(())
    }

    fn single_quoted(&mut self) -> Result<String, Diagnostic> {
        let inside = &self.rest()[1..];
        let closing = inside
            .match_indices('\'')
            .find(|(at, _)| !inside[..*at].ends_with('\\'));
        let Some((end, _)) = closing else {
            return Err(problem("a single quote is not closed"));
        };
        let value = inside[..end].replace("\\'", "'");
        self.after_quote(end + 2)?;
        Ok(value)
    }

    fn double_quoted(&mut self) -> Result<String, Diagnostic> {
        let mut value = String::new();
        let mut length = 1;
        let inside = self.rest()[1..].to_owned();
        let mut chars = inside.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    length += at + 1;
                    self.after_quote(length)?;
                    return Ok(value);
                }
                '\\' => value.push_str(&match chars.next() {
                    Some((_, 'n')) => "\n".to_owned(),
                    Some((_, 'r')) => "\r".to_owned(),
                    Some((_, 't')) => "\t".to_owned(),
                    Some((_, escaped @ ('"' | '\\' | '$'))) => escaped.to_string(),
                    Some((_, other)) => format!("\\{other}"),
                    None => "\\".to_owned(),
                }),
                '$' => {
                    let (text, used) = self.substitute(&inside[at..])?;
                    value.push_str(&text);
                    for _ in inside[at..at + used].chars().skip(1) {
                        chars.next();
                    }
                }
                c => value.push(c),
            }
        }
        Err(problem("a double quote is not closed"))
    }

    /// Goes on behind a closing quote: only blanks and a comment may follow.
    fn after_quote(&mut self, length: usize) -> Result<(), Diagnostic> {
        self.at += length;
        let after = self.rest().lines().next().unwrap_or_default().to_owned();
        self.at += after.len() + 1;
        let text = after.trim();
        if text.is_empty() || text.starts_with('#') {
            Ok(())
        } else {
            Err(problem("nothing may follow a closing quote"))
        }
    }

    fn unquoted(&mut self) -> Result<String, Diagnostic> {
        let line = self.rest().lines().next().unwrap_or_default().to_owned();
        self.at += line.len() + 1;
        let comment = line
            .find(" #")
            .or_else(|| line.find("\t#"))
            .unwrap_or(line.len());
        let text = line[..comment].trim_end();
        let mut value = String::new();
        let mut at = 0;
        while let Some(dollar) = text[at..].find('$') {
            value.push_str(&text[at..at + dollar]);
            let (substituted, used) = self.substitute(&text[at + dollar..])?;
            value.push_str(&substituted);
            at += dollar + used;
        }
        value.push_str(&text[at..]);
        Ok(value)
    }

    /// What a text that begins with `$` stands for, and how many bytes of it were used.
    fn substitute(&self, text: &str) -> Result<(String, usize), Diagnostic> {
        if let Some(inside) = text.strip_prefix("${")
            && let Some(end) = inside.find('}')
        {
            return Ok((self.expand(&inside[..end])?, end + 3));
        }
        let name = &text[1..1 + name_length(&text[1..])];
        if !is_name(name) {
            return Ok(("$".to_owned(), 1));
        }
        let value = self.lookup(name).unwrap_or_default();
        Ok((value.to_owned(), name.len() + 1))
    }

    /// What stands for the inside of `${…}`.
    fn expand(&self, inside: &str) -> Result<String, Diagnostic> {
        let (name, rest) = inside.split_at(name_length(inside));
        let set = self.lookup(name);
        let full = set.filter(|value| !value.is_empty());
        let (is_strict, operator) = match rest.strip_prefix(':') {
            Some(operator) => (true, operator),
            None => (false, rest),
        };
        let given = if is_strict { full } else { set };
        let value = match (operator.chars().next(), operator.get(1..)) {
            (None, _) if !is_strict && is_name(name) => set.unwrap_or_default(),
            (Some('-'), Some(default)) => given.unwrap_or(default),
            (Some('+'), Some(other)) => given.map_or("", |_| other),
            (Some('?'), Some(why)) => {
                given.ok_or_else(|| problem(&format!("`{name}` is not set: {why}")))?
            }
            _ => {
                let why = format!(
                    "`${{{inside}}}` is no name, with `-`, `+` or `?` and a text behind it"
                );
                return Err(problem(&why));
            }
        };
        Ok(value.to_owned())
    }

    fn lookup(&self, name: &str) -> Option<&str> {
        self.environment
            .get(name)
            .or_else(|| self.found.get(name))
            .map(String::as_str)
    }
}

/// How long the letters, digits and underscores at the beginning are.
fn name_length(text: &str) -> usize {
    text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(text.len())
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn problem(why: &str) -> Diagnostic {
    Diagnostic::error(
        "env-file",
        "This line of an environment file cannot be read",
    )
    .detail(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<(String, String)>, usize) {
        let mut diags = Diagnostics::new();
        let environment = [("HOME".to_owned(), "/root".to_owned())].into();
        let variables = parse(&Source::new(".env", text), &environment, &mut diags);
        (variables.0.into_iter().collect(), diags.len())
    }

    fn one(text: &str) -> String {
        let (variables, mistakes) = read(text);
        assert_eq!((variables.len(), mistakes), (1, 0), "{text}");
        variables.into_iter().next().unwrap().1
    }

    #[test]
    fn quotes_comments_and_substitutions_work_as_in_docker_compose() {
        assert_eq!(one("A=b c # comment"), "b c");
        assert_eq!(one("export A = 'b # $HOME'"), "b # $HOME");
        assert_eq!(one("A=\"x\\n\\\"${HOME}\\\" é\" # c"), "x\n\"/root\" é");
        assert_eq!(one("A=\"two\nlines\""), "two\nlines");
        assert_eq!(one("A=${NOTHING:-else}/$HOME/$5"), "else//root/$5");
        assert_eq!(one("A="), "");
        assert_eq!(one("A='Let\\'s go' # c"), "Let's go");
        assert_eq!(one("A=b#c"), "b#c");
        assert_eq!(one("# only\n\nA=b\n"), "b");
    }

    #[test]
    fn names_stand_for_values_in_all_the_ways_of_docker_compose() {
        let value = |text: &str| one(&format!("A={text}"));
        assert_eq!(value("${NO-x}${HOME-x}"), "x/root");
        assert_eq!(value("${HOME:+set}${NO:+set}${NO+set}"), "set");
        assert_eq!(value("${HOME:?needed}"), "/root");
        // The process environment wins, as it does for the names themselves.
        let (variables, _) = read("HOME=other\nEMPTY=\nA=$HOME${EMPTY:-x}${EMPTY-y}");
        assert_eq!(variables[0], ("A".into(), "/rootx".into()));
        assert_eq!(read("A=${NO:?is needed}").1, 1);
        assert_eq!(read("A=${HOME%%x}").1, 1);
    }

    #[test]
    fn notes_are_the_comments_above_a_name_and_behind_its_value() {
        let text = "# Settings\n\n# Where it listens,\n# on all addresses.\nPORT=80 # a number\n\nexport HOST=\n";
        let notes = notes(&Source::new(".env.example", text));
        let told: Vec<_> = notes
            .iter()
            .map(|note| (note.name.as_str(), note.text.as_str(), note.span.start.line))
            .collect();
        let port = ("PORT", "Where it listens, on all addresses. a number", 5);
        assert_eq!(told, [port, ("HOST", "", 7)]);
    }

    #[test]
    fn every_bad_line_is_reported_and_the_others_count() {
        let (variables, mistakes) = read("no assignment\nA=1\n1B=2\nC='open\nD=3");
        assert_eq!(mistakes, 3);
        assert_eq!(
            variables,
            [("A".into(), "1".into()), ("D".into(), "3".into())]
        );
    }
}
