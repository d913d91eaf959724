//! The parts as one MIME message, byte for byte as Go's `mime/multipart` writes it.

/// One part.
pub(crate) struct Part<'a> {
    pub(crate) content: &'a str,
    pub(crate) content_type: &'a str,
    pub(crate) filename: Option<&'a str>,
    pub(crate) merge_type: Option<&'a str>,
}

/// Writes the message. Headers of a part stand in the order of their names.
pub(crate) fn message<'a>(boundary: &str, parts: impl Iterator<Item = Part<'a>>) -> String {
    let mut text = format!(
        "Content-Type: multipart/mixed; boundary=\"{boundary}\"\nMIME-Version: 1.0\r\n\r\n"
    );
    for (at, part) in parts.enumerate() {
        // The line break before a boundary belongs to it, and there is none before the first.
        let before = if at == 0 { "" } else { "\r\n" };
        text.push_str(&format!(
            "{before}--{boundary}\r\n{}\r\n{}",
            headers(&part),
            part.content
        ));
    }
    text.push_str(&format!("\r\n--{boundary}--\r\n"));
    text
}

fn headers(part: &Part<'_>) -> String {
    let mut text = String::new();
    if let Some(filename) = part.filename.filter(|filename| !filename.is_empty()) {
        text.push_str(&format!(
            "Content-Disposition: attachment; filename=\"{filename}\"\r\n"
        ));
    }
    text.push_str("Content-Transfer-Encoding: 7bit\r\n");
    if !part.content_type.is_empty() {
        text.push_str(&format!("Content-Type: {}\r\n", part.content_type));
    }
    text.push_str("Mime-Version: 1.0\r\n");
    if let Some(merge_type) = part.merge_type.filter(|merge_type| !merge_type.is_empty()) {
        text.push_str(&format!("X-Merge-Type: {merge_type}\r\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_stand_one_after_the_other_with_their_headers_in_order() {
        let parts = [
            Part {
                content: "baz",
                content_type: "text/x-shellscript",
                filename: None,
                merge_type: None,
            },
            Part {
                content: "a\n",
                content_type: "text/cloud-config",
                filename: Some("a.yaml"),
                merge_type: Some("list()"),
            },
        ];
        let expected = "Content-Type: multipart/mixed; boundary=\"MIMEBOUNDARY\"\nMIME-Version: 1.0\r\n\r\n\
            --MIMEBOUNDARY\r\nContent-Transfer-Encoding: 7bit\r\nContent-Type: text/x-shellscript\r\nMime-Version: 1.0\r\n\r\nbaz\r\n\
            --MIMEBOUNDARY\r\nContent-Disposition: attachment; filename=\"a.yaml\"\r\nContent-Transfer-Encoding: 7bit\r\n\
            Content-Type: text/cloud-config\r\nMime-Version: 1.0\r\nX-Merge-Type: list()\r\n\r\na\n\r\n--MIMEBOUNDARY--\r\n";
        assert_eq!(message("MIMEBOUNDARY", parts.into_iter()), expected);
    }
}
