//! What `zypper --xmlout` prints: enough of XML for its flat elements.

/// One element: what stands in its tag, and what is between its tags.
pub(super) struct Element<'a> {
    head: &'a str,
    body: &'a str,
}

impl Element<'_> {
    pub(super) fn attribute(&self, name: &str) -> Option<String> {
        let (_, value) = self.head.split_once(&format!(" {name}=\""))?;
        value.split('"').next().map(unescape)
    }

    pub(super) fn text(&self) -> String {
        unescape(self.body)
    }

    /// The text of an element inside of it.
    pub(super) fn text_of(&self, name: &str) -> Option<String> {
        let inner = elements(self.body, name).next();
        inner.map(|inner| inner.text())
    }
}

/// All elements of a name, none of which is inside of another.
pub(super) fn elements<'a>(xml: &'a str, name: &str) -> impl Iterator<Item = Element<'a>> {
    let (start, end) = (format!("<{name}"), format!("</{name}>"));
    let mut rest = xml;
    std::iter::from_fn(move || {
        loop {
            let at = rest.find(&start)?;
            let inside = &rest[at + start.len()..];
            rest = inside;
            // Another element's name may begin with this one.
            if !inside.starts_with([' ', '>', '/']) {
                continue;
            }
            let (head, after) = inside.split_once('>')?;
            if head.ends_with('/') {
                return Some(Element { head, body: "" });
            }
            let body = after.find(&end).map_or(after, |at| &after[..at]);
            return Some(Element { head, body });
        }
    })
}

fn unescape(text: &str) -> String {
    let text = text.replace("&lt;", "<").replace("&gt;", ">");
    let text = text.replace("&quot;", "\"").replace("&apos;", "'");
    text.replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::elements;

    #[test]
    fn elements_are_found_with_their_attributes_and_texts() {
        let xml = "<repo-list><repo alias=\"a\" name=\"A &amp; B\"><url>http://h/</url></repo>\
                   <repo alias=\"b\"/></repo-list>";
        let all: Vec<_> = elements(xml, "repo").collect();
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].attribute("name").as_deref(), Some("A & B"));
        assert_eq!(all[0].text_of("url").as_deref(), Some("http://h/"));
        assert_eq!(all[1].attribute("alias").as_deref(), Some("b"));
        assert_eq!(all[1].attribute("url"), None);
    }
}
