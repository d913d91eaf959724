//! As much of XML as the answers of S3 need: the texts of elements of a name.

/// The texts of all elements of this name, in their order.
pub(super) fn all(xml: &str, name: &str) -> Vec<String> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let after = xml.split(&open).skip(1);
    let texts = after.filter_map(|rest| rest.split_once(&close));
    texts.map(|(text, _)| unescape(text)).collect()
}

/// The text of the first element of this name.
pub(super) fn first(xml: &str, name: &str) -> Option<String> {
    all(xml, name).into_iter().next()
}

fn unescape(text: &str) -> String {
    let mut found = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        found.push_str(&rest[..at]);
        rest = &rest[at..];
        let entity = rest
            .find(';')
            .and_then(|end| Some((entity(&rest[1..end])?, end)));
        match entity {
            Some((character, end)) => {
                found.push(character);
                rest = &rest[end + 1..];
            }
            None => {
                found.push('&');
                rest = &rest[1..];
            }
        }
    }
    found + rest
}

fn entity(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix('x') {
                Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_elements_are_found_and_unescaped() {
        let xml = "<L><Key>a&amp;b</Key><K/><Key>&#x41;&lt;&nope; & c</Key><Key>torn";
        assert_eq!(all(xml, "Key"), ["a&b", "A<&nope; & c"]);
        assert_eq!(first(xml, "Code"), None);
    }
}
