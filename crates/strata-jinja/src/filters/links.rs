//! `urlize`: addresses in a text become links of HTML, as Jinja 3.1 makes them.

use std::{collections::BTreeSet, sync::LazyLock};

use minijinja::{
    Environment, Error, Value,
    value::{Kwargs, Rest},
};
use regex::Regex;

use super::{add, argument, refuse};
use crate::python;

pub(super) fn register(environment: &mut Environment<'static>) {
    add(environment, "urlize", urlize);
}

fn urlize(value: &Value, given: Rest<Value>, options: Kwargs) -> Result<String, Error> {
    if value.is_undefined() {
        return Err(Error::from(minijinja::ErrorKind::UndefinedError));
    }
    let limit: Option<usize> = argument(&given, &options, 0, "trim_url_limit")?;
    let nofollow: Option<bool> = argument(&given, &options, 1, "nofollow")?;
    let target: Option<String> = argument(&given, &options, 2, "target")?;
    let rel: Option<String> = argument(&given, &options, 3, "rel")?;
    let schemes: Option<Vec<String>> = argument(&given, &options, 4, "extra_schemes")?;
    options.assert_all_used()?;
    let rel = rel.unwrap_or_default();
    let mut words: BTreeSet<&str> = rel.split_whitespace().collect();
    // What Jinja does where nobody configures it.
    words.insert("noopener");
    if nofollow == Some(true) {
        words.insert("nofollow");
    }
    let words: Vec<&str> = words.into_iter().collect();
    let mut attributes = format!(" rel=\"{}\"", escaped(&words.join(" ")));
    if let Some(target) = target.filter(|target| !target.is_empty()) {
        attributes.push_str(&format!(" target=\"{}\"", escaped(&target)));
    }
    let schemes = schemes.unwrap_or_default();
    if let Some(wrong) = schemes.iter().find(|scheme| !is_scheme(scheme)) {
        return refuse(format!("`{wrong}` is not a valid URI scheme prefix"));
    }
    let links = Links {
        limit,
        attributes,
        schemes,
    };
    let text = escaped(&python::text(value));
    let mut out = String::new();
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let word = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let blank = rest[word..].find(|c: char| !c.is_whitespace());
        let end = blank.map_or(rest.len(), |blank| word + blank);
        out.push_str(&links.word(&rest[..word]));
        out.push_str(&rest[word..end]);
        rest = &rest[end..];
    }
    Ok(out)
}

struct Links {
    /// How many characters of an address are shown.
    limit: Option<usize>,
    /// What each link has besides its address.
    attributes: String,
    /// What else addresses may begin with.
    schemes: Vec<String>,
}

impl Links {
    /// A word without blanks, and with a link in it if there is an address.
    fn word(&self, word: &str) -> String {
        let (head, middle, tail) = parts(word);
        format!(
            "{head}{}{tail}",
            self.link(&middle).unwrap_or(middle.clone())
        )
    }

    fn link(&self, text: &str) -> Option<String> {
        let attributes = &self.attributes;
        if matches(&WEB, text) {
            let is_whole = text.starts_with("https://") || text.starts_with("http://");
            let scheme = if is_whole { "" } else { "https://" };
            let shown = self.shown(text);
            return Some(format!(
                "<a href=\"{scheme}{text}\"{attributes}>{shown}</a>"
            ));
        }
        let address = text.strip_prefix("mailto:");
        if let Some(address) = address.filter(|address| matches(&MAIL, address)) {
            return Some(format!("<a href=\"{text}\">{address}</a>"));
        }
        let is_address = text.contains('@') && !text.starts_with("www.") && !text.contains(':');
        if is_address && matches(&MAIL, text) {
            return Some(format!("<a href=\"mailto:{text}\">{text}</a>"));
        }
        let mut schemes = self.schemes.iter();
        schemes
            .any(|scheme| text != scheme && text.starts_with(scheme.as_str()))
            .then(|| format!("<a href=\"{text}\"{attributes}>{text}</a>"))
    }

    fn shown(&self, address: &str) -> String {
        match self.limit {
            Some(limit) if address.chars().count() > limit => {
                address.chars().take(limit).collect::<String>() + "..."
            }
            _ => address.to_owned(),
        }
    }
}

/// What stands before an address, the address, and what stands behind it: brackets around it and the ends of
/// sentences are none of it, but a bracket that is opened in it closes in it.
fn parts(word: &str) -> (&str, String, String) {
    let mut middle = word;
    while let Some(rest) = ["(", "<", "&lt;"]
        .iter()
        .find_map(|mark| middle.strip_prefix(mark))
    {
        middle = rest;
    }
    let head = &word[..word.len() - middle.len()];
    let whole = middle;
    let ends = [")", ">", ".", ",", "&gt;"];
    while let Some(rest) = ends.iter().find_map(|mark| middle.strip_suffix(mark)) {
        middle = rest;
    }
    let mut tail = &whole[middle.len()..];
    let mut middle = middle.to_owned();
    for (open, close) in [("(", ")"), ("<", ">"), ("&lt;", "&gt;")] {
        let opened = middle.matches(open).count();
        if opened <= middle.matches(close).count() {
            continue;
        }
        for _ in 0..opened.min(tail.matches(close).count()) {
            let (own, rest) = tail.split_at(tail.find(close).unwrap_or(0) + close.len());
            middle.push_str(own);
            tail = rest;
        }
    }
    (head, middle, tail.to_owned())
}

/// An address with a scheme, or one that begins with `www.`, or a name of a well-known kind; then perhaps a port and a path.
static WEB: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let name = r"(?:https?://|www\.)(?:[\w%-]+\.)*(?:[a-z]{2,63}|xn--[\w%]{2,59})";
    let known = r"(?:[\w%-]{2,63}\.)+(?:com|net|int|edu|gov|org|info|mil)";
    let number =
        r"https?://(?:\d{1,3}(?:\.\d{1,3}){3}|\[(?:[\da-f]{0,4}:){2}(?:[\da-f]{0,4}:?){1,6}\])";
    Regex::new(&format!(
        r"(?i)^(?:{name}|{known}|{number})(?::\d{{1,5}})?(?:[/?#]\S*)?$"
    ))
    .ok()
});

static MAIL: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\S+@\w[\w.-]*\.\w+$").ok());

fn matches(pattern: &LazyLock<Option<Regex>>, text: &str) -> bool {
    pattern
        .as_ref()
        .is_some_and(|pattern| pattern.is_match(text))
}

fn is_scheme(text: &str) -> bool {
    let Some((name, slashes)) = text.split_once(':') else {
        return false;
    };
    let known = |c: char| c.is_alphanumeric() || "_.+-".contains(c);
    name.chars().count() >= 2 && name.chars().all(known) && ["", "/", "//"].contains(&slashes)
}

/// A text for HTML.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\'' => out.push_str("&#39;"),
            '"' => out.push_str("&#34;"),
            c => out.push(c),
        }
    }
    out
}
