//! Reading XML: elements, attributes, texts, comments, instructions; entities are the five and numbers.

use super::document::{Document, Kind, NodeId};

/// No document nests deeper.
const DEEPEST: usize = 1_000;

/// Reads a text.
pub(super) fn parse(text: &str) -> Result<Document, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader {
        text,
        at: 0,
        document: None,
        open: Vec::new(),
        early: Vec::new(),
        doctype: None,
    };
    while reader.at < text.len() {
        reader.step()?;
    }
    reader.end()
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    document: Option<Document>,
    open: Vec<NodeId>,
    /// What stands before the root.
    early: Vec<Kind>,
    doctype: Option<String>,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn wrong<T>(&self, what: &str) -> Result<T, String> {
        let line = self.text[..self.at].matches('\n').count() + 1;
        Err(format!("{what}, line {line}"))
    }

    /// What stands up to a mark, which is passed.
    fn until(&mut self, from: usize, mark: &str, what: &str) -> Result<&'t str, String> {
        let rest = &self.rest()[from..];
        match rest.find(mark) {
            Some(length) => {
                self.at += from + length + mark.len();
                Ok(&rest[..length])
            }
            None => self.wrong(what),
        }
    }

    fn step(&mut self) -> Result<(), String> {
        let rest = self.rest();
        if rest.starts_with("<!--") {
            let text = self.until(4, "-->", "Comment not terminated")?;
            self.put(Kind::Comment(text.to_owned()))
        } else if rest.starts_with("<![CDATA[") {
            let text = self.until(9, "]]>", "CData section not finished")?;
            self.put(Kind::Data(text.to_owned()))
        } else if rest.starts_with("<?") {
            let text = self.until(2, "?>", "Processing instruction not finished")?;
            let is_declaration = text == "xml" || text.starts_with("xml ");
            match is_declaration {
                true => Ok(()),
                false => self.put(Kind::Instruction(text.to_owned())),
            }
        } else if rest.starts_with("<!DOCTYPE") {
            self.doctype()
        } else if rest.starts_with("</") {
            let name = self.until(2, ">", "end tag not finished")?.trim_end();
            self.close(name)
        } else if rest.starts_with('<') {
            self.element()
        } else {
            let length = rest.find('<').unwrap_or(rest.len());
            let text = self.unescape(&rest[..length])?;
            self.at += length;
            self.put(Kind::Text(text))
        }
    }

    /// A declaration of the document's type goes on until its brackets are closed.
    fn doctype(&mut self) -> Result<(), String> {
        let rest = self.rest();
        let mut depth = 0_usize;
        for (at, c) in rest.char_indices() {
            match c {
                '[' => depth += 1,
                ']' => depth = depth.saturating_sub(1),
                '>' if depth == 0 => {
                    self.doctype = Some(rest[..=at].to_owned());
                    self.at += at + 1;
                    return Ok(());
                }
                _ => {}
            }
        }
        self.wrong("DOCTYPE improperly terminated")
    }

    fn element(&mut self) -> Result<(), String> {
        let tag_end = self.tag_end()?;
        let inside = &self.rest()[1..tag_end];
        let (inside, is_empty) = match inside.strip_suffix('/') {
            Some(inside) => (inside, true),
            None => (inside, false),
        };
        let length = inside.find(char::is_whitespace).unwrap_or(inside.len());
        let (name, attributes) = inside.split_at(length);
        if name.is_empty() || name.contains(['<', '=', '"', '\'']) {
            return self.wrong("StartTag: invalid element name");
        }
        let element = Kind::Element {
            name: name.to_owned(),
            attributes: self.attributes(attributes)?,
            children: Vec::new(),
        };
        self.at += tag_end + 1;
        self.open(element, is_empty)
    }

    /// Where a tag ends, `>` in quotes passed over.
    fn tag_end(&self) -> Result<usize, String> {
        let mut quote = None;
        for (at, c) in self.rest().char_indices() {
            match (quote, c) {
                (None, '>') => return Ok(at),
                (None, '"' | '\'') => quote = Some(c),
                (Some(open), c) if open == c => quote = None,
                _ => {}
            }
        }
        self.wrong("Couldn't find end of Start Tag")
    }

    fn attributes(&self, text: &str) -> Result<Vec<(String, String)>, String> {
        let mut all: Vec<(String, String)> = Vec::new();
        let mut rest = text.trim();
        while !rest.is_empty() {
            let Some((name, behind)) = rest.split_once('=') else {
                return self.wrong("Specification mandates value for attribute");
            };
            let behind = behind.trim_start();
            let quote = behind.chars().next().filter(|c| matches!(c, '"' | '\''));
            let Some((value, behind)) = quote.and_then(|quote| behind[1..].split_once(quote))
            else {
                return self.wrong("AttValue: \" or ' expected");
            };
            let name = name.trim();
            if all.iter().any(|(known, _)| known == name) {
                return self.wrong(&format!("Attribute {name} redefined"));
            }
            all.push((name.to_owned(), self.unescape(value)?));
            rest = behind.trim_start();
        }
        Ok(all)
    }

    fn unescape(&self, text: &str) -> Result<String, String> {
        let text = text.replace("\r\n", "\n");
        let mut plain = String::new();
        let mut rest = text.as_str();
        while let Some((before, behind)) = rest.split_once('&') {
            plain.push_str(before);
            let Some((name, after)) = behind.split_once(';') else {
                return self.wrong("EntityRef: expecting ';'");
            };
            match entity(name) {
                Some(c) => plain.push(c),
                None => return self.wrong(&format!("Entity '{name}' not defined")),
            }
            rest = after;
        }
        plain.push_str(rest);
        Ok(plain)
    }

    fn open(&mut self, element: Kind, is_empty: bool) -> Result<(), String> {
        if self.open.len() > DEEPEST {
            return self.wrong("the document nests too deep");
        }
        let parent = self.open.last().copied();
        let id = match (&mut self.document, parent) {
            (Some(document), Some(parent)) => {
                let id = document.add(element);
                document.append(parent, id);
                id
            }
            (Some(_), None) => return self.wrong("Extra content at the end of the document"),
            (None, _) => {
                let document = self.document.insert(Document::new(element));
                for kind in self.early.drain(..) {
                    document.add_beside(kind, true);
                }
                document.root
            }
        };
        if !is_empty {
            self.open.push(id);
        }
        Ok(())
    }

    fn close(&mut self, name: &str) -> Result<(), String> {
        let open = self.open.pop();
        let expected = open.and_then(|id| self.document.as_ref()?.name(id));
        match expected == Some(name) {
            true => Ok(()),
            false => {
                let expected = expected.unwrap_or_default();
                self.wrong(&format!(
                    "Opening and ending tag mismatch: {expected} and {name}"
                ))
            }
        }
    }

    /// Adds something that is no element.
    fn put(&mut self, kind: Kind) -> Result<(), String> {
        let is_text = matches!(kind, Kind::Text(_) | Kind::Data(_));
        match (&mut self.document, self.open.last().copied()) {
            (Some(document), Some(parent)) => {
                let id = document.add(kind);
                document.append(parent, id);
                Ok(())
            }
            (_, None) if is_text => match &kind {
                Kind::Text(text) if text.trim().is_empty() => Ok(()),
                _ => self.wrong("Start tag expected, '<' not found"),
            },
            (Some(document), None) => {
                document.add_beside(kind, false);
                Ok(())
            }
            (None, _) => {
                self.early.push(kind);
                Ok(())
            }
        }
    }

    fn end(mut self) -> Result<Document, String> {
        if !self.open.is_empty() {
            return self.wrong("Premature end of data in a tag");
        }
        let Some(mut document) = self.document.take() else {
            return self.wrong("Document is empty");
        };
        if let Some(doctype) = &self.doctype {
            document.set_doctype(doctype);
        }
        Ok(document)
    }
}

fn entity(name: &str) -> Option<char> {
    let number = |digits: &str, base: u32| char::from_u32(u32::from_str_radix(digits, base).ok()?);
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        name => match (name.strip_prefix("#x"), name.strip_prefix('#')) {
            (Some(digits), _) => number(digits, 16),
            (None, Some(digits)) => number(digits, 10),
            (None, None) => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_written_as_it_was() {
        let check = |text: &str| {
            let whole = format!("<?xml version='1.0' encoding='UTF-8'?>\n{text}");
            assert_eq!(parse(&whole).unwrap().write(false), whole);
        };
        check("<a x=\"1\" y=\"&lt;&quot;\">t &amp; u<b/><!-- c --><![CDATA[<]]></a>");
        check(
            "<!DOCTYPE a [<!ENTITY x \"y\">]>\n<!-- before -->\n<a>\n  <p:b xmlns:p=\"u\"/>\n</a>",
        );
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        let check = |text: &str, why: &str| assert_eq!(parse(text).unwrap_err(), why);
        check(
            "<a>\n<b></a>",
            "Opening and ending tag mismatch: b and a, line 2",
        );
        check("<a", "Couldn't find end of Start Tag, line 1");
        check("<a>&no;</a>", "Entity 'no' not defined, line 1");
        check("", "Document is empty, line 1");
        check(
            "<a/><b/>",
            "Extra content at the end of the document, line 1",
        );
    }

    #[test]
    fn pretty_elements_stand_on_lines_of_their_own() {
        let mut document = parse("<a> <b><c>t</c> </b></a>").unwrap();
        document.remove_blanks();
        let text = document.write(true);
        let body = text.split_once('\n').unwrap().1;
        assert_eq!(body, "<a>\n  <b>\n    <c>t</c>\n  </b>\n</a>\n");
    }
}
