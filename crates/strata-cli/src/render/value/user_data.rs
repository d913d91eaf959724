//! User data for cloud-init inside a string: in base64, compressed or not, and as a MIME message of parts.
//!
//! What cloud-init accepts: <https://cloudinit.readthedocs.io/en/latest/explanation/format.html>.

use std::io::Read;

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use flate2::read::MultiGzDecoder;

/// Longer text is not looked into, in bytes; nor is what unpacks to more.
const MOST: usize = 1 << 20;

/// What all kinds of user data begin with.
const BEGINNINGS: [&str; 9] = [
    "#cloud-config",
    "#!",
    "## template:",
    "#include",
    "#cloud-boothook",
    "#part-handler",
    "#upstart-job",
    "Content-Type: multipart",
    "MIME-Version:",
];

/// User data that was encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decoded {
    /// The function that encodes it so.
    pub(super) function: &'static str,
    /// What is in it; the parts of a message are decoded, too.
    pub(super) text: String,
}

/// User data in base64, perhaps compressed; none if the text is anything else.
pub(super) fn decode(text: &str) -> Option<Decoded> {
    if text.len() < 8 || text.len() > MOST || text.contains(' ') {
        return None;
    }
    let bytes = unwrapped(text)?;
    let (function, bytes) = match bytes.starts_with(&[0x1f, 0x8b]) {
        true => ("base64gzip", unpacked(&bytes)?),
        false => ("base64encode", bytes),
    };
    let text = String::from_utf8(bytes).ok()?;
    let is_known = BEGINNINGS.iter().any(|begin| text.starts_with(begin));
    is_known.then(|| Decoded {
        function,
        text: message(&text).unwrap_or(text),
    })
}

/// A MIME message with its parts decoded and its line ends made plain; none if the text is none, or nothing changes.
pub(super) fn message(text: &str) -> Option<String> {
    let boundary = boundary(text)?;
    let plain = text.replace("\r\n", "\n");
    let delimiter = format!("\n--{boundary}");
    let mut pieces = plain.split(&*delimiter);
    let mut out = pieces.next()?.to_owned();
    for piece in pieces {
        out.push_str(&delimiter);
        out.push_str(&part(piece).unwrap_or_else(|| piece.to_owned()));
    }
    (out != text).then_some(out)
}

/// The boundary between the parts, if the headers name one.
fn boundary(text: &str) -> Option<&str> {
    let headers = text.get(..text.len().min(4096)).unwrap_or(text);
    if !BEGINNINGS[7..]
        .iter()
        .any(|begin| headers.starts_with(begin))
    {
        return None;
    }
    let (_, rest) = headers.split_once("boundary=")?;
    let rest = rest.strip_prefix('"').unwrap_or(rest);
    let end = rest.find(['"', '\r', '\n', ';']).unwrap_or(rest.len());
    Some(&rest[..end]).filter(|boundary| !boundary.is_empty())
}

/// One part with its body decoded; none if it is not encoded.
fn part(piece: &str) -> Option<String> {
    let (headers, body) = piece.split_once("\n\n")?;
    let is_encoded = headers.lines().any(|line| {
        let line = line.to_ascii_lowercase();
        let encoding = line.strip_prefix("content-transfer-encoding:");
        encoding.is_some_and(|encoding| encoding.trim() == "base64")
    });
    if !is_encoded {
        return None;
    }
    let bytes = unwrapped(body)?;
    let bytes = match bytes.starts_with(&[0x1f, 0x8b]) {
        true => unpacked(&bytes)?,
        false => bytes,
    };
    Some(format!("{headers}\n\n{}", String::from_utf8(bytes).ok()?))
}

/// Out of base64, whose lines may be broken.
fn unwrapped(text: &str) -> Option<Vec<u8>> {
    let joined: String = text.split_ascii_whitespace().collect();
    BASE64.decode(joined).ok()
}

fn unpacked(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut limited = MultiGzDecoder::new(bytes).take(MOST as u64 + 1);
    limited.read_to_end(&mut out).ok()?;
    (out.len() <= MOST).then_some(out)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(text: &str) -> String {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        packed.write_all(text.as_bytes()).unwrap();
        BASE64.encode(packed.finish().unwrap())
    }

    #[test]
    fn base64_and_compressed_base64_are_told_apart() {
        let text = "#cloud-config\npackages: [curl]\n";
        let decoded = |function| Decoded {
            function,
            text: text.to_owned(),
        };
        assert_eq!(decode(&BASE64.encode(text)), Some(decoded("base64encode")));
        assert_eq!(decode(&gzip(text)), Some(decoded("base64gzip")));
    }

    #[test]
    fn what_is_no_user_data_is_left_alone() {
        assert_eq!(decode(&BASE64.encode("just some words")), None);
        assert_eq!(decode(&gzip("just some words")), None);
        assert_eq!(decode("not base64 at all"), None);
        assert_eq!(message("#cloud-config\na: 1\n"), None);
        let bomb = format!("#cloud-config\n{}", " ".repeat(MOST + 1));
        assert_eq!(decode(&gzip(&bomb)), None);
    }

    #[test]
    fn parts_of_a_message_are_decoded() {
        let body = BASE64.encode("#cloud-config\na: 1\n");
        let text = format!(
            "Content-Type: multipart/mixed; boundary=\"B\"\r\nMIME-Version: 1.0\r\n\r\n--B\r\n\
             Content-Transfer-Encoding: base64\r\nContent-Type: text/cloud-config\r\n\r\n{body}\r\n--B--\r\n"
        );
        let decoded = message(&text).unwrap();
        assert!(decoded.contains("text/cloud-config\n\n#cloud-config\na: 1\n\n--B--\n"));
        let packed = decode(&gzip(&text)).unwrap();
        assert_eq!(packed.text, decoded);
    }
}
